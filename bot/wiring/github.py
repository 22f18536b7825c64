"""What the jobs of the workflows need: a clone of origin, the API, and who this job is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.adapters.github.api import Api
from bot.adapters.github.hub import Hub
from bot.adapters.github.origin import Origin, Remote, refspecs
from bot.adapters.github.pace import Pace
from bot.adapters.steering_files import load_settings
from bot.core.base import RunId
from bot.core.config import Settings
from bot.core.events import Policy
from bot.core.github.links import Links
from bot.core.github.payloads import Event, read_event
from bot.core.github.permission import OWN_LOGINS
from bot.core.github.planning import PLANNING
from bot.core.github.task_text import text_hash
from bot.core.plan import Complexity, Plan
from bot.core.routing import Route, Tier, route_free
from bot.drivers.github.run import Desk, Job, Planner
from bot.drivers.settling import Proposal
from bot.errors import UserError
from bot.render.plan import to_yaml
from bot.wiring.local import Asked, policy_with
from bot.wiring.planning import PlanSource, propose
from bot.wiring.tiers import ladder_elsewhere

_HARD = {Complexity.COMPLEX, Complexity.CRITICAL}


@dataclass(frozen=True)
class Runner:
    """What GitHub's runner says of the job, as it stands in the environment."""

    variables: Mapping[str, str]

    def require(self, name: str) -> str:
        """Return a variable. Raises UserError where this is no job of a workflow."""
        value = self.variables.get(name, "")
        if not value:
            raise UserError(
                f"{name} is not set: this command is a step of the workflows.",
                fix="On a laptop it is: orchestrate run, status, retry.",
            )
        return value

    @property
    def event_name(self) -> str:
        """The event that started the workflow."""
        return self.require("GITHUB_EVENT_NAME")

    def event(self) -> Event:
        """Read the event that started the workflow."""
        data = Path(self.require("GITHUB_EVENT_PATH")).read_bytes()
        return read_event(self.event_name, data)

    def job(self, name: str) -> Job:
        """Say which job this is."""
        attempt = self.variables.get("GITHUB_RUN_ATTEMPT", "1")
        return Job(self.require("GITHUB_RUN_ID"), int(attempt), name)

    @property
    def scratch(self) -> Path:
        """The folder for files of this job, where the agents' user can reach what is its own."""
        place = self.variables.get("ORCHESTRATE_SCRATCH") or self.require("RUNNER_TEMP")
        return Path(place) / "orchestrate"

    @property
    def agent_user(self) -> str:
        """The user that runs what is not ours; empty where there is none."""
        return self.variables.get("ORCHESTRATE_AGENT_USER", "")

    def output(self, outputs: Mapping[str, str]) -> None:
        """Hand outputs to later jobs; a delimiter that nobody can guess keeps them apart."""
        import secrets

        path = self.variables.get("GITHUB_OUTPUT")
        if not path:
            return
        with Path(path).open("a", encoding="utf-8") as file:
            for name, value in outputs.items():
                mark = secrets.token_hex(16)
                file.write(f"{name}<<{mark}\n{value}\n{mark}\n")

    def summary(self, text: str) -> None:
        """Show Markdown on the job's page."""
        path = self.variables.get("GITHUB_STEP_SUMMARY")
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")


def runner() -> Runner:
    """Return the job that this process is a step of."""
    return Runner(os.environ)


def hub_of(here: Runner) -> Hub:
    """Return the repository's API, with this job's token."""
    own = here.variables.get("ORCHESTRATE_OWN_LOGIN") or ""
    logins = frozenset({*OWN_LOGINS, own} - {""})
    api = _api(here, here.require("ORCHESTRATE_TOKEN"))
    for_checks = here.variables.get("ORCHESTRATE_CHECKS_TOKEN")
    checks_api = _api(here, for_checks) if for_checks else None
    return Hub(api, here.require("GITHUB_REPOSITORY"), logins, checks_api)


def _api(here: Runner, token: str) -> Api:
    clock, spacing = SystemClock(), here.variables.get("ORCHESTRATE_WRITE_SPACING")
    pace = Pace(clock.pause, clock.now)
    if spacing:  # seconds between two writes, where a server has no such limit
        pace = Pace(clock.pause, clock.now, spacing=float(spacing))
    url = here.require("GITHUB_API_URL")
    return Api(url, token, pace, graphql_url=here.variables.get("GITHUB_GRAPHQL_URL"))


def clone_for(here: Runner, path: Path, default_branch: str, run: RunId | None = None) -> Origin:
    """Clone what a job reads; nothing secret is written into the clone."""
    server, repository = here.require("GITHUB_SERVER_URL"), here.require("GITHUB_REPOSITORY")
    remote = Remote(f"{server}/{repository}.git", here.require("ORCHESTRATE_TOKEN"))
    specs = refspecs(default_branch, run)
    return Origin.clone(path, remote, default_branch, specs, SystemClock().pause)


def build_desk(here: Runner, name: str, default_branch: str, run: RunId | None = None) -> Desk:
    """Build what a job works with that may write."""
    job = here.job(name)
    origin = clone_for(here, here.scratch / f"{name}.git", default_branch, run)
    settings = load_settings(origin)
    server, repository = here.require("GITHUB_SERVER_URL"), here.require("GITHUB_REPOSITORY")

    def policy(run: RunId, budget: Decimal | None) -> Policy:
        ladder = ladder_elsewhere(origin, settings, _environment_of_agents(here))
        return policy_with(origin, run, Asked(task="", max_usd=budget), ladder, settings)

    return Desk(
        origin=origin,
        hub=hub_of(here),
        links=Links(server, repository),
        settings=settings,
        clock=SystemClock(),
        default_branch=default_branch,
        job=job,
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
        ladder = ladder_elsewhere(origin, settings, _environment_of_agents(here))
        tier = route_free(PLANNING, ladder, {})
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
    source = PlanSource(task=task) if plan is None else PlanSource(plan=plan, name="issue")
    found = propose(repository, source, "HEAD")
    bound = found.plan.model_copy(update={"text_sha256": text_hash(task)})
    return Proposal(bound, found.source, found.notes, to_yaml(bound))


def tiers_elsewhere(here: Runner, repository: Repository, settings: Settings) -> tuple[Tier, ...]:
    """Return every tier that a job of this repository could have used."""
    ladder = ladder_elsewhere(repository, settings, _environment_of_agents(here))
    return tuple(rung.tier for rung in ladder.rungs)


def _environment_of_agents(here: Runner) -> Mapping[str, str]:
    """Stand in for the agents' environment: it has keys of which we know the names alone."""
    known = {name: value for name, value in here.variables.items() if value}
    names = here.variables.get("ORCHESTRATE_KEYS", "").split()
    return known | dict.fromkeys(names, "set")
