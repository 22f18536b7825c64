"""A gate's result as a check run shows it: verdict, figures, findings on their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.events import OverrideGranted
from bot.core.gates import Finding, GateName, GateResult, Severity
from bot.core.github.checks import Conclusion, check_name, conclusion_of
from bot.core.github.defuse import defuse, inline, title
from bot.render.github.markdown import bullets, code, paragraphs, table
from bot.render.words import duration, measured, words

MAX_ANNOTATIONS = 50  # GitHub takes so many at once
MAX_MESSAGE = 4_000  # characters of one annotation; GitHub takes 64 KB
MAX_LISTED = 100  # findings in the text

Level = Literal["failure", "warning", "notice"]

_LEVELS: dict[Severity, Level] = {
    Severity.CRITICAL: "failure",
    Severity.HIGH: "failure",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}


@dataclass(frozen=True)
class Annotation:
    """A finding on a line of a file."""

    path: str
    line: int
    level: Level
    title: str
    message: str


@dataclass(frozen=True)
class CheckOutput:
    """What a check run says; `summary` and `text` are Markdown of at most 65,535 characters."""

    name: str
    conclusion: Conclusion
    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()


def check_output(result: GateResult, override: OverrideGranted | None = None) -> CheckOutput:
    """Show a gate's result; findings without a line, and those beyond 50, stand in the text."""
    worst_first = sorted(result.findings, key=lambda f: list(Severity).index(f.severity))
    placed = [finding for finding in worst_first if finding.path and finding.line]
    elsewhere = [finding for finding in worst_first if not (finding.path and finding.line)]
    conclusion = conclusion_of(result, override)
    overridden = override if conclusion != conclusion_of(result) else None
    return CheckOutput(
        name=check_name(result.name),
        conclusion=conclusion,
        title=_title(result, overridden),
        summary=paragraphs(_overridden(overridden), defuse(result.because, 4_000), _facts(result)),
        text=_text([*elsewhere, *placed[MAX_ANNOTATIONS:]]),
        annotations=tuple(_annotation(finding) for finding in placed[:MAX_ANNOTATIONS]),
    )


def not_orchestrated(gate: GateName) -> CheckOutput:
    """Show that a pull request is not the bot's, so that a required check does not hang."""
    return CheckOutput(
        name=check_name(gate),
        conclusion="neutral",
        title="Not orchestrated",
        summary="This pull request was not made by a run, and the settings "
        "(`github.other_pull_requests: neutral`) leave such ones to you. `check` there runs the "
        "same gates on them.",
    )


def _title(result: GateResult, override: OverrideGranted | None) -> str:
    if override:
        return title(f"Overridden by {override.by}: {override.because}")
    return title(f"{words(result.status).capitalize()}: {result.because}")


def _overridden(override: OverrideGranted | None) -> str:
    if override is None:
        return ""
    return f"**Overridden** by {inline(override.by, 60)}: {inline(override.because, 1_000)}"


def _facts(result: GateResult) -> str:
    value, needed = measured(result)
    facts = (
        ("Value", value),
        ("Needed", needed),
        ("Command", code(result.command, 500) if result.command else ""),
        ("Exit code", "" if result.exit_code is None else str(result.exit_code)),
        ("Time", "" if result.seconds is None else duration(result.seconds)),
        ("Log in the record", code(result.log, 300) if result.log else ""),
    )
    rows = [fact for fact in facts if fact[1]]
    return table(("", ""), rows) if rows else ""


def _text(findings: Sequence[Finding]) -> str:
    """List findings that stand on no line."""
    if not findings:
        return ""
    lines = [_listed(finding) for finding in findings[:MAX_LISTED]]
    left = len(findings) - MAX_LISTED
    return bullets([*lines, *([f"… and {left:,} more"] if left > 0 else [])], MAX_LISTED + 1)


def _listed(finding: Finding) -> str:
    where = f"{finding.path}:{finding.line}" if finding.line else finding.path
    place = f"{code(where, 200)} " if where else ""
    rule = f" {code(finding.rule, 60)}" if finding.rule else ""
    return f"{place}{finding.severity.value}{rule}: {inline(finding.message, 250)}"


def _annotation(finding: Finding) -> Annotation:
    """Put a finding on its line. Annotations are plain text: nothing in them is interpreted."""
    evidence = f"\n\n{finding.evidence}" if finding.evidence else ""
    return Annotation(
        path=finding.path or "",
        line=finding.line or 1,
        level=_LEVELS[finding.severity],
        title=title(f"{finding.severity.value} {finding.rule}".strip()),
        message=defuse(f"{finding.message}{evidence}", MAX_MESSAGE),
    )
