"""What happens next: a pure function of what has happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.core.accounts import Accounts
from bot.core.asking import Choice, choice_for, demand_of, question_for, went_free
from bot.core.base import ZERO_USD, Sha
from bot.core.events import RunStatus
from bot.core.exhaustion import out_at, relapses
from bot.core.fixes import fix_workstream, same_findings
from bot.core.gates import GateName, GateResult
from bot.core.graph import longest_remaining, reverse
from bot.core.handoff import CompletionStatus
from bot.core.money import cap_reached, cover_left, reserve
from bot.core.plan import Workstream, collide
from bot.core.routing import SHELL, NeedsApproval, NoRoute, Route, Tier, route
from bot.core.state import Attempt, RunState, WorkstreamStatus

EXPECTED_SECONDS = 300.0  # of a workstream that nobody estimated


@dataclass(frozen=True)
class MakePlan:
    """Make a plan of the task."""


@dataclass(frozen=True)
class StartWorkstream:
    """Hand a workstream to an agent."""

    id: str
    tier: Tier
    attempt: int
    because: str
    start_from: Sha | None = None
    reserved_usd: Decimal = ZERO_USD


@dataclass(frozen=True)
class PublishWorkstream:
    """Try a finished workstream against those that landed, and land it or leave it out."""

    id: str
    attempt: int
    head_sha: Sha


@dataclass(frozen=True)
class AskHuman:
    """Put a question to a person; `cause` names it, so that it is put once."""

    question: str
    cause: str
    workstream: str | None = None
    provider: str | None = None
    others_usd: Decimal = ZERO_USD


@dataclass(frozen=True)
class Integrate:
    """Advance the combined branch to everything that landed."""

    iteration: int


@dataclass(frozen=True)
class RunGates:
    """Check the combined commit."""

    iteration: int
    head_sha: Sha
    names: tuple[GateName, ...]


@dataclass(frozen=True)
class StartIteration:
    """Let a workstream mend what the gates found, then check again."""

    iteration: int
    fix: Workstream
    because: str


@dataclass(frozen=True)
class FinishRun:
    """End the run."""

    status: RunStatus
    because: str


Action = (
    MakePlan
    | StartWorkstream
    | PublishWorkstream
    | AskHuman
    | Integrate
    | RunGates
    | StartIteration
    | FinishRun
)


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
    starts, questions = _start(state, now, accounts)
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


def _start(
    state: RunState, now: datetime, accounts: Accounts
) -> tuple[tuple[Action, ...], tuple[Action, ...]]:
    """Hand out what is ready, longest remaining way first, as far as room and files allow."""
    lost = {a.started.workstream: a for a in state.running if a.lease_until <= now}
    busy = [a for a in state.running if a.lease_until > now]
    running = [state.workstreams[a.started.workstream] for a in busy]
    cover: Mapping[str, Decimal] = cover_left(state, now, accounts)
    busy_providers = [a.started.provider for a in busy if a.started.reserved_usd]
    starts: list[Action] = []
    questions: list[Action] = list(_approvals(state))
    for name in [*lost, *_ready(state)]:
        workstream = state.workstreams[name]
        if len(running) >= state.policy.max_parallel:
            break
        if any(collide(workstream, other) for other in running):
            continue
        choice = None if name in lost else _choice(state, workstream, now, cover)
        went_without = went_free(choice, state, now) if choice else ""
        if choice and not went_without:
            if choice.wish.tier.provider not in [*busy_providers, *_paid(starts)]:
                questions += _ask_to_pay(choice, state, accounts, questions)
            continue
        free = _free_for(lost.get(name), cover)
        verdict = _route(state, workstream, free, now)
        if isinstance(verdict, Route) and _is_elsewhere(verdict.tier, lost.get(name)):
            free = cover  # who was lost on another tier may spend what it has reserved
            verdict = _route(state, workstream, free, now)
        match verdict:
            case Route(tier=tier, because=because):
                why = "; ".join(filter(None, [went_without, because]))
                start = _hand_out(state, workstream, tier, why, free)
                cover = reserve(state, free, tier.provider, start.reserved_usd)
                starts.append(start)
                running.append(workstream)
            case NeedsApproval() | NoRoute() as verdict:
                if not _money_may_come_back(verdict, [*busy_providers, *_paid(starts)]):
                    questions += _ask_for_a_tier(state, workstream, verdict, accounts)
    return tuple(starts), tuple(questions)


def _choice(
    state: RunState, workstream: Workstream, now: datetime, cover: Mapping[str, Decimal]
) -> Choice | None:
    """Return what a person may choose for a workstream, before it begins."""
    return choice_for(state, _pinned(state, workstream), out_at(state.outages, now), cover)


def _ask_to_pay(
    choice: Choice, state: RunState, accounts: Accounts, asking: list[Action]
) -> list[Action]:
    """Put the question once, whichever workstream comes first."""
    if choice.asked or choice.cause in {getattr(action, "cause", "") for action in asking}:
        return []
    provider = choice.wish.tier.provider
    question, others = question_for(choice, state), accounts.others(provider)
    return [AskHuman(question, choice.cause, choice.workstream, provider, others)]


def _paid(starts: list[Action]) -> list[str]:
    return [
        start.tier.provider
        for start in starts
        if isinstance(start, StartWorkstream) and start.reserved_usd
    ]


def _money_may_come_back(verdict: NeedsApproval | NoRoute, busy_providers: list[str]) -> bool:
    """Whether an attempt that runs holds money that it may not need: then nobody is asked yet."""
    return isinstance(verdict, NeedsApproval) and verdict.tier.provider in busy_providers


def _free_for(lost: Attempt | None, cover: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Count what a lost attempt has reserved as free for itself: it is the same attempt again."""
    if lost is None or not lost.started.reserved_usd:
        return cover
    provider = lost.started.provider
    return {**cover, provider: cover.get(provider, ZERO_USD) + lost.started.reserved_usd}


def _is_elsewhere(tier: Tier, lost: Attempt | None) -> bool:
    return lost is not None and lost.started.tier != tier.name


def _ready(state: RunState) -> list[str]:
    """Ids that could start, those with the longest way to the plan's end before them first."""
    ready = [n for n, s in state.standings.items() if s.status is WorkstreamStatus.READY]
    if len(ready) < 2:
        return ready
    needs = {name: w.waits_for for name, w in state.workstreams.items()}
    expected: Mapping[str, float] = state.accepted.expected_seconds if state.accepted else {}
    remaining = longest_remaining(needs, {n: expected.get(n, EXPECTED_SECONDS) for n in needs})
    followers = reverse(needs)
    return sorted(ready, key=lambda name: (-remaining[name], -len(followers[name])))


def _route(
    state: RunState, workstream: Workstream, cover: Mapping[str, Decimal], now: datetime
) -> Route | NeedsApproval | NoRoute:
    attempts = state.track(workstream.id).attempts
    return route(
        _pinned(state, workstream),
        state.policy.ladder,
        exhausted=out_at(state.outages, now),
        tried={a.started.tier for a in attempts if a.finished},
        cover=cover,
        demand=demand_of(state, workstream),
    )


def _pinned(state: RunState, workstream: Workstream) -> Workstream:
    """Let `--engine` count where the plan pins none."""
    if workstream.engine is not None or not state.policy.engine:
        return workstream
    return workstream.model_copy(update={"engine": state.policy.engine})


def _hand_out(
    state: RunState,
    workstream: Workstream,
    tier: Tier,
    because: str,
    cover: Mapping[str, Decimal],
) -> StartWorkstream:
    last = state.track(workstream.id).last
    again = last is not None and last.finished is None  # its lease ran out: the same attempt
    number = 1 if last is None else last.number if again else last.number + 1
    start_from = None
    if last and last.completion and tier.engine != SHELL.engine:
        start_from = last.completion.head_sha
    left = cover.get(tier.provider, ZERO_USD)
    caps = [cap for cap in (workstream.budget_usd or None, state.policy.workstream_usd) if cap]
    reserved = min([left, *caps]) if tier.billing == "paid" else ZERO_USD
    return StartWorkstream(workstream.id, tier, number, because, start_from, reserved)


def _approvals(state: RunState) -> list[Action]:
    """Questions that only a person can answer and that were not put yet."""
    asked = {question.cause for question in state.asked}
    found: list[Action] = []
    for name, standing in state.standings.items():
        if standing.status is WorkstreamStatus.WAITING:
            title = state.workstreams[name].title
            ask = AskHuman(f"May {name} start? {title}", f"workstream:{name}", workstream=name)
        elif standing.status is WorkstreamStatus.BLOCKED:
            attempts = len(state.track(name).attempts)
            ask = AskHuman(
                f"{name} asks: {standing.because}", f"question:{name}.{attempts}", workstream=name
            )
        else:
            continue
        if ask.cause not in asked:
            found.append(ask)
    return found


def _ask_for_a_tier(
    state: RunState,
    workstream: Workstream,
    verdict: NeedsApproval | NoRoute,
    accounts: Accounts,
) -> list[Action]:
    others, nth = ZERO_USD, f"{len(state.granted)}.{state.requests}{relapses(state.outages)}"
    if isinstance(verdict, NeedsApproval):
        provider: str | None = verdict.tier.provider
        others = accounts.others(verdict.tier.provider)
        why = cap_reached(state, verdict.tier.provider, accounts) or "it is paid"
        question = f"{workstream.id} could only go on with {provider}, and {why}: "
        cause = f"paid:{provider}.{nth}"
    else:
        provider = None
        question = f"No model can take {workstream.id}: "
        cause = f"tier:{workstream.id}.{nth}"
    if cause in {asked.cause for asked in state.asked}:
        return []
    return [AskHuman(question + verdict.because, cause, workstream.id, provider, others)]


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


def _after_gates(state: RunState, cover: Mapping[str, Decimal], now: datetime) -> Action:
    failed = _open(state, "failed")
    if not failed:
        return _finish(state, "every gate passed")
    names = ", ".join(result.name.value for result in failed)
    if state.iteration >= state.policy.max_iterations:
        return _finish(state, f"{names} still failing after {state.iteration} iterations")
    if state.iterations and not state.track(state.iterations[-1].fix.id).landed:
        return _finish(state, f"{state.iterations[-1].fix.id} could not mend {names}")
    if same_findings(state, failed):
        return _finish(state, f"the last fix changed nothing about {names}")
    fix = fix_workstream(state, failed)
    match _route(state, fix, cover, now):
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
