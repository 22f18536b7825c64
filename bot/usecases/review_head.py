"""A reviewing agent reads what one commit changes, on a free tier, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.base import RunId, Sha
from bot.core.diff import changed_lines, read_diff
from bot.core.gates import Finding
from bot.core.github.opinions import MAX_FINDINGS, REVIEW
from bot.core.handoff import Completion
from bot.core.review import BLOCKING, WORST_FIRST, on_changed_lines
from bot.core.routing import Tier
from bot.ports import Commits
from bot.render.review_prompt import review_prompt
from bot.usecases.reading import Reader, Reading, read_commit
from bot.usecases.run_workstream import Result

_LONGEST_RULE, _LONGEST_TEXT = 100, 2_000  # characters of a finding


@dataclass(frozen=True)
class Head:
    """A commit to review, what it is measured against, and what it is for."""

    run: RunId
    sha: Sha
    base: Sha
    task: str


def review_head(
    head: Head, tier: Tier, commits: Commits, reader: Reader, minutes: float = 20
) -> Result:
    """Let an agent read the change, and keep of its findings those that count for it."""
    diff = commits.diff(head.base, head.sha)
    deadline = reader.tools.clock.now() + timedelta(minutes=minutes)
    prompt = review_prompt(head.task, diff, tier.context_tokens, deadline)
    workstream = REVIEW.model_copy(update={"timeout_minutes": minutes})
    result = read_commit(Reading(head.run, head.sha, workstream, tier), prompt, reader)
    return replace(result, completion=_counting(result.completion, diff))


def _counting(said: Completion, diff: str) -> Completion:
    changes = read_diff(diff)
    new_files = frozenset(change.path for change in changes if change.is_new)
    changed = changed_lines(changes)
    placed = (_placed(finding, changed.get(finding.path or "")) for finding in said.findings)
    worst_first = sorted(
        on_changed_lines(placed, changed, new_files),
        key=lambda finding: WORST_FIRST.index(finding.severity),
    )
    return said.model_copy(update={"findings": tuple(_bounded(worst_first[:MAX_FINDINGS]))})


def _placed(finding: Finding, changed: frozenset[int] | None) -> Finding:
    """Let a grave finding beside the changed lines stand for its whole file."""
    line = finding.line
    if line is None or changed is None or line in changed or finding.severity not in BLOCKING:
        return finding
    return finding.model_copy(update={"line": None, "message": f"line {line}: {finding.message}"})


def _bounded(findings: Iterable[Finding]) -> Iterable[Finding]:
    for finding in findings:
        yield finding.model_copy(
            update={
                "rule": finding.rule[:_LONGEST_RULE],
                "message": finding.message[:_LONGEST_TEXT],
                "evidence": finding.evidence[:_LONGEST_TEXT],
            }
        )
