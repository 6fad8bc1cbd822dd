"""A mail server and a provider that accept everything, cheaply, after a delay: `python -m tests.bench.sink 20 50`
(milliseconds of each reply of the one and of the other). Says its two ports, and ends with its standard input."""

import asyncio
import json
import sys

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


async def speak_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    writer.write(b"220 sink\r\n")
    while command := await reader.readline():
        verb = command[:4].upper()
        if delay:
            await asyncio.sleep(delay)
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            if delay:
                await asyncio.sleep(delay)
        writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 OK\r\n")
        if verb == b"QUIT":
            break
    writer.close()


async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except asyncio.IncompleteReadError:
            break
        body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if delay:
            await asyncio.sleep(delay)
        answer = {"ErrorCode": 0, "Message": "OK", "MessageID": "m", "To": json.loads(body)["To"]}
        data = json.dumps(answer).encode()
        writer.write(HEAD % (len(data), data))
    writer.close()


async def serve(smtp_delay: float, http_delay: float) -> None:
    loop = asyncio.get_running_loop()
    smtp = await asyncio.start_server(lambda r, w: speak_smtp(r, w, smtp_delay), "127.0.0.1", 0, limit=2**20)
    http = await asyncio.start_server(lambda r, w: speak_http(r, w, http_delay), "127.0.0.1", 0, limit=2**20)
    print(*(server.sockets[0].getsockname()[1] for server in (smtp, http)), flush=True)  # noqa: T201
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(*(float(milliseconds) / 1000 for milliseconds in sys.argv[1:3])))
