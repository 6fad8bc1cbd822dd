"""The far side of the wire: a mail server and a provider on loopback, which misbehave on request and keep their own log
of what they accepted."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.message
import email.policy
import itertools
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PATIENCE = 30  # seconds until a test that waits in vain fails


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# --- A provider that speaks HTTP, as Postmark does --------------------------------------------------------------------


class Exchange(BaseHTTPRequestHandler):
    """One request, and what the double does with it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.body = self.rfile.read(length)
        if len(self.body) < length:  # whoever called died in the middle; nobody takes half a mail
            self.close_connection = True
            return
        provider = self.server.provider
        provider.requests.append(self.path)
        provider.behaviour(self)

    def accept(self) -> None:
        self.server.provider.accepted.append(json.loads(self.body) if self.body.startswith(b"{") else self.body)
        self.server.provider.arrived.set()

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def reset(self) -> None:
        """As a crash or a firewall does: no goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def hang(self) -> None:
        self.server.provider.arrived.set()
        self.server.provider.release.wait(PATIENCE)
        self.close_connection = True

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the client had gone, or we reset it
            super().finish()
        self.server.provider.hung_up.set()

    def log_message(self, *args: object) -> None:
        pass


def accepts(exchange: Exchange) -> None:
    exchange.accept()
    answers_that_it_accepted(exchange)


def answers_that_it_accepted(exchange: Exchange) -> None:
    to = json.loads(exchange.body)["To"]
    number = next(exchange.server.provider.numbers)
    exchange.answer(200, {"ErrorCode": 0, "Message": "OK", "MessageID": f"provider-{number}", "To": to})


class Keyed:
    """A provider that knows a mail by its key: one acceptance for one key, until it forgets. `faults` are what it does
    with its next requests, None being nothing unusual; `accepts_first` says on which side of the acceptance."""

    def __init__(self, *faults: Callable[[Exchange], None] | None, accepts_first: bool = True) -> None:
        self.faults = list(faults)
        self.accepts_first = accepts_first
        self.known: dict[str, tuple[bytes, Any]] = {}
        self.busy: set[str] = set()
        self.keys: list[str] = []
        self.bodies: list[bytes] = []

    def __call__(self, exchange: Exchange) -> None:
        key = self.key_in(exchange)
        self.keys.append(key)
        self.bodies.append(exchange.body)
        if key in self.busy:
            self.is_busy(exchange)
        elif key in self.known:
            self.repeats(exchange, *self.known[key])
        else:
            self.busy.add(key)
            self._take(exchange, key, self.faults.pop(0) if self.faults else None)
            self.busy.discard(key)

    def _take(self, exchange: Exchange, key: str, fault: Callable[[Exchange], None] | None) -> None:
        if fault is not None and not self.accepts_first:
            fault(exchange)
            return
        exchange.accept()
        answer = self.answer_to(f"provider-{next(exchange.server.provider.numbers)}")
        self.known[key] = exchange.body, answer
        self.busy.discard(key)
        if fault is not None:
            fault(exchange)
        else:
            exchange.answer(200, answer)

    def key_in(self, exchange: Exchange) -> str:
        raise NotImplementedError

    def answer_to(self, number: str) -> Any:
        raise NotImplementedError

    def is_busy(self, exchange: Exchange) -> None:
        raise NotImplementedError

    def repeats(self, exchange: Exchange, body: bytes, answer: Any) -> None:
        raise NotImplementedError


class Resend(Keyed):
    """The key is a header of the request; the same request is answered as it was the first time."""

    def key_in(self, exchange: Exchange) -> str:
        return exchange.headers["Idempotency-Key"]

    def answer_to(self, number: str) -> Any:
        return {"id": number}

    def is_busy(self, exchange: Exchange) -> None:
        exchange.answer(409, {"statusCode": 409, "name": "concurrent_idempotent_requests", "message": "In progress."})

    def repeats(self, exchange: Exchange, body: bytes, answer: Any) -> None:
        if body == exchange.body:
            exchange.answer(200, answer)
        else:
            exchange.answer(409, {"statusCode": 409, "name": "invalid_idempotent_request", "message": "Other payload."})


class Brevo(Keyed):
    """The key is a header of the mail; whatever comes with it again is a duplicate."""

    def key_in(self, exchange: Exchange) -> str:
        key: str = json.loads(exchange.body)["headers"]["idempotencyKey"]
        return key

    def answer_to(self, number: str) -> Any:
        return {"messageId": f"<{number}@relay.example>"}

    def is_busy(self, exchange: Exchange) -> None:
        self.repeats(exchange, b"", None)

    def repeats(self, exchange: Exchange, body: bytes, answer: Any) -> None:
        exchange.answer(400, {"code": "duplicate_parameter", "message": "This key was used before."})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of several processes, each with its connections
    provider: Provider

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if self.provider.resets_at_once:
            self.provider.connections += 1
            request.recv(1, socket.MSG_PEEK)  # it has arrived, and nobody reads it
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.close()
            return False
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that gave up


class Provider:
    """`behaviour` is called with every request; `accepted` is what the provider would deliver."""

    def __init__(self) -> None:
        self.behaviour: Callable[[Exchange], None] = accepts
        self.accepted: list[Any] = []
        self.requests: list[str] = []
        self.numbers = itertools.count(1)  # of its answers; each once, whatever arrives at the same time
        self.connections = 0
        self.resets_at_once = False
        self.arrived = threading.Event()
        self.release = threading.Event()
        self.hung_up = threading.Event()

    def __enter__(self) -> Self:
        self._server = Server(("127.0.0.1", 0), Exchange)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"


# --- A mail server ----------------------------------------------------------------------------------------------------


class Watched(SMTP):
    """aiosmtpd's, which says when a connection ended."""

    sink: Sink

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.sink.hung_up.set()


class Sink(Controller):
    """`answers` holds what is said to MAIL, RCPT, DATA (before the text) and END (after it); a callable is awaited."""

    def __init__(self, **kwargs: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.accepted: list[email.message.EmailMessage] = []
        self.envelopes: list[list[str]] = []
        self.answers: dict[str, Any] = {}
        self.connections = 0
        self.arrived = threading.Event()
        self.release = threading.Event()
        self.hung_up = threading.Event()
        super().__init__(self, hostname="127.0.0.1", port=self._socket.getsockname()[1], **kwargs)

    def __enter__(self) -> Self:
        self.start()
        self.hung_up.clear()  # the controller tried the connection itself
        self.connections = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self.stop()

    def factory(self) -> SMTP:
        self.connections += 1
        server = Watched(self.handler, **self.SMTP_kwargs)
        server.sink = self
        return server

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self.ssl_context)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._answer("MAIL", server) or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer("RCPT", server)
        if answer is None or answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.get("END")
        if answer is None or callable(answer):
            assert isinstance(envelope.content, bytes)
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(parsed, email.message.EmailMessage)
            self.accepted.append(parsed)
            self.envelopes.append(list(envelope.rcpt_tos))
            self.arrived.set()
        return await self._answer("END", server) or "250 OK"

    async def _answer(self, name: str, server: SMTP) -> str | None:
        answer = self.answers.get(name)
        return await answer(self, server) if callable(answer) else answer


async def disconnects(sink: Sink, server: SMTP) -> str:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return "250 OK"


async def hangs(sink: Sink, server: SMTP) -> str:
    sink.arrived.set()
    await asyncio.get_running_loop().run_in_executor(None, sink.release.wait, PATIENCE)
    return "250 OK"


async def hangs_up_afterwards(sink: Sink, server: SMTP) -> str:
    transport = server.transport
    assert transport is not None
    asyncio.get_running_loop().call_later(0.01, transport.close)
    return "250 OK"


def knows(user: str, password: str) -> Callable[..., AuthResult]:
    """For aiosmtpd's `authenticator`."""

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        is_known = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_known, handled=False)  # aiosmtpd says 535 itself

    return authenticate


def server_context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
