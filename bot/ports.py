"""What use cases ask of the world, in roles of a few methods each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bot.core.allowance import WHOLE, Share
from bot.core.base import Sha
from bot.core.constraints import NO_RULES, Rules
from bot.core.coverage import CoverageReport, UnreadableReport
from bot.core.denials import Denial
from bot.core.gates import Finding
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Workstream
from bot.core.routing import Tier


@dataclass(frozen=True)
class GivenFile:
    """A file that a process finds when it starts, in place of whatever was there."""

    path: str  # absolute
    text: str
    is_program: bool = False


@dataclass(frozen=True)
class Command:
    """A process to start: in a group of its own, with this environment and no other."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    timeout_seconds: float
    stdin: str = ""
    log: str | None = None  # where all output goes, up to max_log_bytes
    max_log_bytes: int = 10_000_000
    max_file_bytes: int | None = None  # largest single file that the process may write
    files: tuple[GivenFile, ...] = ()  # below its folders, for its user alone
    door: str = ""  # the one address that it may reach where processes have no network
    stop: Callable[[], str] | None = None  # asked now and then; what it says ends the process


@dataclass(frozen=True)
class Finished:
    """How a process ended. `exit_code` is None where we ended it: see `stopped_because`."""

    exit_code: int | None
    output: str  # the last 64 KiB of stdout and stderr together, undecodable bytes replaced
    seconds: float
    stopped_because: str | None = None  # "timeout", "interrupted", a limit, or what `stop` said
    wall: str = ""  # of a sandbox, that it seems to have failed at, and what to do


@dataclass(frozen=True)
class Worktree:
    """A folder that one attempt works in, and what it was made from."""

    name: str
    path: str
    index: str  # outside of the folder: what the attempt changed is measured against it
    base_sha: Sha


@dataclass(frozen=True)
class Snapshot:
    """What a worktree holds: a tree, and how it differs from the base."""

    tree: str
    changed: tuple[str, ...]  # paths
    insertions: int = 0
    deletions: int = 0
    added_text: str = ""  # the lines that were added, to be searched for secrets


@dataclass(frozen=True)
class Refused:
    """A rule kept a worktree's contents out."""

    because: str


class Worktrees(Protocol):
    """Folders for attempts, apart from everything of the user's."""

    def create(self, name: str, base: Sha, start_from: Sha | None = None) -> Worktree:
        """Check a commit out into a new folder."""
        ...

    def snapshot(self, worktree: Worktree) -> Snapshot | Refused:
        """Read what the folder holds now."""
        ...

    def commit(self, worktree: Worktree, snapshot: Snapshot, message: str, at: datetime) -> Sha:
        """Write a snapshot as one commit on the worktree's base."""
        ...

    def give(self, worktree: Worktree, path: str, content: bytes) -> None:
        """Put a file into the folder, in place of whatever is at that path."""
        ...

    def clear(self, worktree: Worktree, path: str) -> None:
        """Delete whatever is at a path of the folder."""
        ...

    def hide(self, worktree: Worktree, name: str) -> None:
        """Delete every file of a name; that they are gone is no change."""
        ...

    def take(self, worktree: Worktree, path: str) -> bytes | None:
        """Read a plain file of the folder, at most 1 MB; None where there is none."""
        ...

    def remove(self, worktree: Worktree) -> None:
        """Delete the folder."""
        ...


class Processes(Protocol):
    """Runs commands; whatever a command started is gone when `run` returns."""

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run to the end, handing each output line on as it comes. Never raises for a failure."""
        ...


@dataclass(frozen=True)
class ToolServer:
    """An MCP server for an agent: a program that speaks on its standard input and output."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def placed(self, worktree: str, folder: str) -> ToolServer:
        """Fill in where the attempt works, and the folder beside that."""

        def filled(text: str) -> str:
            return text.replace("{worktree}", worktree).replace("{folder}", folder)

        env = {name: filled(value) for name, value in self.env.items()}
        return ToolServer(self.name, tuple(map(filled, self.argv)), env)


@dataclass(frozen=True)
class EngineJob:
    """One go of an engine at a workstream."""

    workstream: Workstream
    tier: Tier
    worktree: str
    folder: str  # of the attempt, outside of the worktree: session, usage, home
    system: str
    opening: str  # what the attempt began with
    prompt: str  # what is said now: the opening, or why the agent is sent back
    environment: Mapping[str, str]  # for the agent's commands
    seconds: float
    max_usd: Decimal
    log: str
    max_log_bytes: int
    deny: Rules = NO_RULES  # which commands its role may not run
    only_writes: tuple[str, ...] | None = None  # it reads, hands in, and writes these
    model_url: str = ""  # its door to the tier's model, where the tier has an address
    tool_servers: tuple[ToolServer, ...] = ()

    @property
    def whole_prompt(self) -> str:
        """Everything that was ever said, for programs that remember nothing of an earlier go."""
        said = (self.system, self.opening, "" if self.prompt == self.opening else self.prompt)
        return "\n\n".join(text for text in said if text)


@dataclass(frozen=True)
class EngineOutcome:
    """How a go ended, and why in one line."""

    outcome: OutcomeClass
    message: str
    back_at: datetime | None = None  # when a tier that is exhausted serves again, if it said so


@dataclass(frozen=True)
class ModelCall:
    """One request to a model, counted."""

    n: int  # from 1, within the attempt
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    model_requested: str
    model_returned: str | None
    counted: bool  # False: the provider did not say, the numbers are estimates
    written_tokens: int = 0  # to a cache; part of the input, as what was cached is
    written_for_an_hour_tokens: int = 0
    usd: Decimal | None = None  # what it cost, or at most; None: nobody between reckoned that
    began: datetime | None = None  # when its process did, where that was an earlier one


@dataclass(frozen=True)
class KeptCalls:
    """A file of an attempt's calls, and when the process began that asks for more."""

    path: str
    began: datetime


class Door(Protocol):
    """An attempt's way to its tier's model: it holds no key, and nobody else knows its address."""

    @property
    def url(self) -> str:
        """Address without the protocol's version: `/v1/chat/completions` goes behind it."""
        ...

    def calls(self) -> tuple[ModelCall, ...]:
        """End what is under way, and return the calls so far as they were counted.

        To be asked once more when the door is closed: what came late is in it, too.
        """
        ...

    def failure(self) -> EngineOutcome | None:
        """Say why it serves no more requests; None: it does.

        A limit of ours is `LIMIT`; whatever else ends it is what the provider said at last, when
        the gateway had sent the request again as often as that made sense.
        """
        ...

    def waits(self) -> str:
        """Say it while it keeps a request until that may be sent; empty: it keeps none."""
        ...

    def trouble(self) -> EngineOutcome | None:
        """Say what came of the last request where that was no answer; it may serve others."""
        ...


class Models(Protocol):
    """Opens doors to the models of tiers."""

    def open(
        self,
        tier: Tier,
        max_usd: Decimal,
        share: Share = WHOLE,
        *,
        until: datetime | None = None,
        kept: KeptCalls | None = None,
    ) -> AbstractContextManager[Door]:
        """Open a door that closes behind the attempt; of a paid tier it spends at most so much.

        `share` is what the tier's account has left for us when the door opens, `until` when the
        attempt is over. Calls are `kept` as they are sent, and those that an earlier process
        kept there are this attempt's too.
        """
        ...


class Engine(Protocol):
    """A program that drives a model, or runs a plan's commands."""

    def missing(self, tier: Tier) -> str:
        """Say what keeps it from serving a tier on this machine; empty: nothing does."""
        ...

    def command(self, job: EngineJob) -> Command:
        """Say how it is started for a job."""
        ...

    def progress(self, line: str) -> str | None:
        """Make a line for people of a line that it printed; None: nothing to show."""
        ...

    def outcome(self, job: EngineJob, finished: Finished) -> EngineOutcome:
        """Judge how it ended; an exit code alone proves nothing."""
        ...

    def calls(self, job: EngineJob) -> tuple[ModelCall, ...]:
        """Return the model calls so far as the program counted them: its words, where no door
        of ours stands between it and the model."""
        ...

    def denied(self, job: EngineJob) -> tuple[Denial, ...]:
        """Return the commands that were kept from running, as far as that is still noted."""
        ...


class Commits(Protocol):
    """What commits hold, read from the store alone."""

    def paths(self, commit: str) -> tuple[str, ...]:
        """Return the path of every file."""
        ...

    def texts(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """Return each path that is there as text; bytes that are no UTF-8 become surrogates."""
        ...

    def diff(self, old: str, new: str) -> str:
        """Return the unified diff between two commits, renames found."""
        ...


class Reports(Protocol):
    """Reads what the tools of a repository write."""

    def coverage(
        self, data: bytes, *, root: str, files: frozenset[str]
    ) -> CoverageReport | UnreadableReport:
        """Read a coverage report of any known format."""
        ...

    def coverage_files(self, folder: str, configured: str | None) -> Mapping[str, str]:
        """Return each coverage report in a folder, the likeliest first, with a stamp.

        Paths are absolute; a stamp is another one after each writing.
        """
        ...

    def findings(self, data: bytes, *, root: str, tool: str) -> tuple[Finding, ...] | str:
        """Read a SARIF report; a text says why it proves nothing."""
        ...

    def written(self, path: str) -> bytes | None:
        """Return what a tool wrote to an absolute path, if that is a plain file."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the moment, aware and in UTC."""
        ...
