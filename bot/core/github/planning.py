"""What the job with a planning model hands over, and what it must agree with before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from bot.core.base import Strict
from bot.core.github.handback import Envelope, Expected, check_handback
from bot.core.handoff import Completion, CompletionStatus
from bot.core.plan import Kind, Workstream
from bot.core.reading import can_read, route_reading
from bot.core.routing import NoRoute, Route, Tier
from bot.core.state import RunState

REPORT, PLAN = "planned.json", "plan.yaml"  # files that the job leaves
MAX_REPORT_BYTES = 8_000_000
MAX_PLAN_BYTES = 200_000

# No plan holds it; its model calls go by its name.
PLANNING = Workstream(
    id="plan",
    title="Plan the task",
    kind=Kind.PLANNING,
    role="planner",
    goal="Split the task into workstreams that can run side by side, and write the plan",
    timeout_minutes=20,
)


class PlanReport(Strict):
    """How a model's planning went, with its ledger; the plan itself lies beside it."""

    version: Literal[1] = 1
    completion: Completion
    envelope: Envelope


def planning_route(state: RunState, lacking: Mapping[str, str] | None = None) -> Route | NoRoute:
    """Say which free tier makes the plan of a run: the record decides it, in every job.

    The job that plans may lack what a tier needs; it says what, by tier, and the next one serves.
    """
    return route_reading(PLANNING, state.policy.ladder, lacking or {})


def _planned_by(report: PlanReport, state: RunState) -> Tier | None:
    """Return the tier that a report names, if it is one of those that could have planned."""
    for rung in state.policy.ladder.rungs:
        if rung.tier.name == report.completion.tier and not rung.why_not and can_read(rung.tier):
            return rung.tier
    return None


def refuse_report(report: PlanReport, state: RunState, now: datetime) -> str:
    """Say why what a planning job hands over is not what it would be; empty: it is."""
    tier, request = _planned_by(report, state), state.request
    if tier is None or request is None:
        return "no such tier was to plan"
    if report.completion.head_sha is not None or report.envelope.evidence:
        return "planning changes nothing and brings no files"
    expected = Expected(
        run=request.run,
        workstream=PLANNING,
        attempt=1,
        base_sha=request.base_sha,
        tier=tier,
        handed_out_at=request.at,
        now=now,
    )
    return check_handback(report.envelope, report.completion, expected)


def why_no_plan(completion: Completion) -> str:
    """Say why planning came to nothing; empty: it came to an end."""
    if completion.status is CompletionStatus.SUCCESS:
        return ""
    return f"{completion.tier} ended with {completion.status}: {completion.error or ''}"[:500]
