"""How long the command takes to say how it is used, and a job to say its first word."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence

from bench.figures import Figure, interleaved, seconds_of
from bot.errors import Exit

ROUNDS = 10


def bench_startup() -> Iterable[Figure]:
    """Start `orchestrate --help`, and Python with typer and nothing else."""
    _start("-m", "bot", "--help")  # compiled once, as an installed package is
    took = interleaved(
        ROUNDS,
        {
            "typer": lambda _: _start("-c", "import typer"),
            "help": lambda _: _start("-m", "bot", "--help"),
        },
    )
    note = f"{took['help'] * 1000:.0f} ms for {took['typer'] * 1000:.0f} ms"
    yield Figure(
        "start-up: --help / import typer", took["help"] / took["typer"], bound=3, note=note
    )
    yield from _jobs()


def _jobs() -> Iterable[Figure]:
    """Start jobs without what a workflow's runner sets: all is loaded before they miss it."""
    at = ("--run", "1", "--workstream", "a", "--attempt", "1")
    jobs = {
        "intake": ("intake",),
        "fetch": ("fetch", "--to", "clone"),
        "publish": ("publish", *at, "--handback", "a.zip"),
    }
    ways = {name: ("-m", "bot", "job", *args) for name, args in jobs.items()}
    ways["pydantic"] = ("-c", "import pydantic.main")
    took = interleaved(ROUNDS, {name: _starting(args) for name, args in ways.items()})
    for name in jobs:
        note = f"{took[name] / took['pydantic']:.1f} x import pydantic"
        yield Figure(f"start-up: job {name}", took[name], "s", bound=0.5, note=note)


def _starting(args: Sequence[str]) -> Callable[[int], float]:
    return lambda _: _start(*args)


def _start(*args: str) -> float:
    command: Sequence[str] = (sys.executable, *args)

    def run() -> None:
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode not in {0, Exit.BAD_INPUT}:
            raise RuntimeError(done.stderr.decode())

    return seconds_of(run)
