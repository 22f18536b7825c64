"""The commands in a comment: who may give them, which run they are for, and an answer to each."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.github import commands as said
from bot.core.github.commands import Command, Misread, read_commands
from bot.core.github.payloads import Commented
from bot.drivers.github.answering import answer, answer_comment
from bot.drivers.github.beginning import Ask, begin, begun_already, preview
from bot.drivers.github.known_runs import cause_of, run_spoken_of, runs_of_issue
from bot.drivers.github.rights import Rights
from bot.drivers.github.run import Desk, GithubRun
from bot.drivers.github.steering import Steering, run_in_the_way, usable_names
from bot.drivers.github.taken import Taken, hand_out
from bot.render.github import replies
from bot.render.github.replies import To


@dataclass(frozen=True)
class Commanding:
    """Obeys one comment."""

    desk: Desk
    rights: Rights
    event: Commented

    def obey(self) -> Taken:
        """Do what the commands in it say, if whoever wrote it may."""
        event, own = self.event, self.desk.hub.own_logins
        commands = read_commands(event.comment.body)
        if not commands or event.comment.user.login.casefold() in map(str.casefold, own):
            return Taken(because="there is no command in it")
        run = run_spoken_of(self.desk, event)
        if run is None and all(isinstance(c, Misread) for c in commands):
            return Taken(because="a line that begins with / is not for us here")
        refused = self.rights.refused(event, self.desk.settings.github.may_command)
        if refused:
            return self._turn_away(commands, refused)
        self.desk.hub.comments.react_to_comment(event.comment.id, "eyes")
        taken = Taken(because="the command was answered")
        for nth, command in enumerate(commands):
            to = To(command.line, f"{event.comment.id}.{nth}")
            taken = taken.and_then(self._obey(command, to, run))
        return taken

    def _turn_away(self, commands: tuple[Command, ...], because: str) -> Taken:
        """Refuse politely, once a person and issue: nobody can make us fill a page."""
        command = next((c for c in commands if not isinstance(c, Misread)), None)
        if command is not None:
            to = To(command.line, f"to-{self.event.sender.login}")
            text = replies.not_allowed(to, self.desk.settings.github.may_command)
            answer(self.desk.hub, self.event.issue.number, to, text)
        return Taken(because=because)

    def _obey(self, command: Command, to: To, run: GithubRun | None) -> Taken:
        """Carry one command out and answer it."""
        match command:
            case said.Help():
                return self._say(to, replies.help_text(to, usable_names()))
            case said.MakePlan():
                return self._say(to, preview(self.desk, self.event.issue, to))
            case said.Orchestrate() | said.Replan():
                return self._begin(command, to, run)
            case _ if run is None:
                return self._without_run(to)
            case said.ApprovePaid():
                wanted = self.desk.settings.github.may_approve_paid
                if self.event.sender.is_bot or self.rights.refused(self.event, wanted):
                    return self._say(to, replies.not_allowed(to, wanted))
            case _:
                pass
        steering = self._steering(run, to)
        if steering.was_heard:
            run.settle()
            text = steering.recall()
        else:
            text = steering.obey(command)
        taken = hand_out(run)
        self._say(to, text)
        return taken

    def _begin(
        self, command: said.Orchestrate | said.Replan, to: To, run: GithubRun | None
    ) -> Taken:
        """Start a run of the issue; /replan first ends the one that there is."""
        issue, cause, task = self.event.issue, _cause(to), None
        if issue.is_pull_request:
            text = replies.refused(to, "A run is of an issue.", "Write it on the issue.")
            return self._say(to, text)
        runs = runs_of_issue(self.desk, issue.number)
        if any(cause_of(self.desk, name) == cause for name in runs):
            return begun_already(self.desk, issue.number, cause)
        if isinstance(command, said.Replan):
            if run is None or run.state.request is None:
                return self._without_run(to)
            because = f"This plan takes the place of another, because: {command.because}"
            task = f"{run.state.request.task}\n\n{because}"
            self._steering(run, to).cancel_for(command.because)
            run.reconcile_later()  # the workflow shows the run that begins
        elif run is not None and run.state.finished is None:
            return self._say(to, run_in_the_way(run.run, to, run))
        return begin(self.desk, Ask(issue, self.event.sender.login, cause, task), to)

    def _steering(self, run: GithubRun, to: To) -> Steering:
        return Steering(run, self.event.sender.login, _cause(to), to)

    def _without_run(self, to: To) -> Taken:
        text = replies.refused(to, "There is no run here.", "/orchestrate starts one.")
        return self._say(to, text)

    def _say(self, to: To, text: str) -> Taken:
        answer_comment(self.desk.hub, self.event, to, text)
        return Taken(because="the command was answered")


def _cause(to: To) -> str:
    """Name an utterance as events do."""
    return f"comment {to.id}"
