"""When agents worked: the attempts that ended, and how they lie beside each other in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bot.core import events as happened
from bot.core.events import Event
from bot.core.handoff import Completion


@dataclass(frozen=True)
class Span:
    """An attempt that has ended."""

    workstream: str
    begin: datetime
    end: datetime
    completion: Completion
    provider: str

    @property
    def seconds(self) -> float:
        """How long the agent worked."""
        return (self.end - self.begin).total_seconds()


def spans_of(events: Sequence[Event]) -> tuple[Span, ...]:
    """Return the attempts that ended, in the order of their ends, each once."""
    providers = {
        (e.workstream, e.attempt): e.provider
        for e in events
        if isinstance(e, happened.WorkstreamStarted)
    }
    found: dict[tuple[str, int], Span] = {}
    for event in events:
        if isinstance(event, happened.WorkstreamFinished):
            key, done = (event.workstream, event.attempt), event.completion
            end = max(done.started_at, done.finished_at)  # a clock that was set back
            provider = providers.get(key, "")
            found.setdefault(key, Span(event.workstream, done.started_at, end, done, provider))
    return tuple(found.values())


def levels(
    intervals: Iterable[tuple[datetime, datetime]],
) -> Iterator[tuple[datetime, datetime, int]]:
    """Cut time at every begin and end; return each piece and how many intervals cover it."""
    steps: defaultdict[datetime, int] = defaultdict(int)
    for begin, end in intervals:
        steps[begin] += 1
        steps[end] -= 1
    level, moments = 0, sorted(steps)
    for begin, end in pairwise(moments):
        level += steps[begin]
        yield begin, end, level


def seconds_together(spans: Sequence[Span]) -> float:
    """Return the agent-seconds spent while two or more ran."""
    pieces = levels((span.begin, span.end) for span in spans)
    return sum((end - begin).total_seconds() * n for begin, end, n in pieces if n >= 2)


_NOT_THE_SCHEDULERS = (  # what happens in a gap that is not the scheduler's to answer for
    happened.RunRequested
    | happened.IntegrationFinished
    | happened.GateFinished
    | happened.ApprovalRequested
    | happened.ApprovalGranted
    | happened.WorkstreamRetried
)


def wall_seconds(spans: Sequence[Span], events: Sequence[Event]) -> float:
    """Time execution: first start to last end, without what the scheduler cannot answer for."""
    pauses = [event.at for event in events if isinstance(event, _NOT_THE_SCHEDULERS)]
    return sum(
        (end - begin).total_seconds()
        for begin, end, n in levels((span.begin, span.end) for span in spans)
        if n > 0 or not any(begin <= pause <= end for pause in pauses)
    )
