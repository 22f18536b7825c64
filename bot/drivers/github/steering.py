"""What people type on an issue or pull request, carried out on the run's record and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from bot.core import events as happened
from bot.core.about import About
from bot.core.answers import Answer, Money, Speaker
from bot.core.base import RunId
from bot.core.events import RunStatus
from bot.core.github import commands as said
from bot.core.github.commands import COMMANDS, Command
from bot.core.report import open_questions
from bot.core.state import RunState
from bot.drivers.github.heeding import heed_pull
from bot.drivers.github.run import GithubRun
from bot.drivers.settling import Fact
from bot.errors import UserError
from bot.render.github import replies
from bot.render.github.replies import To

AnswerOf = Callable[[RunState], Answer]


@dataclass(frozen=True)
class Steering:
    """Steers one run. `cause` names the utterance: said twice, it counts once."""

    run: GithubRun
    by: str
    cause: str
    to: To

    @property
    def was_heard(self) -> bool:
        """Whether this very utterance is in the record already."""
        return any(event.cause == self.cause for event in self.run.record.load())

    def obey(self, command: Command) -> str:
        """Do what a command for a run says, and return the answer to it."""
        goes_on = isinstance(command, said.Retry | said.Approve | said.ApprovePaid | said.Override)
        if goes_on and (ended := heed_pull(self.run)):
            return replies.refused(self.to, ended, "/orchestrate starts another run.")
        try:
            return self._obey(command)
        except UserError as error:
            return replies.refused(self.to, error.what, error.fix)

    def _obey(self, command: Command) -> str:
        speaker = self._speaker
        match command:
            case said.Status():
                self.run.settle()
                presence = self.run.shower.presence()
                return replies.status(self.to, self.run.run, self.run.state, presence)
            case said.Retry(workstreams=names, because=because):
                return self._retry(names, because)
            case said.Approve(workstream=name):
                return self._record(lambda now: speaker.approve(now, name))
            case said.ApprovePaid(provider=provider, usd=usd, until=until, because=because):
                wanted = Money(provider, usd, until)
                return self._record(lambda now: speaker.approve_paid(now, wanted, because))
            case said.Cancel(because=because):
                return self._record(lambda now: speaker.cancel(now, because))
            case said.Override(gate=gate, because=because):
                return self._record(lambda now: speaker.override(now, gate, because))
            case said.Misread():
                return replies.misread(self.to, command)
            case said.Help() | said.Orchestrate() | said.MakePlan() | said.Replan():
                raise AssertionError("these are not about one run")
            case _ as never:
                assert_never(never)

    def recall(self) -> str:
        """Return the answer to what was heard, now or before, as the record tells it."""
        heard = [event for event in self.run.record.load() if event.cause == self.cause]
        match heard:
            case [happened.WorkstreamRetried(), *_]:
                retried = [e.workstream for e in heard if isinstance(e, happened.WorkstreamRetried)]
                return replies.retrying(self.to, retried)
            case [happened.ApprovalGranted() as grant, *_]:
                return replies.approved(self.to, self.run.run, grant)
            case [happened.RunCancelled(because=because), *_]:
                return replies.done(self.to, f"Cancelled run `{self.run.run}`", because)
            case [happened.OverrideGranted(gate=gate, because=because), *_]:
                return replies.done(self.to, f"`{gate}` counts as passed", because)
            case _:
                return replies.done(self.to, "Looked at anew what could not go on")

    def cancel_for(self, because: str) -> None:
        """End the run because another takes its place, if it has not ended."""
        if not self.run.state.finished:
            self._record(lambda now: self._speaker.cancel(now, because))

    def _retry(self, names: tuple[str, ...], because: str) -> str:
        """Try again what was lost; where nothing was, ask anew for what a tier or a gate owes."""
        owed = _is_owed_something(self.run.state)
        unopened = "pull" in self.run.shower.presence().because  # what shows the run opens it
        anew = (Fact(lambda now: [self._again(now)]),) if owed else ()
        try:
            return self._record(lambda now: self._speaker.retry(now, names, because), *anew)
        except UserError:
            if not owed and not unopened:
                raise
        self.run.settle(*anew)
        return self.recall()

    def _again(self, state: RunState) -> happened.RunRequested:
        """Ask for the run again, with the settings and tiers as they are now."""
        first = state.request
        assert first is not None, "the run is recorded"
        return happened.RunRequested(
            at=self.run.desk.clock.now(),
            by=self.by,
            run=self.run.run,
            cause=self.cause,
            task=first.task,
            base_sha=first.base_sha,
            base_ref=first.base_ref,
            policy=self.run.desk.policy(first.policy.budget_usd),
        )

    def _record(self, answer: AnswerOf, *more: Fact) -> str:
        """Record an answer, made anew from the state whenever somebody else writes first."""
        latest = answer(self.run.state)

        def again(state: RunState) -> tuple[happened.Event, ...]:
            return answer(state).events

        self.run.settle(Fact(again, spend=latest.spend), *more)
        return self.recall()

    @property
    def _speaker(self) -> Speaker:
        return Speaker(self.run.run, self.by, self.run.desk.clock.now(), self.cause)


def _is_owed_something(state: RunState) -> bool:
    """Whether gates failed or did not run, or no tier could take a workstream."""
    red = any(
        result.status in {"failed", "not_run"} and gate not in state.overrides
        for gate, result in state.results.items()
    )
    over = state.finished is not None and state.finished.status == RunStatus.FAILED
    causes = [question.cause for question in open_questions(state)]
    waits = any(About.TIER.is_named_in(cause) or About.MONEY.is_named_in(cause) for cause in causes)
    return (over and red) or waits


def usable_names() -> tuple[str, ...]:
    """Name every command, for somebody who may use them all."""
    return tuple(spec.name for spec in COMMANDS)


def run_in_the_way(run: RunId, to: To, steering: GithubRun) -> str:
    """Say that a run is under way already."""
    return replies.already_running(to, run, steering.shower.presence())
