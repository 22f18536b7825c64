"""An agent that only reads: it looks at one commit, and hands back words or one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.core.base import RunId, Sha
from bot.core.handoff import Context, Delegation
from bot.core.plan import Workstream
from bot.core.roles import Role
from bot.core.routing import Tier
from bot.render.prompt import reading_prompt, system_prompt
from bot.usecases.attempt import Handout, Result, Tools
from bot.usecases.brief_agent import todo_for
from bot.usecases.run_workstream import run_workstream

MAX_LOG_BYTES = 10_000_000
MAX_NUDGES = 2


@dataclass(frozen=True)
class Reader:
    """What a reading agent is started with."""

    role: Role
    tools: Tools
    folder: str  # of the attempt: session, usage, log
    environment: Mapping[str, str]
    say: Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """What is read: a commit, for a workstream that no plan holds, on a tier."""

    run: RunId
    commit: Sha
    workstream: Workstream
    tier: Tier
    writes: tuple[str, ...] = ()  # the files that it may write; nothing else is


def read_commit(reading: Reading, prompt: str, reader: Reader) -> Result:
    """Let an agent read a commit. It runs no command, so nothing of the commit is executed.

    It gets no MCP servers either: some of them write.
    """
    workstream = reading.workstream
    minutes = timedelta(minutes=workstream.timeout_minutes)
    delegation = Delegation(
        run=reading.run,
        workstream=workstream.id,
        target_agent=reading.tier.engine,
        role=workstream.role,
        task_type=workstream.kind,
        context=Context(goal=workstream.goal),
        todo=todo_for(workstream),
        base_sha=reading.commit,
        deadline=reader.tools.clock.now() + minutes,
    )
    handout = Handout(
        run=reading.run,
        workstream=workstream,
        attempt=1,
        tier=reading.tier,
        base_sha=reading.commit,
        start_from=None,
        delegation=delegation,
        system=system_prompt(reader.role.prompt, reader.role.deny),
        prompt=reading_prompt(prompt, delegation, reading.writes),
        folder=reader.folder,
        environment=reader.environment,
        max_usd=Decimal(0),
        max_log_bytes=MAX_LOG_BYTES,
        max_nudges=MAX_NUDGES,
        only_writes=reading.writes,
    )
    return run_workstream(handout, reader.tools, reader.say)
