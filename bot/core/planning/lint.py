"""What a plan must not be: mended where the mend is certain, reported where a person decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from bot.core.base import few
from bot.core.graph import upstream
from bot.core.plan import MAX_WORKSTREAMS, Complexity, Kind, Need, NeedType, Plan, Workstream
from bot.core.planning.disguise import one_in_disguise
from bot.core.planning.ownership import Order, excluded, overlaps
from bot.core.planning.reasons import reason_for

EVERYTHING = ("**",)
CODE = frozenset({Kind.IMPLEMENTATION, Kind.FIX})
QUALITY = frozenset({Kind.REVIEW, Kind.TESTS, Kind.DOCS, Kind.AUDIT})


class Author(StrEnum):
    """Who wrote a plan. A person's keeps its shape."""

    PERSON = "person"
    BOT = "bot"


@dataclass(frozen=True)
class Note:
    """Something that the plan should not be; `mended` says that it no longer is."""

    kind: Literal["mended", "reported"]
    message: str
    workstreams: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


@dataclass(frozen=True)
class Linted:
    """A plan that is safe to run, and what was found on the way."""

    plan: Plan
    notes: tuple[Note, ...] = ()


def lint(plan: Plan, files: Sequence[str], *, written_by: Author) -> Linted:
    """Make a plan safe to run; also make it better where it is ours.

    `files` are the repository's tracked paths. A person's plan only gains explicit ownership and
    the edges that safety needs. Linting twice changes nothing more.
    """
    ours = written_by is Author.BOT
    notes: list[Note] = []
    steps: tuple[Callable[[Plan], tuple[Plan, tuple[Note, ...]]], ...] = (
        _own_explicitly,
        lambda now: _merge_disguise(now, files, ours),
        lambda now: _drop_needless_order(now, ours),
        lambda now: _add_quality(now, ours),
        _add_safety,
    )
    for step in steps:
        plan, found = step(plan)
        notes += found
    return Linted(plan, tuple(notes))


def _own_explicitly(plan: Plan) -> tuple[Plan, tuple[Note, ...]]:
    """Who changes files and names none may change all; written down, so that all can see it."""
    silent = [w for w in plan.workstreams if not w.kind.changes_nothing and not w.may_change]
    if not silent:
        return plan, ()
    names = {w.id for w in silent}
    changed = tuple(
        w.model_copy(update={"files": EVERYTHING}) if w.id in names else w for w in plan.workstreams
    )
    if len(plan.workstreams) == 1:
        return _with(plan, changed), ()
    notes = tuple(
        Note(
            "mended",
            f"{w.id!r} names no files, so it owns all of them (**) and nothing that changes files "
            "runs beside it; name its files to let others run at the same time",
            (w.id,),
        )
        for w in silent
    )
    return _with(plan, changed), notes


def _merge_disguise(plan: Plan, files: Sequence[str], ours: bool) -> tuple[Plan, tuple[Note, ...]]:
    found = one_in_disguise(plan, files)
    if found is None:
        return plan, ()
    names = ", ".join(found.workstreams)
    if ours and found.merged is not None:
        what = f"{names} {found.because}: they are one workstream now"
        return found.merged, (Note("mended", what, found.workstreams),)
    what = f"{names} {found.because}: one workstream in disguise; write them as one"
    return plan, (Note("reported", what, found.workstreams),)


def _drop_needless_order(plan: Plan, ours: bool) -> tuple[Plan, tuple[Note, ...]]:
    """Take away needs that nothing speaks for; keep each order that they stood for with reason."""
    needless = [
        (need.id, late.id)
        for late in plan.workstreams
        for need in late.needs
        if need.type is NeedType.FINISH and not reason_for(plan[need.id], late)
    ]
    if not needless:
        return plan, ()
    mended = _without_edges(plan, set(needless))
    gone = [(a, b) for a, b in needless if not Order(mended).before(a, b)]
    if _is_serial(plan) and not _is_serial(mended):
        what = f"the plan is serial ({' -> '.join(plan.order)}) though it need not be"
    else:
        what = "workstreams wait without a reason"
    listed = few([f"{b} for {a}" for a, b in needless], 20)
    concerned = tuple(dict.fromkeys(name for edge in needless for name in edge))
    if ours:
        how = "they start at once now" if gone else "each need has its reason now"
        return mended, (Note("mended", f"{what}: {listed}; {how}", concerned),)
    how = "files, artifacts and texts are apart; remove the needs, or say why in the goal"
    return plan, (Note("reported", f"{what}: {listed}; {how}", concerned),)


def _without_edges(plan: Plan, edges: set[tuple[str, str]]) -> Plan:
    needs = {
        w.id: [n for n in w.needs if (n.id, w.id) not in edges or n.type is not NeedType.FINISH]
        for w in plan.workstreams
    }
    kept = _with_needs(plan, needs)
    order, place = Order(kept), {name: at for at, name in enumerate(plan.order)}
    touched = {late for _, late in edges}
    for late in plan.order:
        above = upstream(plan.needs, [late])
        if late not in touched and not above & touched:
            continue
        for early in sorted(above, key=place.__getitem__, reverse=True):
            if not order.before(early, late) and reason_for(plan[early], plan[late]):
                needs[late].append(Need(id=early))
                order.add(early, late)
    return _with_needs(plan, needs)


def _is_serial(plan: Plan) -> bool:
    order = Order(plan)
    line = plan.order
    return len(line) > 1 and all(order.before(a, b) for a, b in pairwise(line))


def _add_quality(plan: Plan, ours: bool) -> tuple[Plan, tuple[Note, ...]]:
    """A change of code has somebody who looks at it; a simple task has the gates alone."""
    code = tuple(w.id for w in plan.workstreams if w.kind in CODE)
    if not code or plan.complexity is Complexity.SIMPLE:
        return plan, ()
    if any(w.kind in QUALITY for w in plan.workstreams):
        return plan, ()
    what = "code changes and no workstream reviews, tests or documents it"
    taken = {w.id for w in plan.workstreams}
    name = next(n for n in ("review", *(f"review-{k}" for k in range(2, 999))) if n not in taken)
    if not ours or len(plan.workstreams) >= MAX_WORKSTREAMS:
        how = "add one of kind review, tests or docs; the gates run all the same"
        return plan, (Note("reported", f"{what}; {how}", code),)
    needed = {need for early in code for need in upstream(plan.needs, [early])}
    review = Workstream(
        id=name,
        title="Review the change",
        kind=Kind.REVIEW,
        needs=tuple(Need(id=early) for early in code if early not in needed),
        goal=f"Review the whole change made for this task, and report findings: {plan.task}"[
            :20_000
        ],
    )
    note = Note("mended", f"{what}; added {name!r}", (name,))
    return _with(plan, (*plan.workstreams, review)), (note,)


def _add_safety(plan: Plan) -> tuple[Plan, tuple[Note, ...]]:
    """Let no two run at the same time that may change the same file, the smaller id first."""
    order, by_id = Order(plan), plan.by_id
    needs = {w.id: list(w.needs) for w in plan.workstreams}
    notes: list[Note] = []
    met = sorted(overlaps(plan.workstreams), key=lambda m: m[0], reverse=True)
    for early, late, pattern in sorted(met, key=lambda m: m[1]):
        if order.ordered(early, late) or excluded(by_id[early], by_id[late]):
            continue
        order.add(early, late)
        needs[late].append(Need(id=early))
        what = f"{early!r} and {late!r} may both change {pattern}; {late!r} now needs {early!r}"
        notes.append(Note("mended", what, (early, late)))
    return (_with_needs(plan, needs), tuple(notes)) if notes else (plan, ())


def _with_needs(plan: Plan, needs: dict[str, list[Need]]) -> Plan:
    return _with(
        plan,
        tuple(w.model_copy(update={"needs": tuple(needs[w.id])}) for w in plan.workstreams),
    )


def _with(plan: Plan, workstreams: tuple[Workstream, ...]) -> Plan:
    """Return the plan with other workstreams, checked like any other."""
    fields = {name: getattr(plan, name) for name in Plan.model_fields}
    return Plan(**fields | {"workstreams": workstreams})
