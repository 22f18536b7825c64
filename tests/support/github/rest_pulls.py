"""Endpoints of pull requests."""

from __future__ import annotations

from tests.support.github.refused import Refused
from tests.support.github.rest import Answer, Call, route
from tests.support.github.state import Issue, Pull

REPO = "/repos/{owner}/{repo}"
PULL = f"{REPO}/pulls/{{number}}"


def _pull(call: Call) -> tuple[Issue, Pull]:
    issue = call.issue()
    if issue.pull is None:
        raise Refused(404, "Not Found")
    return issue, issue.pull


def _label(call: Call, pull: Pull) -> str:
    return f"{(pull.fork or call.repository.full_name).split('/')[0]}:{pull.head}"


@route("GET", f"{REPO}/pulls", "pull_requests:read")
def list_pulls(call: Call) -> Answer:
    """Newest first; `head` is owner:branch, and asks for nothing without the owner."""
    state = call.query.get("state", "open")
    head = call.query.get("head", "")
    found = [
        issue
        for issue in reversed(call.repository.issues.values())
        if issue.pull
        and state in ("all", issue.state)
        and (":" not in head or head == _label(call, issue.pull))
        and call.query.get("base", issue.pull.base) == issue.pull.base
    ]
    return call.page(
        found, lambda repository, issue: call.views.pull(repository, issue, full=False)
    )


@route("POST", f"{REPO}/pulls", "pull_requests:write")
def open_pull(call: Call) -> Answer:
    """Open a pull request."""
    issue, _ = call.acts.open_pull(
        call.repository,
        call.token,
        head=call.said("head", ""),
        base=call.said("base", ""),
        title=call.said("title"),
        body=call.said("body"),
        draft=bool(call.said("draft")),
    )
    return Answer(201, call.views.pull(call.repository, issue))


@route("GET", PULL, "pull_requests:read")
def get_pull(call: Call) -> Answer:
    """One pull request."""
    issue, _ = _pull(call)
    return Answer(200, call.views.pull(call.repository, issue))


@route("PATCH", PULL, "pull_requests:write")
def update_pull(call: Call) -> Answer:
    """Title, body, state."""
    issue, pull = _pull(call)
    changes = {name: call.body[name] for name in ("title", "body") if name in call.body}
    if changes:
        call.acts.edit_issue(call.repository, issue, call.token, **changes)
    if state := call.said("state"):
        if state == "open" and pull.merged_at:
            raise Refused(
                422, "Validation Failed: state cannot be changed. The pull request is merged."
            )
        call.acts.set_state(call.repository, issue, call.token, state)
    return Answer(200, call.views.pull(call.repository, issue))


@route("GET", f"{PULL}/files", "pull_requests:read")
def list_files(call: Call) -> Answer:
    """What the pull request changes since it left its base."""
    _, pull = _pull(call)
    git = call.repository.git
    start = git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    return call.page(
        git.changes(start, pull.head_sha),
        lambda repository, change: call.views.file(repository, pull.head_sha, change),
    )


@route("POST", f"{PULL}/requested_reviewers", "pull_requests:write")
def request_reviewers(call: Call) -> Answer:
    """Only collaborators, and never the author."""
    issue, pull = _pull(call)
    for login in call.said("reviewers", []):
        user = call.world.users.get(login.lower())
        if user == issue.author:
            raise Refused(422, "Review cannot be requested from pull request author.")
        if user is None or user.login not in call.repository.collaborators:
            raise Refused(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or "
                f"teams you specified is not a collaborator of the {call.repository.full_name} "
                "repository.",
            )
        if user not in pull.reviewers:
            pull.reviewers.append(user)
    return Answer(201, call.views.pull(call.repository, issue, full=False))
