"""Posts what the gates computed on a pull request whose own token may not write.

The workflow that computed it came from the pull request's side, so all of it is data: which run it
was is asked of GitHub, and a change to the workflows themselves proves nothing.
"""

from __future__ import annotations

from pathlib import Path

from bot.adapters.github.hub import Hub
from bot.adapters.github.pulls import MOST_FILES
from bot.adapters.github.values import Artifact, Pull, WorkflowRun
from bot.core.base import Sha
from bot.core.config import Settings
from bot.core.gates import GateName, GateResult
from bot.core.github.dispatches import GatesDispatch
from bot.core.github.gate_report import MAX_BYTES, SPEAKS_OF, GateReport
from bot.core.github.payloads import WorkflowRan
from bot.core.github.subject import Subject
from bot.drivers.github.verdict import (
    post_checks,
    post_not_orchestrated,
    read_report,
    read_reports,
    results_for,
)

_WORKFLOWS = ".github/"


def post_for(hub: Hub, event: WorkflowRan, settings: Settings, scratch: Path) -> str:
    """Post the check runs of one run of the gates, or say why not."""
    run = hub.actions.run(event.workflow_run.id)
    file = run.path.partition("@")[0].rpartition("/")[2]
    if run.event != "pull_request" or file != GatesDispatch.workflow:
        return f"{file} on {run.event} posts for itself"
    if run.head_repository == hub.repository and run.actor != "dependabot[bot]":
        return "its own verdict could post"
    artifacts = _newest(hub.actions.artifacts(run.id), run)
    paths = {job: _download(hub, found, scratch / f"{job}.zip") for job, found in artifacts.items()}
    pull = _pull_of(hub, run, paths)
    if pull is None:
        return "no open pull request has this head"
    subject = Subject(Sha(pull.head_sha), Sha(pull.base_sha), pull=pull.number, title=pull.title)
    if settings.github.other_pull_requests == "neutral":
        post_not_orchestrated(hub, subject)
        return f"#{pull.number} is not orchestrated"
    if why := _may_say_its_own_checks(hub, pull):
        results = tuple(GateResult(name=g, status="not_run", because=why) for g in GateName)
    else:
        ended = dict.fromkeys(SPEAKS_OF, "success")
        results = results_for(_without_opinion(read_reports(paths, ended, subject)), settings)
    post_checks(hub, subject, results)
    return f"posted on #{pull.number} at {pull.head_sha[:8]}"


def _may_say_its_own_checks(hub: Hub, pull: Pull) -> str:
    """Say why what ran may not be what the default branch says; empty: it was that."""
    files = hub.pulls.files(pull.number)
    if any(file.filename.startswith(_WORKFLOWS) for file in files):
        return "the pull request changes .github/, which says what its own checks do; look at it"
    if len(files) >= MOST_FILES:  # what it hides behind them, nobody is told
        return f"the pull request changes {MOST_FILES:,} files or more; look at it"
    return ""


def _without_opinion(reports: dict[str, GateReport | str]) -> dict[str, GateReport | str]:
    """Take out what an agent is said to have said: the run had no keys, so nobody can have."""
    report = reports.get("review")
    if isinstance(report, GateReport) and report.opinion is not None:
        return {**reports, "review": "it brings an opinion, and had no model to ask"}
    return reports


def _newest(artifacts: tuple[Artifact, ...], run: WorkflowRun) -> dict[str, Artifact]:
    """Pick each job's artifact of the latest try; two of one name prove nothing."""
    wanted = {f"gates.{job}.{run.head_sha}.r{run.run_attempt}": job for job in SPEAKS_OF}
    named = [a for a in artifacts if a.name in wanted and not a.expired and a.run_id == run.id]
    names = [a.name for a in named]
    return {wanted[a.name]: a for a in named if names.count(a.name) == 1}


def _download(hub: Hub, artifact: Artifact, path: Path) -> Path:
    path.write_bytes(hub.actions.download_artifact(artifact.id, MAX_BYTES))
    return path


def _pull_of(hub: Hub, run: WorkflowRun, paths: dict[str, Path]) -> Pull | None:
    """Return the open pull request that this run checked; the artifacts only say where to look."""
    reports = map(read_report, paths.values())
    numbers = {r.pull for r in reports if isinstance(r, GateReport) and r.pull}
    return next(
        (
            pull
            for pull in map(hub.pulls.get, sorted(numbers)[:1])
            if pull.state == "open"
            and pull.head_sha == run.head_sha
            and pull.head_repository == run.head_repository
        ),
        None,
    )
