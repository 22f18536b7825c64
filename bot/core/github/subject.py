"""What the gates are to check: a run's combined commit, somebody's pull request, a merge queue's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.core.base import RunId, Sha

_COMBINED = re.compile(r"orchestrate/([a-z0-9][a-z0-9-]{0,39})/combined")


@dataclass(frozen=True)
class Subject:
    """A commit to check and, where there is one, what it is measured against."""

    head: Sha
    base: Sha | None = None  # None: the run's own
    run: RunId | None = None
    pull: int | None = None
    title: str = ""


def run_of_branch(branch: str) -> RunId | None:
    """Return the run whose combined branch this is."""
    found = _COMBINED.fullmatch(branch)
    return RunId(found[1]) if found else None
