"""What can be decided: the actions that a driver carries out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.core.allowance import Share
from bot.core.base import ZERO_USD, Sha
from bot.core.events import RunStatus
from bot.core.gates import GateName
from bot.core.plan import Workstream
from bot.core.routing import Tier


@dataclass(frozen=True)
class MakePlan:
    """Make a plan of the task."""


@dataclass(frozen=True)
class StartWorkstream:
    """Hand a workstream to an agent."""

    id: str
    tier: Tier
    attempt: int
    because: str
    start_from: Sha | None
    reserved_usd: Decimal
    share: Share  # of what the tier's account allows


@dataclass(frozen=True)
class PublishWorkstream:
    """Try a finished workstream against those that landed, and land it or leave it out."""

    id: str
    attempt: int
    head_sha: Sha


@dataclass(frozen=True)
class AskHuman:
    """Put a question to a person; `cause` names it, so that it is put once."""

    question: str
    cause: str
    workstream: str | None = None
    provider: str | None = None
    others_usd: Decimal = ZERO_USD


@dataclass(frozen=True)
class Integrate:
    """Advance the combined branch to everything that landed."""

    iteration: int


@dataclass(frozen=True)
class RunGates:
    """Check the combined commit."""

    iteration: int
    head_sha: Sha
    names: tuple[GateName, ...]


@dataclass(frozen=True)
class StartIteration:
    """Let a workstream mend what the gates found, then check again."""

    iteration: int
    fix: Workstream
    because: str


@dataclass(frozen=True)
class FinishRun:
    """End the run."""

    status: RunStatus
    because: str


Action = (
    MakePlan
    | StartWorkstream
    | PublishWorkstream
    | AskHuman
    | Integrate
    | RunGates
    | StartIteration
    | FinishRun
)
