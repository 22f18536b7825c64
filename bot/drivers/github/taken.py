"""What an event set going, and what of it this workflow runs itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.base import RunId
from bot.core.github.dispatches import WorkstreamDispatch
from bot.core.github.planning import planning_route
from bot.core.routing import NoRoute
from bot.drivers.github.run import GithubRun

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


def hand_out(run: GithubRun) -> Taken:
    """Give this workflow's matrix what is ready, and dispatch what it has no room for."""
    work = run.take_workstreams(MOST_IN_MATRIX)
    run.hand_out()
    return Taken(run.run, work)


def hand_out_and_plan(run: GithubRun) -> Taken:
    """Hand out, and let this workflow plan where a model is to; no later event plans again."""
    taken, found = hand_out(run), planning_route(run.state)
    if not run.planning or isinstance(found, NoRoute):
        return taken
    return replace(taken, planning=True, planning_key=found.tier.key_env or "")
