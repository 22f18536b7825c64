"""The steps that say which agent program their job needs, before anything of others runs there."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.adapters.steering_files import load_settings
from bot.core import names
from bot.core.exhaustion import out_at
from bot.core.folding import fold
from bot.core.github.opinions import REVIEW
from bot.core.github.planning import planning_route
from bot.core.reading import route_reading
from bot.core.routing import NoRoute, Route
from bot.drivers.github.attempting import recorded_attempt
from bot.drivers.github.checking import state_of
from bot.drivers.github.run import tier_of
from bot.errors import Exit
from bot.wiring.engines import engine_programs
from bot.wiring.getting import servers_to_get, to_get
from bot.wiring.github import ladder_of_agents
from bot.wiring.runner import Runner, runner, subject_at


def for_attempt(run: str, workstream: str, attempt: int, source: Path) -> int:
    """Put out what to install for an attempt, and how to keep it; empty: it needs nothing.

    Nothing is downloaded for a result that is there already.
    """
    here, repository, name = runner(), Repository.open(str(source)), names.run_id(run)
    found = recorded_attempt(repository, name, workstream, attempt)
    if found is None:
        return Exit.OK
    state, handed_out = found
    program = engine_programs().get(tier_of(state, handed_out.started).engine)
    if program is not None:
        work = state.workstreams[workstream]
        servers = servers_to_get(repository, work, program, here.variables)
        here.output(to_get(program, here.variables, servers))
    return Exit.OK


def to_plan(run: str, source: Path) -> int:
    """Put the same out for the model that plans a run."""
    here, repository = runner(), Repository.open(str(source))
    state = fold(EventRef(repository, names.run_id(run)).load())
    return _for_reading(here, planning_route(state))


def to_review(source: Path) -> int:
    """Put the same out for the agent that reads a commit."""
    here, repository, now = runner(), Repository.open(str(source)), SystemClock().now()
    settings = load_settings(repository)
    if not settings.review.enabled:
        return Exit.OK
    state = state_of(repository, subject_at(here.event()), now)
    ladder = ladder_of_agents(here, repository, settings)
    return _for_reading(here, route_reading(REVIEW, ladder, out_at(state.outages, now)))


def _for_reading(here: Runner, found: Route | NoRoute) -> int:
    """An agent that only reads is given no servers: some of them write."""
    if isinstance(found, Route) and (program := engine_programs().get(found.tier.engine)):
        here.output(to_get(program, here.variables))
    return Exit.OK
