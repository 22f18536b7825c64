"""From events to a run's state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from bot.core import events as happened
from bot.core.events import Event, RunStatus
from bot.core.exhaustion import Outages, asked_again, with_outage
from bot.core.state import RunState
from bot.core.tracks import Track, WorkstreamEvent


def fold(events: Iterable[Event], state: RunState | None = None) -> RunState:
    """Add events to a state; one that was seen before changes nothing."""
    state = state or RunState()
    seen = set(state.seen)
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            state = _apply(state, event)
    return replace(state, seen=frozenset(seen))


def _apply(state: RunState, event: Event) -> RunState:  # noqa: C901 - one flat case an event
    match event:
        case (
            happened.WorkstreamStarted()
            | happened.WorkstreamProgressed()
            | happened.WorkstreamFinished()
            | happened.WorkstreamPublished()
            | happened.WorkstreamRetried()
            | happened.ConflictFound()
        ):
            return _apply_to_workstream(state, event)
        case happened.RunRequested():
            return _apply_request(state, event)
        case happened.PlanProposed():
            return state if state.accepted else replace(state, proposed=event)
        case happened.PlanAccepted():
            fits = state.proposed is not None and state.proposed.plan.hash == event.plan_hash
            return replace(state, accepted=event) if fits and not state.accepted else state
        case happened.IntegrationFinished(pushed=True):
            over = _unless_passed(state)  # other commits: what the gates said is void
            return replace(state, integration=event, pushed=event, finished=over)
        case happened.IntegrationFinished():
            return replace(state, integration=event)
        case happened.GatesStarted():
            before = state.gates_started
            same = before is not None and before.head_sha == event.head_sha
            nth = state.gates_hand_outs + 1 if same else 1
            return replace(state, gates_started=event, gates_hand_outs=nth)
        case happened.GateFinished():
            late = event.cause.endswith(happened.AFTER_NOT_RUN)
            over = _unless_passed(state) if late else state.finished
            return replace(state, gates=(*state.gates, event), finished=over)
        case happened.IterationStarted():
            return replace(state, iterations=(*state.iterations, event))
        case happened.ApprovalRequested():
            return replace(state, asked=(*state.asked, event))
        case happened.ApprovalGranted():
            granted = (*state.granted, event)
            return replace(state, granted=granted, finished=_unless_passed(state))
        case happened.OverrideGranted():
            overrides = {**state.overrides, event.gate: event.because}
            return replace(state, overrides=overrides, finished=_unless_passed(state))
        case happened.TierExhausted():
            return replace(state, outages=_with_outage(state.outages, event))
        case happened.RunCancelled():
            return replace(state, cancelled=event)
        case happened.RunFinished():
            return replace(state, finished=event)
        case happened.WorkstreamAcknowledged() | happened.ApprovalUsed():
            return state  # for the record; nothing is decided by them
        case _ as never:
            assert_never(never)


def _with_outage(outages: Outages, event: happened.TierExhausted) -> Outages:
    return with_outage(outages, event.tier, event.because, back_at=event.back_at, at=event.at)


def _unless_passed(state: RunState) -> happened.RunFinished | None:
    """A run that failed goes on after a person's word; one that is over otherwise stays so."""
    over = state.finished
    return over if over and over.status != RunStatus.FAILED else None


def _apply_request(state: RunState, event: happened.RunRequested) -> RunState:
    """Asked again, a run that failed goes on: tiers may be back, gates may run this time."""
    if state.request is None:
        return replace(state, request=event, requests=1)
    first = state.request
    event = event.model_copy(update={"task": first.task, "base_sha": first.base_sha})
    state = replace(state, request=event, requests=state.requests + 1)
    state = replace(state, outages=asked_again(state.outages, event.at), gates_started=None)
    if state.finished is None or state.finished.status != RunStatus.FAILED:
        return state
    kept = tuple(gate for gate in state.gates if gate.result.status in {"passed", "off"})
    return replace(state, finished=None, gates=kept)


def _apply_to_workstream(state: RunState, event: WorkstreamEvent) -> RunState:
    """Change one workstream's track; what an attempt says after another took its place is void."""
    track = state.track(event.workstream)
    last = track.last
    current = last is not None and last.number == event.attempt
    track = track.settled(event)
    state = _with(state, event.workstream, track)
    match event:
        case happened.WorkstreamStarted():
            changed = track.with_start(event)
        case happened.WorkstreamRetried() if track.may_be_retried(event.attempt):
            changed = replace(track, retried=event)
            state = replace(state, finished=None)
        case happened.WorkstreamProgressed() if last and current and not last.finished:
            over = event.lease_until <= event.at
            alive = replace(last, lease_until=event.lease_until, is_lost=over)
            changed = replace(track, attempts=(*track.attempts[:-1], alive))
        case happened.WorkstreamFinished() if last and current and not last.finished:
            ended = replace(last, finished=event)
            changed = replace(track, attempts=(*track.attempts[:-1], ended))
        case happened.WorkstreamPublished() if current and not track.landed:
            changed = replace(track, landed=event)
            state = replace(state, landing=(*state.landing, event.workstream))
        case happened.ConflictFound() if current and not track.landed:
            changed = replace(track, conflict=event)
            state = replace(state, conflicts=(*state.conflicts, event))
        case _:
            return state
    return _with(state, event.workstream, changed)


def _with(state: RunState, name: str, track: Track) -> RunState:
    if track == state.track(name):
        return state
    return replace(state, tracks={**state.tracks, name: track})
