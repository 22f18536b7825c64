"""Figures that a benchmark measured, and how they are measured side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """A number with its unit; one that has a bound is met at most at the bound."""

    name: str
    value: float
    unit: str = "x"
    bound: float | None = None  # None: it stands there to compare with
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the bound holds, as it is printed."""
        if self.bound is None:
            return ""
        return "met" if self.value <= self.bound else "NOT MET"


def interleaved(rounds: int, ways: Mapping[str, Callable[[int], float]]) -> dict[str, float]:
    """Do each of several ways in turn, round after round; return the median seconds of each.

    A way gets the number of the round and returns the seconds that count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for nth in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way(nth))
    return {name: median(found) for name, found in seconds.items()}


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long something takes by the wall's clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
