"""`orchestrate approve`: say yes to a workstream, or to spending with a provider."""

from __future__ import annotations

from typing import Annotated

import typer


def approve(
    run: Annotated[str, typer.Argument(help="The run.")],
    workstream: Annotated[str | None, typer.Argument(help="The workstream that may start.")] = None,
    paid: Annotated[str | None, typer.Option(help="The provider that may be paid.")] = None,
    usd: Annotated[str, typer.Option(help="How much, in dollars.")] = "0",
    because: Annotated[str, typer.Option(help="Why.")] = "",
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Record an approval; `orchestrate run --resume RUN` goes on with it."""
    from bot.wiring import open_repository, record_approval

    said = record_approval(open_repository(repo), run, workstream, paid, usd, because)
    typer.echo(said)
    typer.echo(f"Go on with: orchestrate run --resume {run}")
    return 0
