"""An attempt whose job was thought dead is handed out again, and then both jobs come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.events import RunStatus, WorkstreamFinished
from bot.core.ledger import LedgerLine, month_of
from bot.core.reservations import taken
from bot.wiring import jobs
from tests.support.scripted_model import MODEL, ScriptedModel, call, calls, finish
from tests.support.stories import Opens, Story, paid_tier, plan, story

WORK = "{id: one, title: Write one, kind: implementation, files: [one.txt], goal: Have one}"
SCRIPT = [
    call("write_file", path="one.txt", content="one\n"),
    calls(call("todo", done=[1]), finish()),
]


@dataclass
class Jobs:
    """The two jobs of one attempt, a step at a time."""

    shop: Story

    def fetch(self, name: str) -> Path:
        """Clone the record as it is now."""
        clone = self.shop.folder / f"clone-{name}"
        self._job("agent", lambda: jobs.fetch(clone, "1"))
        return clone

    def work(self, clone: Path, in_try: int = 1) -> Path:
        """Run the agent on what was cloned; return its artifact."""
        out = self.shop.folder / f"out-{clone.name}"
        self._job("agent", lambda: jobs.agent("1", "one", 1, clone, out), in_try)
        return self.shop.zipped(out, clone.name)

    def publish(self, artifact: Path) -> None:
        """Take an artifact in."""
        self._job("publish", lambda: jobs.publish("1", "one", 1, artifact))
        self.shop.drain()

    def _job(self, name: str, step: object, in_try: int = 1) -> None:
        payload = {"repository": {"id": 1, "full_name": "acme/widget", "default_branch": "main"}}
        self.shop.silent = set()
        ran = self.shop.job("workstream", name, step, "workflow_dispatch", payload, 77, in_try)  # type: ignore[arg-type]
        assert ran.error is None, ran.error


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    with ScriptedModel(SCRIPT * 2) as model, story(tmp_path, monkeypatch) as opened:
        opened.variables |= {"ORCHESTRATE_BASE_URL": model.base_url, "ORCHESTRATE_MODEL": MODEL}
        yield opened


def ledger(shop: Story) -> tuple[LedgerLine, ...]:
    """What the repository's ledger holds."""
    return LedgerBranch(Repository.open(str(shop.repository.git.path))).lines()


@pytest.mark.parametrize("late", ["first", "second"])
def test_both_jobs_of_an_attempt_are_paid_for_and_the_first_result_is_used(
    shop: Story, late: str
) -> None:
    steps = Jobs(shop)
    shop.silent = {"agent", "publish"}
    shop.ask(plan(WORK))
    first = steps.fetch("first")
    shop.silent = {"agent", "publish"}
    shop.time.ahead += timedelta(hours=7)
    shop.sweep()
    came = [steps.work(first), steps.work(steps.fetch("second"))]
    if late == "first":
        came.reverse()
    for artifact in came * 2:  # the second time is a second delivery
        steps.publish(artifact)
    assert [line.attempt for line in ledger(shop)] == [1] * 4  # two calls each
    assert len({line.id for line in ledger(shop)}) == 4
    results = [e for e in shop.events() if isinstance(e, WorkstreamFinished)]
    assert [bool(event.cause) for event in results] == [False, True]
    assert shop.state().track("one").attempts[0].finished == results[0]
    assert shop.state().status is RunStatus.PASSED


@pytest.mark.parametrize("first_came", ["never", "before", "after"])
def test_a_paid_job_that_is_run_again_spends_nothing_and_a_new_attempt_gets_money_of_its_own(
    opens: Opens, first_came: str
) -> None:
    with ScriptedModel(SCRIPT * (1 if first_came == "before" else 2)) as model:
        tiers = [paid_tier(model) | {"key_env": None}]
        with opens(tiers=tiers, agents={"paid_without_sandbox": True}) as shop:
            steps, number = Jobs(shop), shop.ask(plan(WORK.replace("}", ", budget_usd: 0.5}")))
            shop.silent = {"agent", "publish"}
            shop.say(number, "/approve-paid acme 2.00 because it matters")
            first = steps.work(steps.fetch("first"))
            assert len(model.requests) == 2
            again = steps.work(steps.fetch("again"), in_try=2)
            assert len(model.requests) == 2, "the second try asks nothing of the model"
            came = {"never": [again], "before": [first, again], "after": [again, first]}
            for artifact in came[first_came]:
                steps.publish(artifact)
            state, lines = shop.state(), ledger(shop)
            assert state.status is RunStatus.PASSED
            spent_once = Decimal(sum(line.cost_usd for line in lines if line.entry == "spend"))
            held = taken(lines, month_of(lines[-1].at))["acme"]
            reserved = [line.attempt for line in lines if line.entry == "reserve"]
            if first_came == "before":
                assert (reserved, held) == ([1], spent_once)
                return
            said = state.track("one").attempts[0].completion
            assert said is not None
            assert "run again" in (said.error or "")
            assert reserved == [1, 2]
            second = sum(
                line.cost_usd for line in lines if line.attempt == 2 and line.entry == "spend"
            )
            assert held == Decimal("0.5") + second, "of the first nobody knows what it took"
