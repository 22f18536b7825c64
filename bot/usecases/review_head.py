"""A reviewing agent reads what one commit changes, on a free tier, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.base import RunId, Sha
from bot.core.diff import read_diff
from bot.core.gates import Finding
from bot.core.github.opinions import MAX_FINDINGS, REVIEW
from bot.core.review import counting
from bot.core.routing import Tier
from bot.ports import Commits
from bot.render.review_prompt import review_prompt
from bot.usecases.attempt import Result
from bot.usecases.reading import Reader, Reading, read_commit

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
    found = counting(result.completion.findings, read_diff(diff))[:MAX_FINDINGS]
    said = result.completion.model_copy(update={"findings": tuple(_bounded(found))})
    return replace(result, completion=said)


def _bounded(findings: Iterable[Finding]) -> Iterable[Finding]:
    for finding in findings:
        yield finding.model_copy(
            update={
                "rule": finding.rule[:_LONGEST_RULE],
                "message": finding.message[:_LONGEST_TEXT],
                "evidence": finding.evidence[:_LONGEST_TEXT],
            }
        )
