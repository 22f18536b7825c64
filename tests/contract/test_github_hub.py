"""What the bot does on GitHub, on a whole one: each thing once, whatever becomes of an answer."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO

import pytest

from bot.adapters.github.api import Api
from bot.adapters.github.errors import (
    ActionsMayNotOpenPulls,
    Forbidden,
    Gone,
    Moved,
    NotFound,
    OddAnswer,
    RateLimited,
    TooLarge,
    Unprocessable,
)
from bot.adapters.github.hub import Hub
from bot.adapters.github.pace import Pace
from bot.adapters.github.values import Annotation, Check, Issue, NewCheck
from bot.core.github.permission import Role
from tests.support.github.fake import FakeGithub
from tests.support.github.faults import Fault
from tests.support.github.repository import FakeRepository

MARK = "<!-- orchestrate:42:implement -->"
BRANCH = "orchestrate/42/combined"
WRITES = dict.fromkeys(("issues", "contents", "pull-requests", "checks", "actions"), "write")
WORKFLOW = "on:\n  workflow_dispatch:\n    inputs:\n      run: {}\n"
RULES = {
    "name": "orchestrate", "target": "branch", "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [{"type": "required_status_checks", "parameters": {
        "strict_required_status_checks_policy": False,
        "required_status_checks": [{"context": "orchestrate/tests", "integration_id": 15368}]}}],
}  # fmt: skip


class Desk:
    """A repository with an issue (1) and the run's branch, and the bot that works there."""

    def __init__(self, github: FakeGithub, stack: ExitStack) -> None:
        self.github = github
        self._stack = stack
        for login in ("alice", "mallory"):
            github.add_user(login)
        files = {"a.py": "x = 1\n", ".github/workflows/orchestrate.yml": WORKFLOW}
        self.repository = github.create_repository("acme/shop", files=files)
        self.repository.collaborators["alice"] = "admin"
        self.repository.open_issue("Task", "Do it", by="alice")
        self.repository.push(BRANCH, {"b.py": "y = 2\n"}, by="alice")
        self.head = self.repository.sha(BRANCH)
        self.hub = self.hub_for(github.job_token("acme/shop", WRITES))

    def hub_for(self, token: str) -> Hub:
        """Let the bot work with another token; where it waits, GitHub's clock goes on."""
        clock = self.github.clock
        pace = Pace(lambda seconds: clock.advance(seconds=seconds), clock.now)
        api = Api(self.github.api_url, token, pace, graphql_url=self.github.graphql_url)
        self._stack.callback(api.close)
        return Hub(api, "acme/shop", frozenset({"github-actions[bot]"}))

    def child(self) -> Issue:
        """Make an issue of ours."""
        return self.hub.issues.create("Child", f"text\n\n{MARK}", ["orchestrate"], MARK)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with FakeGithub() as github, ExitStack() as stack:
        yield Desk(github, stack)


def publish(desk: Desk, annotations: int = 0) -> Check:
    notes = tuple(Annotation("b.py", 1, 1, "warning", f"{n}") for n in range(annotations))
    wanted = NewCheck(
        "orchestrate/tests", desk.head, "success", "Passed", "12 passed", "42.1", annotations=notes
    )
    return desk.hub.checks.create(wanted)


def open_pull(desk: Desk) -> object:
    return desk.hub.pulls.open("Title", "Body", BRANCH, "main", draft=True)


def make_rules(desk: Desk) -> object:
    return desk.hub_for(desk.github.user_token("alice")).admin.create_ruleset(RULES)


def link(desk: Desk) -> None:
    desk.hub.issues.link_sub_issue(1, desk.child().id)


def block(desk: Desk) -> None:
    child = desk.child()
    desk.hub.issues.block(1, child.id, child.html_url)


# What is made, by which request, and how many of it there are.
MADE: dict[str, tuple[Callable[[Desk], object], str, Callable[[FakeRepository], int]]] = {
    "issue": (Desk.child, "/issues$", lambda r: sum(i.title == "Child" for i in r.issues.values())),
    "comment": (
        lambda desk: desk.hub.comments.create(1, f"Hello {MARK}", MARK),
        "/comments$",
        lambda r: len(r.issues[1].comments),
    ),
    "label": (
        lambda desk: desk.hub.labels.ensure("orchestrate", "0e8a16", "Run it"),
        "/labels$",
        lambda r: sum(label.name == "orchestrate" for label in r.labels),
    ),
    "sub-issue": (link, "/sub_issues$", lambda r: len(r.issues[1].sub_issues)),
    "dependency": (block, "/blocked_by$", lambda r: len(r.issues[1].blocked_by)),
    "pull request": (open_pull, "/pulls$", lambda r: len(r.pulls)),
    "check": (publish, "/check-runs$", lambda r: len(r.checks)),
    "ruleset": (make_rules, "/rulesets$", lambda r: len(r.rulesets)),
}


@pytest.mark.parametrize("fault", [None, *(f for f in Fault if f is not Fault.PUSH_REJECTED)])
@pytest.mark.parametrize("thing", MADE)
def test_whatever_becomes_of_the_answer_a_thing_is_made_once(
    desk: Desk, thing: str, fault: Fault | None
) -> None:
    make, path, count = MADE[thing]
    if fault:
        desk.github.fail(how=fault, method="POST", path=path)
    make(desk)
    assert count(desk.repository) == 1


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.PUSH_REJECTED])
def test_annotations_of_a_check_are_shown_once(desk: Desk, fault: Fault) -> None:
    desk.github.fail(how=fault, method="PATCH", path="/check-runs/")
    publish(desk, annotations=120)
    (made,) = desk.repository.checks
    assert len(made.annotations) == 120


def test_fifty_children_are_made_at_the_speed_that_github_asks_for(desk: Desk) -> None:
    for number in range(50):
        desk.hub.issues.create(f"Child {number}", f"{MARK}{number}", [], MARK)
        desk.hub.comments.create(1, f"{MARK}{number}", MARK)
    assert desk.github.limits.met == []
    assert desk.hub.api.requests_made == desk.github.counted() == 100


def test_a_marker_that_somebody_copied_is_not_ours(desk: Desk) -> None:
    desk.repository.comment(1, f"mine: {MARK}", by="mallory")
    desk.repository.open_issue("Child", f"mine: {MARK}", by="mallory")
    assert desk.hub.comments.find(1, MARK) is None
    assert desk.hub.issues.find(MARK) is None
    desk.github.fail(how=Fault.BAD_GATEWAY, method="POST", path="/comments$")
    desk.github.fail(how=Fault.BAD_GATEWAY, method="POST", path="/issues$")
    made = desk.hub.comments.create(1, f"ours: {MARK}", MARK)
    assert made.author == "github-actions[bot]"
    assert desk.child().author == "github-actions[bot]"
    assert desk.hub.comments.find(1, MARK) == made


def test_what_was_made_long_ago_is_found_by_when_it_changed(desk: Desk) -> None:
    began = desk.github.clock.now()
    made = desk.child()
    for number in range(101):
        desk.repository.open_issue(f"Other {number}", by="mallory")
    assert desk.hub.issues.find(MARK) is None
    assert desk.hub.issues.find(MARK, since=began - timedelta(seconds=1)) == made


def test_a_dependency_by_number_would_link_a_stranger_and_is_undone(desk: Desk) -> None:
    child = desk.child()
    with pytest.raises(OddAnswer, match="the link was removed"):
        desk.hub.issues.block(1, child.number, child.html_url)
    assert desk.repository.issues[1].blocked_by == []


def test_dependencies_come_and_go(desk: Desk) -> None:
    child = desk.child()
    desk.hub.issues.block(1, child.id, child.html_url)
    assert [issue.number for issue in desk.hub.issues.blocked_by(1)] == [child.number]
    desk.hub.issues.unblock(1, child.id)
    desk.hub.issues.unblock(1, child.id)
    assert desk.hub.issues.blocked_by(1) == ()


def test_children_of_another_parent_stay_there(desk: Desk) -> None:
    child = desk.child()
    other = desk.repository.open_issue("Other", by="alice")
    desk.hub.issues.link_sub_issue(other.number, child.id)
    with pytest.raises(Unprocessable, match="one parent"):
        desk.hub.issues.link_sub_issue(1, child.id)
    assert [issue.id for issue in desk.hub.issues.sub_issues(other.number)] == [child.id]


def test_an_issue_is_edited_closed_and_opened_again(desk: Desk) -> None:
    desk.github.fail(how=Fault.BAD_GATEWAY_AFTER, method="PATCH")
    desk.github.fail(how=Fault.RESET_BEFORE, method="PATCH", nth=2)
    closed = desk.hub.issues.edit(1, body="Done", state="closed", reason="completed")
    assert (closed.state, closed.body) == ("closed", "Done")
    assert desk.hub.issues.edit(1, state="open").state == "open"
    assert desk.hub.issues.get(1).body == "Done"


def test_an_issue_that_is_deleted_transferred_or_unknown_is_told_apart(desk: Desk) -> None:
    desk.github.create_repository("acme/other", files={"a": "b"})
    for name in ("Deleted", "Transferred"):
        desk.repository.open_issue(name, by="alice")
    desk.repository.delete_issue(2, by="alice")
    desk.repository.transfer_issue(3, to="acme/other", by="alice")
    for number, family in ((2, Gone), (3, Moved), (99, NotFound)):
        with pytest.raises(family):
            desk.hub.issues.get(number)


def test_comments_are_listed_changed_and_may_be_gone(desk: Desk) -> None:
    desk.repository.comment(1, "/status", by="alice")
    made = desk.hub.comments.create(1, f"one {MARK}", MARK)
    desk.hub.comments.edit(made.id, f"two {MARK}")
    desk.hub.comments.react_to_comment(made.id, "rocket")
    assert [comment.author for comment in desk.hub.comments.on(1)] == ["alice", made.author]
    assert desk.hub.comments.on(1, since=desk.github.clock.now() + timedelta(hours=1)) == ()
    desk.repository.delete_comment(made.id, by="alice")
    with pytest.raises(NotFound):
        desk.hub.comments.edit(made.id, "three")


def test_labels_stay_as_a_person_made_them(desk: Desk) -> None:
    assert desk.hub.labels.ensure("Orchestrate", "0e8a16", "Run it") is True
    assert desk.hub.labels.ensure("orchestrate", "ffffff", "Other") is False
    assert [label.color for label in desk.repository.labels] == ["0e8a16"]


def test_a_pull_request_goes_from_draft_to_ready(desk: Desk) -> None:
    made = desk.hub.pulls.open("Title", "Body", BRANCH, "main", draft=True)
    assert made.draft is True
    assert made.head_sha == desk.head
    assert desk.hub.pulls.open("Again", "Body", BRANCH, "main", draft=True).number == made.number
    desk.hub.pulls.mark_ready(made.node_id)
    desk.hub.pulls.mark_ready(made.node_id)
    assert desk.hub.pulls.get(made.number).draft is False
    assert desk.hub.pulls.edit(made.number, title="Better").title == "Better"
    assert desk.hub.pulls.request_review(made.number, "alice") is True
    assert [file.filename for file in desk.hub.pulls.files(made.number)] == ["b.py"]
    assert desk.hub.pulls.edit(made.number, state="closed").merged is False
    found = desk.hub.pulls.find(BRANCH)
    assert found is not None
    assert found.state == "closed"


def test_a_closed_pull_request_is_not_taken_for_the_one_to_open(desk: Desk) -> None:
    first = desk.hub.pulls.open("Title", "Body", BRANCH, "main", draft=True)
    desk.repository.close_issue(first.number, by="alice")
    desk.github.fail(how=Fault.BAD_GATEWAY, method="POST", path="/pulls$")
    second = desk.hub.pulls.open("Title", "Body", BRANCH, "main", draft=True)
    assert second.number != first.number
    found = desk.hub.pulls.find(BRANCH)
    assert found is not None
    assert found.number == second.number


def test_where_drafts_are_refused_it_is_opened_as_ready(desk: Desk) -> None:
    desk.repository.settings.drafts = False
    assert desk.hub.pulls.open("Title", "Body", BRANCH, "main", draft=True).draft is False


def test_the_setting_against_pull_requests_of_workflows_is_recognised(desk: Desk) -> None:
    desk.repository.settings.actions_may_open_pulls = False
    with pytest.raises(ActionsMayNotOpenPulls):
        open_pull(desk)


def test_a_pull_request_without_a_commit_is_refused_with_githubs_words(desk: Desk) -> None:
    desk.repository.push("same", {}, by="alice", start="main")
    with pytest.raises(Unprocessable, match="No commits between"):
        desk.hub.pulls.open("Title", "Body", "main", "main", draft=True)


def test_checks_are_read_by_commit_and_name(desk: Desk) -> None:
    made = publish(desk, annotations=3)
    assert desk.hub.checks.on(desk.head) == (made,)
    assert desk.hub.checks.on(desk.head, "orchestrate/docs") == ()
    (seen,) = desk.hub.checks.on(desk.head, "orchestrate/tests")
    assert (seen.conclusion, seen.app_id, seen.external_id) == ("success", 15368, "42.1")


def test_a_dispatched_run_can_be_read(desk: Desk) -> None:
    run = desk.hub.actions.dispatch("orchestrate.yml", "main", {"run": "42"})
    assert run is not None
    seen = desk.hub.actions.run(run)
    assert (seen.event, seen.head_branch, seen.run_attempt) == ("workflow_dispatch", "main", 1)
    assert seen.actor == seen.triggering_actor == "github-actions[bot]"
    assert seen.head_repository == "acme/shop"


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER])
def test_a_hand_out_is_never_lost(desk: Desk, fault: Fault) -> None:
    desk.github.fail(how=fault, method="POST", path="/dispatches$")
    desk.hub.actions.dispatch("orchestrate.yml", "main", {"run": "42"})
    assert {tuple(one.inputs.items()) for one in desk.repository.dispatches} == {(("run", "42"),)}


def test_an_artifact_is_read_by_id_and_its_storage_never_sees_the_token(desk: Desk) -> None:
    run = desk.repository.start_run("orchestrate.yml", "workflow_dispatch", by="alice")
    uploaded = desk.repository.upload(run, "42.implement.1.r1", {"completion.json": b"{}"})
    [seen] = desk.hub.actions.artifacts(run.id)
    assert (seen.name, seen.run_id, seen.head_sha) == ("42.implement.1.r1", run.id, run.head_sha)
    data = desk.hub.actions.download_artifact(uploaded.id, seen.size_in_bytes)
    assert zipfile.ZipFile(BytesIO(data)).namelist() == ["completion.json"]
    with pytest.raises(TooLarge):
        desk.hub.actions.download_artifact(uploaded.id, 10)
    uploaded.expired = True
    with pytest.raises(Gone):
        desk.hub.actions.download_artifact(uploaded.id, 1000)


def test_rules_are_made_changed_and_read(desk: Desk) -> None:
    admin = desk.hub_for(desk.github.user_token("alice")).admin
    made = admin.create_ruleset(RULES)
    changed = admin.update_ruleset(made.id, {**RULES, "enforcement": "disabled"})
    assert changed.enforcement == "disabled"
    assert [ruleset.name for ruleset in desk.hub.admin.rulesets()] == ["orchestrate"]
    (rule,) = changed.rules
    assert [(one.context, one.integration_id) for one in rule.required_checks] == [
        ("orchestrate/tests", 15368)
    ]
    admin.update_ruleset(made.id, RULES)
    (rule,) = desk.hub.admin.branch_rules("main")
    assert rule.required_checks[0].context == "orchestrate/tests"
    with pytest.raises(Forbidden):
        desk.hub.admin.create_ruleset({**RULES, "name": "other"})


def test_settings_are_seen_by_an_administrator_only(desk: Desk) -> None:
    assert desk.hub.admin.workflow_permissions() is None
    seen = desk.hub_for(desk.github.user_token("alice")).admin.workflow_permissions()
    assert seen is not None
    assert seen.can_approve_pull_request_reviews is True


def test_roles_and_the_repository_itself(desk: Desk) -> None:
    assert desk.hub.role("alice") is Role.ADMIN
    assert desk.hub.role("mallory") is Role.NONE
    assert desk.hub.role("nobody-of-this-name") is Role.NONE
    facts = desk.hub.repository_facts()
    assert (facts.full_name, facts.default_branch, facts.private) == ("acme/shop", "main", False)
    limit = desk.hub.admin.rate_limit()
    assert limit.limit - limit.remaining == 4


def test_a_right_that_the_job_lacks_is_said(desk: Desk) -> None:
    hub = desk.hub_for(desk.github.job_token("acme/shop", {"issues": "read"}))
    with pytest.raises(Forbidden, match="not accessible by integration"):
        hub.comments.create(1, MARK, MARK)


def test_a_used_up_hour_is_told_with_its_end(desk: Desk) -> None:
    for _ in range(1001):
        desk.github.limits.count(next(iter(desk.github.world.tokens.values())), "GET", "/x")
    with pytest.raises(RateLimited) as caught:
        desk.hub.issues.get(1)
    left = caught.value.until - desk.github.clock.now()
    assert timedelta(minutes=59) < left <= timedelta(minutes=61)
