"""What GitHub sends is understood; what it would never send is not used."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.github.payloads import (
    GHOST,
    Commented,
    Dispatched,
    Ignored,
    Labeled,
    MergeGrouped,
    Opened,
    PullRequested,
    Scheduled,
    Unusable,
    WorkflowRan,
    read_event,
)
from tests.support.github import FakeGithub

SHA = "a" * 40
REPOSITORY = {"id": 7, "full_name": "acme/widget", "default_branch": "main", "private": True}
ANN, BOT = {"login": "ann", "type": "User"}, {"login": "helper[bot]", "type": "Bot"}
ISSUE = {"number": 3, "id": 900, "title": "Pages", "body": "Please.", "labels": [], "user": ANN}
COMMENT = {"id": 5, "body": "/retry", "user": ANN, "created_at": "2026-01-01T00:00:00Z"}
SIDE = {"ref": "topic", "sha": SHA, "repo": {"full_name": "acme/widget"}}
PULL = {"number": 4, "title": "x", "user": ANN, "head": SIDE, "base": SIDE | {"ref": "main"}}


def read(name, **payload):
    known = {"repository": REPOSITORY, "sender": ANN}
    return read_event(name, json.dumps(known | payload).encode())


def test_every_event_of_a_run_is_read_as_github_describes_it():
    """The fake's payloads are checked against GitHub's own description, where that is installed."""
    with FakeGithub() as github:
        github.add_user("ann")
        repo = github.create_repository("acme/widget", files={"README.md": "x"})
        repo.collaborators["ann"] = "admin"
        issue = repo.open_issue("Pages", "", by="ann")
        opened = github.events[-1].payload
        labeled = repo.label(issue.number, "orchestrate", by="ann")
        commented = repo.comment(issue.number, "/status", by="ann")
        head = repo.push("topic", {"a": "1"}, by="ann")
        pulled = repo.open_pull(by="ann", head="topic")
        on_pull = repo.comment(pulled["number"], "/status", by="ann")
        queued = repo.merge_group(pulled["number"], by="ann")
        run = repo.start_run("gates.yml", "pull_request", by="ann", branch="topic")
        ran = repo.finish_run(run, "success")

    def event(name, payload, kind):
        found = read_event(name, json.dumps(payload).encode())
        assert isinstance(found, kind), found
        return found

    assert head
    assert event("issues", opened, Opened).issue.user.login == "ann"
    put = event("issues", labeled, Labeled)
    assert (put.label.name, put.sender.login, put.issue.number) == ("orchestrate", "ann", 1)
    assert put.issue.label_names == ("orchestrate",)
    assert put.repository.full_name == "acme/widget"
    said = event("issue_comment", commented, Commented)
    assert (said.comment.body, said.issue.is_pull_request) == ("/status", False)
    assert event("issue_comment", on_pull, Commented).issue.is_pull_request
    pull = event("pull_request", pulled, PullRequested)
    assert (pull.action, pull.pull_request.head.ref) == ("opened", "topic")
    assert not pull.is_from_elsewhere
    assert event("merge_group", queued, MergeGrouped).merge_group.base_ref == "refs/heads/main"
    done = event("workflow_run", ran, WorkflowRan).workflow_run
    assert (done.conclusion, done.event, done.head_sha) == (
        "success",
        "pull_request",
        pull.pull_request.head.sha,
    )
    assert done.file == ".github/workflows/gates.yml"


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("issues", {"action": "edited", "issue": ISSUE}),
        ("issue_comment", {"action": "edited", "issue": ISSUE, "comment": COMMENT}),
        ("issue_comment", {"action": "deleted", "issue": ISSUE, "comment": COMMENT}),
        ("workflow_run", {"action": "requested"}),
        ("merge_group", {"action": "destroyed"}),
        ("push", {}),
        ("pull_request_target", {"action": "opened", "number": 4, "pull_request": PULL}),
    ],
)
def test_what_asks_nothing_of_us_is_ignored(name, payload):
    found = read(name, **payload)
    assert isinstance(found, Ignored)
    assert name in found.why


def test_somebody_who_is_gone_is_a_ghost():
    found = read("issues", action="opened", issue=ISSUE | {"user": None, "body": None}, sender=None)
    assert isinstance(found, Opened)
    assert (found.issue.user, found.sender, found.issue.body) == (GHOST, GHOST, "")


def test_a_pull_request_of_a_deleted_fork_is_from_elsewhere():
    pull = PULL | {"head": SIDE | {"repo": None}}
    found = read("pull_request", action="synchronize", number=4, pull_request=pull)
    assert isinstance(found, PullRequested)
    assert found.is_from_elsewhere


@pytest.mark.parametrize(
    ("account", "is_bot"),
    [
        (ANN, False),
        (BOT, True),
        ({"login": "Copilot", "type": "Bot"}, True),
        ({"login": "helper", "type": "User"}, False),
        ({"login": "helper[bot]", "type": "User"}, True),
    ],
)
def test_a_bot_is_known_by_its_type_or_by_a_name_that_nobody_can_take(account, is_bot):
    found = read("issues", action="labeled", issue=ISSUE, label={"name": "x"}, sender=account)
    assert isinstance(found, Labeled)
    assert found.sender.is_bot is is_bot


def test_a_dispatch_and_the_clock_are_read_with_as_little_as_they_carry():
    found = read("workflow_dispatch", inputs=None, ref="refs/heads/main", workflow="x.yml")
    assert isinstance(found, Dispatched)
    assert found.inputs == {}
    given = read("workflow_dispatch", inputs={"run": "42"}, ref="main")
    assert isinstance(given, Dispatched)
    assert given.inputs == {"run": "42"}
    assert isinstance(read_event("schedule", b'{"schedule": "0 */6 * * *"}'), Scheduled)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"issue": ISSUE | {"number": "3"}}, "issue.number"),
        ({"issue": ISSUE | {"number": True}}, "issue.number"),
        ({"issue": ISSUE | {"number": -1}}, "issue.number"),
        ({"issue": ISSUE | {"title": ["x"]}}, "issue.title"),
        ({"issue": ISSUE | {"body": "x" * 300_001}}, "issue.body"),
        ({"issue": ISSUE | {"labels": ["x"]}}, "issue.labels[0]"),
        ({"issue": None}, "issue"),
        ({"sender": {"login": "../admin"}}, "sender.login"),
        ({"sender": {"login": "ann\n"}}, "sender.login"),
        ({"repository": REPOSITORY | {"full_name": "acme/widget/../x"}}, "repository.full_name"),
        ({"repository": REPOSITORY | {"full_name": "acme/.."}}, "repository.full_name"),
        ({"label": {}}, "label.name"),
    ],
)
def test_a_payload_that_is_not_github_s_says_where(change, where):
    right = {"action": "labeled", "issue": ISSUE, "label": {"name": "orchestrate"}}
    assert isinstance(read("issues", **right), Labeled)
    found = read("issues", **(right | change))
    assert isinstance(found, Unusable)
    assert where in found.why


@pytest.mark.parametrize("sha", ["a" * 39, "A" * 40, "a" * 40 + "\n", "--upload-pack=x", ""])
def test_a_commit_is_named_by_a_whole_id(sha):
    pull = PULL | {"head": SIDE | {"sha": sha}}
    assert isinstance(read("pull_request", action="opened", number=4, pull_request=pull), Unusable)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"action": 1}', b" " * 26_000_001],
    ids=["nothing", "null", "a list", "half", "not UTF-8", "depth", "a number", "size"],
)
def test_what_is_no_payload_at_all_is_unusable(payload):
    assert isinstance(read_event("issues", payload), Unusable)


@given(st.sampled_from(["issues", "issue_comment", "schedule", "workflow_run"]), st.binary())
def test_no_bytes_make_it_fail(name, payload):
    assert isinstance(read_event(name, payload), Unusable | Ignored | Scheduled)
