"""Which tests run which line, and how long each takes: one run of the tests under coverage, which is kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutants.mutants import GROUPS, ROOT, Mutant, readers_of

# Those that are about the four, and run in one process. test_broken_rules.py breaks the same by itself.
TESTS = (
    *("decision", "floor", "oracle", "record"),
    *(
        "brake",
        "bypass",
        "connections",
        "egress",
        "guard",
        "http_provider",
        "keys",
        "logs",
        *("outbox", "outbox_answers", "outbox_clearing", "outbox_reaping", "outbox_turns", "outbox_writing_down"),
        "resolving",
        "safe_mode",
        "smtp",
    ),
    *("absences", "consequences", "gate", "guards", "handoffs", "locks", "outgoing", "undo", "races", "scenarios"),
)
FOLDERS = ("tests", "tests/messaging", "tests/messaging/delivery", "tests/messaging/policy")
PATHS = [path for paths in GROUPS.values() for path in paths]


def files_of_tests() -> list[Path]:
    names = {f"test_{name}.py" for name in TESTS}
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("test_*.py") if path.name in names)


@dataclass(frozen=True, kw_only=True)
class Trace:
    tests_at: dict[str, dict[int, list[str]]]  # path -> line -> tests
    seconds: dict[str, float]

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Those that run its statement; of a constant, those that run what reads it, and those of its module, which may read
        it themselves."""
        lines = self.tests_at.get(mutant.path, {})
        if not mutant.is_constant:
            return sorted({test for line in mutant.lines for test in lines.get(line, ())})
        readers = {test for line in readers_of(mutant.path, mutant.place) for test in lines.get(line, ())}
        return sorted(readers | {test for test in self.seconds if is_of(mutant.path, test)})


class Stopwatch:
    """A plugin of pytest, in each of its processes."""

    def __init__(self, folder: Path) -> None:
        self.seconds: dict[str, float] = {}
        self.unmeasured: list[str] = []  # because it would take long
        self._folder = folder

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item.get_closest_marker("no_cover"):
            self.unmeasured.append(item.nodeid)
        from tests.written_anew import forget_queries  # of the product, which is not there before Django is

        forget_queries()  # else only the first test that asks one would run its lines

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        self.seconds[item.nodeid] = self.seconds.get(item.nodeid, 0.0) + call.duration
        return (yield)

    def pytest_sessionfinish(self) -> None:
        name = os.environ.get("PYTEST_XDIST_WORKER", "main")
        (self._folder / f"seconds-{name}.json").write_text(json.dumps([self.seconds, self.unmeasured]))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Stopwatch(Path(os.environ["MUTANTS_FOLDER"])))


def arguments(files: Sequence[Path]) -> list[str]:
    """Of pytest, the same for every run."""
    return [*(str(path.relative_to(ROOT)) for path in files), "-q", "--tb=short", "--no-header"]


def trace(folder: Path, files: Sequence[Path], *, processes: int) -> Trace:
    """Runs those that changed since they were traced. Where one of the four changed, its lines are looked for where they are
    now; what else changes may lead a test to other lines, so then it is not asked where it could be: a mutant the more goes
    unnoticed. Without the kept file all are traced anew."""
    kept = folder / "trace.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"sources": {}, "files": {}}
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in PATHS}
    product = {path: _digest(source) for path, source in sources.items()}
    states = {str(path.relative_to(ROOT)): _digest(path.read_text(encoding="utf-8")) for path in files}
    changed = [name for name, state in states.items() if found["files"].get(name, {}).get("state") != state]
    if changed:
        tests_at, seconds = _run(folder, [ROOT / name for name in changed], processes)
        found["sources"] |= {product[path]: source for path, source in sources.items()}
        for name in changed:
            found["files"][name] = {
                "state": states[name],
                "product": product,
                "seconds": {test: taken for test, taken in seconds.items() if file_of(test) == name},
                "tests_at": {
                    path: {line: [test for test in tests if file_of(test) == name] for line, tests in lines.items()}
                    for path, lines in tests_at.items()
                },
            }
        kept.write_text(json.dumps(found))
    traces = [found["files"][name] for name in states]
    for one in traces:
        for path, digest in one["product"].items():
            if digest != product[path]:
                one["tests_at"][path] = _moved(one["tests_at"][path], found["sources"][digest], sources[path])
    return _together(traces)


def _moved(tests_at: Mapping[str, list[str]], before: str, now: str) -> dict[str, list[str]]:
    """A line that is new may be reached by what reached the lines it stands for or between; where nothing did, by
    everything that reached the file."""
    every = sorted({test for tests in tests_at.values() for test in tests})
    moved = {}
    changes = SequenceMatcher(None, before.splitlines(), now.splitlines(), autojunk=False).get_opcodes()
    for kind, first, last, first_now, last_now in changes:
        near = sorted({test for line in range(first, last + 2) for test in tests_at.get(str(line), ())})
        for line in range(first_now + 1, last_now + 1):
            was = str(line - first_now + first)
            moved[str(line)] = tests_at.get(was, []) if kind == "equal" else near or every
    return moved


def _together(traces: Sequence[dict[str, Any]]) -> Trace:
    seconds: dict[str, float] = {}
    tests_at: dict[str, dict[int, list[str]]] = {path: {} for path in PATHS}
    for one in traces:
        seconds |= one["seconds"]
        for path, lines in one["tests_at"].items():
            for line, tests in lines.items():
                tests_at[path].setdefault(int(line), []).extend(tests)
    return Trace(tests_at=tests_at, seconds=seconds)


def file_of(test: str) -> str:
    return test.partition("::")[0]


def is_of(path: str, test: str) -> bool:
    """Whether a test is of the module, by the name of its file."""
    return Path(file_of(test)).name == f"test_{Path(path).stem}.py"


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _run(
    folder: Path, files: Sequence[Path], processes: int
) -> tuple[dict[str, dict[str, list[str]]], dict[str, float]]:
    data, how = folder / "coverage", folder / "watch.ini"
    for path in [*folder.glob("coverage*"), *folder.glob("seconds-*.json")]:
        path.unlink()
    how.write_text("[run]\ninclude =\n" + "".join(f"    {ROOT / path}\n" for path in PATHS))
    command = [
        *(sys.executable, "-m", "pytest", *arguments(files), "-p", "tests.mutants.tracing"),
        *("-n", str(processes), "--cov", f"--cov-config={how}", "--cov-context=test", "--cov-report="),
    ]
    environment = {**os.environ, "COVERAGE_FILE": str(data), "MUTANTS_FOLDER": str(folder)}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        sys.exit("The tests fail without any mutant, so nothing can be said of mutants.")
    seconds: dict[str, float] = {}
    unmeasured: list[str] = []
    for path in folder.glob("seconds-*.json"):
        taken, without = json.loads(path.read_text())
        seconds |= taken
        unmeasured += without
    return _tests_at(data, unmeasured), seconds


def _tests_at(data: Path, unmeasured: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """path -> line -> tests. What is not measured may reach every line of what its folder is about."""
    measured = coverage.CoverageData(basename=str(data))
    measured.read()
    return {
        path: {
            str(line): sorted(
                {name.rpartition("|")[0] for name in names if "|" in name}
                | {test for test in unmeasured if Path(test).parent == "tests" / Path(path).parent}
            )
            for line, names in measured.contexts_by_lineno(str(ROOT / path)).items()
        }
        for path in PATHS
    }
