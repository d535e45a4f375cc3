"""Copies of the tree, one for each mutant; its named test run there, first without the bug and then with it.

A mutant is caught when that test, green in an untouched copy, fails in the patched one. Nothing else counts: not a
patch that does not apply, not an import that breaks, not a run that never ends.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.mutants.catalogue import ROOT, SECONDS, Mutant
from tests.mutants.sentinel import REPORT

COPIED = ("bridge", "adapters", "schemas", "tests", "pyproject.toml")
WORKERS = 2
_AHEAD = WORKERS + 1
_LINES = 30


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one test in one copy. `told` is what the sentinel wrote, {} if it could not."""

    exit_code: int | None
    seconds: float
    told: Mapping[str, Any]
    output: str

    @property
    def green(self) -> bool:
        return self.exit_code == 0 and {report["outcome"] for report in self._reports} == {"passed"}

    @property
    def failure(self) -> Mapping[str, str] | None:
        return next((report for report in self._reports if report["outcome"] == "failed"), None)

    @property
    def _reports(self) -> list[dict[str, str]]:
        return list(self.told.get("reports", ()))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    caught: bool
    how: str
    seconds: float
    output: str = ""


class Workshop:
    """Runs mutants, a few at a time. `environment` is what the tests need to find their services."""

    def __init__(self, folder: Path, environment: Mapping[str, str], workers: int = WORKERS) -> None:
        self._folder = folder
        self._environment = {**_plain_environment(), **environment}
        self._pool = ThreadPoolExecutor(workers, "mutants")
        self._clean = folder / "clean"
        self._greens: dict[str, Future[Run]] = {}
        self._verdicts: dict[str, Future[Verdict]] = {}
        _copy(ROOT, self._clean)

    def start(self, mutants: Iterable[Mutant]) -> None:
        """Queue them, each a little behind its green run, so that it does not wait for it with nothing to do."""
        wanted = [mutant for mutant in mutants if mutant.name not in self._verdicts]
        for place, mutant in enumerate(wanted):
            for ahead in wanted[place : place + _AHEAD]:
                self._begin_green(ahead)
            self._verdicts[mutant.name] = self._pool.submit(self._judge, mutant)

    def verdict(self, mutant: Mutant) -> Verdict:
        """Wait for it. Raises `BadPatch` when the patch does not apply."""
        self.start([mutant])
        return self._verdicts[mutant.name].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    # ── one mutant ──
    def _begin_green(self, mutant: Mutant) -> None:
        """Its test without the bug, once for each test. Whatever Python compiles here serves the other copies too."""
        if mutant.test not in self._greens:
            run = self._pool.submit(self._run, self._clean, mutant.test, mutant.seconds, caches=True)
            self._greens[mutant.test] = run

    def _judge(self, mutant: Mutant) -> Verdict:
        # Queued before this one, so it is done or being done: waiting cannot block the pool for ever.
        green = self._greens[mutant.test].result()
        found = partial(Verdict, mutant, False)
        if strangers := _strangers(green, self._clean):
            return found(f"not our copy: {strangers[0]}", green.seconds, green.output)
        if not green.green:
            return found("its test is not green without the bug", green.seconds, green.output)
        copy = self._folder / mutant.id
        try:
            self._seed(copy, mutant)
            run = self._run(copy, mutant.test, mutant.seconds)
            return _judged(mutant, copy, run)
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def _seed(self, copy: Path, mutant: Mutant) -> None:
        """A copy with the bug in it. Raises `BadPatch`."""
        _copy(self._clean, copy, caches=True)
        target = copy / mutant.file
        text = mutant.patched(target.read_text(encoding="utf-8"))
        target.write_text(f"{text}\nMUTANT = {mutant.name!r}\n", encoding="utf-8")
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            stale.unlink()

    def _run(self, copy: Path, test: str, seconds: float, *, caches: bool = False) -> Run:
        report = self._folder / f"{copy.name}-{hashlib.sha256(test.encode()).hexdigest()[:12]}.json"
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.sentinel"]
        environment = {
            **self._environment,
            "PYTHONPATH": str(copy),
            "PYTHONDONTWRITEBYTECODE": "" if caches else "1",
            REPORT: str(report),
        }
        began = time.monotonic()
        code, output = _command([*command, test], copy, environment, seconds)
        told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        return Run(code, time.monotonic() - began, told, "\n".join(output.splitlines()[-_LINES:]))


# ── small pieces ────────────────────────────────────────────────────────────────────────────────────────────────────


def _judged(mutant: Mutant, copy: Path, run: Run) -> Verdict:
    found = partial(Verdict, mutant, seconds=run.seconds, output=run.output)
    if run.exit_code is None:
        return found(caught=False, how=f"neither red nor green within {mutant.seconds:g} s")
    if strangers := _strangers(run, copy):
        return found(caught=False, how=f"not our copy: {strangers[0]}")
    if run.exit_code not in (0, 1):
        return found(caught=False, how="the run broke before the test could fail")
    if run.told.get("mutants", {}).get(mutant.module) != mutant.name:
        return found(caught=False, how=f"the test never imports {mutant.file}")
    if run.failure is None:
        return found(caught=False, how="SURVIVED: the test is green with the bug")
    return found(caught=True, how=run.failure["said"])


def _strangers(run: Run, copy: Path) -> list[str]:
    """Modules of ours that were imported from somewhere else."""
    imported: Mapping[str, str] = run.told.get("imported", {})
    return [file for file in imported.values() if file != "None" and not Path(file).is_relative_to(copy)]


def _copy(source: Path, target: Path, *, caches: bool = False) -> None:
    """What the tests need of the tree. With their times, so that caches stay good."""
    # A cache that is just being written has a name of its own for a moment.
    ignore = shutil.ignore_patterns("*.pyc.*" if caches else "__pycache__")
    target.mkdir(parents=True)
    for name in COPIED:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=ignore)
        else:
            shutil.copy2(source / name, target / name)


def _plain_environment() -> dict[str, str]:
    """Ours, without what steers a bridge or a pytest."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BRIDGE_", "PYTEST_"))}


def _command(
    command: list[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int | None, str]:
    """Exit code and output; None: it took too long and was killed with all its children."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return None, output
        return process.returncode, output


def collected(tests: Iterable[str], folder: Path, seconds: float = SECONDS) -> tuple[bool, str]:
    """Whether pytest finds every one of these tests in `folder`, and what it says."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(set(tests))]
    code, output = _command(command, folder, _plain_environment(), seconds)
    return code == 0, output
