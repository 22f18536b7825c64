"""What happens next: a pure function of what has happened."""

from __future__ import annotations

from datetime import datetime

from bot.core.accounts import Accounts
from bot.core.actions import (
    Action,
    FinishRun,
    Integrate,
    MakePlan,
    PublishWorkstream,
    RunGates,
    StartIteration,
)
from bot.core.events import RunStatus
from bot.core.fixes import fix_workstream, same_findings
from bot.core.gates import GateResult
from bot.core.handoff import CompletionStatus
from bot.core.money import cover_left
from bot.core.routing import Cover, NeedsApproval, NoRoute, Route
from bot.core.starting import route_now, start
from bot.core.state import RunState, WorkstreamStatus


def decide(state: RunState, now: datetime, accounts: Accounts) -> tuple[Action, ...]:
    """Return what to do now; nothing means that something running, or a person, is waited for."""
    if state.request is None or state.finished:
        return ()
    if state.cancelled:
        busy = any(attempt.lease_until > now for attempt in state.running)
        return () if busy else (FinishRun(RunStatus.CANCELLED, state.cancelled.because),)
    if state.plan is None:
        return (MakePlan(),)
    landing = _publish(state)
    if landing:
        return landing
    starts, questions = start(state, now, accounts)
    if starts or questions or state.running:
        return (*starts, *questions)
    return _after_work(state, now, accounts)


def _publish(state: RunState) -> tuple[Action, ...]:
    """Land what has succeeded, one at a time and in the plan's order: the next sees the first."""
    for name in state.workstreams:
        track = state.track(name)
        last = track.last
        completion = last.completion if last else None
        tried = track.conflict and last and track.conflict.attempt == last.number
        if not completion or not last or track.landed or tried or track.retry_is_due:
            continue
        if completion.status is CompletionStatus.SUCCESS:
            head = completion.head_sha or completion.base_sha
            return (PublishWorkstream(name, last.number, head),)
    return ()


def _after_work(state: RunState, now: datetime, accounts: Accounts) -> tuple[Action, ...]:
    """Nothing runs and nothing can start: combine, check, mend, or end."""
    if not state.integrated or (state.integration is None and state.landing):
        return (Integrate(state.iteration),)
    statuses = {standing.status for standing in state.standings.values()}
    if statuses & {WorkstreamStatus.WAITING, WorkstreamStatus.BLOCKED, WorkstreamStatus.READY}:
        return ()  # a person was asked
    if state.integration is None:
        return (FinishRun(RunStatus.FAILED, "no workstream landed"),)
    request = state.request
    if request is not None and state.integration.head_sha == request.base_sha:
        return (_finish(state, "nothing had to be changed"),)
    missing = tuple(name for name in state.policy.gates if name not in state.results)
    if missing and state.gates_are_running(now):
        return ()
    if missing:
        return (RunGates(state.iteration, state.integration.head_sha, missing),)
    return (_after_gates(state, cover_left(state, now, accounts), now),)


def _after_gates(state: RunState, cover: Cover, now: datetime) -> Action:
    failed = _open(state, "failed")
    if not failed:
        return _finish(state, _proven(state))
    names = ", ".join(result.name.value for result in failed)
    if state.iteration >= state.policy.max_iterations:
        return _finish(state, f"{names} still failing after {state.iteration} iterations")
    if state.iterations and not state.track(state.iterations[-1].fix.id).landed:
        return _finish(state, f"{state.iterations[-1].fix.id} could not mend {names}")
    if same_findings(state, failed):
        return _finish(state, f"the last fix changed nothing about {names}")
    fix = fix_workstream(state, failed)
    match route_now(state, fix, cover, now):
        case Route():
            return StartIteration(state.iteration + 1, fix, f"{names} failed")
        case NeedsApproval(because=because) | NoRoute(because=because):
            return _finish(state, f"{names} failed, and no engine can mend it ({because})")


def _open(state: RunState, status: str) -> list[GateResult]:
    return [
        result
        for name, result in state.results.items()
        if result.status == status and name not in state.overrides
    ]


def _proven(state: RunState) -> str:
    """Say what gates showed of which none failed: one that is off showed nothing."""
    on = [result for result in state.results.values() if result.status != "off"]
    if not on:
        return "no gate is on"
    if any(result.status != "passed" for result in on):
        return "every gate passed or was overridden"
    return "every gate passed" if len(on) == len(state.results) else "every gate that is on passed"


def _finish(state: RunState, because: str) -> FinishRun:
    """Pass only if everything landed and every gate that is on passed; say what did not."""
    fixes = {step.fix.id for step in state.iterations}  # what they were for is seen by the gates
    wrong = [
        f"{name} {standing.status.value.replace('_', ' ')}"
        for name, standing in state.standings.items()
        if standing.status is not WorkstreamStatus.LANDED and name not in fixes
    ]
    wrong += [f"{result.name} did not run" for result in _open(state, "not_run")]
    if _open(state, "failed"):
        wrong.insert(0, because)
    if wrong:
        return FinishRun(RunStatus.FAILED, "; ".join(wrong))
    return FinishRun(RunStatus.PASSED, because)
