"""What both drivers share: facts go in, and all that follows from them is written at once.

A driver only does what takes time (attempts, gates, a model's plan), each in its own way, and
brings what came of it back as a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never

from bot.adapters.combine import Conflict
from bot.adapters.event_ref import Batch, EventRef, Overtaken
from bot.adapters.git import RefUpdate, Repository
from bot.core import names
from bot.core.accounts import Accounts
from bot.core.actions import (
    Action,
    AskHuman,
    FinishRun,
    Integrate,
    MakePlan,
    PublishWorkstream,
    RunGates,
    StartIteration,
    StartWorkstream,
)
from bot.core.base import RunId, Sha
from bot.core.decide import decide
from bot.core.events import Event, PlanAccepted, WorkstreamPublished, WorkstreamStarted
from bot.core.folding import fold
from bot.core.handoff import Completion, CompletionStatus
from bot.core.journal import LEASE_SLACK, Journal
from bot.core.ledger import LedgerLine
from bot.core.paying import covered, reservation_lines
from bot.core.plan import Plan
from bot.core.state import RunState
from bot.core.summary import state_file
from bot.drivers.branches import Branches, run_base, sizes_for
from bot.errors import Unavailable
from bot.ports import Clock
from bot.render.shared import shared_page
from bot.usecases.attempt import Result

_OVERTAKEN_AT_MOST = 100


@dataclass(frozen=True)
class Attempting:
    """An attempt to run: what was decided, and what it starts from."""

    start: StartWorkstream
    base_sha: Sha
    state: RunState


@dataclass(frozen=True)
class Proposal:
    """A plan to run: where it came from, what was mended in it, and its text."""

    plan: Plan
    source: str
    notes: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Fact:
    """Something that is over; written whatever else was written meanwhile.

    `events` is asked again, with the state as it is then, whenever somebody else wrote first.
    """

    events: Callable[[RunState], Iterable[Event]]
    result: Result | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    spend: tuple[LedgerLine, ...] = ()
    spent_by: Completion | None = None  # of an attempt whose result is not the one that counts


Slow = Attempting | RunGates | MakePlan


@dataclass
class _Draft:
    """A batch being made: decisions add to it until nothing more can be decided at once."""

    before: RunState  # as it was read
    accounts: Accounts
    state: RunState = field(init=False)
    events: list[Event] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    refs: dict[str, Sha] = field(default_factory=dict)
    spend: list[LedgerLine] = field(default_factory=list)
    slow: list[Slow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.before

    def add(self, *events: Event) -> bool:
        """Let events have happened; whether any of them is news."""
        fresh = [event for event in events if event.id not in self.state.seen]
        self.events += fresh
        self.state = fold(fresh, self.state)
        return bool(fresh)


@dataclass(frozen=True)
class Hands:
    """What a driver is like that hands attempts out."""

    lease_slack: timedelta = LEASE_SLACK  # beyond an attempt's own time limit
    gates_last: timedelta = timedelta(hours=6)  # at most; a resume runs them again at once
    place: str = ""  # whose hand-outs these are, so that they can be repeated
    ready: Callable[[], bool] = lambda: True  # False: nothing more is handed out
    overtaken: Callable[[int], None] = lambda _: None  # waits before another try to write


class Settler:
    """Writes facts into a run's record together with every decision that takes no time."""

    def __init__(
        self,
        record: EventRef,
        repository: Repository,
        clock: Clock,
        planner: Callable[[RunState], Proposal | None],
        hands: Hands = Hands(),
    ) -> None:
        """Take `planner`, which returns None where a plan takes time and comes as a fact."""
        self._record = record
        self._repository = repository
        self._clock = clock
        self._planner = planner
        self._hands = hands
        self._run: RunId = record.run
        self._refs = self._own_refs()
        self._branches = Branches(record, repository, clock)
        self.state = fold(record.load())

    def settle(self, facts: Iterable[Fact]) -> list[Slow]:
        """Write the facts and all that follows from them at once; return what takes time.

        Raises Unavailable where others write faster than this can read.
        """
        facts = tuple(facts)
        for nth in range(_OVERTAKEN_AT_MOST):
            draft = _Draft(fold(self._record.load()), self._record.accounts(self._clock.now()))
            self._adopt_push(draft)
            for fact in facts:
                self._add_fact(fact, draft)
            self._add_decisions(draft)
            try:
                self._write(draft)
            except Overtaken:
                self._hands.overtaken(nth)
                self._branches.forget()
                self._refs = self._own_refs()
                continue
            self.state = draft.state
            return draft.slow
        raise Unavailable(
            f"Run {self._run} is written to faster than it can be read.",
            fix=f"orchestrate run --resume {self._run}",
        )

    def journal(self) -> Journal:
        """Return what makes events of this moment."""
        return Journal(self._run, self._clock.now())

    def _adopt_push(self, draft: _Draft) -> None:
        """Take what a person put on the combined branch for part of it: never write over it."""
        ref = f"refs/heads/{names.combined_branch(self._run)}"
        there, held = self._refs.get(ref), draft.state.integration
        if there is None or held is None or there == held.head_sha:
            return
        draft.add(self.journal().pushed(draft.state, there))
        self._branches.forget()

    def _add_fact(self, fact: Fact, draft: _Draft) -> None:
        if not draft.add(*fact.events(draft.state)):
            return  # a second delivery: the first result of an attempt is the one that counts
        draft.files.update(fact.files)
        draft.spend += covered(fact.spend, draft.state, fact.spent_by)
        result = fact.result
        if result is None:
            return
        done = result.completion
        draft.spend += covered(result.spend, draft.state, done)
        draft.add(*self.journal().paid(done, result.spend))
        draft.files.update(result.evidence)
        kept = f"{done.workstream}.{done.attempt}"
        draft.files[f"completions/{kept}.json"] = done.model_dump_json(indent=2).encode()
        if done.head_sha and (result.interrupted or done.status is not CompletionStatus.SUCCESS):
            ref = names.rescue_ref(self._run, done.workstream, done.attempt)
            old = self._refs.get(ref)
            draft.refs[ref] = self._repository.on_top(done.head_sha, old, done.finished_at)

    def _add_decisions(self, draft: _Draft) -> None:
        """Carry out what takes no time, one decision after another, and collect what does."""
        while self._hands.ready():
            actions = decide(draft.state, self._clock.now(), draft.accounts)
            quick = [a for a in actions if not isinstance(a, StartWorkstream | RunGates)]
            for action in quick:
                self._carry_out(action, draft)
            if quick and not draft.slow:
                continue
            for slow in actions:
                if isinstance(slow, StartWorkstream):
                    self._hand_out(slow, draft)
                elif isinstance(slow, RunGates):
                    hands = self._hands
                    draft.add(
                        self.journal().gates_started(
                            slow, draft.state, hands.gates_last, hands.place
                        )
                    )
                    draft.slow.append(slow)
            return

    def _carry_out(self, action: Action, draft: _Draft) -> None:
        journal = self.journal()
        match action:
            case MakePlan():
                self._plan(action, draft)
            case PublishWorkstream():
                self._publish(action, draft)
            case AskHuman():
                draft.add(journal.asked(action))
            case Integrate(iteration=iteration):
                branch, head = names.combined_branch(self._run), self._branches.head(draft.state)
                draft.add(journal.integrated(draft.state, iteration, branch, head))
                draft.refs[f"refs/heads/{branch}"] = head
            case StartIteration():
                draft.add(journal.iteration(action))
            case FinishRun():
                draft.add(journal.ended(action, draft.state))
            case StartWorkstream() | RunGates():
                raise AssertionError("what takes time is not carried out here")
            case _ as never:
                assert_never(never)

    def _plan(self, action: MakePlan, draft: _Draft) -> None:
        found = self._planner(draft.state)
        if found is None:
            draft.slow.append(action)
            return
        sizes = sizes_for(self._repository, draft.state, found.plan)
        draft.add(*self.journal().planned(found.plan, found.source, found.notes, sizes))
        draft.files["plan.yaml"] = found.text.encode()

    def _hand_out(self, start: StartWorkstream, draft: _Draft) -> None:
        base = self._base_of(start, draft)
        last = draft.state.track(start.id).last
        if last is not None and last.started.base_sha != base:
            # Checked out as it was, the earlier work would take back what landed since.
            start = replace(start, start_from=None)
        draft.add(
            self.journal().started(
                start, draft.state, base, self._hands.lease_slack, self._hands.place
            )
        )
        draft.slow.append(Attempting(start, base, draft.state))

    def _base_of(self, start: StartWorkstream, draft: _Draft) -> Sha:
        """Return the commit that an attempt starts from, and keep it under a ref if it is new."""
        state = draft.state
        last = state.track(start.id).last
        if last is not None and last.number == start.attempt:
            return last.started.base_sha
        base = self._branches.base_for(start.id, state)
        if base != run_base(state):
            draft.refs[names.base_ref(self._run, start.id, start.attempt)] = base
        return base

    def _publish(self, action: PublishWorkstream, draft: _Draft) -> None:
        state, journal = draft.state, self.journal()
        last = state.track(action.id).last
        assert last is not None, "core publishes what has finished"
        landed = self._branches.land(action, last.started.base_sha, state)
        branch = names.workstream_branch(self._run, action.id)
        if action.head_sha != last.started.base_sha:
            self._keep_what_is_in_the_way(f"refs/heads/{branch}", last.started, draft)
            draft.refs[f"refs/heads/{branch}"] = action.head_sha
        if isinstance(landed, Conflict):
            draft.add(journal.conflict(action.id, action.attempt, landed.others, landed.files))
        else:
            draft.add(journal.published(action.id, action.attempt, branch, action.head_sha))

    def _keep_what_is_in_the_way(
        self, branch: str, started: WorkstreamStarted, draft: _Draft
    ) -> None:
        """Rescue commits that a person put on a workstream's branch before it is written anew."""
        there = self._refs.get(branch)
        attempts = draft.state.track(started.workstream).attempts
        ours = {a.completion.head_sha for a in attempts if a.completion}
        if there is not None and there not in ours:
            ref = names.rescue_ref(self._run, started.workstream, started.attempt)
            draft.refs[ref] = self._repository.on_top(there, self._refs.get(ref), started.at)

    def _write(self, draft: _Draft) -> None:
        moves = tuple(
            RefUpdate(ref, new, self._refs.get(ref))
            for ref, new in draft.refs.items()
            if self._refs.get(ref) != new
        )
        if not draft.events:
            return
        files = {**draft.files, "state.json": state_file(draft.state)}
        if any(isinstance(event, PlanAccepted | WorkstreamPublished) for event in draft.events):
            files["context.md"] = shared_page(draft.state).encode()
        now = self._clock.now()
        lines = (*draft.spend, *reservation_lines(draft.before, draft.state, now))
        self._record.append(Batch(tuple(draft.events), files, moves, lines), now)
        self._refs.update(draft.refs)

    def _own_refs(self) -> dict[str, Sha]:
        prefixes = (names.BRANCHES, names.BASES, names.RESCUES)
        found = [self._repository.refs(f"{prefix}{self._run}/") for prefix in prefixes]
        return {ref: sha for refs in found for ref, sha in refs.items()}
