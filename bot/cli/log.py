"""`orchestrate log`: what happened in a run, when and why."""

from __future__ import annotations

from typing import Annotated

import typer


def log(
    run: Annotated[str, typer.Argument(help="The run.")],
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Tell what happened in a run, when and why."""
    import sys

    from bot.errors import Exit
    from bot.render.log import print_log
    from bot.render.terminal import console_for
    from bot.wiring.store import open_repository, read_record

    print_log(console_for(sys.stdout), read_record(open_repository(repo), run))
    return Exit.OK
