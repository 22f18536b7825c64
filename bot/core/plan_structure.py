"""What keeps workstreams from being a plan: ids twice, needs that lead nowhere, circles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.documents import Loc, Problem, nearest
from bot.core.graph import find_cycle

MAX_CIRCLES = 20  # named in one go


@dataclass(frozen=True)
class Placed:
    """A workstream as a file places it; of each need its place, id and whether it must land."""

    at: int
    id: str
    needs: tuple[tuple[int, str, bool], ...]


def structure_problems(placed: tuple[Placed, ...]) -> tuple[tuple[Loc, Problem], ...]:
    """Return what makes a set of workstreams no plan, each with its place in the file."""
    found: list[tuple[Loc, Problem]] = []
    first: dict[str, int] = {}
    for one in placed:
        if one.id in first:
            what = f"the id {one.id!r} twice (first in workstreams[{first[one.id]}])"
            problem = Problem(what, "Give each its own id.")
            found.append((("workstreams", one.at, "id"), problem))
        first.setdefault(one.id, one.at)
    for one in placed:
        for nth, need, _ in one.needs:
            loc = ("workstreams", one.at, "needs", nth)
            if need == one.id:
                found.append((loc, Problem(f"{one.id!r} needs itself", "Remove it.")))
            elif need not in first:
                what = f"{one.id!r} needs {need!r}, which is no workstream"
                found.append((loc, Problem(what, nearest(need, sorted(first), "Known"))))
    return (*found, *_circles(placed, first))


def _circles(placed: tuple[Placed, ...], first: dict[str, int]) -> Iterator[tuple[Loc, Problem]]:
    """Name one circle after the other, each without the edge that the fix before it takes away."""
    needs = {
        one.id: {need for _, need, lands in one.needs if lands and need != one.id} for one in placed
    }
    for _ in range(MAX_CIRCLES):
        cycle = find_cycle(needs)
        if not cycle:
            return
        what = f"needs in a circle: {' -> '.join(cycle)}"
        fix = f"Let {cycle[0]!r} not need {cycle[1]!r}."
        yield ("workstreams", first[cycle[0]], "needs"), Problem(what, fix)
        needs[cycle[0]].discard(cycle[1])
