"""A reviewing agent's opinion of a commit: what it must agree with before it counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.core.github.gate_report import GateReport
from bot.core.github.handback import Expected, check_handback
from bot.core.github.subject import Subject
from bot.core.plan import Kind, Workstream
from bot.core.reading import can_read
from bot.core.routing import Tier

MAX_FINDINGS = 50
MAX_FINDING_CHARACTERS = 6_000
LONGEST = timedelta(hours=6)  # a job; what is older is another's

# No plan holds it; its model calls go by its name.
REVIEW = Workstream(
    id="review",
    title="Review this commit",
    kind=Kind.REVIEW,
    role="code-reviewer",
    goal="Review the change that this commit makes, and report findings and a score",
)


def refuse_opinion(
    report: GateReport, subject: Subject, tiers: Iterable[Tier], now: datetime
) -> str:
    """Say why what an agent says of a commit is not used, with its ledger; empty: it is."""
    opinion, envelope = report.opinion, report.envelope
    if opinion is None and envelope is None:
        return ""
    if opinion is None or envelope is None:
        return "an opinion and its ledger come together"
    tier = next((t for t in tiers if t.name == opinion.tier), None)
    if tier is None or not can_read(tier):
        return "it names a tier that is not free, cannot be held to reading, or that nobody knows"
    if len(opinion.findings) > MAX_FINDINGS or any(
        len(f.message) + len(f.evidence) + len(f.rule) > MAX_FINDING_CHARACTERS
        for f in opinion.findings
    ):
        return "its findings are longer than we write them"
    if opinion.head_sha is not None or envelope.evidence:
        return "a review changes nothing and brings no files"
    expected = Expected(
        run=subject.name,
        workstream=REVIEW,
        attempt=1,
        base_sha=subject.head,
        tier=tier,
        handed_out_at=now - LONGEST,
        now=now,
    )
    return check_handback(envelope, opinion, expected)
