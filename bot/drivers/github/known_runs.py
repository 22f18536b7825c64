"""The runs that are on record: all of them, those of an issue, the one that a comment is about."""

from __future__ import annotations

from bot.core import names
from bot.core.base import RunId
from bot.core.events import RunRequested
from bot.core.github.payloads import Commented
from bot.core.github.run_ids import runs_of
from bot.core.github.subject import run_of_branch
from bot.drivers.github.run import Desk, GithubRun


def all_runs(desk: Desk) -> tuple[RunId, ...]:
    """Name every run that the repository has."""
    refs = desk.origin.refs(names.RUNS)
    return tuple(RunId(ref.removeprefix(names.RUNS)) for ref in refs)


def runs_of_issue(desk: Desk, issue: int) -> tuple[RunId, ...]:
    """Name the runs of an issue, earliest first."""
    return runs_of(issue, all_runs(desk))


def run_spoken_of(desk: Desk, event: Commented) -> GithubRun | None:
    """Return the run that a comment is about: its pull request's, or its issue's latest."""
    if event.issue.is_pull_request:
        pull = desk.hub.pulls.get(event.issue.number)
        ours = pull.head_repository == event.repository.full_name
        name = run_of_branch(pull.head_branch) if ours else None
    else:
        name = next(iter(reversed(runs_of_issue(desk, event.issue.number))), None)
    if name is None:
        return None
    run = GithubRun(desk.of(name), name)
    return run if run.state.request else None


def cause_of(desk: Desk, name: RunId) -> str:
    """Return what a run was first asked for by; empty: nothing says."""
    run = GithubRun(desk.of(name), name)
    first = next((e for e in run.record.load() if isinstance(e, RunRequested)), None)
    return first.cause if first else ""
