"""How long the command takes to say how it is used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence

from bench.figures import Figure, interleaved, seconds_of

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


def _start(*args: str) -> float:
    command: Sequence[str] = (sys.executable, *args)
    return seconds_of(lambda: subprocess.run(command, check=True, capture_output=True))
