"""A plan that a model wrote: what of it is refused, and what is not the model's to say."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.base import ZERO_USD
from bot.core.plan import Criterion, Plan, Workstream
from bot.core.verdict import names_protected

MOST_WORKSTREAMS = 64
MOST_PATTERNS = 50  # files, artifacts, criteria and the like of one workstream
MOST_MINUTES = 60


def refused(plan: Plan, protected: tuple[str, ...]) -> str:
    """Say why a model's plan is not run; empty: it may be. `protected` are the settings' own."""
    if len(plan.workstreams) > MOST_WORKSTREAMS:
        return f"{len(plan.workstreams)} workstreams, of at most {MOST_WORKSTREAMS}"
    found = (why for each in plan.workstreams for why in _against(each, protected))
    return next(found, "")


def _against(workstream: Workstream, protected: tuple[str, ...]) -> Iterable[str]:
    name = workstream.id
    if workstream.engine is not None or workstream.run is not None or workstream.env:
        yield f"{name} brings commands or names its engine, which no model may"
    if workstream.mcp:
        yield f"{name} asks for MCP servers that act outside of its folder, which no model may"
    lists = (workstream.files, workstream.shares, workstream.artifacts, workstream.acceptance)
    if any(len(each) > MOST_PATTERNS for each in (*lists, workstream.constraints)):
        yield f"{name} has a list of more than {MOST_PATTERNS}"
    if touched := names_protected(workstream.may_change, protected):
        yield f"{name} would change protected files: {touched[0]}"


def adopted(plan: Plan, frame: Plan) -> tuple[Plan, tuple[str, ...]]:
    """Put a model's workstreams into the frame of our own plan for the task; say what changed.

    Task, class, gates and limits stay ours. Commands among the criteria become words: agents can
    run them, we do not.
    """
    notes = [
        f"the model's {name} are not taken"
        for name in ("gates", "limits")
        if getattr(plan, name) not in (type(getattr(plan, name))(), getattr(frame, name))
    ]
    commands = sum(bool(c.run) for w in plan.workstreams for c in w.acceptance)
    if commands:
        notes.append(f"{commands} commands among the model's criteria are words now")
    fields = {name: getattr(frame, name) for name in Plan.model_fields}
    return Plan(**fields | {"workstreams": tuple(map(_tamed, plan.workstreams))}), tuple(notes)


def _tamed(workstream: Workstream) -> Workstream:
    return workstream.model_copy(
        update={
            "acceptance": tuple(
                Criterion(text=f"This command exits with 0: {c.run}") if c.run else c
                for c in workstream.acceptance
            ),
            "timeout_minutes": min(workstream.timeout_minutes, MOST_MINUTES),
            "budget_usd": ZERO_USD,
        }
    )
