"""What a sandbox costs each command that runs in one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.figures import Figure, interleaved, seconds_of
from bench.repositories import make_repository
from bot.adapters.git import Repository
from bot.adapters.processes import LocalProcesses
from bot.adapters.run_folder import RunFolder
from bot.core.config import AgentSettings
from bot.core.handoff import Isolation
from bot.ports import Command, Processes
from bot.wiring.isolation import kept_apart

ROUNDS = 30


def bench_sandbox() -> Iterable[Figure]:
    """Run `true` in a sandbox and without one."""
    with tempfile.TemporaryDirectory() as name:
        make_repository(Path(name) / "origin", {"a.txt": "a\n"}, {})
        repository, folder = Repository.open(f"{name}/origin"), RunFolder(Path(name) / "runs/run")
        place = folder.attempt("a.1")
        apart = kept_apart("", repository, folder, os.environ, AgentSettings())
        if apart.isolation is not Isolation.SANDBOX:
            return
        plain = LocalProcesses()
        took = interleaved(
            ROUNDS,
            {"plain": _true(plain, place), "sandbox": _true(apart.processes, place)},
        )
    more = (took["sandbox"] - took["plain"]) * 1000
    note = f"{more:.0f} ms more than {took['plain'] * 1000:.1f} ms"
    yield Figure("sandbox: true / without", took["sandbox"] / took["plain"], note=note)


def _true(processes: Processes, place: Path) -> Callable[[int], float]:
    command = Command(("true",), str(place), {"PATH": os.environ["PATH"]}, 60)

    def run() -> None:
        finished = processes.run(command)
        if finished.exit_code != 0:
            raise RuntimeError(f"it failed: {finished.output}")

    return lambda _: seconds_of(run)
