"""A labelled issue becomes a merge-ready pull request, with every job for real."""

from __future__ import annotations

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
from tests.support.github import FakeGithub
from tests.support.workshop import WORKFLOWS, Time, Workshop

PLAN = """\
Please.

```yaml orchestrate
version: 1
task: Write three files
workstreams:
  - {id: one, title: Write one, kind: implementation, files: [one.txt], goal: One,
     engine: shell, run: ["echo one > one.txt"]}
  - {id: two, title: Write two, kind: implementation, files: [two.txt], goal: Two,
     engine: shell, run: ["echo two > two.txt"]}
  - {id: three, title: Write three, kind: implementation, files: [three.txt], goal: Three,
     needs: [one, two], engine: shell, run: ["cat one.txt two.txt > three.txt"]}
```
"""
FILES = {
    "README.md": "# Widget\n",
    "CHANGELOG.md": "# Changelog\n",
    "Makefile": "test:\n\t@echo '3 passed in 0.01s'\n",
    **{f".github/workflows/{path.name}": path.read_text() for path in WORKFLOWS.glob("*.yml")},
    ".github/orchestrate.yml": "coverage: {enabled: false}\ndocs: {enabled: false}\n"
    "review: {enabled: false}\ntests: {command: 'echo \"3 passed in 0.01s\"'}\n",
}


__all__ = ["agents_user"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    time = Time()
    time.install(monkeypatch)
    with FakeGithub() as github:
        github.add_user("alice")
        repository = github.create_repository("acme/widget", files=FILES)
        repository.collaborators["alice"] = "write"
        yield Workshop(github, repository, tmp_path / "shop", time)


def test_a_labelled_issue_becomes_a_merge_ready_pull_request(shop: Workshop) -> None:
    issue = shop.repository.open_issue("Write three files", PLAN, by="alice")
    shop.deliver("issues", shop.repository.label(issue.number, "orchestrate", by="alice"))
    print([r.job for r in shop.ran], shop.errors())
    print("\n".join(f"{e.method} {e.path} {e.status}" for e in shop.github.requests))
    for event in shop.events():
        print(event.type, getattr(event, "workstream", ""), getattr(event, "because", ""))
    assert shop.errors() == []
    assert shop.state().status is RunStatus.PASSED


def test_what_nobody_answers_for_ends_after_three_hand_outs(shop: Workshop) -> None:
    issue = shop.repository.open_issue("Write three files", PLAN, by="alice")
    shop.silent = {"agent", "publish"}
    shop.deliver("issues", shop.repository.label(issue.number, "orchestrate", by="alice"))
    for _ in range(20):
        shop.time.ahead += timedelta(hours=7)
        shop.sweep()
    state = shop.state()
    assert state.status is RunStatus.FAILED
    assert "nothing came back" in state.standings["one"].because
    assert all(a.hand_outs == 3 for a in state.track("one").attempts)


@needs_another_user
def test_agents_and_tests_run_as_another_user_where_the_runner_has_one(
    shop: Workshop, agents_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-"))
    folder.chmod(0o755)
    monkeypatch.setattr(sys, "executable", python_for_others(folder))
    shop.folder = folder / "shop"
    shop.variables |= {"ORCHESTRATE_AGENT_USER": agents_user, "ORCHESTRATE_SCRATCH": str(folder)}
    plan = PLAN.replace("echo one > one.txt", "id -un > one.txt")
    issue = shop.repository.open_issue("Write three files", plan, by="alice")
    shop.deliver("issues", shop.repository.label(issue.number, "orchestrate", by="alice"))
    shutil.rmtree(folder)
    state = shop.state()
    assert state.status is RunStatus.PASSED
    completions = [state.track(name).last.completion for name in ("one", "two", "three")]  # type: ignore[union-attr]
    assert {c.isolation for c in completions if c} == {Isolation.USER}
    assert shop.repository.git.git("show", "orchestrate/1/combined:one.txt").strip() == agents_user


def test_a_record_that_cannot_be_read_or_is_of_a_laptop_keeps_no_other_run_from_being_looked_at(
    shop: Workshop,
) -> None:
    shop.silent = {"agent", "publish"}
    issue = shop.repository.open_issue("Write three files", PLAN, by="alice")
    shop.deliver("issues", shop.repository.label(issue.number, "orchestrate", by="alice"))
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
