"""A local run with nothing to do for now: what it waits for, and what it notices meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.core.actions import RunGates
from bot.core.events import Policy, RunRequested, RunStatus
from bot.core.handoff import CompletionStatus
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan
from bot.core.routing import Ladder
from bot.core.routing_rules import RoutingRule
from bot.core.state import RunState
from bot.drivers.answers import Answers
from bot.drivers.local import LocalDriver
from bot.drivers.settling import Attempting, Proposal
from bot.usecases.attempt import Result
from bot.usecases.run_gates import Checked
from tests.support.builders import RUN, completion, ladder, plan, tier, workstream
from tests.support.repos import make_repo

CLOCK = SystemClock()
Does = Callable[[Attempting], Result]


def result_of(attempting: Attempting, **more: object) -> Result:
    """What a reader without anything to change comes to."""
    start, now = attempting.start, CLOCK.now()
    fields = {"attempt": start.attempt, "tier": start.tier.name, "head_sha": None}
    times = {"started_at": now, "finished_at": now, "base_sha": attempting.base_sha}
    done = completion(start.id, **{**fields, **times, "files_changed": 0, **more})
    return Result(done, OutcomeClass.DONE, ())


@dataclass
class Workers:
    """Workers whose attempts end at once, as they are told."""

    does: Does = result_of
    place: str = "here"
    tiers: list[str] = field(default_factory=list)

    def attempt(self, attempting: Attempting, say: Callable[[str], None]) -> Result:
        say("at work")
        self.tiers.append(attempting.start.tier.name)
        return self.does(attempting)

    def gates(self, run_gates: RunGates, state: RunState) -> Checked:
        raise AssertionError(f"no gate is on: {run_gates} {state.status}")

    def interrupt(self) -> None:
        """Nothing of theirs lasts."""


@dataclass
class Screen:
    """Looks on, and acts when a question is put."""

    when_asked: Callable[[], None] = lambda: None
    asked: bool = False

    def show(self, state: RunState) -> None:
        if state.asked and not self.asked:
            self.asked = True
            self.when_asked()

    def line(self, workstream: str, text: str) -> None:
        """Nobody reads it."""


@dataclass(frozen=True)
class Bench:
    """A repository with a run's record in it."""

    repository: Repository

    def record(self) -> EventRef:
        return EventRef(self.repository, RUN)

    def drive(self, what: Plan, policy: Policy, workers: Workers, screen: Screen) -> RunState:
        proposal = Proposal(what, "file plan.yaml", (), "")
        driver = LocalDriver(
            self.record(), self.repository, workers, screen, CLOCK, lambda: proposal
        )
        base = self.repository.resolve("HEAD")
        assert base is not None
        return driver.drive(
            RunRequested(at=CLOCK.now(), run=RUN, task="t", base_sha=base, policy=policy)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    repo = make_repo(tmp_path / "shop", {"a.py": "x = 1\n"})
    return Bench(Repository.open(str(repo.path)))


def test_a_run_waits_for_its_only_tier_and_goes_on_by_itself(bench: Bench) -> None:
    def once_exhausted(attempting: Attempting) -> Result:
        if attempting.start.attempt > 1:
            return result_of(attempting)
        spent = result_of(attempting, status=CompletionStatus.QUOTA, error="429")
        back_at = CLOCK.now() + timedelta(seconds=0.3)
        return Result(spent.completion, OutcomeClass.QUOTA, (), back_at=back_at)

    workers = Workers(once_exhausted)
    policy = Policy(ladder=ladder(tier("local")), gates=())
    what = plan(workstream("read", kind="research"))
    state = bench.drive(what, policy, workers, Screen())
    assert state.status is RunStatus.PASSED
    assert workers.tiers == ["local", "local"]


ASKS = RoutingRule(kinds=("audit",), prefer=("claude",), ask=True, because="it must be deep")
BOTH = Ladder(
    rungs=ladder(tier("free"), tier("claude", usd="3", provider="anthropic")).rungs, rules=(ASKS,)
)
AUDIT = plan(workstream("audit", kind="audit"))


def test_without_an_answer_a_free_tier_begins_when_the_time_is_over(bench: Bench) -> None:
    workers, screen = Workers(), Screen()
    policy = Policy(ladder=BOTH, gates=(), paid_answer_minutes=0.005)
    state = bench.drive(AUDIT, policy, workers, screen)
    assert (state.status, screen.asked, workers.tiers) == (RunStatus.PASSED, True, ["free"])


def test_an_answer_in_another_terminal_is_noticed_while_the_run_waits(bench: Bench) -> None:
    def say_yes() -> None:
        answers = Answers(bench.record(), by="ada", at=CLOCK.now())
        answers.approve_paid("anthropic", "2.00", "it matters")

    workers = Workers()
    screen = Screen(when_asked=lambda: threading.Thread(target=say_yes).start())
    state = bench.drive(AUDIT, Policy(ladder=BOTH, gates=()), workers, screen)
    assert (state.status, workers.tiers) == (RunStatus.PASSED, ["claude"])
    assert state.granted[0].usd == Decimal(2)


def test_a_run_that_waits_can_be_interrupted(bench: Bench) -> None:
    drivers: list[LocalDriver] = []

    class Impatient(Screen):
        def show(self, state: RunState) -> None:
            if state.asked:
                drivers[0].interrupt()

    proposal = Proposal(AUDIT, "file plan.yaml", (), "")
    drivers.append(
        LocalDriver(
            bench.record(), bench.repository, Workers(), Impatient(), CLOCK, lambda: proposal
        )
    )
    base = bench.repository.resolve("HEAD")
    assert base is not None
    policy = Policy(ladder=BOTH, gates=())
    asked = RunRequested(at=CLOCK.now(), run=RUN, task="t", base_sha=base, policy=policy)
    state = drivers[0].drive(asked)
    assert (state.finished, state.running) == (None, ())
