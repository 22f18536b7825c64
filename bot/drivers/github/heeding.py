"""What somebody did to a run's pull request meanwhile, as the run has to take it."""

from __future__ import annotations

from bot.core.events import RunCancelled, RunStatus
from bot.drivers.github.run import GithubRun
from bot.drivers.settling import Fact
from bot.errors import BotError


def heed_pull(run: GithubRun) -> str:
    """End a run whose pull request was merged or closed, and say which; empty: it goes on.

    One request, where there is a pull request and the run can go on.
    """
    pull, over = run.shower.presence().pull, run.state.finished
    if pull is None or (over and over.status != RunStatus.FAILED):
        return ""
    try:
        there = run.desk.hub.pulls.get(pull.number)
    except BotError:
        return ""  # what came of an attempt is recorded all the same; a later job asks again
    if there.state == "open":
        return ""
    because = f"pull request #{pull.number} was {'merged' if there.merged else 'closed'}"
    if not over:
        now, name = run.desk.clock.now(), run.run
        ended = RunCancelled(at=now, run=name, cause=because, because=because)
        run.settle(Fact(lambda _: [ended]))
    return because
