"""The bot itself in its workflows: a label becomes a pull request that can be merged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.act import Runner, act
from tests.support.github.fake import FakeGithub
from tests.workflows.test_jobs import own_files

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
SETTINGS = """\
coverage: {enabled: false}
docs: {enabled: false}
review: {enabled: false}
tests: {command: 'echo "3 passed in 0.01s"'}
"""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    act()
    files = own_files() | {
        "README.md": "# Widget\n",
        "CHANGELOG.md": "# Changelog\n",
        ".github/orchestrate.yml": SETTINGS,
    }
    with FakeGithub() as github:
        github.add_user("ada")
        made = github.create_repository("acme/widget", files=files)
        made.collaborators["ada"] = "write"
        fast = {"ORCHESTRATE_WRITE_SPACING": "0.001"}
        with Runner(github, "acme/widget", tmp_path / "runs", more=fast) as runner:
            yield runner


def test_a_labelled_issue_becomes_a_merge_ready_pull_request(runner: Runner) -> None:
    here = runner.github.repository("acme/widget")
    issue = here.open_issue("Write three files", PLAN, by="ada")
    here.label(issue.number, "orchestrate", by="ada")
    jobs = runner.settle()

    assert [job for job in jobs if job.result != "success"] == []
    assert sorted(f"{job.workflow} {job.name}" for job in jobs) == [
        "gates.yml docs", "gates.yml review", "gates.yml tests", "gates.yml verdict",
        "orchestrate.yml announce", "orchestrate.yml intake",
        "orchestrate.yml one/agent", "orchestrate.yml one/publish",
        "orchestrate.yml two/agent", "orchestrate.yml two/publish",
        "workstream.yml agent", "workstream.yml publish",
    ]  # fmt: skip
    (pull,) = (each for each in here.pulls.values() if each.pull)
    assert pull.pull
    assert not pull.pull.draft
    assert here.checks_on(pull.pull.head_sha) == {
        "orchestrate/tests": "success",
        "orchestrate/coverage": "neutral",
        "orchestrate/review": "neutral",
        "orchestrate/docs": "neutral",
    }
    assert here.git.read(pull.pull.head_sha, "three.txt") == "one\ntwo\n"
    assert f"Closes #{issue.number}" in (pull.body or "")
    children = [each for each in here.issues.values() if each.parent == issue.id]
    assert [child.state for child in children] == ["closed"] * 3
    assert len(issue.comments) == 1


def test_a_command_by_somebody_without_rights_changes_nothing(runner: Runner) -> None:
    runner.github.add_user("eve")
    here = runner.github.repository("acme/widget")
    issue = here.open_issue("Write three files", PLAN, by="eve")
    before = here.git.refs()
    here.comment(issue.number, "/orchestrate", by="eve")
    jobs = runner.settle()
    assert [(job.name, job.result) for job in jobs] == [("intake", "success")]
    assert here.git.refs() == before


def test_the_clock_finds_nothing_to_do_where_nothing_runs(runner: Runner) -> None:
    runner.tick()
    assert [(job.name, job.result) for job in runner.settle()] == [("intake", "success")]
