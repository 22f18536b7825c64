"""The fake GitHub is as odd as the real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.desk import ALL, Desk, make_desk
from tests.support.github import Fault, Refused

Json = Any


@pytest.fixture
def desk() -> Iterator[Desk]:
    with make_desk() as desk:
        yield desk


# Who may


@pytest.mark.parametrize(
    ("granted", "method", "path", "body", "status"),
    [
        pytest.param({}, "GET", "", None, 200, id="every token may read metadata"),
        pytest.param({"issues": "read"}, "GET", "/issues/1", None, 200, id="read may read"),
        pytest.param(
            {"issues": "read"}, "POST", "/issues", {"title": "x"}, 403, id="read may not write"
        ),
        pytest.param(
            {"contents": "write"}, "GET", "/issues/1", None, 403, id="another right is no right"
        ),
        pytest.param(
            {"pull-requests": "write"}, "POST", "/issues/1/comments", {"body": "x"}, 403,
            id="an issue is no pull request",
        ),
        pytest.param(
            {"administration": "none"}, "GET", "/actions/permissions/workflow", None, 403,
            id="a job may not read the settings",
        ),
    ],
)  # fmt: skip
def test_a_token_may_what_it_was_granted(
    desk: Desk, granted: dict[str, str], method: str, path: str, body: Json, status: int
) -> None:
    desk.token = desk.github.job_token("acme/widget", granted)
    answer = desk.ask(method, path, body)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["message"] == "Resource not accessible by integration"
        assert "X-Accepted-GitHub-Permissions" in answer.headers


def test_a_token_is_worth_nothing_elsewhere(desk: Desk) -> None:
    desk.token = desk.github.job_token("somebody/else", ALL)
    assert desk.ask("GET", "").status_code == 404
    desk.token = "ghs_made_up"
    assert desk.ask("GET", "").status_code == 401


@pytest.mark.parametrize(
    ("login", "status", "permission", "role"),
    [
        ("alice", 200, "write", "maintain"),
        ("mallory", 200, "none", "none"),
        ("github-actions[bot]", 200, "none", "none"),
        ("nobody-of-that-name", 404, None, None),
    ],
)
def test_only_the_role_name_tells_what_somebody_may(
    desk: Desk, login: str, status: int, permission: str | None, role: str | None
) -> None:
    answer = desk.ask("GET", f"/collaborators/{login}/permission")
    assert answer.status_code == status
    assert (answer.json().get("permission"), answer.json().get("role_name")) == (permission, role)


# Issues


def test_a_list_comes_in_pages_with_links(desk: Desk) -> None:
    for number in range(4):
        desk.repository.open_issue(f"Issue {number}", by="alice")
    first = desk.ask("GET", "/issues", per_page=2)
    second = requests.get(
        first.links["next"]["url"], headers={"Authorization": f"Bearer {desk.token}"}, timeout=10
    )
    assert [issue["number"] for issue in first.json()] == [5, 4]
    assert [issue["number"] for issue in second.json()] == [3, 2]
    assert set(second.links) == {"prev", "next", "last", "first"}


def test_a_sub_issue_is_named_by_its_database_id(desk: Desk) -> None:
    child = desk.ask("POST", "/issues", {"title": "Part"}).json()
    add = "/issues/1/sub_issues"
    assert desk.ask("POST", add, {"sub_issue_id": child["number"]}).status_code == 404
    assert desk.ask("POST", add, {"sub_issue_id": child["id"]}).status_code == 201
    again = desk.ask("POST", add, {"sub_issue_id": child["id"]})
    assert (again.status_code, "only have one parent" in again.json()["message"]) == (422, True)
    assert desk.ask("GET", f"/issues/{child['number']}/parent").json()["number"] == 1


def test_a_parent_takes_a_hundred_sub_issues(desk: Desk) -> None:
    desk.github.limits.secondary = False
    for _ in range(100):
        part = desk.repository.open_issue("Part", by="alice")
        desk.ask("POST", "/issues/1/sub_issues", {"sub_issue_id": part.id})
    last = desk.repository.open_issue("Part", by="alice")
    assert desk.ask("POST", "/issues/1/sub_issues", {"sub_issue_id": last.id}).status_code == 422
    assert len(desk.ask("GET", "/issues/1/sub_issues", per_page=100).json()) == 100


def test_a_number_in_place_of_an_id_links_somebody_elses_issue(desk: Desk) -> None:
    blocked = desk.repository.open_issue("Blocked", by="alice")
    add = f"/issues/{blocked.number}/dependencies/blocked_by"
    assert desk.ask("POST", add, {"issue_id": 1}).status_code == 201
    assert "/somebody/else/" in desk.ask("GET", add).json()[0]["html_url"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/issues", {"title": "x" * 257}),
        ("/issues", {"title": "x", "body": "x" * 65_537}),
        ("/issues/1/comments", {"body": "x" * 65_537}),
        ("/issues/1/comments", {"body": " "}),
        ("/issues/1/labels", {"labels": ["x" * 51]}),
        ("/labels", {"name": "x" * 51}),
        ("/issues/1/reactions", {"content": "party"}),
    ],
)
def test_what_is_too_long_or_nothing_is_refused(desk: Desk, path: str, body: Json) -> None:
    answer = desk.ask("POST", path, body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    desk.github.take_violations()  # "party" is one of the description's too


def test_a_second_reaction_of_a_kind_is_the_first(desk: Desk) -> None:
    comment = desk.repository.comment(1, "/retry", by="alice")["comment"]["id"]
    react = f"/issues/comments/{comment}/reactions"
    answers = [desk.ask("POST", react, {"content": "eyes"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert len(desk.ask("GET", react).json()) == 1


def test_deleted_is_gone_and_transferred_is_elsewhere(desk: Desk) -> None:
    desk.github.create_repository("acme/attic", files={"a": "a"})
    moved = desk.repository.open_issue("Move me", by="alice")
    desk.repository.delete_issue(1, by="alice")
    desk.repository.transfer_issue(moved.number, to="acme/attic", by="alice")
    answer = desk.ask("GET", f"/issues/{moved.number}")
    assert desk.ask("GET", "/issues/1").status_code == 410
    assert answer.status_code == 301
    token = desk.github.job_token("acme/attic", {"issues": "read"})
    headers = {"Authorization": f"Bearer {token}"}
    there = requests.get(answer.headers["Location"], headers=headers, timeout=10)
    assert there.json()["repository_url"].endswith("/repos/acme/attic")


# What starts workflows


def test_what_a_job_does_starts_nothing_but_dispatches(desk: Desk) -> None:
    desk.ask("POST", "/issues/1/labels", {"labels": ["orchestrate"]})
    desk.ask("POST", "/issues/1/comments", {"body": "/retry"})
    desk.ask("PATCH", "/issues/1", {"state": "closed"})
    assert desk.github.events == []
    said = {"ref": "main", "inputs": {"run": "1"}}
    desk.ask("POST", "/actions/workflows/gates.yml/dispatches", said)
    assert [event.name for event in desk.github.events] == ["workflow_dispatch"]


def test_what_an_app_or_a_person_does_starts_workflows(desk: Desk) -> None:
    payload = desk.repository.label(1, "orchestrate", by="mallory")
    desk.token = desk.github.app_token("acme/widget", ALL)
    desk.ask("POST", "/issues/1/comments", {"body": "hello"})
    assert (payload["label"]["name"], payload["sender"]["login"]) == ("orchestrate", "mallory")
    assert [event.name for event in desk.github.events] == ["issues", "issue_comment"]


def test_a_dispatch_answers_nothing_unless_asked_for_its_run(desk: Desk) -> None:
    ask = "/actions/workflows/gates.yml/dispatches"
    said = {"ref": "main", "inputs": {"run": "42"}}
    assert desk.ask("POST", ask, said).status_code == 204
    answer = desk.ask("POST", ask, said | {"return_run_details": True})
    last = desk.repository.dispatches[-1]
    assert (answer.status_code, answer.json()["workflow_run_id"]) == (200, last.run_id)
    assert (last.workflow, last.ref, last.inputs) == ("gates.yml", "main", {"run": "42"})


@pytest.mark.parametrize(
    ("workflow", "said", "status"),
    [
        pytest.param("gates.yml", {"ref": "{sha}", "inputs": {"run": "1"}}, 422, id="a commit"),
        pytest.param("gates.yml", {"ref": "gone", "inputs": {"run": "1"}}, 422, id="no branch"),
        pytest.param("gates.yml", {"ref": "main"}, 422, id="an input missing"),
        pytest.param(
            "gates.yml", {"ref": "main", "inputs": {"run": "1", "x": "1"}}, 422, id="one too many"
        ),
        pytest.param(
            "gates.yml", {"ref": "main", "inputs": {"run": "x" * 65_536}}, 422, id="too long"
        ),
        pytest.param("ci.yml", {"ref": "main"}, 422, id="a workflow that takes none"),
        pytest.param("none.yml", {"ref": "main"}, 404, id="no workflow"),
    ],
)
def test_a_dispatch_of_what_cannot_run_is_refused(
    desk: Desk, workflow: str, said: dict[str, Any], status: int
) -> None:
    said = said | {"ref": said["ref"].format(sha=desk.repository.sha("main"))}
    answer = desk.ask("POST", f"/actions/workflows/{workflow}/dispatches", said)
    assert (answer.status_code, desk.repository.dispatches) == (status, [])


# Artifacts


def test_an_artifact_is_fetched_from_a_storage_that_may_not_see_the_token(desk: Desk) -> None:
    run = desk.repository.start_run("gates.yml", "workflow_dispatch", by="alice")
    made = desk.repository.upload(run, "1.implement.1.r1", {"implement/completion.json": b"{}"})
    with pytest.raises(Refused, match="409"):
        desk.repository.upload(run, made.name, {})
    place = f"/actions/artifacts/{made.id}/zip"
    address = desk.ask("GET", place).headers["Location"]
    assert requests.get(address, timeout=10).content == made.data
    shown = requests.get(address, headers={"Authorization": f"Bearer {desk.token}"}, timeout=10)
    assert shown.status_code == 401
    (said,) = desk.github.take_violations()
    assert "the storage was shown a GitHub token" in said
    desk.github.clock.advance(seconds=61)
    assert requests.get(address, timeout=10).status_code == 403
    made.expired = True
    assert desk.ask("GET", place).status_code == 410


# Limits and faults


def test_all_jobs_of_a_repository_share_a_thousand_requests_an_hour(desk: Desk) -> None:
    desk.github.limits.secondary = False
    tokens = [desk.github.job_token("acme/widget", ALL) for _ in range(2)]
    for number in range(1000):
        desk.token = tokens[number % 2]
        assert desk.ask("GET", "").status_code == 200
    refused = desk.ask("GET", "")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    desk.github.clock.advance(seconds=3601)
    assert desk.ask("GET", "").status_code == 200


def test_the_eighty_first_comment_in_a_minute_is_too_much(desk: Desk) -> None:
    answers = [desk.ask("POST", "/issues/1/comments", {"body": "x"}) for _ in range(81)]
    assert [answer.status_code for answer in answers] == [201] * 80 + [403]
    assert "secondary rate limit" in answers[-1].json()["message"]
    desk.github.clock.advance(seconds=int(answers[-1].headers["retry-after"]))
    assert desk.ask("POST", "/issues/1/comments", {"body": "x"}).status_code == 201
    assert desk.github.limits.met == ["created: POST /repos/acme/widget/issues/1/comments"]


@pytest.mark.parametrize(
    ("how", "status", "took_place"),
    [
        (Fault.BAD_GATEWAY, 502, False),
        (Fault.BAD_GATEWAY_AFTER, 502, True),
        (Fault.SECONDARY_LIMIT, 403, False),
        (Fault.NOT_JSON, 200, False),
        (Fault.RESET_BEFORE, None, False),
        (Fault.RESET_AFTER, None, True),
        (Fault.CUT, None, True),
    ],
)
def test_a_fault_comes_once_and_says_whether_the_act_took_place(
    desk: Desk, how: Fault, status: int | None, took_place: bool
) -> None:
    desk.github.fail(how=how, nth=2, method="POST", path="/comments$")
    desk.ask("POST", "/issues/1/comments", {"body": "first"})
    if status is None:
        with pytest.raises(requests.RequestException):
            desk.ask("POST", "/issues/1/comments", {"body": "second"})
    else:
        assert desk.ask("POST", "/issues/1/comments", {"body": "second"}).status_code == status
    assert desk.ask("POST", "/issues/1/comments", {"body": "third"}).status_code == 201
    texts = [comment.body for comment in desk.repository.issues[1].comments]
    assert texts == ["first", *(["second"] if took_place else []), "third"]


def test_where_an_api_is_missing_it_is_not_found(desk: Desk) -> None:
    desk.repository.settings.sub_issues = desk.repository.settings.dependencies = False
    part = desk.repository.open_issue("Part", by="alice")
    add = desk.ask("POST", "/issues/1/sub_issues", {"sub_issue_id": part.id})
    block = desk.ask("POST", "/issues/1/dependencies/blocked_by", {"issue_id": part.id})
    assert (add.status_code, block.status_code) == (404, 404)
