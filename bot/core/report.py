"""What a run came to: the report that scripts read, its exit code, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from typing import Literal

from bot.core import names
from bot.core.about import About
from bot.core.actions import AskHuman
from bot.core.base import ZERO_USD, Moment, RunId, Sha, Strict, Usd
from bot.core.decide import decide
from bot.core.events import ApprovalRequested, Event, RunStatus
from bot.core.folding import fold
from bot.core.gates import Finding, GateName
from bot.core.metrics import Cost, Metrics, measure, sum_of
from bot.core.money import approvals
from bot.core.state import RunState, WorkstreamStatus
from bot.core.waiting import accounts_when, waits
from bot.errors import Exit

USUAL_USD = Decimal("2.00")  # proposed to a person who is asked for money
_LONG_ANSWERS = 3  # that what is proposed is enough for


class WorkstreamReport(Strict):
    """What became of one workstream. `branch` is there where its work can be looked at."""

    id: str
    status: WorkstreamStatus
    branch: str | None
    head_sha: Sha | None
    engine: str | None
    tier: str | None
    attempts: int
    started_at: Moment | None
    finished_at: Moment | None
    files_changed: int
    cost_usd: Usd | None  # None: nobody knows
    error: str | None
    waiting: str | None = None  # for what, where it could start and does not


class ConflictReport(Strict):
    """Workstreams that did not merge, the one left out first."""

    workstreams: tuple[str, ...]
    files: tuple[str, ...]
    resolved: bool  # the one left out landed later


class GateReport(Strict):
    """What a gate says of the combined commit."""

    name: GateName
    status: Literal["passed", "failed", "not_run", "off"]
    value: float | None
    threshold: float | None
    findings: tuple[Finding, ...]


class ApprovalReport(Strict):
    """A yes to money: up to how much, and how much of it is spent or reserved."""

    provider: str
    usd: Usd
    used_usd: Usd
    by: str
    until: Moment | None  # None: while the run lasts
    because: str


class Report(Strict):
    """What `--json` prints. `next_steps` are commands to type, as they stand."""

    run: RunId
    status: RunStatus
    base_sha: Sha | None
    branch: str | None
    head_sha: Sha | None
    workstreams: tuple[WorkstreamReport, ...]
    conflicts: tuple[ConflictReport, ...]
    gates: tuple[GateReport, ...]
    iterations: int
    metrics: Metrics
    cost_usd: Usd | None  # None: nobody knows a part of it
    approvals: tuple[ApprovalReport, ...] = ()
    next_steps: tuple[str, ...]
    issue: int | None = None  # where a run on GitHub was asked for; next_steps are comments there
    pull_request: int | None = None


class RunLine(Strict):
    """A run in one line. Where its record cannot be read `trouble` says why, and nothing else."""

    run: RunId
    status: RunStatus | None = None
    requested_at: Moment | None = None
    alive_until: Moment | None = None  # when the last sign of life of an attempt runs out
    task: str = ""
    issue: int | None = None  # of a run on GitHub
    pull_request: int | None = None
    trouble: str = ""

    def is_stopped(self, now: Moment) -> bool:
        """Whether it has not ended and yet nobody works on it."""
        return self.status is RunStatus.RUNNING and not _after(self.alive_until, now)


def run_line(run: RunId, events: Iterable[Event]) -> RunLine:
    """Sum a run up in one line."""
    state = fold(events)
    if state.request is None:
        return RunLine(run=run, trouble="nothing in its record says who asked for what")
    first = state.request
    return RunLine(
        run=run,
        status=status_of(state),
        requested_at=first.at,
        alive_until=_alive_until(state),
        task=first.task,
    )


def is_stopped(state: RunState, now: Moment, *, left: bool = False) -> bool:
    """Whether a run has not ended and yet nobody works on it; `left`: its machine knows that."""
    at_work = not left and _after(_alive_until(state), now)
    return status_of(state) is RunStatus.RUNNING and not at_work


def _alive_until(state: RunState) -> Moment | None:
    return max((attempt.lease_until for attempt in state.running), default=None)


def _after(moment: Moment | None, now: Moment) -> bool:
    return moment is not None and moment > now


def make_report(state: RunState, events: Iterable[Event], run: RunId) -> Report:
    """Report where a run stands, finished or not."""
    metrics = measure(events, state.plan, state.policy.max_parallel)
    costs = metrics.cost_by_workstream
    total = sum_of(costs.values())
    held_back = waits(state, open_questions(state))
    return Report(
        run=run,
        status=status_of(state),
        base_sha=state.request.base_sha if state.request else None,
        branch=state.integration.branch if state.integration else None,
        head_sha=state.head_sha,
        workstreams=tuple(
            _workstream(state, run, name, costs.get(name, Cost())).model_copy(
                update={"waiting": held_back.get(name)}
            )
            for name in state.workstreams
        ),
        conflicts=tuple(
            ConflictReport(
                workstreams=(conflict.workstream, *conflict.others),
                files=conflict.files,
                resolved=state.track(conflict.workstream).landed is not None,
            )
            for conflict in state.conflicts
        ),
        gates=tuple(
            GateReport(
                name=result.name,
                status=result.status,
                value=result.value,
                threshold=result.threshold,
                findings=result.findings,
            )
            for result in sorted(state.results.values(), key=lambda r: list(GateName).index(r.name))
        ),
        iterations=state.iteration,
        metrics=metrics,
        cost_usd=total.usd if total.known else None,
        approvals=tuple(
            ApprovalReport(
                provider=one.provider,
                usd=one.grant.usd,
                used_usd=one.used_usd,
                by=one.grant.by,
                until=one.grant.until,
                because=one.grant.because,
            )
            for one in approvals(state)
        ),
        next_steps=next_steps(state, run),
    )


def _workstream(state: RunState, run: RunId, name: str, cost: Cost) -> WorkstreamReport:
    track, standing = state.track(name), state.standings[name]
    first, last = (track.attempts[0], track.attempts[-1]) if track.attempts else (None, None)
    done = last.completion if last else None
    begun = first.completion.started_at if first and first.completion else None
    has_branch = track.landed or track.conflict  # what failed is kept under a rescue ref
    return WorkstreamReport(
        id=name,
        status=standing.status,
        branch=names.workstream_branch(run, name) if has_branch else None,
        head_sha=track.landed.head_sha if track.landed else done.head_sha if done else None,
        engine=last.started.engine if last else None,
        tier=last.started.tier if last else None,
        attempts=len(track.attempts),
        started_at=begun or (first.started.at if first else None),
        finished_at=done.finished_at if done else None,
        files_changed=done.files_changed if done else 0,
        cost_usd=cost.usd if cost.known else None,
        error=standing.because or None if standing.status in _WRONG else None,
    )


_WRONG = {
    WorkstreamStatus.FAILED,
    WorkstreamStatus.LEFT_OUT,
    WorkstreamStatus.BLOCKED,
    WorkstreamStatus.CANCELLED,
}


def open_questions(state: RunState) -> tuple[ApprovalRequested, ...]:
    """Return the questions that still wait for a person: those that would be put again."""
    found = []
    for question in state.asked:
        actions = decide(replace(state, asked=()), question.at, accounts_when(question))
        if question.cause in {a.cause for a in actions if isinstance(a, AskHuman)}:
            found.append(question)
    return tuple(found)


def status_of(state: RunState) -> RunStatus:
    """Return where a run stands; one in which nothing can run before a person speaks waits."""
    at_work = any(not attempt.is_lost for attempt in state.running)
    if state.finished is None and not at_work and open_questions(state):
        return RunStatus.WAITING
    return state.status


def exit_code(state: RunState) -> Exit:
    """Say how a run that stopped went; one that neither ended nor asks proves nothing."""
    if state.status is RunStatus.PASSED:
        return Exit.OK
    return Exit.NEEDS_PERSON if open_questions(state) else Exit.FAILED


def next_steps(state: RunState, run: RunId) -> tuple[str, ...]:
    """Return the commands that a person would type next, most useful first."""
    if state.request is None:
        return ()
    questions = open_questions(state)
    again = f"orchestrate run --resume {run}"
    log = f"orchestrate log {run}"
    if state.status is RunStatus.PASSED:
        return tuple(_look(state)) + tuple(_take(state)) or (log,)
    if state.status is RunStatus.CANCELLED:
        return (*_look(state), log)
    if questions:
        commands = (_answer(state, run, question) or "orchestrate models" for question in questions)
        return (*dict.fromkeys(commands), again)
    if state.finished is None:
        return (again, log)
    lost = lost_workstreams(state)
    retries = [" ".join(["orchestrate retry", run, *lost])] if lost else []
    unproved = any(result.status == "not_run" for result in state.results.values())
    return (*_look(state), *retries, *([again] if retries or unproved else []), log)


def awaited(state: RunState, run: RunId) -> tuple[str, ...]:
    """Return the commands that a run which goes on waits for."""
    answers = (_answer(state, run, question) for question in open_questions(state))
    return tuple(dict.fromkeys(filter(None, answers)))


def lost_workstreams(state: RunState) -> tuple[str, ...]:
    """Name those that another attempt could help; what was cancelled for want of them follows."""
    lost = {WorkstreamStatus.FAILED, WorkstreamStatus.LEFT_OUT}
    return tuple(name for name, standing in state.standings.items() if standing.status in lost)


def proposed_usd(state: RunState, question: ApprovalRequested) -> Decimal:
    """Return the dollars to propose to a person who is asked for money."""
    asking, policy = state.workstreams.get(question.workstream or ""), state.policy
    tiers = [rung.tier for rung in policy.ladder.rungs if rung.tier.provider == question.provider]
    dearest = max((tier.least_usd for tier in tiers), default=ZERO_USD)
    enough = (_LONG_ANSWERS * dearest).quantize(Decimal(1), ROUND_UP)
    budget = asking.budget_usd if asking else ZERO_USD
    return budget or policy.budget_usd or max(USUAL_USD, enough)


def _has_result(state: RunState) -> bool:
    base = state.request.base_sha if state.request else None
    return state.integration is not None and state.head_sha != base


def _look(state: RunState) -> Iterator[str]:
    """Show what changed since the run's base, whatever became of its branch."""
    if state.integration and state.request and _has_result(state):
        base = state.request.base_ref.removeprefix("refs/heads/") or state.request.base_sha
        yield f"git diff {shlex.quote(f'{base}...{state.integration.branch}')}"


def _take(state: RunState) -> Iterator[str]:
    if state.integration and _has_result(state):
        yield f"git merge {shlex.quote(state.integration.branch)}"


def _answer(state: RunState, run: RunId, question: ApprovalRequested) -> str:
    """Return the command that answers a question; empty: no word does."""
    name = question.workstream
    if question.provider:
        usd, provider = proposed_usd(state, question), shlex.quote(question.provider)
        return f'orchestrate approve-paid {run} {provider} {usd:.2f} --because "…"'
    if About.START.is_named_in(question.cause) and name:
        return f"orchestrate approve {run} {name}"
    if About.WORD.is_named_in(question.cause) and name:
        return f'orchestrate retry {run} {name} --answer "…"'
    return ""
