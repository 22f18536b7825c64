"""`orchestrate log`: what happened in a run, when and why."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.remote import Remote, RemoteName, remote_to_read


def log(
    run: Annotated[str, typer.Argument(help="The run.")],
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    remote: Remote = False,
    remote_name: RemoteName = None,
) -> int:
    """Tell what happened in a run, when and why."""
    import sys

    from bot.errors import Exit
    from bot.render.log import print_log
    from bot.render.terminal import console_for
    from bot.wiring.store import read_record, runs_in

    with runs_in(repo, remote_to_read(remote, remote_name), run) as repository:
        print_log(console_for(sys.stdout), read_record(repository, run))
    return Exit.OK
