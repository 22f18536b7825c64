"""What runs in a command's process: the command line itself, with its own input and output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

# Imported by the process that commands are forked from, so that they need not.
import bot.adapters.python_api
import bot.cli.app
import bot.cli.running
import bot.render.live
import bot.render.report


def main(
    arguments: tuple[str, ...],
    place: Path,
    environment: Mapping[str, str],
    wrap: Callable[[], None] | None,
) -> None:
    """Become `orchestrate` with these arguments."""
    os.setsid()
    os.environ.update(environment)
    for number, name, flags in (
        (0, "stdin", os.O_RDONLY),
        (1, "stdout", os.O_WRONLY | os.O_CREAT),
        (2, "stderr", os.O_WRONLY | os.O_CREAT),
    ):
        handle = os.open(place / name, flags)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.argv = ["orchestrate", *arguments]
    if wrap is not None:
        wrap()
    code = bot.cli.app.run_app()
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
