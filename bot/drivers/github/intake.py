"""What an event means for the runs of a repository: who asks for what, and what it sets going."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bot.adapters.github.values import Comment
from bot.core import events as happened
from bot.core import names
from bot.core.base import RunId
from bot.core.github import commands as said
from bot.core.github.activation import activated_by
from bot.core.github.commands import Command, Misread, read_commands
from bot.core.github.dispatches import WorkstreamDispatch
from bot.core.github.issue_form import plan_of, read_form, task_of
from bot.core.github.payloads import (
    Account,
    Commented,
    Dispatched,
    Event,
    Issue,
    Labeled,
    Opened,
    Scheduled,
)
from bot.core.github.permission import Actor, Refused, Wanted, may, who_must_hold
from bot.core.github.planning import planning_route
from bot.core.github.run_ids import issue_of, next_run, runs_of
from bot.core.github.subject import run_of_branch
from bot.core.routing import NoRoute
from bot.drivers.github.heeding import heed_pull
from bot.drivers.github.run import Desk, GithubRun
from bot.drivers.github.steering import Steering, run_in_the_way, usable_names
from bot.drivers.settling import Fact, Proposal
from bot.errors import BotError, PlanRejected, UserError
from bot.render.github import replies
from bot.render.github.replies import To, reply_marker

MOST_IN_MATRIX = 128  # called workflows of two jobs each; GitHub takes 256 jobs


@dataclass(frozen=True)
class Taken:
    """What an event set going: the run to show, and what this workflow runs itself."""

    run: RunId | None = None
    work: tuple[WorkstreamDispatch, ...] = ()
    planning: bool = False  # a model is to make the run's plan
    planning_key: str = ""  # the one secret that it needs, by name
    because: str = ""  # nothing was set going

    def and_then(self, later: Taken) -> Taken:
        """Add what a later command of the same comment set going; its run is the one to show."""
        if later.run is None:
            return self
        work, planning = (*self.work, *later.work), self.planning or later.planning
        return Taken(later.run, work, planning)


@dataclass(frozen=True)
class _Ask:
    """Somebody asks for a run of an issue, as it was when the event happened."""

    issue: Issue
    by: str
    cause: str
    task: str | None = None  # in place of the issue's text, as an earlier run froze it


class Intake:
    """Takes one event in."""

    def __init__(self, desk: Desk, triggering_actor: str) -> None:
        self._desk = desk
        self._settings = desk.settings.github
        self._triggering_actor = triggering_actor
        self._own = desk.hub.own_logins

    def take(self, event: Event) -> Taken:
        """Do what an event asks for, if whoever caused it may; said twice, it is done once."""
        match event:
            case Labeled():
                return self._labeled(event)
            case Opened():
                return self._opened(event)
            case Commented():
                return self._commented(event)
            case Dispatched():
                return self._dispatched(event)
            case Scheduled():
                return self.reconcile(self._all_runs())
            case _:
                return Taken(because=getattr(event, "why", "nothing is done at this event"))

    def reconcile(self, runs: Iterable[RunId]) -> Taken:
        """Look at runs anew: hand out again what nobody answers for, show what is not shown.

        Raises what kept one of them from it, once all were looked at.
        """
        trouble: list[BotError] = []
        for name in runs:
            if issue_of(name) is None:
                continue  # pushed here from somebody's machine
            known = GithubRun(self._desk, name)
            if known.state.finished and known.shower.is_done:
                continue  # at rest, and not worth a fetch of all its branches
            try:
                self._look_at(GithubRun(self._desk.of(name), name))
            except BotError as error:
                trouble.append(error)
        if trouble:
            raise trouble[0]
        return Taken(because="every run was looked at")

    def _look_at(self, run: GithubRun) -> None:
        if run.state.request is None:
            return
        if not run.state.finished:
            heed_pull(run)
            run.settle()
            run.hand_out()
        run.show()

    def _labeled(self, event: Labeled) -> Taken:
        issue = event.issue
        if event.label.name.casefold() != self._settings.label.casefold():
            return Taken(because=f"the label {event.label.name} is none of ours")
        if issue.is_pull_request or issue.state != "open":
            return Taken(because="only an open issue can be orchestrated")
        refused = self._refused(event, self._settings.may_command)
        if refused:
            to = To("", f"label-{event.sender.login}")
            text = replies.waits_for_label(to, event.label.name, self._settings.may_command)
            self._answer(issue.number, to, text)
            return Taken(because=refused)
        if self._runs(issue.number):
            return self._known(issue.number, "labeled")
        return self._start(_Ask(issue, event.sender.login, "labeled"), To("", "label"))

    def _opened(self, event: Opened) -> Taken:
        if activated_by(self._settings.auto, event.issue) is None:
            return Taken(because="no rule in github.auto holds for this issue")
        refused = self._refused(event, self._settings.may_command)
        if refused:
            return Taken(because=refused)
        if self._runs(event.issue.number):
            return self._known(event.issue.number, "opened")
        by = event.issue.user.login
        return self._start(_Ask(event.issue, by, "opened"), To("", "opened"))

    def _dispatched(self, event: Dispatched) -> Taken:
        refused = self._refused(event, self._settings.may_command)
        if refused:
            return Taken(because=refused)
        wanted = event.inputs.get("run", "")
        return self.reconcile([names.run_id(wanted)] if wanted else self._all_runs())

    def _commented(self, event: Commented) -> Taken:
        commands = read_commands(event.comment.body)
        if not commands or event.comment.user.login.casefold() in map(str.casefold, self._own):
            return Taken(because="there is no command in it")
        run = self._run_of(event)
        if run is None and all(isinstance(c, Misread) for c in commands):
            return Taken(because="a line that begins with / is not for us here")
        role = self._refused(event, self._settings.may_command)
        if role:
            return self._turn_away(event, commands, role)
        self._desk.hub.comments.react_to_comment(event.comment.id, "eyes")
        taken = Taken(because="the command was answered")
        for nth, command in enumerate(commands):
            to = To(command.line, f"{event.comment.id}.{nth}")
            taken = taken.and_then(self._obey(event, command, to, run))
        return taken

    def _turn_away(self, event: Commented, commands: tuple[Command, ...], because: str) -> Taken:
        """Refuse politely, once a person and issue: nobody can make us fill a page."""
        command = next((c for c in commands if not isinstance(c, Misread)), None)
        if command is not None:
            to = To(command.line, f"to-{event.sender.login}")
            text = replies.not_allowed(to, self._settings.may_command)
            self._answer(event.issue.number, to, text)
        return Taken(because=because)

    def _obey(self, event: Commented, command: Command, to: To, run: GithubRun | None) -> Taken:
        """Carry one command out and answer it."""
        cause = f"comment {to.id}"
        match command:
            case said.Help():
                return self._say(event, to, replies.help_text(to, usable_names()))
            case said.MakePlan():
                return self._say(event, to, self._preview(event.issue, to))
            case said.Orchestrate() | said.Replan():
                return self._begin(event, command, to, run)
            case _ if run is None:
                text = replies.refused(to, "There is no run here.", "/orchestrate starts one.")
                return self._say(event, to, text)
            case said.ApprovePaid():
                wanted = self._settings.may_approve_paid
                if event.sender.is_bot or self._refused(event, wanted):
                    text = replies.not_allowed(to, wanted)
                    return self._say(event, to, text)
            case _:
                pass
        steering = Steering(run, event.sender.login, cause, to)
        if steering.was_heard:
            run.settle()
            answer = steering.recall()
        else:
            answer = steering.obey(command)
        taken = self._handed_out(run)
        self._say(event, to, answer)
        return taken

    def _begin(
        self,
        event: Commented,
        command: said.Orchestrate | said.Replan,
        to: To,
        run: GithubRun | None,
    ) -> Taken:
        """Start a run of the issue; /replan first ends the one that there is."""
        issue, cause = event.issue, f"comment {to.id}"
        if issue.is_pull_request:
            text = replies.refused(to, "A run is of an issue.", "Write it on the issue.")
            return self._say(event, to, text)
        asked = [name for name in self._runs(issue.number) if self._cause_of(name) == cause]
        if asked:
            return self._known(issue.number, cause)
        over = run is None or run.state.finished is not None
        task = None
        if isinstance(command, said.Replan):
            if run is None or run.state.request is None:
                text = replies.refused(to, "There is no run here.", "/orchestrate starts one.")
                return self._say(event, to, text)
            because = f"This plan takes the place of another, because: {command.because}"
            task = f"{run.state.request.task}\n\n{because}"
            Steering(run, event.sender.login, cause, to).cancel_for(command.because)
            run.reconcile_later()  # the workflow shows the run that begins
        elif run is not None and not over:
            return self._say(event, to, run_in_the_way(run.run, to, run))
        return self._start(_Ask(issue, event.sender.login, cause, task), to)

    def _start(self, ask: _Ask, to: To) -> Taken:
        """Record a run of an issue, and decide what comes first."""
        number, task = ask.issue.number, ask.task or task_of(ask.issue.title, ask.issue.body)
        if not task:
            return Taken(because="the issue is empty")
        try:
            if ask.task is None:
                proposal = self._planned(task, ask.issue, wait=True)
            else:
                proposal = self._desk.planner(task, None, wait=True)
        except PlanRejected as error:
            self._answer(number, to, replies.plan_rejected(to, error.what), None)
            return Taken(because=error.what)
        except UserError as error:
            self._answer(number, to, replies.refused(to, error.what, error.fix))
            return Taken(because=error.what)
        name = next_run(number, self._runs(number))
        run = GithubRun(self._desk.of(name), name, proposal)
        request = self._request(ask, task, name)
        run.settle(Fact(lambda state: [] if state.request else [request]))
        return self._with_planning(run)

    def _request(self, ask: _Ask, task: str, run: RunId) -> happened.RunRequested:
        desk = self._desk
        branch = f"refs/heads/{desk.default_branch}"
        base = desk.origin.refs(branch).get(branch)
        if base is None:
            raise UserError(f"The branch {desk.default_branch} has no commit yet.")
        form = read_form(ask.issue.body)
        budget: Decimal | None = form.budget_usd if form else None
        return happened.RunRequested(
            at=desk.clock.now(),
            by=ask.by,
            run=run,
            cause=ask.cause,
            task=task,
            base_sha=base,
            base_ref=desk.default_branch,
            policy=desk.policy(budget),
        )

    def _handed_out(self, run: GithubRun) -> Taken:
        """Give this workflow's matrix what is ready, and dispatch what it has no room for."""
        work = run.take_workstreams(MOST_IN_MATRIX)
        run.hand_out()
        return Taken(run.run, work)

    def _with_planning(self, run: GithubRun) -> Taken:
        """Hand out, and let this workflow plan where a model is to; no later event plans again."""
        taken, found = self._handed_out(run), planning_route(run.state)
        if not run.planning or isinstance(found, NoRoute):
            return taken
        return replace(taken, planning=True, planning_key=found.tier.key_env or "")

    def _known(self, issue: int, cause: str) -> Taken:
        """Answer a second delivery: nothing new, but what a re-run has to hand out again."""
        name = self._runs(issue)[-1]
        if self._cause_of(name) != cause:
            return Taken(because=f"run {name} is of this issue; /orchestrate starts another")
        run = GithubRun(self._desk.of(name), name)
        run.settle()
        return self._with_planning(run) if self._desk.job.is_repeated else self._handed_out(run)

    def _preview(self, issue: Issue, to: To) -> str:
        try:
            proposal = self._planned(task_of(issue.title, issue.body), issue, wait=False)
        except PlanRejected as error:
            return replies.plan_rejected(to, error.what)
        except UserError as error:
            return replies.refused(to, error.what, error.fix)
        assert proposal is not None, "nobody waits for a model"
        return replies.plan_preview(to, proposal.plan, None, (proposal.source, *proposal.notes))

    def _planned(self, task: str, issue: Issue, *, wait: bool) -> Proposal | None:
        """Make a plan, and note what of the issue's form could not be used."""
        found = self._desk.planner(task, plan_of(issue.body), wait=wait)
        form = read_form(issue.body)
        if found is None or form is None:
            return found
        return replace(found, notes=(*(f"not used: {why}" for why in form.unread), *found.notes))

    def _say(self, event: Commented, to: To, text: str) -> Taken:
        """Answer a command once; where it comes to something else now, that takes its place."""
        since = datetime.fromisoformat(event.comment.created_at)
        said = self._answer(event.issue.number, to, text, since)
        if said.body.strip() != text.strip():
            self._desk.hub.comments.edit(said.id, text)
        return Taken(because="the command was answered")

    def _answer(self, issue: int, to: To, text: str, since: datetime | None = None) -> Comment:
        """Return the answer that was given since then, or give it."""
        comments, mark = self._desk.hub.comments, reply_marker(to)
        return comments.find(issue, mark, since) or comments.create(issue, text, mark)

    def _refused(self, event: Labeled | Opened | Commented | Dispatched, wanted: Wanted) -> str:
        """Say why somebody who must have the right has not got it; empty: all have."""
        accounts = who_must_hold(event, self._triggering_actor, self._own)
        if isinstance(accounts, Refused):
            return accounts.because
        for account in accounts:
            verdict = may(self._actor(account), wanted, self._settings.bots, self._own)
            if isinstance(verdict, Refused):
                return verdict.because
        return ""

    def _actor(self, account: Account) -> Actor:
        return Actor(account.login, account.is_bot, self._desk.hub.role(account.login))

    def _run_of(self, event: Commented) -> GithubRun | None:
        """Return the run that a comment is about: its pull request's, or its issue's latest."""
        if event.issue.is_pull_request:
            pull = self._desk.hub.pulls.get(event.issue.number)
            ours = pull.head_repository == event.repository.full_name
            name = run_of_branch(pull.head_branch) if ours else None
        else:
            name = next(iter(reversed(self._runs(event.issue.number))), None)
        if name is None:
            return None
        run = GithubRun(self._desk.of(name), name)
        return run if run.state.request else None

    def _cause_of(self, name: RunId) -> str:
        run = GithubRun(self._desk.of(name), name)
        first = next((e for e in run.record.load() if isinstance(e, happened.RunRequested)), None)
        return first.cause if first else ""

    def _runs(self, issue: int) -> tuple[RunId, ...]:
        return runs_of(issue, self._all_runs())

    def _all_runs(self) -> tuple[RunId, ...]:
        refs = self._desk.origin.refs(names.RUNS)
        return tuple(RunId(ref.removeprefix(names.RUNS)) for ref in refs)
