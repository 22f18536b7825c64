"""Plans: of a task, or of a file that a person wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.git import Repository
from bot.adapters.package_data import data_file
from bot.adapters.steering_files import load_roles, load_servers, load_templates, rejected
from bot.adapters.survey import survey_repository
from bot.core.events import RunRequested
from bot.core.mcp import McpServers, unknown_servers
from bot.core.plan import Plan, read_plan
from bot.core.planning.lint import Author, Note, lint
from bot.core.roles import unknown_roles
from bot.core.routing import Ladder, Route, route
from bot.drivers.settling import Proposal
from bot.errors import UserError
from bot.render.plan import to_yaml
from bot.usecases.plan_task import Planned, plan_task
from bot.wiring.engines import known_servers
from bot.wiring.store import base_commit, open_repository


@dataclass(frozen=True)
class PlanSource:
    """What a plan comes from: a task in words, or a file that somebody wrote."""

    task: str | None = None
    plan: bytes | None = None
    name: str = ""


def propose(repository: Repository, source: PlanSource, base: str) -> Proposal:
    """Make a plan of a task, or take a person's, changing no more of it than safety needs."""
    paths = repository.paths(base_commit(repository, base))
    if source.plan is not None:
        plan = read_plan(source.plan)
        if not isinstance(plan, Plan):
            raise rejected(source.name, plan)
        if strangers := unknown_roles(plan, source.plan, frozenset(load_roles(repository))):
            raise rejected(source.name, strangers)
        if strangers := unknown_servers(plan, source.plan, _names(load_servers(repository))):
            raise rejected(source.name, strangers)
        linted = lint(plan, paths, written_by=Author.PERSON)
        return _proposal(linted.plan, f"file {Path(source.name).name}", linted.notes)
    planned = plan_for(repository, source.task or "", base)
    assessed, chosen = planned.assessment, planned.choice
    why = f"{assessed.complexity}: {assessed.because}; {chosen.because}"
    return _proposal(planned.plan, f"template {chosen.template.name} ({why})", planned.notes)


def _proposal(plan: Plan, source: str, notes: Iterable[Note]) -> Proposal:
    return Proposal(plan, source, tuple(str(note) for note in notes), to_yaml(plan))


def plan_for(repository: Repository, task: str, base: str) -> Planned:
    """Make a plan of a task by what the repository shows, without a model."""
    base_commit(repository, base)
    return plan_task(task, survey_repository(repository, task, base), load_templates())


@dataclass(frozen=True)
class Known:
    """What a plan that somebody wrote is judged against; outside of a repository, what ships."""

    roles: frozenset[str]
    servers: frozenset[str]
    paths: tuple[str, ...] = ()  # of a commit, if there is one


def known_in(repo: str, base: str) -> Known:
    """Look up what a plan may name. Raises UserError for files of the repository that are wrong."""
    try:
        repository = open_repository(repo)
    except UserError:
        shipped = data_file("agents", "roles").glob("*.md")
        return Known(frozenset(file.stem for file in shipped), _names(known_servers()))
    commit = repository.resolve(base)
    return Known(
        frozenset(load_roles(repository)),
        _names(load_servers(repository)),
        repository.paths(commit) if commit else (),
    )


def _names(servers: McpServers) -> frozenset[str]:
    return frozenset(server.name for server in servers.servers)


def routes(proposal: Proposal, ladder: Ladder, engine: str | None) -> Iterable[str]:
    """Say which tier would take each workstream, and why."""
    for workstream in proposal.plan.workstreams:
        pinned = workstream.model_copy(update={"engine": workstream.engine or engine})
        verdict = route(pinned, ladder, exhausted={}, tried=(), cover={})
        tier = verdict.tier.name if isinstance(verdict, Route) else "nobody"
        yield f"{workstream.id}: {tier} ({verdict.because})"


def require_tiers(planned: Proposal, request: RunRequested) -> None:
    """Raise UserError before anything starts where the plan needs a model and there is none."""
    ladder = request.policy.ladder
    thinking = [w.id for w in planned.plan.workstreams if w.run is None]
    if thinking and not ladder.can_think:
        reasons = "\n".join(f"  {rung.tier.name}: {rung.why_not}" for rung in ladder.rungs)
        raise UserError(
            f"No model can be reached for {', '.join(thinking)}.\n{reasons}",
            fix="With Ollama: ORCHESTRATE_BASE_URL=http://127.0.0.1:11434/v1 "
            "ORCHESTRATE_MODEL=qwen2.5-coder orchestrate run …",
        )
