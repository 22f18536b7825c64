"""Looks at runs anew: hands out again what nobody answers for, shows what is not shown."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.base import RunId
from bot.core.github.run_ids import issue_of
from bot.drivers.github.heeding import heed_pull
from bot.drivers.github.run import Desk, GithubRun
from bot.errors import BotError


def reconcile(desk: Desk, runs: Iterable[RunId]) -> None:
    """Look at each of them. Raises what kept one from it, once all were looked at."""
    trouble: list[BotError] = []
    for name in runs:
        if issue_of(name) is None:
            continue  # pushed here from somebody's machine
        known = GithubRun(desk, name)
        if known.state.finished and known.shower.is_done:
            continue  # at rest, and not worth a fetch of all its branches
        try:
            _look_at(GithubRun(desk.of(name), name))
        except BotError as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]


def _look_at(run: GithubRun) -> None:
    if run.state.request is None:
        return
    if not run.state.finished:
        heed_pull(run)
        run.settle()
        run.hand_out()
    run.show()
