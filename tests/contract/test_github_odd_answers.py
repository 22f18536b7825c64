"""What the bot does on GitHub, where the answer is one that a well GitHub seldom gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.adapters.github.errors import (
    NotOffered,
    OddAnswer,
    Refusal,
    TooLarge,
    Unprocessable,
)
from bot.adapters.github.hub import Hub
from bot.adapters.github.values import Annotation, NewCheck
from bot.core.github.permission import Role
from bot.errors import BotError, Unavailable, UserError
from tests.support.scripted_http import RESET, Door, Opens, Reply, issue

OWN = frozenset({"github-actions[bot]"})
HERE = "/repos/o/r"


def hub(door: Door) -> Hub:
    return Hub(door.api, "o/r", OWN)


@pytest.mark.parametrize(
    ("answer", "role"),
    [
        (Reply(200, {"permission": "admin", "role_name": "admin"}), "admin"),
        (Reply(200, {"permission": "write", "role_name": "maintain"}), "maintain"),
        (Reply(200, {"permission": "read", "role_name": "triage"}), "triage"),
        (Reply(200, {"permission": "write", "role_name": "release-crew"}), "write"),
        (Reply(200, {"permission": "read"}), "read"),
        (Reply(200, {"permission": "root", "role_name": "ADMIN"}), "none"),
        (Reply(200, {}), "none"),
        (Reply(404, {"message": "Not Found"}), "none"),
        (Reply(403, {"message": "Resource not accessible by integration"}), "none"),
        (Reply(301, {}, {"Location": "{here}/elsewhere"}), "none"),
    ],
)
def test_a_role_is_what_github_says_and_otherwise_none(
    door: Opens, answer: Reply, role: str
) -> None:
    opened = door(answer)
    assert hub(opened).role("dependabot[bot]").name.lower() == role
    assert opened.asked == [f"GET {HERE}/collaborators/dependabot%5Bbot%5D/permission"]


@pytest.mark.parametrize("login", ["..", ".", "", "../../user", "a/../b", "x?y=1", "a#b"])
def test_a_login_cannot_lead_the_question_elsewhere(door: Opens, login: str) -> None:
    opened = door(Reply(404))
    assert hub(opened).role(login) is Role.NONE
    for asked in opened.asked:
        assert asked.startswith(f"GET {HERE}/collaborators/")
        assert asked.endswith("/permission")
        assert asked.count("/") == 6


def test_nobody_is_told_that_they_may_not_because_github_is_down(door: Opens) -> None:
    with pytest.raises(Unavailable):
        hub(door(*[Reply(502)] * 4)).role("alice")


@pytest.mark.parametrize("name", ["o", "o/r/x", "o/..", "../r", "o/r?x", "", "o /r"])
def test_a_repository_has_an_owner_and_a_name(door: Opens, name: str) -> None:
    opened = door()
    with pytest.raises(UserError, match="is no repository"):
        Hub(opened.api, name, OWN).repository_facts()
    assert opened.asked == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_links_that_github_does_not_offer_are_told_apart(door: Opens, status: int) -> None:
    refused = Reply(status, {"message": "no"})
    with pytest.raises(NotOffered, match="sub-issues"):
        hub(door(refused)).issues.link_sub_issue(7, 4100000008)
    with pytest.raises(NotOffered, match="dependencies"):
        hub(door(refused)).issues.block(7, 4100000008, "https://github.com/o/r/issues/8")


def test_a_child_that_we_linked_before_is_fine_and_somebody_elses_is_not(door: Opens) -> None:
    refused = Reply(422, {"message": "Sub issue may only have one parent"})
    opened = door(refused, Reply(body=[issue(8)]))
    hub(opened).issues.link_sub_issue(7, 4100000008)
    with pytest.raises(Unprocessable, match="one parent"):
        hub(door(refused, Reply(body=[issue(9)]))).issues.link_sub_issue(7, 4100000008)


def test_a_dependency_counts_when_either_answer_shows_the_issue_that_was_meant(door: Opens) -> None:
    meant = issue(8)
    page = str(meant["html_url"])
    opened = door(Reply(201, meant))
    hub(opened).issues.block(7, 4100000008, page)
    opened = door(Reply(201, issue(7)), Reply(body=[meant]))  # the answer is the blocked issue
    hub(opened).issues.block(7, 4100000008, page)
    opened = door(Reply(422, {"message": "already"}), Reply(body=[meant]))
    hub(opened).issues.block(7, 4100000008, page)
    with pytest.raises(Unprocessable):
        hub(door(Reply(422, {}), Reply(body=[]))).issues.block(7, 4100000008, page)


@pytest.mark.parametrize("lost", [False, True], ids=["told at once", "told on a repeat"])
def test_a_dependency_on_a_foreign_issue_is_taken_back(door: Opens, lost: bool) -> None:
    foreign = issue(8, html_url="https://github.com/somebody/else/issues/1")
    first = [RESET, Reply(422, {"message": "already taken"})] if lost else [Reply(201, foreign)]
    opened = door(*first, Reply(body=[foreign]), Reply(200, {}))
    with pytest.raises(OddAnswer, match="the link was removed"):
        hub(opened).issues.block(7, 4100000008, "https://github.com/o/r/issues/8")
    assert opened.asked[-1] == f"DELETE {HERE}/issues/7/dependencies/blocked_by/4100000008"


def check(count: int) -> NewCheck:
    notes = tuple(
        Annotation("a.py", n + 1, n + 1, "warning", f"remark {n}", title="") for n in range(count)
    )
    return NewCheck("orchestrate/review", "c0ffee", "failure", "No", "Why", "42.1", "", notes)


def made_check(annotations: int, conclusion: str = "failure") -> dict[str, object]:
    return {
        "id": 5, "name": "orchestrate/review", "head_sha": "c0ffee", "status": "completed",
        "conclusion": conclusion, "external_id": "42.1",
        "output": {"annotations_count": annotations},
    }  # fmt: skip


def test_annotations_past_fifty_follow_and_none_is_shown_twice(door: Opens) -> None:
    opened = door(
        Reply(201, made_check(50)),
        Reply(502), Reply(body=made_check(100)),  # they are there
        RESET, Reply(body=made_check(100)), Reply(body=made_check(120)),  # they are not
    )  # fmt: skip
    assert hub(opened).checks.create(check(120)).id == 5
    runs = f"{HERE}/check-runs"
    assert opened.asked == [
        f"POST {runs}",
        f"PATCH {runs}/5", f"GET {runs}/5",
        f"PATCH {runs}/5", f"GET {runs}/5", f"PATCH {runs}/5",
    ]  # fmt: skip
    sent = [seen.body for seen in opened.server.seen if seen.method != "GET"]
    assert [len(body["output"]["annotations"]) for body in sent] == [50, 50, 20, 20]


def test_a_check_says_where_to_read_more_and_what_each_remark_is_about(door: Opens) -> None:
    note = Annotation("a.py", 1, 2, "failure", "why", title="Unused name")
    opened = door(Reply(201, made_check(1)))
    whole = replace(check(0), text="More", details_url="https://x.test", annotations=(note,))
    hub(opened).checks.create(whole)
    sent = opened.server.seen[0].body
    assert (sent["output"]["text"], sent["details_url"]) == ("More", "https://x.test")
    assert sent["output"]["annotations"][0]["title"] == "Unused name"


def test_another_verdict_on_the_same_commit_is_not_taken_for_ours(door: Opens) -> None:
    others = [made_check(0, "success"), {**made_check(0), "external_id": "42.0"}]
    opened = door(Reply(502), Reply(body={"check_runs": others}), Reply(201, made_check(0)))
    assert hub(opened).checks.create(check(0)).conclusion == "failure"
    assert len(opened.asked) == 3


def test_a_check_that_no_app_made_is_still_read(door: Opens) -> None:
    opened = door(Reply(body={"check_runs": [{**made_check(0), "app": None, "conclusion": None}]}))
    (seen,) = hub(opened).checks.on("c0ffee")
    assert (seen.app_id, seen.conclusion) == (None, None)


def test_a_dispatch_whose_answer_is_lost_is_sent_again(door: Opens) -> None:
    opened = door(RESET, Reply(200, {"workflow_run_id": 77, "run_url": "x", "html_url": "y"}))
    assert hub(opened).actions.dispatch("orchestrate.yml", "main", {"run": "42"}) == 77
    assert [seen.body for seen in opened.server.seen] == [
        {"ref": "main", "inputs": {"run": "42"}, "return_run_details": True}
    ] * 2


def test_a_server_that_does_not_tell_the_run_is_fine(door: Opens) -> None:
    assert hub(door(Reply(204, b""))).actions.dispatch("x.yml", "main", {}) is None


def test_settings_that_the_token_may_not_see_are_unknown(door: Opens) -> None:
    assert hub(door(Reply(403, {"message": "no"}))).admin.workflow_permissions() is None
    answer = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
    seen = hub(door(Reply(body=answer))).admin.workflow_permissions()
    assert seen is not None
    assert seen.can_approve_pull_request_reviews is False


def test_a_pull_request_that_is_ready_already_needs_nothing(door: Opens) -> None:
    refused = Reply(body={"errors": [{"type": "UNPROCESSABLE", "message": "not a draft"}]})
    hub(door(refused, Reply(body={"data": {"node": {"isDraft": False}}}))).pulls.mark_ready("PR_1")
    with pytest.raises(Unprocessable, match="not a draft"):
        hub(door(refused, Reply(body={"data": {"node": {"isDraft": True}}}))).pulls.mark_ready("P")


def test_a_pull_request_of_a_fork_with_our_branchs_name_is_not_ours(door: Opens) -> None:
    fork = {
        "number": 3, "node_id": "PR_3", "html_url": "https://github.com/o/r/pull/3", "title": "t",
        "state": "open", "head": {"sha": "a", "ref": "orchestrate/42/combined",
        "repo": {"full_name": "o/fork"}}, "base": {"sha": "b", "ref": "main"},
    }  # fmt: skip
    gone = {**fork, "head": {"sha": "a", "ref": "orchestrate/42/combined", "repo": None}}
    assert hub(door(Reply(body=[fork, gone]))).pulls.find("orchestrate/42/combined") is None


def test_a_reviewer_whom_github_refuses_is_no_reason_to_stop(door: Opens) -> None:
    said = {"message": "Review cannot be requested from pull request author."}
    assert hub(door(Reply(422, said))).pulls.request_review(3, "alice") is False


def test_a_label_that_github_refuses_for_another_reason_was_not_there(door: Opens) -> None:
    said = {"message": "Validation Failed", "errors": [{"field": "color", "code": "invalid"}]}
    with pytest.raises(Unprocessable, match="color invalid"):
        hub(door(Reply(422, said))).labels.ensure("x", "red", "")


def test_a_server_that_never_takes_a_pull_request_is_not_asked_for_ever(door: Opens) -> None:
    refused = Reply(422, {"message": "Draft pull requests are not supported in this repository."})
    opened = door(refused, refused, refused)
    with pytest.raises(Refusal):
        hub(opened).pulls.open("t", "b", "x", "main", draft=True)
    assert len(opened.asked) == 2


def test_an_artifact_is_fetched_by_id_up_to_a_size(door: Opens) -> None:
    storage = door(Reply(body=b"x" * 50))
    opened = door(Reply(302, b"", {"Location": storage.server.url}))
    with pytest.raises(TooLarge):
        hub(opened).actions.download_artifact(9, 49)
    assert opened.asked == [f"GET {HERE}/actions/artifacts/9/zip"]


@pytest.mark.parametrize(
    "write",
    [
        lambda hub: hub.issues.create("t", "no marker", [], "<!-- m -->"),
        lambda hub: hub.comments.create(1, "no marker", "<!-- m -->"),
    ],
)
def test_nothing_is_made_that_could_not_be_found_again(
    door: Opens, write: Callable[[Hub], object]
) -> None:
    opened = door()
    with pytest.raises((AssertionError, BotError)):
        write(hub(opened))
    assert opened.asked == []
