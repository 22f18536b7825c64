"""Workflows that the bot starts, and what it tells them: ids only, never text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.core.base import RunId, Sha, WorkstreamId


@dataclass(frozen=True)
class WorkstreamDispatch:
    """Start one attempt at a workstream; `key` names the one model key that its tier needs."""

    workflow: ClassVar[str] = "workstream.yml"
    run: RunId
    workstream: WorkstreamId
    attempt: int
    key: str = ""

    def inputs(self) -> dict[str, str]:
        """Return the inputs as the workflow declares them."""
        return {
            "run": self.run,
            "workstream": self.workstream,
            "attempt": str(self.attempt),
            "key": self.key,
        }


@dataclass(frozen=True)
class GatesDispatch:
    """Check the head of a run; `head` is the commit's id."""

    workflow: ClassVar[str] = "gates.yml"
    run: RunId
    head: Sha

    def inputs(self) -> dict[str, str]:
        """Return the inputs as the workflow declares them."""
        return {"run": self.run, "head": self.head}


@dataclass(frozen=True)
class ReconcileDispatch:
    """Look at a run anew, or at all of them."""

    workflow: ClassVar[str] = "orchestrate.yml"
    run: RunId | None = None

    def inputs(self) -> dict[str, str]:
        """Return the inputs as the workflow declares them."""
        return {} if self.run is None else {"run": self.run}


Dispatch = WorkstreamDispatch | GatesDispatch | ReconcileDispatch
