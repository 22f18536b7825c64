"""Ids of runs on GitHub: the issue's number, and -2, -3 for later runs of the same issue."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from bot.core.base import RunId

_RUN_ID = re.compile(r"([1-9][0-9]{0,17})(?:-([2-9]|[1-9][0-9]{1,5}))?")


def next_run(issue: int, taken: Collection[RunId]) -> RunId:
    """Name the next run of an issue. An id is never given again, nor is a gap filled."""
    last = max((_place(run) for run in runs_of(issue, taken)), default=0)
    return RunId(f"{issue}-{last + 1}" if last else str(issue))


def issue_of(run: RunId) -> int | None:
    """Return the number of the issue that a run is of; None: it was started elsewhere."""
    found = _RUN_ID.fullmatch(run)
    return int(found[1]) if found else None


def runs_of(issue: int, runs: Iterable[RunId]) -> tuple[RunId, ...]:
    """Return the runs of an issue, earliest first."""
    return tuple(sorted((run for run in runs if issue_of(run) == issue), key=_place))


def _place(run: RunId) -> int:
    found = _RUN_ID.fullmatch(run)
    return int(found[2] or 1) if found else 0
