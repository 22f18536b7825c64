"""Endpoints of check runs and commit statuses."""

from __future__ import annotations

from datetime import datetime

from tests.support.github.refused import Refused, invalid
from tests.support.github.rest import Answer, Call, route
from tests.support.github.rest_repository import resolve
from tests.support.github.state import CheckRun, Status

REPO = "/repos/{owner}/{repo}"
CHECK = f"{REPO}/check-runs/{{check_id}}"
MOST_ANNOTATIONS = 50  # in one request
LONGEST_TEXT = 65_535
LONGEST_DESCRIPTION = 140


@route("POST", f"{REPO}/check-runs", "checks:write")
def create_check(call: Call) -> Answer:
    """Names are not unique: a second one of a name is a second check run."""
    for name in ("name", "head_sha"):
        if not call.said(name):
            raise Refused(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    sha = resolve(call, call.said("head_sha"))
    app = call.token.app
    assert app
    check = CheckRun(
        call.world.new_id(), call.said("name"), sha, app, "queued", None, call.world.clock.now()
    )
    _fill(call, check)
    call.repository.checks.append(check)
    return Answer(201, call.views.check(call.repository, check))


@route("PATCH", CHECK, "checks:write")
def update_check(call: Call) -> Answer:
    """Annotations add up over requests."""
    check = _check(call)
    if check.app != call.token.app:
        said = "can only be modified by the GitHub App that created it"
        raise Refused(403, f"Invalid app_id `{check.app.id}` - check run {said}.")
    check.name = call.said("name", check.name)
    _fill(call, check)
    return Answer(200, call.views.check(call.repository, check))


@route("GET", CHECK, "checks:read")
def get_check(call: Call) -> Answer:
    """One check run."""
    return Answer(200, call.views.check(call.repository, _check(call)))


@route("GET", f"{CHECK}/annotations", "checks:read")
def list_annotations(call: Call) -> Answer:
    """The annotations of a check run."""
    check = _check(call)
    return call.page(
        check.annotations,
        lambda repository, said: call.views.annotation(repository, check, said),
    )


@route("GET", f"{REPO}/commits/{{ref+}}/check-runs", "checks:read")
def list_checks(call: Call) -> Answer:
    """The newest of each name, or all; newest first."""
    sha = resolve(call, call.values["ref"])
    found = [
        check
        for check in reversed(call.repository.checks)
        if check.head_sha == sha
        and call.query.get("check_name", check.name) == check.name
        and call.query.get("status", check.status) == check.status
        and call.query.get("app_id", str(check.app.id)) == str(check.app.id)
    ]
    if call.query.get("filter", "latest") == "latest":
        newest = {(check.name, check.app.id): check for check in reversed(found)}
        found = [check for check in found if newest[check.name, check.app.id] is check]
    return call.page(found, call.views.check, within="check_runs")


def _check(call: Call) -> CheckRun:
    wanted = int(call.values["check_id"])
    for check in call.repository.checks:
        if check.id == wanted:
            return check
    raise Refused(404, "Not Found")


def _fill(call: Call, check: CheckRun) -> None:
    check.external_id = call.said("external_id", check.external_id)
    check.details_url = call.said("details_url", check.details_url)
    check.actions = call.said("actions", check.actions)
    check.status = call.said("status", check.status)
    if started := call.said("started_at"):
        check.started_at = datetime.fromisoformat(started)
    if output := call.said("output"):
        _fill_output(check, output)
    if conclusion := call.said("conclusion"):
        completed = call.said("completed_at")
        check.status, check.conclusion = "completed", conclusion
        now = call.world.clock.now()
        check.completed_at = datetime.fromisoformat(completed) if completed else now
    elif check.status == "completed" and check.conclusion is None:
        raise Refused(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')


def _fill_output(check: CheckRun, output: dict[str, object]) -> None:
    annotations = output.get("annotations", [])
    assert isinstance(annotations, list)
    if len(annotations) > MOST_ANNOTATIONS:
        said = (
            f"No more than {MOST_ANNOTATIONS} items are allowed; {len(annotations)} were supplied."
        )
        raise Refused(422, f"Invalid request.\n\n{said}")
    for name in ("title", "summary", "text"):
        text = output.get(name, getattr(check, name))
        if isinstance(text, str) and len(text) > LONGEST_TEXT:
            said = f"Only {LONGEST_TEXT} characters are allowed; {len(text)} were supplied."
            raise Refused(422, f"Invalid request.\n\n{said}")
        setattr(check, name, text)
    check.annotations += annotations


@route("POST", f"{REPO}/statuses/{{sha}}", "statuses:write")
def create_status(call: Call) -> Answer:
    """The newest of a context counts."""
    description = call.said("description")
    if len(description or "") > LONGEST_DESCRIPTION:
        said = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        raise invalid("Status", said, field="description")
    status = Status(
        id=call.world.new_id(),
        sha=resolve(call, call.values["sha"]),
        state=call.said("state"),
        context=call.said("context", "default"),
        description=description,
        target_url=call.said("target_url"),
        creator=call.token.user,
        created_at=call.world.clock.now(),
    )
    call.repository.statuses.append(status)
    return Answer(201, call.views.status(call.repository, status))


@route("GET", f"{REPO}/commits/{{ref+}}/statuses", "statuses:read")
def list_statuses(call: Call) -> Answer:
    """Newest first."""
    sha = resolve(call, call.values["ref"])
    found = [status for status in reversed(call.repository.statuses) if status.sha == sha]
    return call.page(found, call.views.status)
