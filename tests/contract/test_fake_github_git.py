"""Git talks to the fake GitHub as to the real one: who may push what, and what it is told."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.github import FakeGithub, FakeRepository, Fault
from tests.support.repos import Repo

FILES = {"README.md": "# Widget\n", ".github/workflows/ci.yml": "on: push\njobs: {}\n"}
BRANCH = "refs/heads/orchestrate/1/implement"
RUN = "refs/orchestrate/runs/1"


@dataclass
class Clone:
    """A clone on the user's side, and the GitHub it was cloned from."""

    github: FakeGithub
    repository: FakeRepository
    repo: Repo

    def token(self, **permissions: str) -> str:
        """Mint a job's token."""
        return self.github.job_token("acme/widget", permissions)

    def git(self, token: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run git in the clone with a token, as actions/checkout hands it over."""
        shown = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        header = f"http.extraheader=Authorization: basic {shown}"
        return subprocess.run(
            ("git", "-c", header, *args),
            cwd=self.repo.path,
            env=os.environ | {"GIT_ALLOW_PROTOCOL": "http:file"},
            capture_output=True,
            text=True,
            check=False,
        )

    def push(self, token: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Push to the fake, in git's words for machines."""
        return self.git(token, "push", "--porcelain", self.repository.clone_url, *args)

    def change(self, path: str = "work.txt", content: str = "work\n") -> str:
        """Commit a file in the clone."""
        self.repo.write(path, content)
        return self.repo.commit(f"Change {path}")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    with FakeGithub() as github:
        github.add_user("alice")
        repository = github.create_repository("acme/widget", files=FILES)
        made = Clone(github, repository, Repo(tmp_path))
        made.repo.git("init", "--quiet", "--initial-branch", "main")
        fetched = made.git(made.token(contents="read"), "pull", "-q", repository.clone_url, "main")
        assert fetched.returncode == 0, fetched.stderr
        yield made


@pytest.mark.parametrize(
    ("granted", "said"),
    [
        pytest.param({"contents": "read"}, "403", id="a token that may read"),
        pytest.param({"issues": "write"}, "403", id="a token for something else"),
    ],
)
def test_a_push_needs_the_right_to_write(clone: Clone, granted: dict[str, str], said: str) -> None:
    clone.change()
    pushed = clone.push(clone.token(**granted), f"HEAD:{BRANCH}")
    assert pushed.returncode != 0
    assert said in pushed.stderr
    assert BRANCH not in clone.repository.git.refs()


def test_a_made_up_token_may_nothing(clone: Clone) -> None:
    asked = clone.git("ghs_made_up", "ls-remote", clone.repository.clone_url)
    assert asked.returncode != 0


def test_refs_of_any_name_are_pushed_together_or_not_at_all(clone: Clone) -> None:
    token, first = clone.token(contents="write"), clone.change()
    assert clone.push(token, "--atomic", f"HEAD:{BRANCH}", f"HEAD:{RUN}").returncode == 0
    assert clone.repository.sha(BRANCH) == clone.repository.sha(RUN) == first
    clone.change(content="more\n")
    stale = f"--force-with-lease={RUN}:{clone.repository.sha('main')}"
    refused = clone.push(token, "--atomic", stale, f"HEAD:{BRANCH}", f"HEAD:{RUN}")
    assert "stale info" in refused.stdout
    assert clone.repository.sha(BRANCH) == first


def test_of_many_who_push_on_the_same_value_one_gets_through(clone: Clone) -> None:
    token = clone.token(contents="write")
    start = clone.repository.sha("main")
    lease = f"--force-with-lease={RUN}:"
    commits = [
        clone.repo.git("commit-tree", f"{start}^{{tree}}", "-p", start, "-m", str(number))
        for number in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda sha: clone.push(token, lease, f"{sha}:{RUN}").returncode, commits)
    assert sorted(done) == [0] + [1] * 7
    assert clone.repository.sha(RUN) in commits


def test_a_job_may_not_bring_a_workflow(clone: Clone) -> None:
    clone.change(".github/workflows/own.yml", "on: push\n")
    token = clone.token(contents="write", actions="write")
    pushed = clone.push(token, "--atomic", f"HEAD:{BRANCH}", f"HEAD~1:{RUN}")
    reason = (
        "refusing to allow a GitHub App to create or update workflow "
        "`.github/workflows/own.yml` without `workflows` permission"
    )
    assert f"HEAD:{BRANCH}\t[remote rejected] ({reason})" in pushed.stdout
    assert f"HEAD~1:{RUN}\t[remote rejected]" in pushed.stdout
    assert not {BRANCH, RUN} & clone.repository.git.refs().keys()


def test_workflows_that_a_branch_has_already_may_come_along(clone: Clone) -> None:
    clone.change()
    assert clone.push(clone.token(contents="write"), f"HEAD:{BRANCH}").returncode == 0
    clone.change(".github/workflows/own.yml", "on: push\n")
    app = clone.github.app_token("acme/widget", {"contents": "write", "workflows": "write"})
    assert clone.push(app, f"HEAD:{BRANCH}").returncode == 0


def test_a_commit_is_fetched_by_its_id_and_without_files(clone: Clone) -> None:
    sha = clone.repository.push("gone", {"a.txt": "a\n"}, by="alice")["after"]
    clone.repository.delete_branch("gone", by="alice")
    token = clone.token(contents="read")
    url = clone.repository.clone_url
    fetched = clone.git(token, "fetch", "-q", "--depth=1", "--filter=blob:none", url, sha)
    assert (fetched.returncode, fetched.stderr) == (0, "")
    assert clone.repo.git("cat-file", "-t", sha) == "commit"


def test_a_push_of_a_job_moves_the_pull_request_and_starts_nothing(clone: Clone) -> None:
    clone.repository.push("work", {"a.txt": "a\n"}, by="alice")
    number = clone.repository.open_pull(by="alice", head="work")["number"]
    clone.github.events.clear()
    clone.git(clone.token(contents="read"), "pull", "-q", clone.repository.clone_url, "work")
    after = clone.change()
    assert clone.push(clone.token(contents="write"), "HEAD:refs/heads/work").returncode == 0
    assert clone.repository.pull(number).head_sha == after
    assert clone.github.events == []
    app = clone.github.app_token("acme/widget", {"contents": "write"})
    clone.change(content="more\n")
    clone.push(app, "HEAD:refs/heads/work")
    assert [event.name for event in clone.github.events] == ["push", "pull_request"]


@pytest.mark.parametrize(
    ("how", "took_place"),
    [
        (Fault.PUSH_REJECTED, False),
        (Fault.BAD_GATEWAY, False),
        (Fault.RESET_BEFORE, False),
        (Fault.RESET_AFTER, True),
    ],
)
def test_the_second_push_meets_the_fault(clone: Clone, how: Fault, took_place: bool) -> None:
    token = clone.token(contents="write")
    clone.github.fail(how=how, on="push", nth=2)
    clone.change()
    refs = ("refs/heads/one", "refs/heads/two", "refs/heads/three")
    codes = [clone.push(token, f"HEAD:{ref}").returncode for ref in refs]
    assert [code == 0 for code in codes] == [True, False, True]
    assert (refs[1] in clone.repository.git.refs()) is took_place


def test_what_was_pushed_is_in_the_log(clone: Clone) -> None:
    sha = clone.change()
    clone.push(clone.token(contents="write"), f"HEAD:{BRANCH}")
    (pushed,) = [each for each in clone.github.requests if each.kind == "push"]
    assert pushed.body == [f"{'0' * 40} {sha} {BRANCH}"]
    assert clone.github.counted() == 0
