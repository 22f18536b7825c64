"""When a run that waits goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.core.about import About
from bot.core.asking import answer_is_due
from bot.core.report import open_questions
from bot.core.state import RunState, WorkstreamStatus


def wakes_at(state: RunState, now: datetime) -> datetime | None:
    """Return the next moment worth waiting for; None: only a person, or what runs, helps."""
    ready = any(one.status is WorkstreamStatus.READY for one in state.standings.values())
    if not ready or state.finished or state.cancelled:
        return None
    return min(_moments(state, now), default=None)


def _moments(state: RunState, now: datetime) -> Iterator[datetime]:
    longest = now + timedelta(minutes=state.policy.tier_wait_minutes)
    for outage in state.outages.values():
        back_at = outage.returns_after(now)
        if back_at is not None and back_at <= longest:
            yield back_at
    for question in open_questions(state):
        due = answer_is_due(state, question) if About.CHOICE.is_named_in(question.cause) else None
        if due is not None and due > now:
            yield due
