"""Endpoints of issues: comments, labels, reactions, sub-issues, dependencies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.github.refused import Refused, invalid
from tests.support.github.rest import Answer, Call, route
from tests.support.github.state import Issue
from tests.support.github.views import REACTIONS

MOST_SUB_ISSUES = 100
MOST_BLOCKERS = 50
ONE_PARENT = "Sub issue may only have one parent"
REPO = "/repos/{owner}/{repo}"
ISSUE = f"{REPO}/issues/{{number}}"
COMMENT = f"{REPO}/issues/comments/{{comment_id}}"


def _since(call: Call, items: list[Any]) -> list[Any]:
    if "since" not in call.query:
        return items
    start = datetime.fromisoformat(call.query["since"])
    return [item for item in items if item.updated_at >= start]


def _may_write(call: Call, issue: Issue) -> None:
    """A pull request's conversation is open to the right for pull requests too."""
    call.require("issues:write", *(["pull_requests:write"] if issue.pull else []))


@route("GET", f"{REPO}/issues", "issues:read")
def list_issues(call: Call) -> Answer:
    """Newest first; pull requests are among them."""
    state = call.query.get("state", "open")
    wanted = [name.lower() for name in call.query.get("labels", "").split(",") if name]
    found = [
        issue
        for issue in call.repository.issues.values()
        if state in ("all", issue.state)
        and not issue.deleted
        and not issue.moved_to
        and {*wanted} <= {name.lower() for name in issue.labels}
        and call.query.get("creator", issue.author.login) == issue.author.login
    ]
    newest_first = call.query.get("direction", "desc") == "desc"
    key = "updated_at" if call.query.get("sort") == "updated" else "number"
    found.sort(key=lambda issue: (getattr(issue, key), issue.number), reverse=newest_first)
    return call.page(_since(call, found), call.views.issue)


@route("POST", f"{REPO}/issues", "issues:write")
def open_issue(call: Call) -> Answer:
    """Label objects and names are taken alike."""
    labels = [_label_name(label) for label in call.said("labels", [])]
    issue, _ = call.acts.open_issue(
        call.repository, call.token, call.said("title"), call.said("body"), labels
    )
    return Answer(201, call.views.issue(call.repository, issue))


@route("GET", ISSUE, "issues:read", "pull_requests:read")
def get_issue(call: Call) -> Answer:
    """One issue."""
    return Answer(200, call.views.issue(call.repository, call.issue()))


@route("PATCH", ISSUE)
def update_issue(call: Call) -> Answer:
    """Text, state and labels."""
    issue = call.issue()
    _may_write(call, issue)
    changes = {name: call.body[name] for name in ("title", "body") if name in call.body}
    if changes:
        call.acts.edit_issue(call.repository, issue, call.token, **changes)
    if "labels" in call.body:
        _set_labels(call, issue, [_label_name(label) for label in call.body["labels"]])
    if state := call.said("state"):
        reason = call.said("state_reason")
        call.acts.set_state(call.repository, issue, call.token, state, reason)
    return Answer(200, call.views.issue(call.repository, issue))


# Comments


@route("GET", f"{ISSUE}/comments", "issues:read", "pull_requests:read")
def list_comments(call: Call) -> Answer:
    """Oldest first."""
    issue = call.issue()
    return call.page(
        _since(call, issue.comments),
        lambda repository, comment: call.views.comment(repository, issue, comment),
    )


@route("POST", f"{ISSUE}/comments")
def add_comment(call: Call) -> Answer:
    """Write a comment."""
    issue = call.issue()
    _may_write(call, issue)
    comment, _ = call.acts.add_comment(call.repository, issue, call.token, call.said("body"))
    return Answer(201, call.views.comment(call.repository, issue, comment))


@route("GET", COMMENT, "issues:read", "pull_requests:read")
def get_comment(call: Call) -> Answer:
    """One comment, without saying on which issue but for the address in it."""
    found = call.repository.comment(int(call.values["comment_id"]))
    return Answer(200, call.views.comment(call.repository, *found))


@route("PATCH", COMMENT)
def edit_comment(call: Call) -> Answer:
    """Change a comment's text."""
    issue, comment = call.repository.comment(int(call.values["comment_id"]))
    _may_write(call, issue)
    call.acts.edit_comment(call.repository, issue, comment, call.token, call.said("body"))
    return Answer(200, call.views.comment(call.repository, issue, comment))


@route("DELETE", COMMENT)
def delete_comment(call: Call) -> Answer:
    """Delete a comment."""
    issue, comment = call.repository.comment(int(call.values["comment_id"]))
    _may_write(call, issue)
    call.acts.delete_comment(call.repository, issue, comment, call.token)
    return Answer(204)


# Labels


@route("GET", f"{REPO}/labels", "issues:read", "pull_requests:read")
def list_labels(call: Call) -> Answer:
    """The repository's labels."""
    return call.page(call.repository.labels, call.views.label)


@route("POST", f"{REPO}/labels", "issues:write", "pull_requests:write")
def create_label(call: Call) -> Answer:
    """Names are taken once, in whatever case."""
    name = call.said("name")
    if isinstance(name, str) and call.repository.label(name):
        raise invalid("Label", "already_exists", field="name")
    label = call.acts.new_label(call.repository, name)
    _describe(call, label)
    return Answer(201, call.views.label(call.repository, label))


@route("GET", f"{REPO}/labels/{{name}}", "issues:read", "pull_requests:read")
def get_label(call: Call) -> Answer:
    """One label."""
    return Answer(200, call.views.label(call.repository, _label(call)))


@route("PATCH", f"{REPO}/labels/{{name}}", "issues:write", "pull_requests:write")
def update_label(call: Call) -> Answer:
    """Change what a label looks like."""
    label = _label(call)
    _describe(call, label)
    return Answer(200, call.views.label(call.repository, label))


@route("GET", f"{ISSUE}/labels", "issues:read", "pull_requests:read")
def list_issue_labels(call: Call) -> Answer:
    """The labels of an issue."""
    drawn = call.views.labels(call.repository, call.issue().labels)
    return call.page(drawn, lambda _, label: label)


@route("POST", f"{ISSUE}/labels")
def add_labels(call: Call) -> Answer:
    """Takes {"labels": […]} and a bare list; answers all labels of the issue."""
    issue = call.issue()
    _may_write(call, issue)
    named = call.body if isinstance(call.body, list) else call.said("labels", [])
    for label in named:
        call.acts.add_label(call.repository, issue, call.token, _label_name(label))
    return Answer(200, call.views.labels(call.repository, issue.labels))


@route("DELETE", f"{ISSUE}/labels/{{name}}")
def remove_label(call: Call) -> Answer:
    """Answers the labels that are left."""
    issue = call.issue()
    _may_write(call, issue)
    call.acts.remove_label(call.repository, issue, call.token, call.values["name"])
    return Answer(200, call.views.labels(call.repository, issue.labels))


def _label_name(label: Any) -> Any:
    return label.get("name") if isinstance(label, dict) else label


def _label(call: Call) -> Any:
    if label := call.repository.label(call.values["name"]):
        return label
    raise Refused(404, "Not Found")


def _describe(call: Call, label: Any) -> None:
    label.color = call.said("color", label.color)
    label.description = call.said("description", label.description)
    if len(label.description or "") > 100:
        said = "description is too long (maximum is 100 characters)"
        raise invalid("Label", said, field="description")


def _set_labels(call: Call, issue: Issue, wanted: list[str]) -> None:
    for name in [name for name in issue.labels if name not in wanted]:
        call.acts.remove_label(call.repository, issue, call.token, name)
    for name in wanted:
        call.acts.add_label(call.repository, issue, call.token, name)


# Reactions


def _reactions(call: Call) -> tuple[Issue, list[Any]]:
    if "comment_id" in call.values:
        issue, comment = call.repository.comment(int(call.values["comment_id"]))
        return issue, comment.reactions
    issue = call.issue()
    return issue, issue.reactions


@route("GET", f"{ISSUE}/reactions", "issues:read", "pull_requests:read")
@route("GET", f"{COMMENT}/reactions", "issues:read", "pull_requests:read")
def list_reactions(call: Call) -> Answer:
    """Reactions, all or of one content."""
    _, reactions = _reactions(call)
    content = call.query.get("content")
    found = [each for each in reactions if content in (None, each.content)]
    return call.page(found, lambda _, each: call.views.reaction(each))


@route("POST", f"{ISSUE}/reactions")
@route("POST", f"{COMMENT}/reactions")
def react(call: Call) -> Answer:
    """201 when new, 200 when it was there."""
    issue, reactions = _reactions(call)
    _may_write(call, issue)
    if call.said("content") not in REACTIONS:
        raise invalid("Reaction", "invalid", field="content")
    reaction, is_new = call.acts.react(reactions, call.token, call.said("content"))
    return Answer(201 if is_new else 200, call.views.reaction(reaction))


# Sub-issues and dependencies: named by database id, never by number


@route("GET", f"{ISSUE}/sub_issues", "issues:read")
def list_sub_issues(call: Call) -> Answer:
    """In the order they were put in."""
    _must_have(call.repository.settings.sub_issues)
    return _linked(call, call.issue().sub_issues)


@route("GET", f"{ISSUE}/parent", "issues:read")
def get_parent(call: Call) -> Answer:
    """404 where there is none."""
    _must_have(call.repository.settings.sub_issues)
    parent = call.issue().parent
    found = call.world.issue_by_id(parent) if parent else None
    if found is None:
        raise Refused(404, "Not Found")
    return Answer(200, call.views.issue(*found))


@route("POST", f"{ISSUE}/sub_issues", "issues:write")
def add_sub_issue(call: Call) -> Answer:
    """404 for an id that is none, be it an issue's number."""
    _must_have(call.repository.settings.sub_issues)
    issue = call.issue()
    found = call.world.issue_by_id(call.said("sub_issue_id"))
    if found is None:
        raise Refused(404, "The provided sub-issue does not exist")
    child = found[1]
    if child.parent is not None and not call.said("replace_parent"):
        raise Refused(422, f"An error occurred while adding the sub-issue: {ONE_PARENT}")
    if len(issue.sub_issues) >= MOST_SUB_ISSUES:
        raise Refused(422, f"Parent cannot have more than {MOST_SUB_ISSUES} sub-issues")
    if child.parent is not None:
        old = call.world.issue_by_id(child.parent)
        assert old
        old[1].sub_issues.remove(child.id)
    child.parent = issue.id
    issue.sub_issues.append(child.id)
    return Answer(201, call.views.issue(call.repository, issue))


@route("GET", f"{ISSUE}/dependencies/blocked_by", "issues:read")
def list_blockers(call: Call) -> Answer:
    """What blocks an issue, somebody else's issues too."""
    _must_have(call.repository.settings.dependencies)
    return _linked(call, call.issue().blocked_by)


@route("POST", f"{ISSUE}/dependencies/blocked_by", "issues:write")
def add_blocker(call: Call) -> Answer:
    """A number in place of an id links an issue of somebody else's, with 201."""
    _must_have(call.repository.settings.dependencies)
    issue = call.issue()
    blocker = call.said("issue_id")
    found = call.world.issue_by_id(blocker) or _somebody_elses(call, blocker)
    if found[1].id in issue.blocked_by:
        raise Refused(422, "Validation failed: Target issue has already been taken")
    if len(issue.blocked_by) >= MOST_BLOCKERS:
        raise Refused(422, f"An issue cannot be blocked by more than {MOST_BLOCKERS} issues")
    issue.blocked_by.append(found[1].id)
    return Answer(201, call.views.issue(*found))


@route("DELETE", f"{ISSUE}/dependencies/blocked_by/{{blocker_id}}", "issues:write")
def remove_blocker(call: Call) -> Answer:
    """404 where it does not block."""
    issue, blocker = call.issue(), int(call.values["blocker_id"])
    found = call.world.issue_by_id(blocker)
    if found is None or blocker not in issue.blocked_by:
        raise Refused(404, "Not Found")
    issue.blocked_by.remove(blocker)
    return Answer(200, call.views.issue(*found))


def _somebody_elses(call: Call, issue_id: int) -> tuple[Any, Issue]:
    """Every small number is the id of some old issue on GitHub; only unused ids are 404."""
    if issue_id >= 4_000_000_000:
        raise Refused(404, "Not Found")
    other = call.world.repository("somebody/else")
    made = call.acts.new_issue(other, call.token, f"Old issue {issue_id}", None)
    made.id = issue_id
    return other, made


def _must_have(feature: bool) -> None:
    if not feature:
        raise Refused(404, "Not Found")


def _linked(call: Call, ids: list[int]) -> Answer:
    found = [pair for pair in map(call.world.issue_by_id, ids) if pair]
    return call.page(found, lambda _, pair: call.views.issue(*pair))
