"""`orchestrate approve`: say yes to a workstream, or to spending with a provider."""

from __future__ import annotations

from typing import Annotated

import typer


def approve(
    run: Annotated[str, typer.Argument(help="The run.")],
    workstream: Annotated[str | None, typer.Argument(help="The workstream that may start.")] = None,
    paid: Annotated[str | None, typer.Option(help="The provider that may be paid.")] = None,
    usd: Annotated[
        str | None, typer.Option(help="How much, in dollars; else what the run asks for.")
    ] = None,
    because: Annotated[str, typer.Option(help="Why.")] = "",
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Let a workstream start, or let a provider be paid.

    A workstream that waits for a yes to money, and can do without, goes on free at once.
    --paid does what approve-paid does. The run goes on with: orchestrate run --resume RUN
    """
    from bot.cli.answered import say_what_follows
    from bot.errors import UserError
    from bot.render.words import allowed
    from bot.wiring.local import answers
    from bot.wiring.store import open_repository

    if (workstream is None) == (paid is None):
        fix = f"orchestrate approve {run} WORKSTREAM, or --paid PROVIDER"
        raise UserError("Approve what?", fix=fix)
    repository = open_repository(repo)
    said = answers(repository, run)
    if workstream is not None:
        said.approve(workstream, because)
        typer.echo(f"Approved: {workstream}.")
    elif paid is not None:
        line = said.approve_paid(paid, usd, because)
        typer.echo(f"Approved: {allowed(line.cost_usd)} with {line.provider}.")
    say_what_follows(repository, run)
    return 0
