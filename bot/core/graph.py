"""Orders over what needs what: cycles, topological order, what lies upstream, the longest way."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

Needs = Mapping[str, Collection[str]]


def find_cycle(needs: Needs) -> tuple[str, ...]:
    """Return one cycle as a tuple that begins and ends with the same id, or an empty tuple."""
    done: set[str] = set()
    for start in sorted(needs):
        way: list[str] = []
        stack = [(start, iter(sorted(needs.get(start, ()))))]
        on_way = {start}
        while stack:
            here, rest = stack[-1]
            if len(way) < len(stack):
                way.append(here)
            following = next(rest, None)
            if following is None:
                stack.pop()
                on_way.discard(way.pop())
                done.add(here)
            elif following in on_way:
                return (*way[way.index(following) :], following)
            elif following not in done and following in needs:
                on_way.add(following)
                stack.append((following, iter(sorted(needs.get(following, ())))))
    return ()


def topological(needs: Needs, key: Callable[[str], Any] = str) -> tuple[str, ...]:
    """Order the ids so that each comes after what it needs; of those free at once, least key first.

    Needs that are not ids of the mapping are passed over. The mapping must have no cycle.
    """
    waiting = {name: {need for need in needs[name] if need in needs} for name in needs}
    dependents = reverse(waiting)
    free = [(key(name), name) for name, open_needs in waiting.items() if not open_needs]
    heapq.heapify(free)
    order: list[str] = []
    while free:
        _, name = heapq.heappop(free)
        order.append(name)
        for follower in dependents[name]:
            waiting[follower].discard(name)
            if not waiting[follower]:
                heapq.heappush(free, (key(follower), follower))
    return tuple(order)


def reverse(needs: Needs) -> dict[str, set[str]]:
    """Return, for each id, those that need it."""
    back: dict[str, set[str]] = {name: set() for name in needs}
    for name, open_needs in needs.items():
        for need in open_needs:
            if need in back:
                back[need].add(name)
    return back


def upstream(needs: Needs, names: Iterable[str]) -> set[str]:
    """Return everything that `names` need, directly or not, without `names` themselves."""
    found: set[str] = set()
    todo = [need for name in names for need in needs.get(name, ())]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return found


def longest_remaining(needs: Needs, seconds: Mapping[str, float]) -> dict[str, float]:
    """Return, for each id, the seconds of the longest way from its start to the end of the plan."""
    dependents = reverse(needs)
    longest: dict[str, float] = {}
    for name in reversed(topological(needs)):
        after = max((longest[follower] for follower in dependents[name]), default=0.0)
        longest[name] = seconds.get(name, 0.0) + after
    return longest


def reduced(needs: Needs) -> dict[str, set[str]]:
    """Return the needs without those that follow from others (the transitive reduction)."""
    return {
        name: {need for need in wanted if need not in upstream(needs, set(wanted) - {need})}
        for name, wanted in needs.items()
    }
