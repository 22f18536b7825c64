"""A labelled issue becomes a merge-ready pull request, with every job for real."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.events import RunStatus
from bot.core.handoff import Isolation
from tests.support.agents_user import agents_user, needs_another_user, python_for_others
from tests.support.stories import Story, story, three_files

PLAN = three_files()
__all__ = ["agents_user"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    with story(tmp_path, monkeypatch) as opened:
        yield opened


def test_a_labelled_issue_becomes_a_merge_ready_pull_request(shop: Story) -> None:
    number = shop.ask(PLAN)
    assert shop.errors() == []
    assert shop.state().status is RunStatus.PASSED
    assert not shop.pull().draft
    assert [one.login for one in shop.pull().reviewers] == ["alice"], "who asked for it"
    assert f"Closes #{number}." in (shop.repository.issues[shop.pull_number()].body or "")
    parts = [shop.repository.issues[each] for each in (2, 3, 4)]
    assert {part.state for part in parts} == {"closed"}


def test_what_nobody_answers_for_ends_after_three_hand_outs(shop: Story) -> None:
    shop.silent = {"agent", "publish"}
    shop.ask(PLAN)
    for _ in range(20):
        shop.time.ahead += timedelta(hours=7)
        shop.sweep()
    state = shop.state()
    assert state.status is RunStatus.FAILED
    assert "nothing came back" in state.standings["one"].because
    assert all(a.hand_outs == 3 for a in state.track("one").attempts)


@needs_another_user
def test_agents_and_tests_run_as_another_user_where_the_runner_has_one(
    shop: Story, agents_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-"))
    folder.chmod(0o755)
    monkeypatch.setattr(sys, "executable", python_for_others(folder))
    shop.folder = folder / "shop"
    shop.variables |= {"ORCHESTRATE_AGENT_USER": agents_user, "ORCHESTRATE_SCRATCH": str(folder)}
    plan = PLAN.replace("echo one > one.txt", "id -un > one.txt")
    shop.ask(plan)
    shutil.rmtree(folder)
    state = shop.state()
    assert state.status is RunStatus.PASSED
    completions = [state.track(name).last.completion for name in ("one", "two", "three")]  # type: ignore[union-attr]
    assert {c.isolation for c in completions if c} == {Isolation.USER}
    assert shop.repository.git.git("show", "orchestrate/1/combined:one.txt").strip() == agents_user


def test_a_record_that_cannot_be_read_or_is_of_a_laptop_keeps_no_other_run_from_being_looked_at(
    shop: Story,
) -> None:
    shop.silent = {"agent", "publish"}
    shop.ask(PLAN)
    readme = shop.repository.sha("main")
    for name in ("0", "7f3a", "999"):
        shop.repository.git.git("update-ref", f"refs/orchestrate/runs/{name}", readme)
    shop.repository.git.commit("damaged", {"events.jsonl": "{}\n"}, message="Damage it", by="alice")
    damaged = shop.repository.git.sha("damaged")
    shop.repository.git.git("update-ref", "refs/orchestrate/runs/1000", str(damaged))
    shop.silent = set()
    shop.time.ahead += timedelta(hours=7)
    shop.sweep()
    assert shop.state("1").status is RunStatus.PASSED
    assert "run 1000 cannot be read" in str(shop.errors()[0])


def test_more_than_a_matrix_holds_is_handed_out_in_parts(shop: Story) -> None:
    many = "\n".join(
        f"  - {{id: w{n}, title: W, kind: implementation, files: [w{n}.txt], goal: W, "
        f'engine: shell, run: ["true"]}}'
        for n in range(140)
    )
    plan = "```yaml orchestrate\nversion: 1\ntask: Many\nlimits: {max_parallel: 256}\n"
    shop.silent = {"agent", "publish", "announce"}
    shop.ask(f"{plan}workstreams:\n{many}\n```")
    in_matrix = [entry["workstream"] for entry in json.loads(shop.ran[0].outputs["work"])]
    dispatched = [d.inputs["workstream"] for d in shop.repository.dispatches]
    assert len(in_matrix) == 128
    assert sorted(in_matrix + dispatched) == sorted(f"w{n}" for n in range(140))
