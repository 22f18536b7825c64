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
    """Record that workstreams get another attempt; `orchestrate run --resume RUN` starts it."""
    from bot.wiring import open_repository, record_retries

    names = record_retries(open_repository(repo), run, tuple(workstreams or ()), answer)
    typer.echo(f"Another attempt for {', '.join(names)}.")
    typer.echo(f"Go on with: orchestrate run --resume {run}")
    return 0
