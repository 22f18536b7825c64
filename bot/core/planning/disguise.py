"""A plan of several workstreams that is one: all of them change the same files."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.core.graph import upstream
from bot.core.patterns import owned
from bot.core.plan import Need, NeedType, Plan, Workstream

Value = TypeVar("Value", bound=Hashable)

MOST_MINUTES = 360.0
MOST_WORDS = 20_000


@dataclass(frozen=True)
class Disguise:
    """Who is one workstream, why, and the plan in which they are; None where they cannot be."""

    workstreams: tuple[str, ...]
    because: str
    merged: Plan | None


def one_in_disguise(plan: Plan, files: Sequence[str]) -> Disguise | None:
    """Find out whether all workstreams that change files change the same ones."""
    changing = [w for w in plan.workstreams if not w.kind.changes_nothing]
    if len(changing) < 2 or not _same_files(changing, files):
        return None
    names = {w.id for w in changing}
    ordered = tuple(name for name in plan.order if name in names)
    between = {n for n in upstream(plan.needs, names) - names if upstream(plan.needs, [n]) & names}
    if between:
        return None  # such as a fix that follows from a review of the same files
    because = f"own the same files ({', '.join(changing[0].files[:3])})"
    return Disguise(ordered, because, _merged(plan, ordered))


def _same_files(changing: Sequence[Workstream], files: Sequence[str]) -> bool:
    first = changing[0]
    if all(set(w.may_change) == set(first.may_change) for w in changing[1:]):
        return True
    if any("*" in p or p.endswith("/") for w in changing for p in w.may_change):
        return False  # a pattern leaves room for files that are not there yet
    meant = owned(first.may_change, files)
    return bool(meant) and all(owned(w.may_change, files) == meant for w in changing[1:])


def _merged(plan: Plan, names: tuple[str, ...]) -> Plan | None:
    """Write one workstream for several; None where who does them or who must agree differs."""
    parts = [plan[name] for name in names]
    alike = {(w.engine, w.role, w.kind, w.approval, tuple(sorted(w.env.items()))) for w in parts}
    goal = "\n".join(f"{n}. {w.goal}" for n, w in enumerate(parts, 1))
    if len(alike) > 1 or len(goal) > MOST_WORDS:
        return None
    first = parts[0]
    inside = set(names)
    run = tuple(line for w in parts for line in w.run or ())
    whole = first.model_copy(
        update={
            "goal": goal,
            "needs": _once(n for w in parts for n in w.needs if n.id not in inside),
            "files": _once(p for w in parts for p in w.files),
            "shares": _once(p for w in parts for p in w.shares),
            "constraints": _once(c for w in parts for c in w.constraints),
            "artifacts": _once(a for w in parts for a in w.artifacts),
            "acceptance": _once(c for w in parts for c in w.acceptance),
            "run": run or None,
            "timeout_minutes": min(MOST_MINUTES, sum(w.timeout_minutes for w in parts)),
            "budget_usd": sum((w.budget_usd for w in parts), start=first.budget_usd * 0),
        }
    )
    rest = tuple(
        whole if w.id == first.id else _repointed(w, inside, first.id)
        for w in plan.workstreams
        if w.id == first.id or w.id not in inside
    )
    fields = {name: getattr(plan, name) for name in Plan.model_fields}
    return Plan(**fields | {"workstreams": rest})


def _repointed(workstream: Workstream, gone: set[str], to: str) -> Workstream:
    needs = _once(Need(id=to, type=n.type) if n.id in gone else n for n in workstream.needs)
    lands = {n.id for n in needs if n.type is not NeedType.EXCLUDE}
    kept = tuple(n for n in needs if n.type is not NeedType.EXCLUDE or n.id not in lands)
    return workstream.model_copy(update={"needs": kept})


def _once(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))
