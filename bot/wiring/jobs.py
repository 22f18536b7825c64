"""The steps of the workflows, each from its environment to its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.core import names
from bot.core.base import RunId
from bot.core.github import payloads
from bot.core.github.defuse import log_line
from bot.errors import Exit, UserError
from bot.wiring.runner import Runner, clone_for, hub_of, runner, subject_at

if TYPE_CHECKING:  # each job loads what it needs, for somebody waits for all of them
    from bot.adapters.github.origin import Origin
    from bot.drivers.github.run import GithubRun
    from bot.drivers.github.taken import Taken
    from bot.drivers.local_workers import LocalWorkers


def intake() -> int:
    """Take the event in, and hand out what it made ready."""
    from bot.drivers.github.intake import Intake
    from bot.drivers.github.taken import Taken
    from bot.wiring.github import build_desk

    here = runner()
    event = here.event()
    if isinstance(event, payloads.Ignored | payloads.Unusable):
        return _report(here, Taken(because=event.why))
    desk = build_desk(here, "intake", _default_branch(here, event), _issue_of(event))
    triggering_actor = here.variables.get("GITHUB_TRIGGERING_ACTOR", "")
    return _report(here, Intake(desk, triggering_actor).take(event))


def plan(run: str, source: Path, out: Path) -> int:
    """Let a model plan a run; what came of it is in the files that it leaves."""
    from bot.adapters.event_ref import EventRef
    from bot.core.folding import fold
    from bot.core.github.planning import PLANNING, PlanReport
    from bot.core.routing import NoRoute
    from bot.drivers.github.planning import write_planned
    from bot.render.github.step_summary import agent_summary
    from bot.usecases.hand_back import envelope_of
    from bot.usecases.plan_with_model import ToPlan, plan_with_model
    from bot.wiring.github import propose_bound
    from bot.wiring.reviewing import planning_here, reader

    here, repository, name = runner(), Repository.open(str(source)), names.run_id(run)
    state = fold(EventRef(repository, name).load())
    found, request = planning_here(state), state.request
    if request is None or state.plan is not None or isinstance(found, NoRoute):
        _say(f"run {name} wants no plan of a model")
        return Exit.OK
    _say(f"{found.tier.name} plans: {found.because}")
    workers = _fit_workers(here, repository, name)
    template = propose_bound(repository, request.task, None).plan
    paths = repository.paths(request.base_sha)
    wanted = ToPlan(name, request.base_sha, template, paths, workers.roles.keys())
    who = reader(workers, PLANNING, found.tier, _say)
    result, written = plan_with_model(wanted, found.tier, who)
    envelope = envelope_of(replace(result, evidence={}))
    write_planned(out, PlanReport(completion=result.completion, envelope=envelope), written)
    here.summary(agent_summary(result.completion))
    return Exit.OK


def accept(run: str, artifact: Path) -> int:
    """Take a model's plan in, or a template's where there is none, and hand out what is ready."""
    from bot.drivers.github.planning import accept as take_plan
    from bot.drivers.github.taken import hand_out

    here = runner()
    with_run = _open(here, "accept", run)
    take_plan(with_run, artifact)
    taken = hand_out(with_run)
    _told(here, with_run)
    return _report(here, taken)


def announce(run: str) -> int:
    """Bring what GitHub shows of a run up to date."""
    here = runner()
    with_run = _open(here, "announce", run)
    with_run.show()
    return _told(here, with_run)


def fetch(to: Path, run: str) -> int:
    """Clone what the next step reads."""
    here = runner()
    event = here.event()
    name = names.run_id(run) if run else None
    subject = None if name else subject_at(event)
    name = name or (subject.run if subject else None)
    origin = clone_for(here, to, _default_branch(here, event), name)
    if subject is not None:
        origin.fetch(*filter(None, (subject.head, subject.base)))
    _say(f"fetched {name or 'the pull request'}")
    return Exit.OK


def agent(run: str, workstream: str, attempt: int, source: Path, out: Path) -> int:
    """Run an attempt; what it came to is in the files that it leaves, not in the exit code."""
    from bot.drivers.github.attempting import (
        hand_back,
        may_have_spent,
        not_again,
        recorded_attempt,
        work,
    )
    from bot.drivers.github.run import Job
    from bot.render.github.step_summary import agent_summary

    here, repository, name = runner(), Repository.open(str(source)), names.run_id(run)
    found = recorded_attempt(repository, name, workstream, attempt)
    if found is None:
        _say(f"{workstream}.{attempt} has its result already")
        return Exit.OK
    state, handed_out = found
    if may_have_spent(Job(here.require("GITHUB_RUN_ID"), here.attempt, "agent"), handed_out):
        envelope, completion = not_again(state, handed_out, SystemClock().now())
    else:
        workers = _workers(here, repository, name)
        envelope, completion = work(workers, state, handed_out, _say)
    hand_back(out, envelope, completion, repository)
    here.summary(agent_summary(completion))
    _say(f"{workstream}.{attempt}: {completion.status} {completion.error or ''}".rstrip())
    return Exit.OK


def publish(run: str, workstream: str, attempt: int, handback: Path) -> int:
    """Take in what an agent's job handed back."""
    from bot.drivers.github.publishing import publish as take_in
    from bot.wiring.environment import redactor

    here = runner()
    with_run = _open(here, "publish", run)
    take_in(with_run, workstream, attempt, handback, redactor())
    return _told(here, with_run)


def check(gates: str, source: Path, out: Path) -> int:
    """Check a commit; what was found is in the file that it leaves."""
    from bot.core.environment import built_environment
    from bot.core.gates import GateName
    from bot.drivers.github.checking import Checking, write_report
    from bot.render.github.step_summary import gates_summary
    from bot.wiring.reviewing import reviewer

    here, repository = runner(), Repository.open(str(source))
    subject = subject_at(here.event())
    workers = _fit_workers(here, repository, subject.name)

    def environment(name: str) -> Mapping[str, str]:
        place = workers.folder.attempt(name)
        home, tmp = str(place / "home"), str(place / "tmp")
        return built_environment(path=workers.path, home=home, tmp=tmp, extra=workers.passed)

    read = reviewer(workers, here.variables, _say)
    checking = Checking(
        repository, workers.settings, SystemClock(), workers.gate_keeper, environment, read
    )
    report = checking.check(subject, tuple(GateName(name) for name in gates.split()))
    write_report(out, report)
    here.summary(gates_summary(report.results))
    for result in report.results:
        _say(f"{result.name}: {result.status} ({result.because})")
    return Exit.OK


def verdict(artifacts: Mapping[str, Path]) -> int:
    """Join what the gates' jobs found, record it and say it on the commit."""
    from bot.adapters.steering_files import load_settings
    from bot.drivers.github import verdict as judging
    from bot.render.github.step_summary import gates_summary
    from bot.wiring.github import tiers_elsewhere

    here = runner()
    event = here.event()
    subject = subject_at(event)
    if isinstance(event, payloads.PullRequested) and event.has_a_token_that_only_reads:
        _say(f"the token may not post on #{subject.pull}; gates-post.yml does")
        return Exit.OK
    results = json.loads(here.require("ORCHESTRATE_NEEDS"))
    reports = judging.read_reports(artifacts, results, subject)
    if subject.run is not None:
        with_run = _open(here, "verdict", subject.run)
        judging.record_verdict(with_run, subject, reports)
        return _told(here, with_run)
    origin = _plain_clone(here, event)
    settings, now = load_settings(origin), SystemClock().now()
    if settings.github.other_pull_requests == "neutral":
        judging.post_not_orchestrated(hub_of(here), subject)
        return Exit.OK
    held = judging.held_against(reports, subject, tiers_elsewhere(here, origin, settings), now)
    found = judging.results_for(held, settings)
    judging.record_spend(origin, judging.spend_of(held), now)
    judging.post_checks(hub_of(here), subject, found)
    here.summary(gates_summary(found))
    return Exit.OK


def post() -> int:
    """Publish check runs for a pull request whose own token could not: a fork's, Dependabot's."""
    from bot.adapters.steering_files import load_settings
    from bot.drivers.github.posting import post_for
    from bot.render.github.step_summary import nothing_summary

    here = runner()
    event = here.event()
    if not isinstance(event, payloads.WorkflowRan):
        raise UserError("Only the end of another workflow is posted.")
    hub = hub_of(here)
    said = post_for(hub, event, load_settings(_plain_clone(here, event)), here.scratch)
    here.summary(nothing_summary(said))
    _say(said)
    return Exit.OK


def _plain_clone(here: Runner, event: payloads.Event) -> Origin:
    here.scratch.mkdir(parents=True, exist_ok=True)
    return clone_for(here, here.scratch / "settings.git", _default_branch(here, event))


def _open(here: Runner, job: str, run: str) -> GithubRun:
    """Open a recorded run. Raises UserError where there is none."""
    from bot.drivers.github.run import GithubRun
    from bot.wiring.github import build_desk

    name = names.run_id(run)
    desk = build_desk(here, job, _default_branch(here, here.event()), name)
    found = GithubRun(desk, name)
    if found.state.request is None:
        raise UserError(f"There is no run {run}.")
    return found


def _told(here: Runner, run: GithubRun) -> int:
    """Show on the job's page what it recorded."""
    from bot.render.github.step_summary import recorded_summary

    presence, links = run.shower.presence(), run.desk.links
    here.summary(recorded_summary(run.run, run.state, run.news, presence, links))
    for event in run.news:
        _say(f"{run.run}: {event.type} {getattr(event, 'workstream', None) or ''}".rstrip())
    return Exit.OK


def _report(here: Runner, taken: Taken) -> int:
    from bot.render.github.step_summary import nothing_summary

    entries = [
        {"run": w.run, "workstream": w.workstream, "attempt": w.attempt, "key": w.key}
        for w in taken.work
    ]
    here.output(
        {
            "run": taken.run or "",
            "any": json.dumps(bool(entries)),
            "work": json.dumps(entries),
            "planning": json.dumps(taken.planning),
            "planning_key": taken.planning_key,
        }
    )
    started = ", ".join(f"{w.workstream}.{w.attempt}" for w in taken.work)
    if taken.run is None:
        here.summary(nothing_summary(taken.because))
    what = started or ("a model plans" if taken.planning else "nothing to start")
    _say(f"run {taken.run}: {what}" if taken.run else taken.because)
    return Exit.OK


def _issue_of(event: payloads.Event) -> RunId | None:
    """Return the first run's id of the issue that an event is about: its refs begin with it."""
    if isinstance(event, payloads.Labeled | payloads.Opened | payloads.Commented):
        return RunId(str(event.issue.number))
    return None


def _default_branch(here: Runner, event: payloads.Event) -> str:
    """Return the default branch, which every workflow of ours runs on."""
    repository = getattr(event, "repository", None)
    if isinstance(repository, payloads.Repository):
        return repository.default_branch
    return hub_of(here).repository_facts().default_branch


def _workers(here: Runner, repository: Repository, run: RunId) -> LocalWorkers:
    """Build what runs agents and gates here, apart from us where a user was made for it."""
    from bot.adapters.run_folder import RunFolder
    from bot.adapters.steering_files import load_settings
    from bot.wiring.isolation import kept_apart
    from bot.wiring.workers import build_workers

    folder = RunFolder(here.scratch / run)
    folder.path.mkdir(parents=True, exist_ok=True)
    agents = load_settings(repository).agents
    apart = kept_apart(here.agent_user, repository, folder, here.variables, agents)
    _say(f"isolation: {apart.isolation}{f' ({apart.because})' if apart.because else ''}")
    return build_workers(repository, run, folder, here.variables, apart)


def _fit_workers(here: Runner, repository: Repository, run: RunId) -> LocalWorkers:
    """Build them for a step that can do nothing else. Raises UserError where none may work."""
    workers = _workers(here, repository, run)
    if workers.refusal:
        raise UserError(f"{workers.refusal}.")
    return workers


def _say(line: str) -> None:
    sys.stdout.write(f"{log_line(line)}\n")
    sys.stdout.flush()
