"""What `orchestrate demo` promises to show, judged by what its run recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core import events as happened
from bot.core.events import Event, RunStatus
from bot.core.folding import fold
from bot.core.spans import levels, spans_of
from bot.core.state import RunState

LEAST_LANDED = 6


@dataclass(frozen=True)
class Promise:
    """Something that the demo shows, in words, and whether it really happened."""

    what: str
    kept: bool


def promises(events: Sequence[Event]) -> tuple[Promise, ...]:
    """Judge a run by its whole record."""
    state = fold(events)
    return (
        _landed(state),
        _side_by_side(events),
        _conflict(state),
        _mended(events),
        _talked(events),
        _passed(state),
    )


def _landed(state: RunState) -> Promise:
    landed, all_of_them = len(state.landing), len(state.workstreams)
    what = f"{landed} of {all_of_them} workstreams landed, each on a branch of its own"
    return Promise(what, landed >= LEAST_LANDED and landed == all_of_them)


def _side_by_side(events: Sequence[Event]) -> Promise:
    spans = spans_of(events)
    most = max((n for *_, n in levels((s.begin, s.end) for s in spans)), default=0)
    return Promise(f"up to {most} worked at the same time", most >= 2)


def _conflict(state: RunState) -> Promise:
    """Somebody was left out for a conflict, and landed later."""
    for conflict in state.conflicts:
        if state.track(conflict.workstream).landed:
            files, others = ", ".join(conflict.files), ", ".join(conflict.others)
            what = f"{conflict.workstream} conflicted with {others} in {files} and landed later"
            return Promise(what, kept=True)
    return Promise("a conflict was found and handled", kept=False)


def _mended(events: Sequence[Event]) -> Promise:
    """A gate said no, a workstream mended it, the gate said yes."""
    gates = [event for event in events if isinstance(event, happened.GateFinished)]
    failed = {g.result.name for g in gates if g.iteration == 1 and g.result.status == "failed"}
    passed = {g.result.name for g in gates if g.iteration == 2 and g.result.status == "passed"}
    names = ", ".join(sorted(name.value for name in failed)) or "no gate"
    what = f"{names} failed in iteration 1 and passed in iteration 2"
    return Promise(what, bool(failed) and failed <= passed)


def _talked(events: Sequence[Event]) -> Promise:
    requests = sum(span.completion.usage.requests for span in spans_of(events))
    return Promise(f"the builtin engine got {requests} answers over HTTP", requests > 0)


def _passed(state: RunState) -> Promise:
    statuses = {name.value: result.status for name, result in state.results.items()}
    passed = [name for name, status in statuses.items() if status == "passed"]
    kept = state.status is RunStatus.PASSED and len(passed) == len(statuses) > 0
    return Promise(f"{len(passed)} of {len(statuses)} gates passed on what was combined", kept)
