"""What use cases ask of the world, in roles of a few methods each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


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


@dataclass(frozen=True)
class Finished:
    """How a process ended. `exit_code` is None where we ended it: see `stopped_because`."""

    exit_code: int | None
    output: str  # the last 64 KiB of stdout and stderr together, undecodable bytes replaced
    seconds: float
    stopped_because: str | None = None  # "timeout", "interrupted" or a limit that it passed
    log_bytes: int = field(default=0)


class Processes(Protocol):
    """Runs commands; whatever a command started is gone when `run` returns."""

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run to the end, handing each output line on as it comes. Never raises for a failure."""
        ...
