"""How much all processes of a sandbox together may use up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEMORY, PROCESSES = "memory limit", "process limit"

_PROC = Path("/proc")
_COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:")
_THREADS_A_PROCESS = 4  # the kernel counts threads, and programs have several
_OPEN_FILES = 65_536
_OWN_COUNT_SINCE = (5, 14)  # of processes in each user name space; before, those of all the user's


@dataclass(frozen=True)
class Bounds:
    """What a command and all that it starts may use; who goes beyond is ended."""

    memory_bytes: int
    processes: int

    @property
    def limits(self) -> str:
        """The kernel's own limits, for what happens between two looks.

        They hold for each process, or for the user: so they are wider than ours.
        """
        limits = {"NOFILE": _OPEN_FILES, "CORE": 0, "DATA": 2 * self.memory_bytes}
        if _kernel() >= _OWN_COUNT_SINCE:
            limits["NPROC"] = _THREADS_A_PROCESS * self.processes
        return ",".join(f"{name}={most}" for name, most in limits.items())

    def passed_by(self, init: int) -> str:
        """Say which bound the processes below a name space's first one have passed, if any."""
        memory = 0
        for nth, pid in enumerate(_below(init), 1):
            memory += _memory(pid)
            if nth > self.processes:
                return PROCESSES
            if memory > self.memory_bytes:
                return MEMORY
        return ""


def bounds(memory_mb: int, processes: int) -> Bounds:
    """Return the bounds that settings name, and no more than three quarters of the machine."""
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Bounds(min(memory_mb * 1_000_000, here * 3 // 4), processes)


def init_of(pid: int) -> int:
    """Return the first process of a sandbox: the parent of the one that becomes the command."""
    stat = (_PROC / str(pid) / "stat").read_bytes()
    return int(stat[stat.rindex(b")") + 2 :].split()[1])


def _below(init: int) -> Iterator[int]:
    """Yield what descends from a process; in a name space nobody gets away from its first one."""
    waiting = [init]
    while waiting:
        with contextlib.suppress(OSError):  # gone since it was listed
            for task in (_PROC / str(waiting.pop()) / "task").iterdir():
                children = [*map(int, (task / "children").read_bytes().split())]
                waiting += children
                yield from children


def _memory(pid: int) -> int:
    """Return the bytes that a process takes from others: not what is only a file's."""
    try:
        lines = (_PROC / str(pid) / "status").read_text(errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_COUNTED))


def _kernel() -> tuple[int, ...]:
    first, second = os.uname().release.split(".")[:2]
    return int(first), int("".join(filter(str.isdigit, second)) or 0)
