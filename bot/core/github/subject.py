"""What the gates are to check: a run's combined commit, a pull request, a merge queue's commits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.core.base import RunId, Sha
from bot.core.github.payloads import Dispatched, Event, MergeGrouped, PullRequested
from bot.core.names import run_id
from bot.errors import UserError

_COMBINED = re.compile(r"orchestrate/([a-z0-9][a-z0-9-]{0,39})/combined")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Subject:
    """A commit to check and, where it is no run's, what it is measured against."""

    head: Sha
    base: Sha | None = None
    run: RunId | None = None
    pull: int | None = None
    title: str = ""

    @property
    def name(self) -> RunId:
        """The run's id, or one that stands for a pull request."""
        return self.run or RunId(f"pull-{self.pull or 0}")


def subject_of(event: Event) -> Subject | str:
    """Return what an event wants checked; a text says why there is nothing."""
    match event:
        case Dispatched(inputs={"run": run, "head": head}) if _SHA.fullmatch(head):
            try:
                return Subject(Sha(head), run=run_id(run))
            except UserError as error:
                return error.what
        case PullRequested(pull_request=pull):
            run_of_head = None if event.is_from_elsewhere else run_of_branch(pull.head.ref)
            return Subject(
                Sha(pull.head.sha), Sha(pull.base.sha), run_of_head, pull.number, pull.title
            )
        case MergeGrouped(merge_group=group):
            return Subject(Sha(group.head_sha), Sha(group.base_sha), title="merge queue")
        case _:
            return getattr(event, "why", "this event names no commit to check")


def run_of_branch(branch: str) -> RunId | None:
    """Return the run whose combined branch this is."""
    found = _COMBINED.fullmatch(branch)
    return RunId(found[1]) if found else None
