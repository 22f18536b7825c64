"""Which workstreams of a plan may change the same file, without comparing all with all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from bot.core.graph import topological
from bot.core.patterns import may_meet
from bot.core.plan import NeedType, Plan, Workstream


class Order:
    """Who comes before whom in a plan, kept as sets of bits so that asking is cheap."""

    def __init__(self, plan: Plan) -> None:
        self.place = {workstream.id: at for at, workstream in enumerate(plan.workstreams)}
        self._before = dict.fromkeys(self.place, 0)
        for name in topological(plan.needs):
            for need in plan.needs[name]:
                self._before[name] |= self._before[need] | 1 << self.place[need]

    def before(self, early: str, late: str) -> bool:
        """Whether `early` must have landed when `late` starts."""
        return bool(self._before[late] >> self.place[early] & 1)

    def ordered(self, a: str, b: str) -> bool:
        """Whether one of two never runs while the other does."""
        return a == b or self.before(a, b) or self.before(b, a)

    def add(self, early: str, late: str) -> None:
        """Let `late` come after `early`, and with it all that come after `late`."""
        gained = self._before[early] | 1 << self.place[early]
        for name in self.place:
            if name == late or self.before(late, name):
                self._before[name] |= gained


def overlaps(workstreams: Sequence[Workstream]) -> Iterator[tuple[str, str, str]]:
    """Yield (smaller id, larger id, a pattern) for each two that may change one file."""
    by_start: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    starts = [{_fixed_start(p) for p in w.may_change} for w in workstreams]
    for at, found in enumerate(starts):
        for start in found:
            by_start[start].add(at)
    pairs: set[tuple[int, int]] = set()
    for at, found in enumerate(starts):
        around = {start[:depth] for start in found for depth in range(len(start) + 1)}
        for start in around:
            pairs.update((min(at, b), max(at, b)) for b in by_start.get(start, ()) if b != at)
    for left, right in sorted(pairs):
        a, b = sorted((workstreams[left], workstreams[right]), key=lambda w: w.id)
        met = may_meet(a.files, b.may_change) or may_meet(a.shares, b.files)
        if met:
            yield a.id, b.id, met[0]


def excluded(a: Workstream, b: Workstream) -> bool:
    """Whether the plan says on purpose that two never run together, in whatever order."""
    return any(
        need.type is NeedType.EXCLUDE and need.id == other.id
        for one, other in ((a, b), (b, a))
        for need in one.needs
    )


def _fixed_start(pattern: str) -> tuple[str, ...]:
    """Return the folders and names that everything which a pattern means begins with."""
    body = pattern.removeprefix("./")
    if not pattern.startswith("./") and "/" not in body.rstrip("/"):
        return ()
    parts = [part for part in body.split("/") if part]
    wild = next((n for n, part in enumerate(parts) if re.search(r"[*?\[\\]", part)), len(parts))
    return tuple(parts[:wild])
