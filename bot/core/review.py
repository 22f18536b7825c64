"""The review gate: which findings count for a change, what they cost, and when it passes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal

from bot.core.diff import FileChange, changed_lines
from bot.core.gates import Finding, GateName, GateResult, Severity

FULL_SCORE = Decimal(10)
WEIGHTS = {
    Severity.CRITICAL: Decimal(5),
    Severity.HIGH: Decimal(3),
    Severity.MEDIUM: Decimal(1),
    Severity.LOW: Decimal("0.25"),
}
BLOCKING = frozenset({Severity.CRITICAL, Severity.HIGH})
WORST_FIRST = tuple(Severity)


def score(findings: Iterable[Finding]) -> float:
    """Return 10 less 5, 3, 1 and 0.25 points a critical, high, medium and low finding.

    Never below 0; one decimal, rounded down, so that rounding never lets a change pass.
    """
    left = FULL_SCORE - sum((WEIGHTS[finding.severity] for finding in findings), Decimal(0))
    return _one_decimal(max(left, Decimal(0)))


def on_changed_lines(
    findings: Iterable[Finding],
    changed: Mapping[str, frozenset[int]],
    new_files: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Keep the findings that the change is answerable for.

    `changed` maps each changed file to the lines that were added or altered. A finding without a
    line is about its whole file, and most of a changed file is older than the change: it counts
    where all of the file is new, or where it is high or critical, because that must not be
    missed for the lack of a number. A finding without a file counts for nobody's change.
    """
    return tuple(finding for finding in findings if _counts(finding, changed, new_files))


def _counts(
    finding: Finding, changed: Mapping[str, frozenset[int]], new_files: frozenset[str]
) -> bool:
    if finding.path is None or finding.path not in changed:
        return False
    if finding.line is None:
        return finding.path in new_files or finding.severity in BLOCKING
    return finding.line in changed[finding.path]


def counting(findings: Iterable[Finding], changes: tuple[FileChange, ...]) -> tuple[Finding, ...]:
    """Keep what a reader of this very change found that counts for it, worst first.

    A high or critical one beside the changed lines of a changed file stands for the whole file.
    """
    changed = changed_lines(changes)
    new_files = frozenset(change.path for change in changes if change.is_new)
    placed = (_placed(finding, changed.get(finding.path or "")) for finding in findings)
    return tuple(sorted(on_changed_lines(placed, changed, new_files), key=_worst_first))


def _placed(finding: Finding, changed: frozenset[int] | None) -> Finding:
    line = finding.line
    if line is None or changed is None or line in changed or finding.severity not in BLOCKING:
        return finding
    return finding.model_copy(update={"line": None, "message": f"line {line}: {finding.message}"})


def still_valid(
    findings: Iterable[Finding], changed_since: tuple[FileChange, ...]
) -> tuple[Finding, ...]:
    """Keep earlier findings whose lines are as they were, at the lines where these are now.

    `changed_since` is the diff from the commit that was reviewed to this one. A finding without
    a line lasts while its file is untouched, one without a file while everything is.
    """
    by_old_path = {
        change.old_path: change for change in changed_since if change.old_path is not None
    }
    kept = (_now(finding, changed_since, by_old_path) for finding in findings)
    return tuple(finding for finding in kept if finding is not None)


def _now(
    finding: Finding, changes: tuple[FileChange, ...], by_old_path: Mapping[str, FileChange]
) -> Finding | None:
    if finding.path is None:
        return None if changes else finding
    change = by_old_path.get(finding.path)
    if change is None:
        return finding
    if change.deleted or finding.line is None or finding.line in change.removed_lines:
        return None
    line = finding.line - sum(removed < finding.line for removed in change.removed_lines)
    for added in sorted(change.added_lines):
        if added > line:
            break
        line += 1
    return finding.model_copy(update={"path": change.path, "line": line})


def judge_review(
    findings: tuple[Finding, ...],
    reviewer_scores: tuple[float, ...],
    ran: tuple[str, ...],
    could_not: tuple[str, ...],
    minimum: float,
) -> GateResult:
    """Judge a change by findings that count for it and the scores that reviewers gave.

    `ran` names the analyzers and reviewers that finished, `could_not` those that did not, each
    with its reason. The score is the smaller of the findings' and the reviewers'; a reviewer's
    score that is no number from 0 to 10 is as if that reviewer could not. A critical or high
    finding fails the gate whoever else ran; without one, nobody having looked is `not_run`.
    """
    findings = tuple(sorted(dict.fromkeys(findings), key=_worst_first))
    usable = tuple(given for given in reviewer_scores if math.isfinite(given) and 0 <= given <= 10)
    refused = len(reviewer_scores) - len(usable)
    if refused:
        could_not = (*could_not, f"{refused} reviewer's score is no number from 0 to 10")
    blocking = [finding for finding in findings if finding.severity in BLOCKING]
    looked = max(len(ran), len(reviewer_scores)) - refused
    if looked <= 0 and not blocking:
        return GateResult(
            name=GateName.REVIEW,
            status="not_run",
            threshold=minimum,
            because=_nobody_looked(could_not),
            findings=findings,
        )
    value = min(score(findings), *(_one_decimal(Decimal(str(given))) for given in usable), 10.0)
    return GateResult(
        name=GateName.REVIEW,
        status="failed" if blocking or value < minimum else "passed",
        value=value,
        threshold=minimum,
        because=_reason(value, minimum, findings, ran, could_not),
        findings=findings,
    )


def _one_decimal(points: Decimal) -> float:
    return float(points.quantize(Decimal("0.1"), rounding=ROUND_FLOOR))


def _worst_first(finding: Finding) -> tuple[int, str, int, str]:
    rank = WORST_FIRST.index(finding.severity)
    return rank, finding.path or "", finding.line or 0, finding.rule


def _nobody_looked(could_not: tuple[str, ...]) -> str:
    fix = (
        "install an analyzer that writes SARIF (ruff, bandit, semgrep, eslint, golangci-lint), "
        "name one under review.analyzers in .github/orchestrate.yml, or use a reviewing agent"
    )
    if could_not:
        return (
            f"Nobody looked at the change; could not: {'; '.join(could_not)}. Mend that, or {fix}."
        )
    return f"Nobody looked at the change: {fix}."


def _reason(
    value: float,
    minimum: float,
    findings: tuple[Finding, ...],
    ran: tuple[str, ...],
    could_not: tuple[str, ...],
) -> str:
    counts = Counter(finding.severity for finding in findings)
    said = ", ".join(
        f"{counts[severity]} {severity}" for severity in WORST_FIRST if counts[severity]
    )
    parts = [f"{value:g} of 10, at least {minimum:g} wanted; {said or 'no findings'}"]
    if BLOCKING & counts.keys():
        parts.append("a critical or high finding never passes")
    parts.append(f"looked: {', '.join(ran) or 'nobody'}")
    if could_not:
        parts.append(f"could not: {'; '.join(could_not)}")
    return "; ".join(parts) + "."
