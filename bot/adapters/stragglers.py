"""Processes that outlive the command which started them: found on Linux, and ended.

A process that calls setsid leaves its group, so ending the group misses it. The bot adopts
such orphans (as a "child subreaper") and ends those that are in the session of the command or
that carry its marker in their environment. One that cleared its environment and took a new
session stays: only a sandbox with a process name space of its own can end that one.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MARKER = "ORCHESTRATE_PROCESS"

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_SECONDS = 2.0  # a killed process is gone in microseconds, unless a disk holds it
_PROC = Path("/proc")

_guard = threading.Lock()
_leaders: set[int] = set()


class _Child(NamedTuple):
    pid: int
    zombie: bool
    parent: int
    session: int


@functools.cache
def adopt_orphans() -> None:
    """Let orphaned descendants become children of this process; nothing where it is no Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start_leader(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start the leader of a session while nobody looks for stragglers, and remember it."""
    with _guard:
        process = start()
        _leaders.add(process.pid)
    return process


def marked(token: str) -> str:
    """Return the marker of a process: its own token, after those of whoever started us.

    An agent of ours starts commands by the same means; when it is ended, they are found by the
    token that it was started with.
    """
    return " ".join(filter(None, [os.environ.get(MARKER), token]))


def end_stragglers(leader: int, token: str) -> None:
    """End what is left of the session of `leader`, which is gone, and what carries `token`.

    Also reaps adopted orphans that ended by themselves: whatever this program starts in a
    session of its own goes through `start_leader`, so an unknown one is nobody's to wait for.
    """
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    _leaders.discard(leader)
    while _end_once(leader, token.encode()) and time.monotonic() < give_up_at:
        time.sleep(0.001)


def end_abandoned(folder: Path) -> None:
    """End what the commands of a killed bot left running with a home or at work below `folder`.

    Nobody else may be using the folder. Nothing happens where the kernel shows no processes.
    """
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while (found := _abandoned(folder)) and time.monotonic() < give_up_at:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _abandoned(folder: Path) -> list[int]:
    home = b"HOME=" + os.fsencode(folder) + b"/"
    others = {int(entry.name) for entry in _PROC.glob("[0-9]*")} - {os.getpid()}
    return [
        pid
        for pid in others
        if _tokens(pid)
        and (_works_in(pid, folder) or any(line.startswith(home) for line in _environment(pid)))
    ]


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return (_PROC / str(pid) / "cwd").readlink().is_relative_to(folder.resolve())
    except OSError:
        return False


def _end_once(session: int, token: bytes) -> bool:
    """Kill what belongs to the session or carries the token; say whether to look once more.

    Also after reaping: what a child left behind becomes ours when it ends, perhaps just now.
    """
    again = False
    with _guard:
        for child in _adopted():
            if child.zombie and _reap(child.pid):
                again = True
            elif child.session == session or token in _tokens(child.pid):
                with contextlib.suppress(OSError):
                    os.kill(child.pid, signal.SIGKILL)
                again = True
    return again


def _reap(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _adopted() -> list[_Child]:
    """Return our children that are in a session of their own and that nobody waits for."""
    own = os.getsid(0)
    seen = (_look_at(pid) for pid in _children() - _leaders)
    return [
        child
        for child in seen
        if child is not None and child.parent == os.getpid() and child.session != own
    ]


def _children() -> set[int]:
    """Return the ids of our children; of all processes where the kernel has no list of them."""
    lists = list(_PROC.glob("self/task/*/children"))
    if not lists:
        return {int(entry.name) for entry in _PROC.glob("[0-9]*")}
    found: set[int] = set()
    for one in lists:
        with contextlib.suppress(OSError):  # a thread that just ended
            found.update(map(int, one.read_bytes().split()))
    return found


def _look_at(pid: int) -> _Child | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    state, parent, _group, session = stat[stat.rindex(b")") + 2 :].split()[:4]
    return _Child(pid, state == b"Z", int(parent), int(session))


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _tokens(pid: int) -> list[bytes]:
    begin = MARKER.encode() + b"="
    return [
        t
        for line in _environment(pid)
        if line.startswith(begin)
        for t in line[len(begin) :].split()
    ]
