"""Begins a run of an issue, once however often it is asked for; shows what its plan would be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.core.base import RunId
from bot.core.events import RunRequested
from bot.core.github.issue_form import plan_of, read_form, task_of
from bot.core.github.payloads import Issue
from bot.core.github.run_ids import next_run
from bot.drivers.github.answering import answer
from bot.drivers.github.known_runs import cause_of, runs_of_issue
from bot.drivers.github.run import Desk, GithubRun
from bot.drivers.github.taken import Taken, hand_out, hand_out_and_plan
from bot.drivers.settling import Fact, Proposal
from bot.errors import PlanRejected, UserError
from bot.render.github import replies
from bot.render.github.replies import To


@dataclass(frozen=True)
class Ask:
    """Somebody asks for a run of an issue, as it was when the event happened."""

    issue: Issue
    by: str
    cause: str
    task: str | None = None  # in place of the issue's text, as an earlier run froze it


def begin(desk: Desk, ask: Ask, to: To) -> Taken:
    """Record a run of an issue, and decide what comes first."""
    number, task = ask.issue.number, ask.task or task_of(ask.issue.title, ask.issue.body)
    if not task:
        return Taken(because="the issue is empty")
    try:
        if ask.task is None:
            proposal = _planned(desk, task, ask.issue, wait=True)
        else:
            proposal = desk.planner(task, None, wait=True)
    except PlanRejected as error:
        answer(desk.hub, number, to, replies.plan_rejected(to, error.what))
        return Taken(because=error.what)
    except UserError as error:
        answer(desk.hub, number, to, replies.refused(to, error.what, error.fix))
        return Taken(because=error.what)
    name = next_run(number, runs_of_issue(desk, number))
    run = GithubRun(desk.of(name), name, proposal)
    request = _request(desk, ask, task, name)
    run.settle(Fact(lambda state: [] if state.request else [request]))
    return hand_out_and_plan(run)


def begun_already(desk: Desk, issue: int, cause: str) -> Taken:
    """Answer a second delivery: nothing new, but what a re-run has to hand out again."""
    name = runs_of_issue(desk, issue)[-1]
    if cause_of(desk, name) != cause:
        return Taken(because=f"run {name} is of this issue; /orchestrate starts another")
    run = GithubRun(desk.of(name), name)
    run.settle()
    return hand_out_and_plan(run) if desk.job.is_repeated else hand_out(run)


def preview(desk: Desk, issue: Issue, to: To) -> str:
    """Return the plan that a run of an issue would begin with; no model is asked."""
    try:
        proposal = _planned(desk, task_of(issue.title, issue.body), issue, wait=False)
    except PlanRejected as error:
        return replies.plan_rejected(to, error.what)
    except UserError as error:
        return replies.refused(to, error.what, error.fix)
    assert proposal is not None, "nobody waits for a model"
    return replies.plan_preview(to, proposal.plan, None, (proposal.source, *proposal.notes))


def _planned(desk: Desk, task: str, issue: Issue, *, wait: bool) -> Proposal | None:
    """Make a plan, and note what of the issue's form could not be used."""
    found = desk.planner(task, plan_of(issue.body), wait=wait)
    form = read_form(issue.body)
    if found is None or form is None:
        return found
    return replace(found, notes=(*(f"not used: {why}" for why in form.unread), *found.notes))


def _request(desk: Desk, ask: Ask, task: str, run: RunId) -> RunRequested:
    branch = f"refs/heads/{desk.default_branch}"
    base = desk.origin.refs(branch).get(branch)
    if base is None:
        raise UserError(f"The branch {desk.default_branch} has no commit yet.")
    form = read_form(ask.issue.body)
    budget: Decimal | None = form.budget_usd if form else None
    return RunRequested(
        at=desk.clock.now(),
        by=ask.by,
        run=run,
        cause=ask.cause,
        task=task,
        base_sha=base,
        base_ref=desk.default_branch,
        policy=desk.policy(budget),
    )
