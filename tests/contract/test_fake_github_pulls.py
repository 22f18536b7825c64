"""Pull requests and checks on the fake GitHub are as odd as real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.desk import HEAD, Desk, make_desk

Json = Any


@pytest.fixture
def desk() -> Iterator[Desk]:
    with make_desk() as desk:
        yield desk


def test_a_pull_request_of_a_job_has_runs_that_wait_for_approval(desk: Desk) -> None:
    pull = desk.open_pull(draft=True).json()
    runs = desk.ask("GET", "/actions/runs", head_sha=pull["head"]["sha"]).json()
    assert pull["draft"]
    assert [(run["path"], run["conclusion"]) for run in runs["workflow_runs"]] == [
        (".github/workflows/ci.yml", "action_required")
    ]


@pytest.mark.parametrize(
    ("arrange", "more", "status", "said"),
    [
        pytest.param(
            lambda desk: desk.open_pull(), {}, 422,
            "A pull request already exists for acme:orchestrate/1/combined.", id="a second one",
        ),
        pytest.param(
            lambda _: None, {"head": "main"}, 422,
            "No commits between main and main", id="no change",
        ),
        pytest.param(
            lambda desk: setattr(desk.repository.settings, "actions_may_open_pulls", False),
            {}, 403, "GitHub Actions is not permitted to create or approve pull requests.",
            id="not allowed",
        ),
        pytest.param(
            lambda desk: setattr(desk.repository.settings, "drafts", False),
            {"draft": True}, 422, "Draft pull requests are not supported in this repository.",
            id="no drafts",
        ),
    ],
)  # fmt: skip
def test_a_pull_request_is_refused_in_githubs_words(
    desk: Desk, arrange: Callable[[Desk], object], more: Json, status: int, said: str
) -> None:
    arrange(desk)
    answer = desk.open_pull(**more)
    words = [answer.json()["message"]]
    words += [error.get("message") for error in answer.json().get("errors", [])]
    assert (answer.status_code, said in words) == (status, True)


def test_a_pull_request_follows_its_branch_and_closes_with_it(desk: Desk) -> None:
    number = desk.open_pull().json()["number"]
    after = desk.repository.push(HEAD, {"more.py": "MORE = 1\n"}, by="alice")["after"]
    assert desk.ask("GET", f"/pulls/{number}").json()["head"]["sha"] == after
    desk.repository.delete_branch(HEAD, by="alice")
    assert desk.ask("GET", f"/pulls/{number}").json()["state"] == "closed"


def test_merging_closes_the_issue_that_the_text_names(desk: Desk) -> None:
    number = desk.open_pull().json()["number"]
    desk.repository.merge_pull(number, by="alice")
    assert desk.repository.git.read("main", "pages.py") == "PAGES = 1\n"
    assert desk.ask("GET", "/issues/1").json()["state"] == "closed"
    assert desk.ask("GET", f"/pulls/{number}").json()["merged"]


def test_a_draft_is_made_ready_over_graphql(desk: Desk) -> None:
    pull = desk.open_pull(draft=True).json()
    ready = (
        "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) "
        "{ pullRequest { isDraft } } }"
    )
    assert not desk.graphql(ready, id=pull["node_id"]).get("errors")
    assert not desk.repository.pull(pull["number"]).draft
    assert desk.graphql("query { viewer { login } }")["errors"]
    desk.token = desk.github.job_token("acme/widget", {"pull-requests": "read"})
    assert desk.graphql(ready, id=pull["node_id"])["errors"][0]["type"] == "FORBIDDEN"


def test_a_check_takes_fifty_annotations_at_a_time(desk: Desk) -> None:
    note = {
        "path": "a",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "failure",
        "message": "m",
    }
    output = {"title": "t", "summary": "s", "annotations": [note] * 50}
    said = {"name": "orchestrate/tests", "head_sha": desk.repository.sha(HEAD), "output": output}
    check = desk.ask("POST", "/check-runs", said).json()
    place = f"/check-runs/{check['id']}"
    more = desk.ask("PATCH", place, {"conclusion": "failure", "output": output})
    assert (more.json()["output"]["annotations_count"], more.json()["status"]) == (100, "completed")
    too_many = output | {"annotations": [note] * 51}
    assert desk.ask("PATCH", place, {"output": too_many}).status_code == 422
    too_long = output | {"summary": "s" * 65_536}
    assert desk.ask("PATCH", place, {"output": too_long}).status_code == 422
    desk.github.take_violations()  # the description knows the longest summary too


def test_a_forks_pull_request_has_its_head_in_another_repository(desk: Desk) -> None:
    fork = desk.github.fork("acme/widget", by="mallory")
    fork.push("patch", {"evil.py": "1\n"}, by="mallory")
    number = desk.repository.open_pull(by="mallory", head="mallory:patch")["number"]
    after = fork.push("patch", {"evil.py": "2\n"}, by="mallory")["after"]
    pull = desk.ask("GET", f"/pulls/{number}").json()
    assert (pull["head"]["repo"]["full_name"], pull["head"]["sha"]) == ("mallory/widget", after)
    assert desk.repository.sha(f"refs/pull/{number}/head") == after
    names = [event.name for event in desk.github.events if event.repository == "acme/widget"]
    assert names == ["pull_request", "pull_request"]
    run = desk.repository.start_run(
        "ci.yml", "pull_request", by="mallory", branch="patch", sha=after, fork="mallory/widget"
    )
    drawn = desk.ask("GET", f"/actions/runs/{run.id}").json()
    assert drawn["head_repository"]["full_name"] == "mallory/widget"
    assert drawn["pull_requests"] == []
