"""Agents that only read: which free tier serves, with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.adapters.gate_reports import RepositoryCommits
from bot.core.environment import built_environment
from bot.core.exhaustion import out_at
from bot.core.github.opinions import REVIEW
from bot.core.github.planning import planning_route
from bot.core.github.subject import Subject
from bot.core.plan import Workstream
from bot.core.reading import route_reading
from bot.core.routing import NoRoute, Route, Tier
from bot.core.state import RunState
from bot.drivers.github.checking import Opinion
from bot.drivers.local_workers import LocalWorkers
from bot.usecases.attempt import Tools
from bot.usecases.hand_back import envelope_of
from bot.usecases.reading import Reader
from bot.usecases.review_head import Head, review_head
from bot.wiring.tiers import lacking_here, load_ladder

Read = Callable[[Subject, RunState], Opinion | str]


def reviewer(
    workers: LocalWorkers, variables: Mapping[str, str], say: Callable[[str], None]
) -> Read:
    """Return what lets an agent read a commit; it says why where no free tier can."""

    def read(subject: Subject, state: RunState) -> Opinion | str:
        assert state.request is not None, "a commit is checked for somebody"
        ladder = load_ladder(workers.repository, workers.settings, variables)
        found = route_reading(REVIEW, ladder, out_at(state.outages, workers.clock.now()))
        if isinstance(found, NoRoute):
            return f"no free tier can ({found.because})"
        head = Head(subject.name, subject.head, state.request.base_sha, state.request.task)
        commits = RepositoryCommits(workers.repository)
        who = reader(workers, REVIEW, found.tier, say)
        result = review_head(head, found.tier, commits, who)
        return Opinion(result.completion, envelope_of(replace(result, evidence={})))

    return read


def planning_here(state: RunState) -> Route | NoRoute:
    """Say which tier plans in this job; where all lack something, the first fails and says what."""
    here = planning_route(state, lacking_here(state.policy.ladder))
    return planning_route(state) if isinstance(here, NoRoute) else here


def reader(
    workers: LocalWorkers, workstream: Workstream, tier: Tier, say: Callable[[str], None]
) -> Reader:
    """Build what an agent that only reads is started with."""
    folder = workers.folder.attempt(f"{workstream.id}.1")
    return Reader(
        role=workers.roles[workstream.role],
        tools=Tools(
            worktrees=workers.worktrees,
            processes=workers.processes,
            engine=workers.engines[tier.engine],
            models=workers.models,
            clock=workers.clock,
            pause=workers.clock.pause,
            redactor=workers.redactor,
            isolation=workers.isolation,
        ),
        folder=str(folder),
        environment=built_environment(
            path=workers.path, home=str(folder / "home"), tmp=str(folder / "tmp"), extra={}
        ),
        say=say,
    )
