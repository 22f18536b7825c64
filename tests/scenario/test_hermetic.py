"""The ground the other tests stand on: nothing of this machine in, and no change unseen."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from tests.support.repos import OURS, Repo, make_repo


@pytest.fixture
def repo(tmp_path) -> Repo:
    repo = make_repo(tmp_path / "repo", {"a.txt": "a\n", "folder/b.txt": b"b\n"})
    repo.write("notes.txt", "not committed\n")
    return repo


def test_the_same_files_make_the_same_commit_anywhere(tmp_path):
    ids = {make_repo(tmp_path / name, {"a": "1"}).git("rev-parse", "HEAD") for name in "xy"}
    assert ids == {"8eecb78ad005ebaa47e775b1c79c8396966f26d2"}


def test_looking_changes_nothing(repo):
    before = repo.snapshot()
    repo.git("status")
    assert repo.snapshot() == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda r: r.write("a.txt", "b\n"), id="a file's content"),
        pytest.param(lambda r: (r.path / "a.txt").chmod(0o755), id="a file's mode"),
        pytest.param(lambda r: (r.path / "a.txt").unlink(), id="a file that is gone"),
        pytest.param(lambda r: (r.path / "empty").mkdir(), id="an empty folder"),
        pytest.param(lambda r: (r.path / "link").symlink_to("a.txt"), id="a link"),
        pytest.param(lambda r: r.git("add", "notes.txt"), id="the index"),
        pytest.param(lambda r: r.git("config", "user.name", "Eve"), id="the settings"),
        pytest.param(lambda r: r.git("checkout", "-q", "-b", "other"), id="the branch"),
        pytest.param(lambda r: r.git("checkout", "-q", "--detach"), id="a detached head"),
        pytest.param(lambda r: r.git("tag", "v1"), id="a tag"),
        pytest.param(lambda r: r.git("update-ref", "refs/x/y", "HEAD"), id="another ref"),
        pytest.param(lambda r: r.git("stash", "-q", "-u"), id="a stash"),
        pytest.param(lambda r: r.write(".git/hooks/pre-push", "exit 1"), id="a hook"),
        pytest.param(lambda r: r.write(".git/info/attributes", "* -text"), id="attributes"),
        pytest.param(lambda r: r.write(".git/MERGE_HEAD", "0" * 40), id="a merge begun"),
        pytest.param(lambda r: r.git("worktree", "add", "-q", "../w", "-d"), id="a worktree"),
        pytest.param(lambda r: r.git("update-ref", "refs/orchestrate/runs/1", "HEAD"), id="a run"),
    ],
)
def test_a_snapshot_sees(repo, change):
    before = repo.snapshot()
    change(repo)
    assert repo.snapshot() != before


def test_the_bots_own_refs_can_be_left_out_and_no_others(repo):
    before = repo.snapshot(without=OURS)
    repo.git("update-ref", "refs/orchestrate/runs/1", "HEAD")
    repo.git("branch", "orchestrate/1/implement")
    assert repo.snapshot(without=OURS) == before
    repo.git("branch", "orchestrated")
    assert repo.snapshot(without=OURS) != before


def test_empty_bare_and_linked_repositories_can_be_taken_down(tmp_path, repo):
    assert make_repo(tmp_path / "empty", {}).snapshot().refs == ()
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    assert Repo(tmp_path / "bare").snapshot().files == {}
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    assert Repo(tmp_path / "linked").snapshot().head == "ref: refs/heads/linked"


def test_home_and_git_settings_are_the_sessions_own(own_home: Path):
    assert Path.home() == own_home
    config = subprocess.run(
        ("git", "config", "--list", "--show-origin"), cwd=own_home, capture_output=True, text=True
    ).stdout
    assert {line.split("\t")[0] for line in config.splitlines()} == {
        f"file:{own_home / '.gitconfig'}"
    }


def test_nothing_of_the_callers_secrets_or_platform_is_left():
    left = [name for name in os.environ if name.startswith(("GITHUB_", "ORCHESTRATE_"))]
    left += [name for name in os.environ if name.endswith(("_API_KEY", "_TOKEN"))]
    assert left == []


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.com"])
def test_the_network_is_refused(host):
    with pytest.raises(Exception, match="tests may only talk to this machine"):
        socket.create_connection((host, 80), timeout=1)


def test_a_child_process_meets_a_proxy_that_is_not_there():
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("http://192.0.2.1/", timeout=1)


def test_this_machine_may_be_talked_to():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=1) as client,
    ):
        assert client.getpeername() == server.getsockname()
