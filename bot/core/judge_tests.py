"""The tests gate: what a finished run of the repository's tests proves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.core.escapes import without_escapes
from bot.core.failed_tests import failed_tests, tail
from bot.core.gates import Finding, GateName, GateResult, Severity
from bot.core.repo_paths import RepoFiles
from bot.core.runner_output import TestCount, count_tests

_COULD_NOT_START = frozenset({126, 127})
_NO_TESTS = 5  # of pytest, and of unittest from Python 3.12 on
_SETTING = "tests.command in .github/orchestrate.yml"
_NO_MODULE = re.compile(r"^\S*python\S*: (No module named \S+)", re.MULTILINE)
_MAKE_NOT_FOUND = re.compile(r"^make(?:\[\d+\])?: \*\*\* .* Error 12[67]$", re.MULTILINE)
_NONE_FOUND = re.compile(r"^No test(?:s| files) found,? ", re.MULTILINE)  # jest, vitest: exit 1


@dataclass(frozen=True)
class SuiteRun:
    """A test command that ended, or was ended: then `exit_code` is None and the reason is there."""

    command: str
    exit_code: int | None
    output: str
    seconds: float
    stopped_because: str | None = None
    log: str | None = None


def judge_tests(run: SuiteRun, files: RepoFiles) -> GateResult:
    """Judge: passed where it exits 0 and at least one test ran, not_run where nothing was proved.

    `files` are the repository's, with the folder that the tests ran in as their root; findings
    name no other file. `value` is the number of tests that ran, skipped ones not among them.
    """
    count = count_tests(run.output)
    if run.stopped_because == "interrupted":
        return _not_run(
            run, count, "The tests were interrupted. Resume the run to start them again."
        )
    if run.stopped_because or run.exit_code is None:
        return _stopped(run, count)
    missing = _could_not_start(run)
    if missing:
        return _not_run(run, count, missing)
    if run.exit_code != 0 and not _found_no_tests(run, count):
        return _failed(run, count, files)
    if count is None:
        because = (
            f"{run.command!r} exits 0 and does not say how many tests ran."
            f" Set {_SETTING} to a command whose runner prints its summary."
        )
        return _not_run(run, count, because)
    if count.ran == 0:
        skipped = f" ({count.skipped} skipped)" if count.skipped else ""
        return _not_run(
            run, count, f"{run.command!r} ran no test{skipped}. Add one, or set {_SETTING}."
        )
    return _result(run, count, "passed", f"{_said(count)}.")


def _could_not_start(run: SuiteRun) -> str | None:
    """Say what is missing where the runner itself did not start."""
    text = without_escapes(run.output)
    module = _NO_MODULE.search(text)
    if run.exit_code == 1 and module:
        return f"{run.command!r} did not start: {module[1]}. Install it where the gates run."
    made = run.exit_code == 2 and _MAKE_NOT_FOUND.search(text)
    if run.exit_code not in _COULD_NOT_START and not made:
        return None
    last = text.strip().rpartition("\n")[2][:400] or f"exit code {run.exit_code}"
    return (
        f"{run.command!r} did not start: {last}."
        f" Install what it needs where the gates run, or set {_SETTING}."
    )


def _found_no_tests(run: SuiteRun, count: TestCount | None) -> bool:
    """Whether the exit code only says that there is nothing to run."""
    if count is not None and count.ran:
        return False
    if run.exit_code == _NO_TESTS:
        return count is not None or "pytest" in run.command
    return _NONE_FOUND.search(without_escapes(run.output)) is not None


def _stopped(run: SuiteRun, count: TestCount | None) -> GateResult:
    why = run.stopped_because or "no exit code"
    if why == "timeout":
        said = f"The tests did not end within {run.seconds:.0f} s and were stopped."
    else:
        said = f"The tests were stopped: {why}."
    finding = _whole(run, f"{said} The output's end is the evidence.")
    return _result(run, count, "failed", said, (finding,))


def _failed(run: SuiteRun, count: TestCount | None, files: RepoFiles) -> GateResult:
    ended = f"{run.command!r} exits with {run.exit_code}"
    if run.exit_code is not None and run.exit_code < 0:
        ended = f"{run.command!r} was ended by signal {-run.exit_code}"
    findings = failed_tests(run.output, files) or (_whole(run, f"{ended}."),)
    because = f"{ended}: {_said(count)}." if count and count.ran else f"{ended}."
    return _result(run, count, "failed", because, findings)


def _whole(run: SuiteRun, message: str) -> Finding:
    return Finding(
        severity=Severity.HIGH, rule="failed-tests", message=message, evidence=tail(run.output)
    )


def _said(count: TestCount) -> str:
    """Count in words: "3 tests passed, 1 failed, 2 skipped"."""
    unit = count.unit if count.passed != 1 else count.unit.removesuffix("s")
    parts = [f"{count.passed} {unit} passed"]
    parts += [f"{count.failed} failed"] if count.failed else []
    parts += [f"{count.skipped} skipped"] if count.skipped else []
    return ", ".join(parts)


def _not_run(run: SuiteRun, count: TestCount | None, because: str) -> GateResult:
    return _result(run, count, "not_run", because)


def _result(
    run: SuiteRun,
    count: TestCount | None,
    status: Literal["passed", "failed", "not_run"],
    because: str,
    findings: tuple[Finding, ...] = (),
) -> GateResult:
    return GateResult(
        name=GateName.TESTS,
        status=status,
        value=None if count is None else float(count.ran),
        threshold=1.0,
        because=because,
        findings=findings,
        command=run.command,
        exit_code=run.exit_code,
        seconds=run.seconds,
        log=run.log,
    )
