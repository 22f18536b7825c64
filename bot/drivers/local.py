"""The local driver: carries out what core decides with worktrees and processes of this machine."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.core.actions import MakePlan, RunGates
from bot.core.events import Event, WorkstreamStarted
from bot.core.gates import GateResult
from bot.core.state import RunState
from bot.core.waking import wakes_at
from bot.drivers.abandoned import watched_by
from bot.drivers.settling import Attempting, Fact, Hands, Proposal, Settler, Slow
from bot.ports import Clock
from bot.usecases.attempt import Result
from bot.usecases.run_gates import Checked

LOOKS_AFTER = 2.0  # seconds, for what a person wrote into the record of a run that waits


class Workers(Protocol):
    """Does what takes time; each call may come from a thread of its own."""

    def attempt(self, attempting: Attempting, say: Callable[[str], None]) -> Result:
        """Run one attempt at a workstream to its end."""
        ...

    @property
    def place(self) -> str:
        """What tells its hand-outs from those of others."""
        ...

    def taken(self, started: WorkstreamStarted) -> Decimal | None:
        """Return what a hand-out took at most whose process was killed; None: nobody knows."""
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
        """Show what a workstream's engine says; before the run is shown, what holds for it."""
        ...


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
        self._workers = workers
        self._screen = screen
        self._over: queue.SimpleQueue[Fact | BaseException | None] = queue.SimpleQueue()
        self._clock = clock
        self.interrupted = False
        hands = Hands(place=workers.place, ready=lambda: not self.interrupted)
        self._settler = Settler(record, repository, clock, lambda _: planner(), hands)

    @property
    def state(self) -> RunState:
        """The run as it was last written."""
        return self._settler.state

    def interrupt(self) -> None:
        """Stop cleanly: end what runs, keep its work, hand nothing more out."""
        self.interrupted = True
        self._workers.interrupt()
        self._over.put(None)

    def drive(self, request: Event) -> RunState:
        """Ask for the run, or ask again, and go on until it ends or waits for a person."""
        facts = [Fact(lambda state: (request, *self._abandoned(state)))]
        busy = 0
        with ThreadPoolExecutor(256, thread_name_prefix="attempt") as pool:
            try:
                while True:
                    looked = self._clock.now()  # what comes back from here on is not missed
                    slow = self._settler.settle(facts)
                    self._screen.show(self.state)
                    for work in slow:
                        pool.submit(self._do, work)
                    busy += len(slow)
                    seconds = self._seconds_to_wait(looked)
                    if not busy and (seconds is None or self.interrupted):
                        break
                    facts = self._take_over(seconds)
                    busy -= len(facts)
            except BaseException:
                self.interrupt()
                raise
        return self.state

    def _seconds_to_wait(self, looked: datetime) -> float | None:
        """Say when time alone changes something, or a person may have; None: it does not."""
        moment = wakes_at(self.state, looked)
        if moment is None:
            return None
        return min(max((moment - self._clock.now()).total_seconds(), 0.0), LOOKS_AFTER)

    def _take_over(self, seconds: float | None) -> list[Fact]:
        """Wait for something to be over, and take all that is. Raises what ended a worker."""
        try:
            taken = [self._over.get(timeout=seconds)]
        except queue.Empty:
            return []
        while not self._over.empty():
            taken.append(self._over.get())
        facts = [fact for fact in taken if isinstance(fact, Fact)]
        for error in taken:
            if isinstance(error, BaseException):
                raise error
        return facts

    def _do(self, work: Slow) -> None:
        """Do what takes time, in a thread of the pool; what comes of it goes to the loop."""
        try:
            self._over.put(self._work(work))
        except BaseException as error:  # noqa: BLE001 - the loop raises it
            self._over.put(error)

    def _work(self, work: Slow) -> Fact:
        assert not isinstance(work, MakePlan), "plans are made at once here"
        if isinstance(work, RunGates):
            checked = self._workers.gates(work, self.state)
            results = checked.results
            return Fact(
                lambda state: self._gate_events(state, work, results), files=checked.evidence
            )
        name = work.start.id
        result = self._workers.attempt(work, lambda text: self._screen.line(name, text))
        if result.interrupted:
            used = result.completion.usage
            known = used.cost_usd if used.cost_known else None
            return Fact(lambda state: self._interrupted(state, name, known), result)
        ended = (result.completion, result.outcome, result.acknowledgement, result.back_at)
        return Fact(lambda _: self._settler.journal().finished(*ended), result)

    def _abandoned(self, state: RunState) -> Iterable[Event]:
        """Attempts that nobody works on any more are handed out again, when there is a hand."""
        for attempt in state.running:
            started = attempt.started
            taken = self._workers.taken(started) if watched_by(state, started) else None
            yield self._settler.journal().lost(attempt, "its process is gone", taken)

    def _interrupted(self, state: RunState, name: str, used_usd: Decimal | None) -> Iterable[Event]:
        for attempt in state.running:
            if attempt.started.workstream == name:
                yield self._settler.journal().lost(attempt, "interrupted", used_usd)

    def _gate_events(
        self, state: RunState, work: RunGates, results: tuple[GateResult, ...]
    ) -> Iterable[Event]:
        if self.interrupted:
            return  # what a command says that was ended half-way proves nothing
        for result in results:
            yield self._settler.journal().gate(result, state, work.iteration, work.head_sha)
