"""The composition root: builds what commands need, and alone reads the environment."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.engines.builtin_engine import BuiltinEngine
from bot.adapters.engines.shell import ShellEngine
from bot.adapters.event_ref import EventRef, list_runs
from bot.adapters.examination import examine
from bot.adapters.gate_reports import GateReports, RepositoryCommits
from bot.adapters.git import OLDEST_GIT, Repository, git_version, run_git
from bot.adapters.ledger_branch import LedgerBranch
from bot.adapters.package_data import data_file
from bot.adapters.processes import LocalProcesses
from bot.adapters.public_api import read_source
from bot.adapters.run_folder import RunFolder, Tidied, clean, rescue_worktrees, runs_root
from bot.adapters.steering_files import (
    load_catalog,
    load_roles,
    load_routing,
    load_settings,
    load_templates,
    rejected,
)
from bot.adapters.survey import survey_repository
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core import names
from bot.core.base import RunId, Sha
from bot.core.catalog import build_ladder, local_tier
from bot.core.config import Settings
from bot.core.events import Event, Policy, RunRequested
from bot.core.health import Facts, Trouble
from bot.core.ledger import Billing, LedgerLine, month_of
from bot.core.money import month_left
from bot.core.plan import Plan, read_plan
from bot.core.planning.lint import Author, Note, lint
from bot.core.redact import Redactor
from bot.core.report import RunLine, run_line
from bot.core.roles import unknown_roles
from bot.core.routing import Ladder, Route, Tier, route
from bot.core.state import fold
from bot.drivers.answers import Answers
from bot.drivers.local import LocalDriver, Proposal, Screen
from bot.drivers.local_workers import LocalWorkers
from bot.errors import PlanRejected, UserError
from bot.ports import Engine
from bot.render.plan import to_yaml
from bot.usecases.plan_task import Planned, plan_task
from bot.usecases.run_gates import GateKeeper

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY", re.I)
_TOOLCHAINS = {  # where tools are that a HOME of its own would hide; nothing secret is in these
    "RUSTUP_HOME": ".rustup",
    "PYENV_ROOT": ".pyenv",
    "GOMODCACHE": "go/pkg/mod",
    "NVM_DIR": ".nvm",
    "JAVA_HOME": "",
}


@dataclass(frozen=True)
class Asked:
    """What a command line asks of a run."""

    task: str
    base: str = "HEAD"
    jobs: int | None = None
    engine: str | None = None
    max_usd: Decimal | None = None


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


def roles_and_paths(repo: str, base: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return what a plan is judged against: known roles, and a commit's files if there is one."""
    try:
        repository = open_repository(repo)
    except UserError:
        shipped = data_file("agents", "roles").glob("*.md")
        return frozenset(file.stem for file in shipped), ()
    commit = repository.resolve(base)
    return frozenset(load_roles(repository)), repository.paths(commit) if commit else ()


def routes(proposal: Proposal, ladder: Ladder, engine: str | None) -> Iterable[str]:
    """Say which tier would take each workstream, and why."""
    for workstream in proposal.plan.workstreams:
        pinned = workstream.model_copy(update={"engine": workstream.engine or engine})
        verdict = route(pinned, ladder, exhausted={}, tried=(), cover={})
        tier = verdict.tier.name if isinstance(verdict, Route) else "nobody"
        yield f"{workstream.id}: {tier} ({verdict.because})"


def open_repository(path: str) -> Repository:
    """Open the repository that `path` is in. Raises UserError where git is too old for us."""
    version = git_version()
    if version < OLDEST_GIT:
        found = ".".join(map(str, version))
        raise UserError(f"git {found} is too old.", fix="Install git 2.38 or later.")
    return Repository.open(path)


def base_commit(repository: Repository, name: str) -> Sha:
    """Return the commit that a run starts from."""
    found = repository.resolve(name)
    if found is None and name == "HEAD":
        raise UserError(
            "The repository has no commit yet.", fix="Commit something first: git commit"
        )
    if found is None:
        raise UserError(f"{name!r} is no commit.", fix="git log --oneline --all lists them.")
    return found


def load_ladder(repository: Repository, settings: Settings) -> Ladder:
    """Return every tier that is known, each with what keeps it from serving here."""
    catalog = load_catalog(repository)
    routing = load_routing(repository)
    known = engines()

    def why_not(tier: Tier) -> str:
        engine = known.get(tier.engine)
        if engine is None:
            return f"no engine called {tier.engine}"
        if tier.billing is Billing.PAID and not settings.agents.paid_without_sandbox:
            return "paid, and agents have no sandbox here: agents.paid_without_sandbox accepts that"
        return engine.missing(tier)

    return build_ladder(settings.tiers, (local_tier(os.environ), *catalog.tiers), routing, why_not)


@lru_cache(maxsize=1)
def engines() -> Mapping[str, Engine]:
    """Return the engines by name."""
    return {"shell": ShellEngine(), "builtin": BuiltinEngine(os.environ.get)}


def redactor() -> Redactor:
    """Know every secret of our own environment by its value."""
    values = (v for k, v in os.environ.items() if _SECRET_NAME.search(k) and len(v) >= 8)
    return Redactor(frozenset(values))


def read_record(repository: Repository, run: str) -> tuple[Event, ...]:
    """Read a run's events. Raises UserError where there is no such run."""
    events = EventRef(repository, names.run_id(run)).load()
    if not events:
        known = ", ".join(list_runs(repository)[:5])
        fix = f"Runs: {known}" if known else "No run was recorded here yet."
        raise UserError(f"There is no run {run}.", fix=fix)
    return events


def new_run_id(repository: Repository) -> RunId:
    """Make up an id that no ref of the repository has."""
    in_the_way = set(repository.refs("refs/heads/orchestrate"))
    if "refs/heads/orchestrate" in in_the_way:
        raise UserError(
            "A branch named orchestrate is in the way of orchestrate/<run>/<workstream>.",
            fix="git branch -m orchestrate another-name",
        )
    while True:
        run = RunId(secrets.token_hex(3))
        taken = (f"{names.BRANCHES}{run}", names.run_ref(run))
        if not any(repository.refs(ref) for ref in taken):
            return run


def clean_runs(repository: Repository, *, logs_too: bool) -> Tidied:
    """Tidy up after runs that nobody drives."""
    root = runs_root(repository, os.environ)
    return clean(repository, root, SystemClock().now(), logs_too=logs_too)


def run_folder(
    repository: Repository, run: RunId, environment: Mapping[str, str] = os.environ
) -> RunFolder:
    """Return the folder of a run on this machine."""
    return RunFolder(runs_root(repository, environment) / run)


def start_request(repository: Repository, asked: Asked, run: RunId) -> RunRequested:
    """Freeze what a run goes by."""
    return RunRequested(
        at=SystemClock().now(),
        run=run,
        task=asked.task,
        base_sha=base_commit(repository, asked.base),
        base_ref=_branch(repository) if asked.base == "HEAD" else asked.base,
        policy=_policy(repository, run, asked),
    )


def _branch(repository: Repository) -> str:
    """Name the branch that is checked out, or HEAD where none is."""
    args = ("symbolic-ref", "--quiet", "--short", "HEAD")
    found = run_git(args, cwd=repository.path, ok=(0, 1))
    return found.decode("utf-8", "replace").strip() or "HEAD"


def _policy(repository: Repository, run: RunId, asked: Asked) -> Policy:
    settings = load_settings(repository)
    ladder = load_ladder(repository, settings)
    month = LedgerBranch(repository).lines(month_of(SystemClock().now()))
    others = [line for line in month if line.run != run]
    return Policy(
        max_parallel=settings.max_parallel,
        jobs=asked.jobs,
        max_attempts=settings.agents.max_attempts,
        max_iterations=settings.max_iterations,
        budget_usd=asked.max_usd if asked.max_usd is not None else settings.limits.run_usd,
        workstream_usd=settings.limits.workstream_usd,
        month_left=month_left(ladder, settings.limits.provider_month_usd, others),
        engine=asked.engine,
        ladder=ladder,
    )


def resume_request(repository: Repository, run: RunId, asked: Asked) -> RunRequested:
    """Ask again for a run that is recorded, with the settings and tiers as they are now."""
    state = fold(read_record(repository, run))
    first = state.request
    if first is None:
        raise UserError(f"Run {run} has no request in its record.", fix="Start a new run.")
    return RunRequested(
        at=SystemClock().now(),
        run=run,
        cause=f"resume {state.requests}",
        task=first.task,
        base_sha=first.base_sha,
        base_ref=first.base_ref,
        policy=_policy(repository, run, asked),
    )


def build_driver(
    repository: Repository,
    run: RunId,
    screen: Screen,
    planned: Proposal | None,
    environment: Mapping[str, str] = os.environ,
) -> LocalDriver:
    """Build what drives a run here; its folder's lock must be held."""
    settings, clock, processes = load_settings(repository), SystemClock(), LocalProcesses()
    folder = run_folder(repository, run, environment)
    rescue_worktrees(repository, folder, clock.now())
    limits = ChangeLimits(
        settings.agents.max_changed_files, int(settings.agents.max_changed_mb * 1e6)
    )
    worktrees = GitWorktrees(repository, folder.path, limits)
    secrets_known = redactor()
    keeper = GateKeeper(
        worktrees=worktrees,
        processes=processes,
        commits=RepositoryCommits(repository),
        reports=GateReports(),
        read_source=read_source,
        settings=settings,
        redactor=secrets_known,
    )
    workers = LocalWorkers(
        run=run,
        repository=repository,
        folder=folder,
        worktrees=worktrees,
        processes=processes,
        engines=engines(),
        roles=load_roles(repository),
        clock=clock,
        settings=settings,
        redactor=secrets_known,
        gate_keeper=keeper,
        path=_path(environment),
        passed=_passed(settings, environment),
    )

    def plan() -> Proposal:
        if planned is None:
            raise UserError(f"Run {run} was ended before it had a plan.", fix="Start it anew.")
        return planned

    return LocalDriver(EventRef(repository, run), repository, workers, screen, clock, plan)


def environment_apart(state: str) -> dict[str, str]:
    """Return our environment with another state folder, and our own Python found first."""
    ours = str(Path(sys.executable).parent)
    path = os.pathsep.join([ours, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "XDG_STATE_HOME": state, "PATH": path}


def _path(environment: Mapping[str, str]) -> str:
    """Return PATH for what agents and gates start; our own Python is found last."""
    ours = str(Path(sys.executable).parent)
    return os.pathsep.join([environment.get("PATH", os.defpath), ours])


def _passed(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    home = environment.get("HOME", "")
    passed: dict[str, str] = {}
    for name, folder in _TOOLCHAINS.items():
        default = str(Path(home) / folder) if folder and home else ""
        value = environment.get(name) or (default if default and Path(default).is_dir() else "")
        passed |= {name: value} if value else {}
    wanted = settings.agents.pass_env
    return passed | {name: environment[name] for name in wanted if name in environment}


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


def answers(repository: Repository, run: str) -> Answers:
    """Return what a person can say to a recorded run."""
    read_record(repository, run)
    record = EventRef(repository, names.run_id(run))
    return Answers(record, by=_who(repository), at=SystemClock().now())


def _who(repository: Repository) -> str:
    name = repository.git("config", "user.name", ok=(0, 1)).decode("utf-8", "replace").strip()
    return name or os.environ.get("USER") or "somebody"


def recorded_runs(repository: Repository) -> tuple[RunLine, ...]:
    """Sum up every run of the repository in a line, the latest first, readable or not."""
    return tuple(_recorded_run(repository, run) for run in list_runs(repository))


def _recorded_run(repository: Repository, run: RunId) -> RunLine:
    try:
        return run_line(run, EventRef(repository, run).load())
    except UserError as error:
        return RunLine(run=run, trouble=error.what)


def ledger_lines(repository: Repository, month: str | None) -> tuple[LedgerLine, ...]:
    """Read the ledger, or one month of it. Raises UserError where `month` is none."""
    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise UserError(f"{month!r} is no month.", fix="Write it like 2026-11.")
    return LedgerBranch(repository).lines(month)


def examination(path: str) -> tuple[Facts, Ladder | Trouble]:
    """Look at all that a run depends on; files that cannot be read are among the facts."""
    facts = examine(path, os.environ)
    if isinstance(facts.repository, Trouble):
        return facts, Ladder()
    repository = Repository.open(path)
    try:
        settings = load_settings(repository)
    except PlanRejected:
        settings = Settings()
    try:
        return facts, load_ladder(repository, settings)
    except PlanRejected:
        return facts, Ladder()
    except UserError as error:
        return facts, Trouble(error.what, error.fix)
