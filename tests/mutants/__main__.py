"""Breaks policy, gate, egress and outbox in one place at a time, and says which faults no test notices: `make mutants`.

Ends with an error where a fault goes unnoticed that survivors.toml does not explain, or where too few are noticed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from tests.mutants.mutants import GROUPS, ROOT, Mutant, mutants_of
from tests.mutants.tracing import Trace, arguments, files_of_tests, trace
from tests.mutants.worker import Result, Worker, work

FOLDER = ROOT / "var/mutants"
SURVIVORS = Path(__file__).with_name("survivors.toml")
UNNOTICED = FOLDER / "unnoticed.json"
NOTICED = FOLDER / "noticed.json"  # by which test
SHARE = 0.95
WHOLE = "messaging/policy/decision.py"  # of which everything is noticed
Name = tuple[str, str, str]


def main() -> None:
    options = _read_options()
    FOLDER.mkdir(parents=True, exist_ok=True)
    mutants = [
        mutant
        for group in options.only or GROUPS
        for path in GROUPS[group]
        for mutant in mutants_of(path)
        if options.place in (None, mutant.place)
    ]
    if options.again:
        unnoticed = {tuple(name) for name in json.loads(UNNOTICED.read_text())}
        mutants = [mutant for mutant in mutants if mutant.name in unnoticed]
    files = [Path(path).resolve() for path in options.tests] or files_of_tests()
    traced = trace(FOLDER, files, processes=options.processes)
    # Neighbours reach the same tests, so that what noticed one of them is asked first about the next.
    results = _judge_all(mutants, traced, files, options)
    explained = _read_survivors()
    UNNOTICED.write_text(json.dumps([mutants[one.number].name for one in results if not one.killed]))
    NOTICED.write_text(
        json.dumps([[*mutants[one.number].name, one.by, one.ended] for one in results if one.killed], indent=0)
    )
    sys.exit(not _report(mutants, results, explained, is_whole=not (options.place or options.again or options.tests)))


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="one of the four; may be said again")
    parser.add_argument("--place", help="one function, method or constant")
    parser.add_argument("--again", action="store_true", help="only what went unnoticed the last time")
    parser.add_argument("--tests", action="append", default=[], metavar="PATH", help="ask these tests and no other")
    parser.add_argument("--seconds", type=float, default=40.0, help="of tests that one mutant is shown, at most")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _judge_all(
    mutants: Sequence[Mutant], traced: Trace, files: Sequence[Path], options: argparse.Namespace
) -> list[Result]:
    fork = multiprocessing.get_context("fork")
    following, told = fork.Value("i", 0), fork.SimpleQueue()

    def take() -> int:
        with following.get_lock():
            number = following.value
            following.value += 1
            return int(number)

    workers = []
    for number in range(options.processes):
        worker = Worker(mutants, traced, take, told.put, seconds=options.seconds)
        log = FOLDER / f"worker-{number}.log"
        workers.append(fork.Process(target=work, args=(arguments(files), worker, log)))
        workers[-1].start()
    results: list[Result] = []
    with tqdm(total=len(mutants), unit=" mutants", smoothing=0.05, mininterval=5) as progress:
        while len(results) < len(mutants):
            if told.empty():
                if not any(process.is_alive() for process in workers):
                    sys.exit(f"The workers ended early; {FOLDER}/worker-0.log says why.")
                time.sleep(0.1)
                continue
            results.append(told.get())
            progress.update()
            if not results[-1].killed:
                progress.write(f"unnoticed: {mutants[results[-1].number]}")
    for process in workers:
        process.join()
    return sorted(results, key=lambda result: result.number)


def _read_survivors() -> dict[Name, str]:
    rows = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("survivor", [])
    return {(row["place"], row["at"], what): row["why"] for row in rows for what in row["what"]}


def _report(
    mutants: Sequence[Mutant], results: Sequence[Result], explained: Mapping[Name, str], *, is_whole: bool
) -> bool:
    """Prints the table and what is wrong. Answers whether nothing is."""
    count: dict[str, Counter[str]] = {}
    wrong = []
    for result in results:
        mutant = mutants[result.number]
        of_file = count.setdefault(mutant.path, Counter())
        of_file["mutants"] += 1
        of_file["ended"] += result.ended
        end = "noticed" if result.killed else "listed" if mutant.name in explained else "unlisted"
        of_file[end] += 1
        if end == "unlisted":
            wrong.append(f"Unnoticed, and not listed: {mutant} ({result.by or f'{result.asked} tests ran'})")
        if result.killed and mutant.name in explained:
            wrong.append(f"Listed, and noticed by {result.by}: {mutant}")
    if is_whole:
        stems = {Path(path).stem for path in count}
        known = {mutant.name for mutant in mutants}
        gone = [name for name in explained if name not in known and name[0].split(".")[0] in stems]
        wrong += [f"Listed, and not there any more: {': '.join(name)}" for name in gone]
        for path, of_file in count.items():
            least = 1.0 if path == WHOLE else SHARE
            if of_file["noticed"] < least * of_file["mutants"]:
                wrong.append(f"Of {path} at least {least:.0%} are to be noticed.")
    _print_table(count)
    print(*wrong, sep="\n")
    return not wrong


def _print_table(count: Mapping[str, Counter[str]]) -> None:
    columns = ("mutants", "noticed", "ended", "listed", "unlisted")
    heads = ("file", "mutants", "noticed", "of these without an end", "share", "unnoticed, listed", "unlisted")
    print(f"\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    rows = {**count, "together": sum(count.values(), Counter())}
    for path, of_file in rows.items():
        mutants, noticed, ended, listed, unlisted = (of_file[column] for column in columns)
        share = noticed / max(mutants, 1)
        print(f"| {path} | {mutants} | {noticed} | {ended} | {share:.1%} | {listed} | {unlisted} |")


if __name__ == "__main__":
    main()
