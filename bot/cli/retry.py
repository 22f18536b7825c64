"""`orchestrate retry`: give workstreams that did not land another attempt."""

from __future__ import annotations

from typing import Annotated

import typer


def retry(
    run: Annotated[str, typer.Argument(help="The run.")],
    workstreams: Annotated[
        list[str] | None, typer.Argument(help="Which; without a name all that failed.")
    ] = None,
    answer: Annotated[str, typer.Option(help="Your answer to what the agent asked.")] = "",
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Give workstreams that did not land another attempt.

    It starts with: orchestrate run --resume RUN
    """
    from bot.cli.answered import say_what_follows
    from bot.wiring.local import answers
    from bot.wiring.store import open_repository

    repository = open_repository(repo)
    names = answers(repository, run).retry(tuple(workstreams or ()), answer)
    typer.echo(f"Another attempt for {', '.join(names)}.")
    say_what_follows(repository, run)
    return 0
