"""What one attempt at a workstream is given, what it may use, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.core.allowance import WHOLE, Share
from bot.core.base import RunId, Sha
from bot.core.constraints import NO_RULES, Rules
from bot.core.handoff import Acknowledgement, Completion, Delegation, Isolation
from bot.core.ledger import LedgerLine
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Workstream
from bot.core.redact import Redactor
from bot.core.routing import Tier
from bot.ports import Clock, Engine, Models, Processes, ToolServer, Worktrees


@dataclass(frozen=True)
class Handout:
    """Everything that one attempt is given."""

    run: RunId
    workstream: Workstream
    attempt: int
    tier: Tier
    base_sha: Sha
    start_from: Sha | None
    delegation: Delegation
    system: str
    prompt: str
    folder: str
    environment: Mapping[str, str]
    max_usd: Decimal
    max_log_bytes: int
    max_nudges: int
    share: Share = WHOLE  # of what the tier's account allows
    protected: tuple[str, ...] = ()
    deny: Rules = NO_RULES
    only_writes: tuple[str, ...] | None = None  # it reads, and writes these; no commands
    tool_servers: tuple[ToolServer, ...] = ()
    call_file: str | None = None  # of ours, where its calls are kept while it runs

    @property
    def name(self) -> str:
        """Name of the attempt's worktree, log and evidence."""
        return f"{self.workstream.id}.{self.attempt}"


@dataclass(frozen=True)
class Result:
    """What an attempt came to, with what goes into the record beside it."""

    completion: Completion
    outcome: OutcomeClass
    spend: tuple[LedgerLine, ...]
    back_at: datetime | None = None  # when its tier serves again, if somebody said so
    acknowledgement: Acknowledgement | None = None
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    interrupted: bool = False  # we ended it half-way: it proves nothing
    written: Mapping[str, bytes] = field(default_factory=dict)  # of the files it was only to write


@dataclass(frozen=True)
class Tools:
    """The powers that an attempt needs."""

    worktrees: Worktrees
    processes: Processes
    engine: Engine
    models: Models
    clock: Clock
    pause: Callable[[float], None]
    redactor: Redactor
    isolation: Isolation = Isolation.NONE  # what the processes were found to keep apart
