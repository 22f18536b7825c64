"""What an event means for the runs of a repository: who asks for what, and what it sets going."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core import names
from bot.core.base import RunId
from bot.core.github.activation import activated_by
from bot.core.github.payloads import Commented, Dispatched, Event, Labeled, Opened, Scheduled
from bot.drivers.github.answering import answer
from bot.drivers.github.beginning import Ask, begin, begun_already
from bot.drivers.github.commanding import Commanding
from bot.drivers.github.known_runs import all_runs, runs_of_issue
from bot.drivers.github.reconciling import reconcile
from bot.drivers.github.rights import Rights
from bot.drivers.github.run import Desk
from bot.drivers.github.taken import Taken
from bot.render.github import replies
from bot.render.github.replies import To


class Intake:
    """Takes one event in."""

    def __init__(self, desk: Desk, triggering_actor: str) -> None:
        self._desk = desk
        self._settings = desk.settings.github
        self._rights = Rights(desk, triggering_actor)

    def take(self, event: Event) -> Taken:
        """Do what an event asks for, if whoever caused it may; said twice, it is done once."""
        match event:
            case Labeled():
                return self._labeled(event)
            case Opened():
                return self._opened(event)
            case Commented():
                return Commanding(self._desk, self._rights, event).obey()
            case Dispatched():
                return self._dispatched(event)
            case Scheduled():
                return self._reconciled(all_runs(self._desk))
            case _:
                return Taken(because=getattr(event, "why", "nothing is done at this event"))

    def _labeled(self, event: Labeled) -> Taken:
        issue = event.issue
        if event.label.name.casefold() != self._settings.label.casefold():
            return Taken(because=f"the label {event.label.name} is none of ours")
        if issue.is_pull_request or issue.state != "open":
            return Taken(because="only an open issue can be orchestrated")
        refused = self._rights.refused(event, self._settings.may_command)
        if refused:
            to = To("", f"label-{event.sender.login}")
            text = replies.waits_for_label(to, event.label.name, self._settings.may_command)
            answer(self._desk.hub, issue.number, to, text)
            return Taken(because=refused)
        return self._begun(Ask(issue, event.sender.login, "labeled"), To("", "label"))

    def _opened(self, event: Opened) -> Taken:
        if activated_by(self._settings.auto, event.issue) is None:
            return Taken(because="no rule in github.auto holds for this issue")
        refused = self._rights.refused(event, self._settings.may_command)
        if refused:
            return Taken(because=refused)
        return self._begun(Ask(event.issue, event.issue.user.login, "opened"), To("", "opened"))

    def _begun(self, ask: Ask, to: To) -> Taken:
        """Begin an issue's first run; there may be one."""
        if runs_of_issue(self._desk, ask.issue.number):
            return begun_already(self._desk, ask.issue.number, ask.cause)
        return begin(self._desk, ask, to)

    def _dispatched(self, event: Dispatched) -> Taken:
        refused = self._rights.refused(event, self._settings.may_command)
        if refused:
            return Taken(because=refused)
        wanted = event.inputs.get("run", "")
        return self._reconciled([names.run_id(wanted)] if wanted else all_runs(self._desk))

    def _reconciled(self, runs: Iterable[RunId]) -> Taken:
        reconcile(self._desk, runs)
        return Taken(because="every run was looked at")
