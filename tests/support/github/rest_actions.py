"""Endpoints of Actions: dispatches, runs, jobs, artifacts, settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.support.github.refused import Refused
from tests.support.github.rest import Answer, Call, route
from tests.support.github.state import Artifact, Run, World

REPO = "/repos/{owner}/{repo}"
ACTIONS = f"{REPO}/actions"
RUN = f"{ACTIONS}/runs/{{run_id}}"
MINUTES_TO_DOWNLOAD = 1


@route("POST", f"{ACTIONS}/workflows/{{workflow}}/dispatches", "actions:write")
def dispatch(call: Call) -> Answer:
    """204, or 200 with the run when that is asked for."""
    run = call.acts.dispatch(
        call.repository,
        call.token,
        call.values["workflow"],
        ref=call.said("ref", ""),
        inputs=call.said("inputs", {}),
    )
    if not call.said("return_run_details"):
        return Answer(204)
    drawn = call.views.run(call.repository, run)
    return Answer(
        200,
        {"workflow_run_id": run.id, "run_url": drawn["url"], "html_url": drawn["html_url"]},
    )


@route("POST", f"{REPO}/dispatches", "contents:write")
def repository_dispatch(call: Call) -> Answer:
    """Starts workflows of the default branch that listen to the type."""
    call.acts.emit(
        "repository_dispatch",
        call.repository,
        call.token,
        lambda: {
            "action": call.said("event_type"),
            "branch": call.repository.default_branch,
            "client_payload": call.said("client_payload", {}),
        },
    )
    return Answer(204)


def _run(call: Call) -> Run:
    run = call.repository.runs.get(int(call.values["run_id"]))
    if run is None:
        raise Refused(404, "Not Found")
    return run


@route("GET", f"{ACTIONS}/runs", "actions:read")
def list_runs(call: Call) -> Answer:
    """Newest first; `status` is a status or a conclusion."""
    asked = call.query
    found = [
        run
        for run in reversed(call.repository.runs.values())
        if asked.get("head_sha", run.head_sha) == run.head_sha
        and asked.get("event", run.event) == run.event
        and asked.get("branch", run.head_branch) == run.head_branch
        and asked.get("actor", run.actor.login) == run.actor.login
        and asked.get("status", run.status) in (run.status, run.conclusion)
    ]
    return call.page(found, call.views.run, within="workflow_runs")


@route("GET", RUN, "actions:read")
def get_run(call: Call) -> Answer:
    """One run."""
    return Answer(200, call.views.run(call.repository, _run(call)))


@route("GET", f"{RUN}/jobs", "actions:read")
def list_jobs(call: Call) -> Answer:
    """The jobs of the latest attempt, or of all."""
    run = _run(call)
    latest = call.query.get("filter", "latest") == "latest"
    jobs = [job for job in run.jobs if not latest or job.run_attempt == run.run_attempt]
    return call.page(
        jobs, lambda repository, job: call.views.job(repository, run, job), within="jobs"
    )


@route("POST", f"{RUN}/cancel", "actions:write")
def cancel_run(call: Call) -> Answer:
    """What has not begun ends at once; a running one is asked to."""
    run = _run(call)
    if run.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    run.cancel_requested = True
    if run.status == "queued":
        run.status, run.conclusion = "completed", "cancelled"
    return Answer(202, {})


@route("POST", f"{RUN}/rerun", "actions:write")
@route("POST", f"{RUN}/rerun-failed-jobs", "actions:write")
def rerun(call: Call) -> Answer:
    """The same run again, with whoever asks as its triggering actor."""
    run = _run(call)
    if run.status != "completed":
        raise Refused(403, "This workflow is already running")
    run.status, run.conclusion, run.cancel_requested = "queued", None, False
    run.run_attempt += 1
    run.triggering_actor = call.token.user
    call.repository.reruns.append(run.id)
    return Answer(201, {})


# Artifacts


@route("GET", f"{RUN}/artifacts", "actions:read")
@route("GET", f"{ACTIONS}/artifacts", "actions:read")
def list_artifacts(call: Call) -> Answer:
    """Newest first; those of all attempts of a run are together."""
    wanted = int(call.values["run_id"]) if "run_id" in call.values else None
    found = [
        artifact
        for artifact in reversed(call.repository.artifacts)
        if wanted in (None, artifact.run_id)
        and call.query.get("name", artifact.name) == artifact.name
    ]
    return call.page(found, call.views.artifact, within="artifacts")


def _artifact(call: Call) -> Artifact:
    wanted = int(call.values["artifact_id"])
    for artifact in call.repository.artifacts:
        if artifact.id == wanted:
            return artifact
    raise Refused(404, "Not Found")


@route("GET", f"{ACTIONS}/artifacts/{{artifact_id}}", "actions:read")
def get_artifact(call: Call) -> Answer:
    """One artifact."""
    return Answer(200, call.views.artifact(call.repository, _artifact(call)))


@route("GET", f"{ACTIONS}/artifacts/{{artifact_id}}/zip", "actions:read")
def download(call: Call) -> Answer:
    """302 to an address of a storage, good for a minute, which must not see the token."""
    artifact = _artifact(call)
    if artifact.expired:
        raise Refused(410, "Artifact has expired")
    until = int(call.world.until(minutes=MINUTES_TO_DOWNLOAD).timestamp())
    place = f"{call.world.web_url}/_storage/{call.repository.id}/{artifact.id}?until={until}"
    return Answer(302, None, {"Location": place})


def stored(world: World, path: str, query: Mapping[str, str]) -> Answer:
    """Answer for the storage: the zip, while the address is good."""
    found = re.fullmatch(r"/_storage/(\d+)/(\d+)", path)
    if not found or world.clock.timestamp() > float(query.get("until", 0)):
        return Answer(403, b"<Error><Code>AuthenticationFailed</Code></Error>")
    for artifact in world.repositories[found[1]].artifacts:
        if artifact.id == int(found[2]):
            return Answer(200, artifact.data, {"Content-Type": "application/zip"})
    return Answer(404, b"<Error><Code>BlobNotFound</Code></Error>")


# Settings


@route("GET", f"{ACTIONS}/permissions/workflow", "administration:read")
def workflow_permissions(call: Call) -> Answer:
    """What a job's token may by default; no job's token may read it."""
    settings = call.repository.settings
    return Answer(
        200,
        {
            "default_workflow_permissions": settings.default_workflow_permissions,
            "can_approve_pull_request_reviews": settings.actions_may_open_pulls,
        },
    )
