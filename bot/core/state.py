"""What the events of a run add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from bot.core import events as happened
from bot.core.base import Moment, Sha
from bot.core.events import RunStatus
from bot.core.exhaustion import Outages
from bot.core.gates import GateName, GateResult
from bot.core.handoff import CompletionStatus, Isolation
from bot.core.plan import Plan, Workstream
from bot.core.retries import Ended, another_attempt
from bot.core.tracks import Attempt, PaidHandOut, Track


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


_GONE = {
    WorkstreamStatus.FAILED: "failed",
    WorkstreamStatus.LEFT_OUT: "was left out",
    WorkstreamStatus.CANCELLED: "was cancelled",
}


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
            if gone := _GONE.get(known[need].status):
                return Standing(WorkstreamStatus.CANCELLED, f"needs {need}, which {gone}")
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
    def paid(self) -> tuple[PaidHandOut, ...]:
        """Every hand-out with money, lost ones too."""
        return tuple(one for track in self.tracks.values() for one in track.paid)

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
