"""What the events of a run add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import assert_never

from bot.core import events as happened
from bot.core.base import Moment, Sha
from bot.core.denials import Denial
from bot.core.events import Event, RunStatus
from bot.core.exhaustion import Outages, asked_again, with_outage
from bot.core.gates import GateName, GateResult
from bot.core.handoff import Completion, CompletionStatus, Isolation
from bot.core.ledger import month_of
from bot.core.plan import Plan, Workstream
from bot.core.retries import Ended, another_attempt


class WorkstreamStatus(StrEnum):
    """Where a workstream stands."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    LANDED = "landed"
    LEFT_OUT = "left_out"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


_GONE = {WorkstreamStatus.FAILED, WorkstreamStatus.LEFT_OUT, WorkstreamStatus.CANCELLED}


@dataclass(frozen=True)
class Attempt:
    """One hand-out of a workstream, and how it ended once it did."""

    started: happened.WorkstreamStarted
    lease_until: Moment
    finished: happened.WorkstreamFinished | None = None
    hand_outs: int = 1  # how often it was handed out, for want of an answer
    is_lost: bool = False  # its record says that nobody works on it any more

    @property
    def number(self) -> int:
        """Attempts count from 1 and only up."""
        return self.started.attempt

    @property
    def completion(self) -> Completion | None:
        """What was measured, once it ended."""
        return self.finished.completion if self.finished else None


@dataclass(frozen=True)
class PaidHandOut:
    """One hand-out with money, and how much of that counts as gone."""

    started: happened.WorkstreamStarted
    usd: Decimal  # all that was reserved, as long as nobody knows what it cost
    ended_at: Moment | None = None

    @property
    def is_over(self) -> bool:
        """Whether it takes no more."""
        return self.ended_at is not None

    def counts_in(self, month: str) -> bool:
        """Whether a month has to answer for it: each from when it began until it was over."""
        ended = month_of(self.ended_at) if self.ended_at else month
        return month_of(self.started.at) <= month <= ended


@dataclass(frozen=True)
class Track:
    """All that happened to one workstream."""

    attempts: tuple[Attempt, ...] = ()
    landed: happened.WorkstreamPublished | None = None
    conflict: happened.ConflictFound | None = None
    retried: happened.WorkstreamRetried | None = None
    paid: tuple[PaidHandOut, ...] = ()  # every one, for a lost one may have spent its money

    @property
    def last(self) -> Attempt | None:
        """The attempt that counts: every earlier one is fenced out."""
        return self.attempts[-1] if self.attempts else None

    def paid_for(self, completion: Completion) -> PaidHandOut | None:
        """Return the hand-out that a completion is of, if it had money: each says when it began."""
        found = None
        for one in self.paid:
            started = one.started
            if (started.attempt, started.tier) != (completion.attempt, completion.tier):
                continue
            if found is None or started.at <= completion.started_at:
                found = one
        return found

    @property
    def completions(self) -> tuple[Completion, ...]:
        """What was measured of each attempt that ended."""
        return tuple(a.finished.completion for a in self.attempts if a.finished)

    @property
    def denied(self) -> tuple[Denial, ...]:
        """The commands that rules kept its agents from running, each once."""
        return tuple(dict.fromkeys(one for done in self.completions for one in done.denied))

    @property
    def retry_is_due(self) -> bool:
        """Whether a person asked for an attempt that has not begun."""
        return self.retried is not None and self.retried.attempt > len(self.attempts)


@dataclass(frozen=True)
class Standing:
    """A workstream's status and the reason for it."""

    status: WorkstreamStatus
    because: str = ""


@dataclass(frozen=True)
class RunState:
    """A run as its events tell it. Made by `fold` alone."""

    request: happened.RunRequested | None = None
    requests: int = 0
    proposed: happened.PlanProposed | None = None
    accepted: happened.PlanAccepted | None = None
    tracks: Mapping[str, Track] = field(default_factory=lambda: MappingProxyType({}))
    landing: tuple[str, ...] = ()  # ids in the order in which they landed
    iterations: tuple[happened.IterationStarted, ...] = ()
    integration: happened.IntegrationFinished | None = None
    pushed: happened.IntegrationFinished | None = None  # the last one by a person
    gates_started: happened.GatesStarted | None = None
    gates_hand_outs: int = 0  # of the gates for one commit, for want of an answer
    gates: tuple[happened.GateFinished, ...] = ()
    conflicts: tuple[happened.ConflictFound, ...] = ()
    asked: tuple[happened.ApprovalRequested, ...] = ()
    granted: tuple[happened.ApprovalGranted, ...] = ()
    overrides: Mapping[GateName, str] = field(default_factory=lambda: MappingProxyType({}))
    outages: Outages = field(default_factory=lambda: MappingProxyType({}))
    cancelled: happened.RunCancelled | None = None
    finished: happened.RunFinished | None = None
    seen: frozenset[str] = frozenset()

    @property
    def plan(self) -> Plan | None:
        """The plan to run, once it was accepted."""
        return self.proposed.plan if self.proposed and self.accepted else None

    @cached_property
    def policy(self) -> happened.Policy:
        """What the run goes by: the command line before the plan, the plan before the settings."""
        policy = self.request.policy if self.request else happened.Policy()
        if self.plan is None:
            return policy
        limits, gates = self.plan.limits, self.plan.gates
        # A plan's 0 says what holds anyway: nothing without an approval.
        budgets = [b for b in (policy.budget_usd, limits.budget_usd or None) if b is not None]
        return policy.model_copy(
            update={
                "max_parallel": policy.jobs or limits.max_parallel or policy.max_parallel,
                "budget_usd": min(budgets, default=None),
                "max_iterations": gates.max_iterations or policy.max_iterations,
            }
        )

    @cached_property
    def workstreams(self) -> Mapping[str, Workstream]:
        """The plan's workstreams in topological order, then those that mend what gates found."""
        plan = self.plan
        if plan is None:
            return {}
        by_id = plan.by_id
        found = {name: by_id[name] for name in plan.order}
        return found | {step.fix.id: step.fix for step in self.iterations}

    @property
    def iteration(self) -> int:
        """Which round of the gates this is, from 1."""
        return self.iterations[-1].iteration if self.iterations else 1

    def track(self, name: str) -> Track:
        """Return what happened to a workstream so far."""
        return self.tracks.get(name, Track())

    @cached_property
    def standings(self) -> Mapping[str, Standing]:
        """Every workstream's status, with its reason."""
        found: dict[str, Standing] = {}
        for name, workstream in self.workstreams.items():
            found[name] = self._standing(workstream, found)
        return found

    def _standing(self, workstream: Workstream, known: Mapping[str, Standing]) -> Standing:
        track = self.track(workstream.id)
        if track.landed:
            return Standing(WorkstreamStatus.LANDED)
        owed = track.last if track.last and not track.last.finished else None
        running = owed is not None and not owed.is_lost
        if self.cancelled and (self.finished or not running):
            return Standing(WorkstreamStatus.CANCELLED, self.cancelled.because or "the run was")
        if running:
            return Standing(WorkstreamStatus.RUNNING)
        if owed:
            return Standing(WorkstreamStatus.READY)  # to be handed out again
        if track.last and not track.retry_is_due:
            ended = self._ended(track)
            if ended:
                return ended
        return self._before_start(workstream, known)

    def _ended(self, track: Track) -> Standing | None:
        """Judge the last attempt; None: it gets another one."""
        if track.conflict and track.last and track.conflict.attempt == track.last.number:
            with_whom = ", ".join(track.conflict.others)
            files = ", ".join(track.conflict.files)
            return Standing(WorkstreamStatus.LEFT_OUT, f"conflicts with {with_whom} in {files}")
        completion = track.last.completion if track.last else None
        if completion is None:
            return None
        if completion.status is CompletionStatus.SUCCESS:
            return Standing(WorkstreamStatus.RUNNING, "landing")
        if completion.status is CompletionStatus.BLOCKED:
            return Standing(WorkstreamStatus.BLOCKED, "; ".join(completion.questions))
        verdict = another_attempt(
            tuple(
                Ended(a.finished.completion, a.finished.outcome)
                for a in track.attempts
                if a.finished
            ),
            max_attempts=self.policy.max_attempts,
        )
        if verdict.again:
            return None
        return Standing(WorkstreamStatus.FAILED, completion.error or verdict.because)

    def _before_start(self, workstream: Workstream, known: Mapping[str, Standing]) -> Standing:
        for need in workstream.waits_for:
            if known[need].status in _GONE:
                status = known[need].status.value.replace("_", " ")
                return Standing(WorkstreamStatus.CANCELLED, f"needs {need}, which is {status}")
        open_needs = [n for n in workstream.waits_for if known[n].status != WorkstreamStatus.LANDED]
        if open_needs:
            return Standing(WorkstreamStatus.PENDING, f"waits for {', '.join(open_needs)}")
        if workstream.approval and not self.is_approved(workstream.id):
            return Standing(WorkstreamStatus.WAITING, "waits for a person's approval")
        return Standing(WorkstreamStatus.READY)

    def is_approved(self, name: str) -> bool:
        """Whether a person approved this workstream of this very plan."""
        return any(grant.workstream == name for grant in self.holding)

    @property
    def holding(self) -> tuple[happened.ApprovalGranted, ...]:
        """Every yes that holds: of this very plan, or said before there was one."""
        accepted = self.accepted.plan_hash if self.accepted else ""
        return tuple(grant for grant in self.granted if grant.plan_hash in {"", accepted})

    @property
    def running(self) -> tuple[Attempt, ...]:
        """Attempts that were handed out and have not ended."""
        tracks = (self.track(name) for name in self.workstreams)
        return tuple(t.last for t in tracks if t.last and not t.last.finished and not t.landed)

    @property
    def isolation(self) -> Mapping[Isolation, int]:
        """What kept agents apart, and in how many of the attempts that ended."""
        tracks = (self.track(name) for name in self.workstreams)
        return Counter(done.isolation for track in tracks for done in track.completions)

    @property
    def integrated(self) -> bool:
        """Whether the combined branch holds everything that landed."""
        held = self.integration.included if self.integration else ()
        return set(held) == set(self.landing)

    @property
    def head_sha(self) -> Sha | None:
        """The combined commit, once there is one."""
        return self.integration.head_sha if self.integration else None

    @property
    def results(self) -> dict[GateName, GateResult]:
        """What the gates say of the combined commit as it is now."""
        return {g.result.name: g.result for g in self.gates if g.head_sha == self.head_sha}

    def gates_are_running(self, now: Moment) -> bool:
        """Whether somebody checks the combined commit as it is now."""
        started = self.gates_started
        return (
            started is not None and started.head_sha == self.head_sha and started.lease_until > now
        )

    @property
    def status(self) -> RunStatus:
        """Where the run stands."""
        if self.finished:
            return RunStatus(self.finished.status)
        if self.plan is None:
            return RunStatus.PLANNING
        statuses = {standing.status for standing in self.standings.values()}
        if statuses & {WorkstreamStatus.RUNNING, WorkstreamStatus.READY}:
            return RunStatus.RUNNING
        if statuses & {WorkstreamStatus.WAITING, WorkstreamStatus.BLOCKED}:
            return RunStatus.WAITING
        return RunStatus.GATING if self.integrated else RunStatus.INTEGRATING


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


WorkstreamEvent = (
    happened.WorkstreamStarted
    | happened.WorkstreamProgressed
    | happened.WorkstreamFinished
    | happened.WorkstreamPublished
    | happened.WorkstreamRetried
    | happened.ConflictFound
)


def _apply_to_workstream(state: RunState, event: WorkstreamEvent) -> RunState:
    """Change one workstream's track; what an attempt says after another took its place is void."""
    track = state.track(event.workstream)
    last = track.last
    current = last is not None and last.number == event.attempt
    track, state = _settled(track, event), _with(state, event.workstream, _settled(track, event))
    match event:
        case happened.WorkstreamStarted():
            changed = _started(track, event)
        case happened.WorkstreamRetried() if _may_be_retried(track, event.attempt):
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


def _settled(track: Track, event: WorkstreamEvent) -> Track:
    """Let what a hand-out cost take the place of what it had reserved, once that is known.

    A late result counts, too: it changes nothing but this.
    """
    one: PaidHandOut | None = None
    match event:
        case happened.WorkstreamFinished(completion=done):
            one, used = track.paid_for(done), done.usage
            known = used.cost_usd if used.cost_known else None
        case happened.WorkstreamProgressed(used_usd=Decimal() as known):
            one = next((p for p in track.paid[::-1] if p.started.attempt == event.attempt), None)
        case _:
            return track
    if one is None or one.is_over:
        return track
    usd = one.usd if known is None else known
    over = replace(one, usd=usd, ended_at=event.at)
    return replace(track, paid=tuple(over if p is one else p for p in track.paid))


def _may_be_retried(track: Track, attempt: int) -> bool:
    """Only the next attempt can be asked for, and none while one runs: its result may be good."""
    running = track.last is not None and track.last.finished is None
    return attempt == len(track.attempts) + 1 and not running


def _started(track: Track, event: happened.WorkstreamStarted) -> Track:
    attempt = Attempt(event, event.lease_until)
    paid = track.paid
    if event.reserved_usd:
        paid = (*paid, PaidHandOut(event, event.reserved_usd))
    if event.attempt == len(track.attempts) + 1:
        return replace(track, attempts=(*track.attempts, attempt), paid=paid)
    last = track.last
    if last and last.number == event.attempt and last.finished is None:
        attempt = replace(attempt, hand_outs=last.hand_outs + 1)
        attempts = (*track.attempts[:-1], attempt)
        return replace(track, attempts=attempts, paid=paid)
    return track
