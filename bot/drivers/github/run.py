"""One run as one job of the workflows sees it: settle what is new, hand out, show, leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from random import uniform
from typing import Protocol

from bot.adapters.event_ref import EventRef
from bot.adapters.github.hub import Hub
from bot.adapters.github.origin import Origin, refspecs
from bot.core.actions import MakePlan, RunGates
from bot.core.base import RunId
from bot.core.config import Settings
from bot.core.events import Event, Policy, WorkstreamStarted
from bot.core.github.dispatches import (
    Dispatch,
    GatesDispatch,
    ReconcileDispatch,
    WorkstreamDispatch,
)
from bot.core.github.links import Links
from bot.core.github.run_ids import issue_of
from bot.core.journal import Journal
from bot.core.lost import MOST_HAND_OUTS, gates_given_up, given_up, nothing_back
from bot.core.outcomes import OutcomeClass
from bot.core.routing import SHELL, Tier
from bot.core.state import RunState
from bot.drivers.github.showing import Shower
from bot.drivers.settling import Fact, Hands, Proposal, Settler
from bot.errors import UserError
from bot.ports import Clock
from bot.render.costs import CostsPage
from bot.usecases.attempt import Result

LEASE_SLACK = timedelta(minutes=30)  # a job may wait for a runner, and be published after it
GATES_SLACK = timedelta(minutes=45)
FIRST_PAUSE_SECONDS = 0.5  # after another job wrote first; about what a push takes
PLANNING_LASTS = timedelta(minutes=45)  # then a template serves where a model was to plan


class Planner(Protocol):
    """Makes plans."""

    def __call__(self, task: str, plan: bytes | None, *, wait: bool) -> Proposal | None:
        """Make a plan of a task, or take a person's; None: a model is to make it, if we `wait`."""
        ...


@dataclass(frozen=True)
class Job:
    """Which job this is: its workflow run's id, which try of it, and its own name."""

    run_id: str
    attempt: int
    name: str

    @property
    def is_repeated(self) -> bool:
        """Whether somebody pressed "re-run"."""
        return self.attempt > 1

    @property
    def place(self) -> str:
        """What it signs its hand-outs with: a try of it tells them from those of the others."""
        return f"{self.run_id}.{self.attempt}"

    def has_signed(self, place: str) -> bool:
        """Whether this or an earlier try of it handed something out."""
        return place.partition(".")[0] == self.run_id

    def may_have_run(self, place: str) -> bool:
        """Whether an earlier try may have worked on what was handed out there."""
        first_try = int(place.partition(".")[2] or 1) if self.has_signed(place) else 1
        return self.attempt > first_try


@dataclass(frozen=True)
class Desk:
    """What a job works with."""

    origin: Origin
    hub: Hub
    links: Links
    settings: Settings
    clock: Clock
    default_branch: str
    job: Job
    planner: Planner
    policy: Callable[[Decimal | None], Policy]  # of a run, with its own budget if any

    def of(self, run: RunId) -> Desk:
        """Return a desk on which all refs of a run lie, too."""
        return replace(self, origin=self.origin.widened(refspecs(self.default_branch, run)))


@dataclass
class GithubRun:
    """A run on GitHub; what is to be handed out is collected until somebody hands it out."""

    desk: Desk
    run: RunId
    proposal: Proposal | None = None  # where there is one before the run is recorded
    planning: bool = field(default=False, init=False)  # a model is to make the plan
    _out: list[Dispatch] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        desk = self.desk
        costs_page = CostsPage(desk.settings.limits, desk.links)
        self.record = EventRef(desk.origin, self.run, costs_page)
        gates_last = timedelta(minutes=desk.settings.tests.timeout_minutes) + GATES_SLACK
        hands = Hands(LEASE_SLACK, gates_last, desk.job.place, overtaken=self._step_aside)
        self._settler = Settler(self.record, desk.origin, desk.clock, self._plan, hands)
        self._known = {event.id for event in self.record.load()}

    @property
    def state(self) -> RunState:
        """The run as it was last written."""
        return self._settler.state

    @property
    def journal(self) -> Journal:
        """What makes events of this moment."""
        return self._settler.journal()

    @property
    def news(self) -> tuple[Event, ...]:
        """What was recorded since this job began."""
        return tuple(event for event in self.record.load() if event.id not in self._known)

    @property
    def issue(self) -> int:
        """The issue that the run is for. Raises UserError where its id names none."""
        found = issue_of(self.run)
        if found is None:
            raise UserError(f"Run {self.run} is of no issue: it was made on somebody's machine.")
        return found

    def settle(self, *facts: Fact) -> None:
        """Write facts and what follows from them; a re-run also repeats this job's hand-outs."""
        before = self._ours() if self.desk.job.is_repeated else ()
        slow = self._settler.settle((*self._given_up(), *facts))
        self._out += [d for d in before if self._is_wanted(d)]
        for work in slow:
            if isinstance(work, RunGates):
                self._out.append(GatesDispatch(self.run, work.head_sha))
            elif isinstance(work, MakePlan):
                self.planning = True
            else:
                self._out.append(self._dispatch_of(work.start.id, work.start.attempt))

    def take_workstreams(self, most: int) -> tuple[WorkstreamDispatch, ...]:
        """Take attempts out that this workflow runs itself, in a matrix."""
        taken = [d for d in self._out if isinstance(d, WorkstreamDispatch)][:most]
        self._out = [d for d in self._out if d not in taken]
        return tuple(taken)

    def reconcile_later(self) -> None:
        """Have another workflow look at the run and show it."""
        self._start_workflow(ReconcileDispatch(self.run))

    def hand_out(self) -> None:
        """Start a workflow for everything that is left."""
        while self._out:
            self._start_workflow(self._out[0])
            self._out.pop(0)

    def _start_workflow(self, what: Dispatch) -> None:
        self.desk.hub.actions.dispatch(what.workflow, self.desk.default_branch, what.inputs())

    def show(self, what: str = "") -> None:
        """Bring what GitHub shows up to date, unless another job is at it.

        `what` tells jobs of one name in one workflow run from each other.
        """
        shower = self.shower
        replace(shower, me=f"{shower.me}.{what}").show()

    @property
    def shower(self) -> Shower:
        """What shows the run."""
        desk = self.desk
        me = f"{desk.job.run_id}.{desk.job.name}"
        wanted = desk.settings.github.sub_issues
        return Shower(
            *(self.record, desk.origin, desk.hub, desk.links, desk.clock, me, self.issue),
            sub_issues=wanted,
        )

    def _given_up(self) -> list[Fact]:
        """End what was handed out too often without an answer: every loop has a brake."""
        state, now, journal = self.state, self.desk.clock.now(), self.journal
        because = f"it was handed out {MOST_HAND_OUTS} times and nothing came back"
        facts = []
        for attempt in given_up(state, now):
            tier = tier_of(state, attempt.started)
            lost = nothing_back(attempt.started, tier, now, because)
            result = Result(lost, OutcomeClass.CRASH, ())
            ended = tuple(journal.finished(lost, OutcomeClass.CRASH, None))
            facts.append(Fact(lambda _, ended=ended: ended, result))  # type: ignore[misc]
        results = gates_given_up(state, now)
        head = state.head_sha
        if results and head:
            facts.append(
                Fact(
                    lambda now: [
                        journal.gate(result, now, now.iteration, head) for result in results
                    ]
                )
            )
        return facts

    def _step_aside(self, nth: int) -> None:
        """Wait longer each time, and not as long as others: a run's jobs may all end at once."""
        part = uniform(0.5, 1)  # noqa: S311 - it parts jobs, it hides nothing
        self.desk.origin.pause(part * min(2.0**nth, 16) * FIRST_PAUSE_SECONDS)
        self.desk.origin.fetch()  # what was read before the pause is old

    def _plan(self, state: RunState) -> Proposal | None:
        assert state.request is not None, "a plan is of a request"
        if self.proposal is not None:
            return self.proposal
        late = self.desk.clock.now() - state.request.at > PLANNING_LASTS
        return self.desk.planner(state.request.task, None, wait=not late)

    def _ours(self) -> tuple[Dispatch, ...]:
        """What this very job handed out when it ran before, and nobody has answered."""
        me, now, state = self.desk.job, self.desk.clock.now(), self.state
        mine: list[Dispatch] = [
            self._dispatch_of(a.started.workstream, a.number)
            for a in state.running
            if me.has_signed(a.started.handed_out_by) and a.lease_until > now
        ]
        gates = state.gates_started
        if gates and me.has_signed(gates.handed_out_by) and state.gates_are_running(now):
            mine.append(GatesDispatch(self.run, gates.head_sha))
        return tuple(mine)

    def _is_wanted(self, dispatch: Dispatch) -> bool:
        """Whether what was handed out before still waits for its result."""
        if isinstance(dispatch, WorkstreamDispatch):
            return any(
                (a.started.workstream, a.number) == (dispatch.workstream, dispatch.attempt)
                for a in self.state.running
            )
        return isinstance(dispatch, GatesDispatch) and dispatch.head == self.state.head_sha

    def _dispatch_of(self, name: str, attempt: int) -> WorkstreamDispatch:
        started = self.state.track(name).attempts[attempt - 1].started
        return WorkstreamDispatch(
            self.run, name, attempt, tier_of(self.state, started).key_env or ""
        )


def tier_of(state: RunState, started: WorkstreamStarted) -> Tier:
    """Return the tier that an attempt was handed out on. Raises UserError where nobody knows it."""
    tiers: Iterable[Tier] = (SHELL, *(rung.tier for rung in state.policy.ladder.rungs))
    found = next((tier for tier in tiers if tier.name == started.tier), None)
    if found is None:
        raise UserError(f"{started.workstream} was handed out on {started.tier}, which is no tier.")
    return found
