"""Work that was handed out again and again, and that nobody answers for: it ends with that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.events import WorkstreamStarted
from bot.core.gates import GateName, GateResult
from bot.core.handoff import Completion, CompletionStatus, Usage
from bot.core.routing import Tier
from bot.core.state import RunState
from bot.core.tracks import Attempt

MOST_HAND_OUTS = 3  # of one attempt, or of the gates for one commit


def nothing_back(
    started: WorkstreamStarted,
    tier: Tier,
    at: datetime,
    because: str,
    status: CompletionStatus = CompletionStatus.FAILED,
) -> Completion:
    """Write the completion that a job owes: what a paid tier took is not known then."""
    return Completion(
        run=started.run,
        workstream=started.workstream,
        attempt=started.attempt,
        status=status,
        engine=tier.engine,
        tier=tier.name,
        model_requested=tier.model or None,
        usage=Usage(cost_known=not started.reserved_usd),
        base_sha=started.base_sha,
        started_at=started.at,
        finished_at=max(at, started.at),
        error=because,
    )


def given_up(state: RunState, now: datetime) -> tuple[Attempt, ...]:
    """Return the attempts that are not handed out once more."""
    return tuple(
        attempt
        for attempt in state.running
        if attempt.lease_until <= now and attempt.hand_outs >= MOST_HAND_OUTS
    )


def gates_given_up(state: RunState, now: datetime) -> Iterable[GateResult]:
    """Return what is to be said of gates that are not handed out once more."""
    started = state.gates_started
    if started is None or started.head_sha != state.head_sha or started.lease_until > now:
        return ()
    if state.gates_hand_outs < MOST_HAND_OUTS:
        return ()
    because = f"the gates were handed out {state.gates_hand_outs} times and nobody answered"
    missing = (
        name for name in GateName if name in state.policy.gates and name not in state.results
    )
    return [GateResult(name=name, status="not_run", because=because) for name in missing]
