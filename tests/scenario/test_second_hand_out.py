"""An attempt whose job was thought dead is handed out again, and then both jobs come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.events import RunStatus, WorkstreamFinished
from bot.core.ledger import LedgerLine
from bot.wiring import jobs
from tests.support.scripted_model import MODEL, ScriptedModel, call, calls, finish
from tests.support.stories import Story, plan, story

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

    def work(self, clone: Path) -> Path:
        """Run the agent on what was cloned; return its artifact."""
        out = self.shop.folder / f"out-{clone.name}"
        self._job("agent", lambda: jobs.agent("1", "one", 1, clone, out))
        return self.shop.zipped(out, clone.name)

    def publish(self, artifact: Path) -> None:
        """Take an artifact in."""
        self._job("publish", lambda: jobs.publish("1", "one", 1, artifact))
        self.shop.drain()

    def _job(self, name: str, step: object) -> None:
        payload = {"repository": {"id": 1, "full_name": "acme/widget", "default_branch": "main"}}
        self.shop.silent = set()
        ran = self.shop.job("workstream", name, step, "workflow_dispatch", payload, 77, 1)  # type: ignore[arg-type]
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
