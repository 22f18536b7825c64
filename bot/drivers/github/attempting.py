"""What an agent's job does: run one attempt that is recorded, and put what came of it aside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.adapters.github.handback_files import write_handback
from bot.core.actions import StartWorkstream
from bot.core.base import RunId
from bot.core.events import WorkstreamStarted
from bot.core.folding import fold
from bot.core.github.handback import Envelope
from bot.core.handoff import Completion, CompletionStatus, Isolation, Usage
from bot.core.ledger import Billing
from bot.core.lost import nothing_back
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Tier
from bot.core.state import RunState
from bot.core.tracks import Attempt
from bot.drivers.github.run import Job, tier_of
from bot.drivers.local_workers import LocalWorkers
from bot.drivers.settling import Attempting
from bot.errors import UserError
from bot.usecases.attempt import Result
from bot.usecases.hand_back import envelope_of


def recorded_attempt(
    repository: Repository, run: RunId, workstream: str, attempt: int
) -> tuple[RunState, Attempt] | None:
    """Return an attempt that waits for its result; None: it has one, or another took its place.

    Raises UserError for one that nobody handed out: a dispatch alone starts nothing.
    """
    state = fold(EventRef(repository, run).load())
    attempts = state.track(workstream).attempts
    if not 1 <= attempt <= len(attempts):
        raise UserError(
            f"Attempt {attempt} of {workstream} in run {run} was never handed out.",
            fix="Agents are started by the bot alone; /retry asks for another attempt.",
        )
    found = attempts[attempt - 1]
    if found.finished is not None or attempt != len(attempts) or state.cancelled:
        return None
    return state, found


def work(
    workers: LocalWorkers, state: RunState, attempt: Attempt, say: Callable[[str], None]
) -> tuple[Envelope, Completion]:
    """Run the attempt to its end, with the isolation that settings and money ask for."""
    started = attempt.started
    tier = tier_of(state, started)
    if because := workers.refusal or _why_not_paid(workers, tier):
        return _refused(workers, started, tier, because)
    start = StartWorkstream(
        id=started.workstream,
        tier=tier,
        attempt=started.attempt,
        because=started.because,
        start_from=started.start_from,
        reserved_usd=started.reserved_usd,
        share=started.share,
    )
    result = workers.attempt(Attempting(start, started.base_sha, state), say)
    return envelope_of(result), result.completion


def may_have_spent(job: Job, attempt: Attempt) -> bool:
    """Whether an earlier try of the job had the attempt's money, and nobody knows what is left."""
    started = attempt.started
    return started.reserved_usd > 0 and job.may_have_run(started.handed_out_by)


def not_again(state: RunState, attempt: Attempt, now: datetime) -> tuple[Envelope, Completion]:
    """End an attempt whose money an earlier try may have spent: the next one gets its own."""
    started = attempt.started
    because = (
        "its job was run again, and nobody knows what it had spent until then; a new attempt "
        "gets money of its own"
    )
    completion = nothing_back(started, tier_of(state, started), now, because)
    return envelope_of(Result(completion, OutcomeClass.CRASH, ())), completion


def _why_not_paid(workers: LocalWorkers, tier: Tier) -> str:
    accepted = workers.settings.agents.paid_without_sandbox
    if tier.billing is not Billing.PAID or workers.isolation is not Isolation.NONE or accepted:
        return ""
    return (
        f"{tier.name} is paid, and nothing keeps its agent apart on this machine; let the runner "
        "make a user for agents, or set agents.paid_without_sandbox"
    )


def _refused(
    workers: LocalWorkers, started: WorkstreamStarted, tier: Tier, because: str
) -> tuple[Envelope, Completion]:
    refused = CompletionStatus.REFUSED
    completion = nothing_back(started, tier, workers.clock.now(), because, refused)
    completion = completion.model_copy(
        update={"usage": Usage(), "started_at": completion.finished_at}
    )
    return envelope_of(Result(completion, OutcomeClass.REFUSED, ())), completion


def hand_back(
    folder: Path, envelope: Envelope, completion: Completion, repository: Repository
) -> None:
    """Write what is uploaded."""
    write_handback(folder, envelope, completion, repository)
