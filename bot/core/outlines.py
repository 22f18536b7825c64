"""What a test file holds, as far as one version of it can be held against another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One test, or one function that helps tests.

    `checks` are the texts of the assertions that are sure to run, `possible` counts those too
    that only run on a condition. `exact` counts those that demand one outcome (`== 3`, not
    `is not None`). `skips` are the lines that may keep it from running to its end. `inputs` is
    how many literal inputs it runs with, and how many lists of inputs could not be counted.
    """

    name: str
    line: int
    body: str
    checks: tuple[str, ...]
    possible: int
    exact: int
    skips: tuple[int, ...]
    inputs: tuple[int, int] = (1, 0)

    @property
    def short_name(self) -> str:
        """The name without the class around it, which a move may change."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Outline:
    """The tests of a file, its helpers, and what it does to the whole test run.

    `steering` maps hooks and lists that choose or judge tests to their line and text; `exits`
    are lines that end the test process. `sure` says whether a parser read it, not patterns.
    """

    cases: Mapping[str, Case] = field(default_factory=dict)
    helpers: Mapping[str, Case] = field(default_factory=dict)
    steering: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    exits: tuple[int, ...] = ()
    sure: bool = True


NOTHING = Outline()
