"""The local driver: carries out what core decides with worktrees and processes of this machine."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from bot.adapters.combine import Conflict
from bot.adapters.event_ref import Batch, EventRef, Overtaken
from bot.adapters.git import RefUpdate, Repository
from bot.core import names
from bot.core.base import RunId, Sha
from bot.core.decide import (
    Action,
    AskHuman,
    FinishRun,
    Integrate,
    MakePlan,
    PublishWorkstream,
    RunGates,
    StartIteration,
    StartWorkstream,
    decide,
)
from bot.core.events import Event, PlanAccepted, WorkstreamPublished
from bot.core.gates import GateResult
from bot.core.handoff import CompletionStatus
from bot.core.journal import Journal
from bot.core.ledger import LedgerLine
from bot.core.money import covered
from bot.core.plan import Plan
from bot.core.state import RunState, fold
from bot.core.summary import state_file
from bot.drivers.branches import Branches, run_base
from bot.errors import Unavailable
from bot.ports import Clock
from bot.render.shared import shared_page
from bot.usecases.run_gates import Checked
from bot.usecases.run_workstream import Result

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


class Workers(Protocol):
    """Does what takes time; each call may come from a thread of its own."""

    def attempt(self, attempting: Attempting, say: Callable[[str], None]) -> Result:
        """Run one attempt at a workstream to its end."""
        ...

    def gates(self, run_gates: RunGates, state: RunState) -> Checked:
        """Check the combined commit."""
        ...

    def interrupt(self) -> None:
        """End everything that runs; what is asked from now on ends at once."""
        ...


class Screen(Protocol):
    """Shows a person how it goes."""

    def show(self, state: RunState) -> None:
        """Show where the run stands."""
        ...

    def line(self, workstream: str, text: str) -> None:
        """Show what a workstream's engine says."""
        ...


@dataclass
class _Draft:
    """A batch being made: decisions add to it until nothing more can be decided at once."""

    state: RunState
    events: list[Event] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    refs: dict[str, Sha] = field(default_factory=dict)
    spend: list[LedgerLine] = field(default_factory=list)
    slow: list[Attempting | RunGates] = field(default_factory=list)

    def add(self, *events: Event) -> None:
        """Let events have happened."""
        self.events += events
        self.state = fold(events, self.state)


@dataclass(frozen=True)
class _Fact:
    """Something that is over; written whatever else was written meanwhile."""

    events: Callable[[RunState], Iterable[Event]]
    result: Result | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


class LocalDriver:
    """Drives one run to where nothing is left to do without a person."""

    def __init__(
        self,
        record: EventRef,
        repository: Repository,
        workers: Workers,
        screen: Screen,
        clock: Clock,
        planner: Callable[[], Proposal],
    ) -> None:
        self._record = record
        self._repository = repository
        self._workers = workers
        self._screen = screen
        self._clock = clock
        self._planner = planner
        self._run: RunId = record.run
        self._refs = self._own_refs()
        self._branches = Branches(record, repository, clock)
        self._over: queue.SimpleQueue[_Fact | BaseException] = queue.SimpleQueue()
        self.interrupted = False
        self.state = fold(record.load())

    def interrupt(self) -> None:
        """Stop cleanly: end what runs, keep its work, hand nothing more out."""
        self.interrupted = True
        self._workers.interrupt()

    def drive(self, request: Event) -> RunState:
        """Ask for the run, or ask again, and go on until it ends or waits for a person."""
        facts = [_Fact(lambda state: (request, *self._lost(state, "its process is gone")))]
        busy = 0
        with ThreadPoolExecutor(256, thread_name_prefix="attempt") as pool:
            try:
                while facts:
                    slow = self._settle(facts)
                    for work in slow:
                        pool.submit(self._do, work)
                    busy += len(slow)
                    facts = self._take_over() if busy else []
                    busy -= len(facts)
            except BaseException:
                self.interrupt()
                raise
        return self.state

    def _take_over(self) -> list[_Fact]:
        """Wait for something to be over, and take all that is. Raises what ended a worker."""
        taken = [self._over.get()]
        while not self._over.empty():
            taken.append(self._over.get())
        facts = [fact for fact in taken if isinstance(fact, _Fact)]
        for error in taken:
            if isinstance(error, BaseException):
                raise error
        return facts

    def _do(self, work: Attempting | RunGates) -> None:
        """Do what takes time, in a thread of the pool; what comes of it goes to the loop."""
        try:
            self._over.put(self._work(work))
        except BaseException as error:  # noqa: BLE001 - the loop raises it
            self._over.put(error)

    def _work(self, work: Attempting | RunGates) -> _Fact:
        if isinstance(work, RunGates):
            checked = self._workers.gates(work, self.state)
            results = checked.results
            return _Fact(
                lambda state: self._gate_events(state, work, results), files=checked.evidence
            )
        name = work.start.id
        result = self._workers.attempt(work, lambda text: self._screen.line(name, text))
        if result.interrupted:
            return _Fact(lambda state: self._lost(state, "interrupted", only=name), result)
        ended = (result.completion, result.outcome, result.acknowledgement)
        return _Fact(lambda _: self._journal().finished(*ended), result)

    def _lost(self, state: RunState, note: str, only: str | None = None) -> Iterable[Event]:
        """Attempts that nobody works on any more are handed out again, when there is a hand."""
        for attempt in state.running:
            if only in {None, attempt.started.workstream}:
                yield self._journal().lost(attempt, note)

    def _gate_events(
        self, state: RunState, work: RunGates, results: tuple[GateResult, ...]
    ) -> Iterable[Event]:
        if self.interrupted:
            return  # what a command says that was ended half-way proves nothing
        for result in results:
            yield self._journal().gate(result, state, work.iteration, work.head_sha)

    def _settle(self, facts: list[_Fact]) -> list[Attempting | RunGates]:
        """Write the facts and all that follows from them at once; return what takes time."""
        for _ in range(_OVERTAKEN_AT_MOST):
            draft = _Draft(fold(self._record.load()))
            for fact in facts:
                self._add_fact(fact, draft)
            self._add_decisions(draft)
            try:
                self._write(draft)
            except Overtaken:
                self._branches.forget()
                self._refs = self._own_refs()
                continue
            self.state = draft.state
            self._screen.show(self.state)
            return draft.slow
        raise Unavailable(
            f"Run {self._run} is written to faster than it can be read.",
            fix=f"orchestrate run --resume {self._run}",
        )

    def _add_fact(self, fact: _Fact, draft: _Draft) -> None:
        draft.add(*fact.events(draft.state))
        draft.files.update(fact.files)
        result = fact.result
        if result is None:
            return
        done = result.completion
        draft.spend += covered(result.spend, draft.state)
        draft.add(*self._journal().paid(done, result.spend))
        draft.files.update(result.evidence)
        kept = f"{done.workstream}.{done.attempt}"
        draft.files[f"completions/{kept}.json"] = done.model_dump_json(indent=2).encode()
        if done.head_sha and (result.interrupted or done.status is not CompletionStatus.SUCCESS):
            ref = names.rescue_ref(self._run, done.workstream, done.attempt)
            old = self._refs.get(ref)
            draft.refs[ref] = self._repository.on_top(done.head_sha, old, done.finished_at)

    def _add_decisions(self, draft: _Draft) -> None:
        """Carry out what takes no time, one decision after another, and collect what does."""
        while not self.interrupted:
            actions = decide(draft.state, self._clock.now())
            quick = [a for a in actions if not isinstance(a, StartWorkstream | RunGates)]
            for action in quick:
                self._carry_out(action, draft)
            if quick:
                continue
            for slow in actions:
                if isinstance(slow, StartWorkstream):
                    self._hand_out(slow, draft)
                elif isinstance(slow, RunGates):
                    draft.slow.append(slow)
            return

    def _carry_out(self, action: Action, draft: _Draft) -> None:
        journal = self._journal()
        match action:
            case MakePlan():
                self._accept_plan(draft)
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

    def _accept_plan(self, draft: _Draft) -> None:
        found = self._planner()
        draft.add(*self._journal().planned(found.plan, found.source, found.notes))
        draft.files["plan.yaml"] = found.text.encode()

    def _hand_out(self, start: StartWorkstream, draft: _Draft) -> None:
        base = self._base_of(start, draft)
        last = draft.state.track(start.id).last
        if last is not None and last.started.base_sha != base:
            # Checked out as it was, the earlier work would take back what landed since.
            start = replace(start, start_from=None)
        draft.add(self._journal().started(start, draft.state, base))
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
        state, journal = draft.state, self._journal()
        last = state.track(action.id).last
        assert last is not None, "core publishes what has finished"
        landed = self._branches.land(action, last.started.base_sha, state)
        branch = names.workstream_branch(self._run, action.id)
        if action.head_sha != last.started.base_sha:
            draft.refs[f"refs/heads/{branch}"] = action.head_sha
        if isinstance(landed, Conflict):
            draft.add(journal.conflict(action.id, action.attempt, landed.others, landed.files))
        else:
            draft.add(journal.published(action.id, action.attempt, branch, action.head_sha))

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
        batch = Batch(tuple(draft.events), files, moves, tuple(draft.spend))
        self._record.append(batch, self._clock.now())
        self._refs.update(draft.refs)

    def _own_refs(self) -> dict[str, Sha]:
        prefixes = (names.BRANCHES, names.BASES, names.RESCUES)
        found = [self._repository.refs(f"{prefix}{self._run}/") for prefix in prefixes]
        return {ref: sha for refs in found for ref, sha in refs.items()}

    def _journal(self) -> Journal:
        return Journal(self._run, self._clock.now())
