"""What a job works with that may write: its desk, and how plans and policies are made there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.adapters.github.origin import Origin
from bot.adapters.steering_files import load_servers, load_settings
from bot.core.base import RunId
from bot.core.config import Settings
from bot.core.events import Policy
from bot.core.github.links import Links
from bot.core.github.planning import PLANNING
from bot.core.github.task_text import text_hash
from bot.core.plan import Complexity, Plan
from bot.core.reading import route_reading
from bot.core.routing import Ladder, Route, Tier
from bot.drivers.github.run import Desk, Job, Planner
from bot.drivers.settling import Proposal
from bot.wiring.policy import Asked, policy_with
from bot.wiring.runner import Runner, clone_for, hub_of
from bot.wiring.tiers import ladder_elsewhere

_HARD = {Complexity.COMPLEX, Complexity.CRITICAL}


def build_desk(here: Runner, name: str, default_branch: str, run: RunId | None) -> Desk:
    """Build what a job works with that may write."""
    origin = clone_for(here, here.scratch / f"{name}.git", default_branch, run)
    settings = load_settings(origin)
    server, repository = here.require("GITHUB_SERVER_URL"), here.require("GITHUB_REPOSITORY")

    def policy(budget: Decimal | None) -> Policy:
        ladder = ladder_of_agents(here, origin, settings)
        asked = Asked(task="", max_usd=budget, apart=True)
        return policy_with(asked, ladder, settings, load_servers(origin))

    return Desk(
        origin=origin,
        hub=hub_of(here),
        links=Links(server, repository),
        settings=settings,
        clock=SystemClock(),
        default_branch=default_branch,
        job=Job(here.require("GITHUB_RUN_ID"), here.attempt, name),
        planner=_planner(here, origin, settings),
        policy=policy,
    )


def _planner(here: Runner, origin: Origin, settings: Settings) -> Planner:
    """Return what plans: by a template, unless a model is to and one can."""

    def planner(task: str, plan: bytes | None, *, wait: bool) -> Proposal | None:
        found = propose_bound(origin, task, plan)
        asked = wait and plan is None and settings.github.planner == "model"
        if not asked or not _is_for_models(found.plan):
            return found
        tier = route_reading(PLANNING, ladder_of_agents(here, origin, settings), {})
        if isinstance(tier, Route):
            return None
        return replace(found, notes=(*found.notes, f"no model planned: {tier.because}"))

    return planner


def _is_for_models(plan: Plan) -> bool:
    """Whether a task is worth a model's plan; commands and a person's yes are ours to plan."""
    ours = any(workstream.run or workstream.approval for workstream in plan.workstreams)
    return plan.complexity in _HARD and not ours


def propose_bound(repository: Repository, task: str, plan: bytes | None) -> Proposal:
    """Make a plan of a frozen text, and write down which text that was."""
    from bot.render.plan import to_yaml  # most jobs plan nothing
    from bot.wiring.planning import PlanSource, propose

    source = PlanSource(task=task) if plan is None else PlanSource(plan=plan, name="issue")
    found = propose(repository, source, "HEAD")
    bound = found.plan.model_copy(update={"text_sha256": text_hash(task)})
    return Proposal(bound, found.source, found.notes, to_yaml(bound))


def tiers_elsewhere(here: Runner, repository: Repository, settings: Settings) -> tuple[Tier, ...]:
    """Return every tier that a job of this repository could have used."""
    return tuple(rung.tier for rung in ladder_of_agents(here, repository, settings).rungs)


def ladder_of_agents(here: Runner, repository: Repository, settings: Settings) -> Ladder:
    """Return the ladder as the jobs of agents can use it, who have keys that we only know of."""
    return ladder_elsewhere(repository, settings, _environment_of_agents(here))


def _environment_of_agents(here: Runner) -> Mapping[str, str]:
    """Stand in for the agents' environment: it has keys of which we know the names alone."""
    known = {name: value for name, value in here.variables.items() if value}
    names = here.variables.get("ORCHESTRATE_KEYS", "").split()
    return known | dict.fromkeys(names, "set")
