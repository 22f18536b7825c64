"""Commands in a sandbox: the attempt's own folders, a network with one address, and limits.

bubblewrap makes it of name spaces of the kernel's; it needs no right of ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from bot.adapters.attempt_folders import folders_of
from bot.adapters.sandbox import inside
from bot.adapters.sandbox.bounds import Bounds
from bot.adapters.sandbox.outside import SOCKET, Outside, Way, standing_outside, way_to
from bot.adapters.sandbox.registries import PROXY_PORT, Registries, proxy_variables
from bot.adapters.sandbox.view import View, users
from bot.core.walls import wall_met
from bot.ports import Command, Finished

MAX_FILE_BYTES = 1_000_000_000  # of one file, where a command names no other limit

_MEMORY_DISKS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - the sandbox's own
_MEMORY_DISK_BYTES = 256_000_000  # of each
_HERE = "/run/orchestrate"  # inside
_SOMEBODY = 1000  # whom root is inside: programs behave oddly as root
_NOT_STARTED = 126
_HOLDS_ON = 'trap "" TERM; exec "$@"'  # the sandbox; what is in it hears that it should end


class StoppableProcesses(Protocol):
    """Processes that can all be ended at once."""

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run a command."""
        ...

    def stop_all(self) -> None:
        """End what runs."""
        ...


@dataclass(frozen=True)
class Walls:
    """What a sandbox is made of and where it stands; `uid` and `gid` are whose it is outside."""

    bwrap: str
    may_close_user_namespaces: bool  # bubblewrap 0.8 and later
    view: View
    bounds: Bounds
    registries: Registries
    uid: int
    gid: int


class SandboxProcesses:
    """Runs commands of a run's attempts in sandboxes, started by other processes."""

    def __init__(self, inner: StoppableProcesses, folder: Path, walls: Walls) -> None:
        """Take what starts processes as whoever they are to be, and the run's folder."""
        self._inner = inner
        self._folder = folder
        self._walls = walls

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run as LocalProcesses does.

        `stopped_because` is also "memory limit" or "process limit".
        """
        writable = folders_of(self._folder, command)
        if not writable:
            return Finished(_NOT_STARTED, f"{command.cwd}: not a folder of an attempt", 0.0)
        if not command.argv:
            return Finished(_NOT_STARTED, "no program: the command is empty", 0.0)
        ways = self._ways(command.door)
        with ExitStack() as stack:
            try:
                outside, shown = stack.enter_context(standing_outside(ways, self._walls.bounds))
                self._write_users(shown, command.env)
            except OSError as error:
                return Finished(_NOT_STARTED, f"no sandbox: {error}", 0.0)
            finished = self._inner.run(
                replace(
                    command,
                    argv=self._argv(command, writable, shown, ways),
                    env={**command.env, **proxy_variables(self._walls.registries)},
                    max_file_bytes=command.max_file_bytes or MAX_FILE_BYTES,
                    stop=lambda: outside.trouble or (command.stop() if command.stop else ""),
                ),
                on_line,
            )
        told = _told(finished, outside)
        if command.door or not told.exit_code:
            return told  # an agent program's output is read by its engine, and has its own words
        wall = wall_met(told.output, lambda path: self._walls.view.hides(Path(path), writable))
        return (
            replace(told, output=f"{told.output.rstrip()}\n{wall}\n", wall=wall) if wall else told
        )

    def stop_all(self) -> None:
        """End what runs, and start nothing from now on; returns without waiting."""
        self._inner.stop_all()

    def _ways(self, door: str) -> Mapping[int, Way]:
        ways: dict[int, Way] = {}
        if door:
            address = urlsplit(door)
            assert address.hostname is not None, "a door is a URL"
            assert address.port is not None, "the gateway has a port"
            ways[address.port] = way_to(address.hostname, address.port)
        if self._walls.registries.names:
            ways[PROXY_PORT] = self._walls.registries.serve
        return ways

    def _write_users(self, shown: Path, environment: Mapping[str, str]) -> None:
        for name, text in users(*self._who, environment).items():
            (shown / name).write_text(text)
            (shown / name).chmod(0o644)

    @property
    def _who(self) -> tuple[int, int]:
        """Who works inside."""
        walls = self._walls
        return (walls.uid, walls.gid) if walls.uid else (_SOMEBODY, _SOMEBODY)

    def _argv(
        self, command: Command, writable: tuple[Path, ...], shown: Path, ways: Mapping[int, Way]
    ) -> tuple[str, ...]:
        walls, (uid, gid) = self._walls, self._who
        spaces = ("user", "pid", "net", "ipc", "uts", "cgroup-try")
        memory = ("--size", str(_MEMORY_DISK_BYTES), "--perms", "1777", "--tmpfs")
        return (
            *("/bin/sh", "-c", _HOLDS_ON, "sh", walls.bwrap, "--die-with-parent"),
            *(f"--unshare-{space}" for space in spaces),
            *(("--disable-userns",) if walls.may_close_user_namespaces else ()),
            *("--cap-drop", "ALL", "--hostname", "sandbox", "--uid", str(uid), "--gid", str(gid)),
            *("--proc", "/proc", "--dev", "/dev"),
            *(part for disk in _MEMORY_DISKS for part in (*memory, disk)),
            *walls.view.arguments(),
            *(part for path in writable for part in ("--bind", str(path), str(path))),
            *(part for name in ("passwd", "group") for part in self._shows(shown, name)),
            *("--ro-bind", str(shown / SOCKET), f"{_HERE}/{SOCKET}"),
            *(*walls.view.sealed(), "--chdir", command.cwd, "--"),
            *(sys.executable, "-I", "-S", inside.__file__, f"{_HERE}/{SOCKET}"),
            *(",".join(map(str, ways)), walls.bounds.limits, *command.argv),
        )

    def _shows(self, shown: Path, name: str) -> tuple[str, ...]:
        return ("--ro-bind", str(shown / name), f"/etc/{name}")


def _told(finished: Finished, outside: Outside) -> Finished:
    """Say which limit ended a command, or that it never began."""
    if finished.stopped_because is None and outside.trouble:
        return replace(finished, exit_code=None, stopped_because=outside.trouble)
    if finished.exit_code and not outside.began:
        said = finished.output.strip() or f"exit {finished.exit_code}"
        return replace(finished, exit_code=_NOT_STARTED, output=f"no sandbox: {said}")
    return finished


def ourselves() -> tuple[int, int]:
    """Return who we are outside."""
    return os.geteuid(), os.getegid()
