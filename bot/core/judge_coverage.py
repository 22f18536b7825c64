"""The coverage gate: enough lines covered, or, in a repository below that, better than before."""

from __future__ import annotations

from typing import Literal

from bot.core.coverage import CoverageReport, Lines, Patch, Share, UnreadableReport
from bot.core.gates import Finding, GateName, GateResult, Severity
from bot.core.repo_paths import reportable

_MAX_FINDINGS = 50
_LEAST_COVERED = 10
_RULE = "uncovered"
_NO_REPORT = (
    "No coverage report was found. Let the tests write one (Cobertura XML, LCOV, coverage.py"
    " JSON, JaCoCo XML or a Go cover profile) and name it in coverage.report in"
    " .github/orchestrate.yml."
)
_EMPTY = (
    "The coverage report has no lines, so it proves nothing. Check which code the tests measure."
)


def judge_coverage(
    head: CoverageReport | UnreadableReport | None,
    base: CoverageReport | None,
    changed: Lines,
    minimum: float,
    patch_minimum: float | None,
) -> GateResult:
    """Judge the total of `head`, and its changed lines, all in per cent of lines.

    Passed where the total reaches `minimum`, or, where `base` is below it too, the total is not
    lower than the base's and the changed lines reach `minimum`. In both cases the changed lines
    must reach `patch_minimum` where it is set. Without a changed line that can run there is
    nothing to reach. Findings of a failure are ranges of uncovered changed lines, at most 50.
    """
    if head is None:
        return _result("not_run", None, minimum, _NO_REPORT)
    if isinstance(head, UnreadableReport):
        return _result("not_run", None, minimum, f"{head.because} {head.fix}")
    total = head.total
    if total is None:
        return _result("not_run", None, minimum, _EMPTY)
    patch = head.of(changed)
    problems = [
        *_total_problems(total, base.total if base else None, patch, minimum),
        *_patch_problems(patch, patch_minimum),
    ]
    said = f"{_percent(total)} of lines are covered{_of_patch(patch)}{_left_out(head)}"
    if not problems:
        below = "" if total.percent >= minimum else ", no less than before, below the minimum"
        return _result("passed", total, minimum, f"{said}{below}.")
    findings = (*_totals(total, minimum, head), *_uncovered(patch))[:_MAX_FINDINGS]
    return _result("failed", total, minimum, f"{said}: {'; '.join(problems)}.", findings)


def _total_problems(
    total: Share, base: Share | None, patch: Patch | None, minimum: float
) -> list[str]:
    if total.percent >= minimum:
        return []
    if base is None:
        return [f"{minimum:g} % are asked for, and the coverage before the change is not known"]
    if base.percent >= minimum:
        return [f"{minimum:g} % are asked for, and {_percent(base)} were before the change"]
    problems = []
    if total.percent < base.percent:
        problems.append(f"{_percent(base)} were before the change")
    if patch and patch.share.percent < minimum:
        problems.append(f"{minimum:g} % of the changed lines are asked for")
    return problems


def _patch_problems(patch: Patch | None, patch_minimum: float | None) -> list[str]:
    if patch is None or patch_minimum is None or patch.share.percent >= patch_minimum:
        return []
    return [f"coverage.patch_minimum asks for {patch_minimum:g} % of the changed lines"]


def _totals(total: Share, minimum: float, head: CoverageReport) -> tuple[Finding, ...]:
    """Say where tests would raise the total most."""
    if total.percent >= minimum:
        return ()
    by_missing = sorted(
        ((len(file.executable) - len(file.covered), path) for path, file in head.files.items()),
        key=lambda found: (-found[0], found[1]),
    )
    worst = [f"{path}: {missing} lines" for missing, path in by_missing[:_LEAST_COVERED] if missing]
    return (
        Finding(
            rule=_RULE,
            message=f"{_percent(total)} of lines are covered; {minimum:g} % are asked for.",
            evidence="\n".join(("Most uncovered lines:", *worst)) if worst else "",
        ),
    )


def _uncovered(patch: Patch | None) -> list[Finding]:
    if patch is None:
        return []
    return [
        Finding(
            path=reportable(path),
            line=first,
            severity=Severity.MEDIUM,
            rule=_RULE,
            message=_message(path, first, last, known=path not in patch.unmentioned),
        )
        for path, ranges in patch.uncovered.items()
        for first, last in ranges
    ]


def _message(path: str, first: int, last: int, *, known: bool) -> str:
    lines = f"Line {first}" if first == last else f"Lines {first}-{last}"
    if not known:
        return f"{lines} of {path} changed, and no test loads the file: the report lacks it."
    return f"{lines} of {path} changed, and no test runs {'it' if first == last else 'them'}."


def _floored(share: Share) -> float:
    """Cut per cents after two digits, so that what is below a limit never reads as reaching it."""
    return share.covered * 10_000 // share.executable / 100


def _percent(share: Share) -> str:
    return f"{_floored(share):g} %"


def _of_patch(patch: Patch | None) -> str:
    if patch is None:
        return ", and no changed line can run"
    lines = f", and {_percent(patch.share)} of the {patch.share.executable} changed lines that can"
    unknown = len(patch.unmentioned)
    return f"{lines} run" + (f" ({unknown} changed files are not in the report)" if unknown else "")


def _left_out(head: CoverageReport) -> str:
    if not head.left_out:
        return ""
    return f" ({head.left_out} files of the report are not in the repository)"


def _result(
    status: Literal["passed", "failed", "not_run"],
    total: Share | None,
    minimum: float,
    because: str,
    findings: tuple[Finding, ...] = (),
) -> GateResult:
    return GateResult(
        name=GateName.COVERAGE,
        status=status,
        value=None if total is None else _floored(total),
        threshold=minimum,
        because=because,
        findings=findings,
    )
