"""`orchestrate approve-paid`: say yes to spending with a provider, as the comment does."""

from __future__ import annotations

from typing import Annotated

import typer


def approve_paid(
    run: Annotated[str, typer.Argument(help="The run.")],
    provider: Annotated[
        str | None, typer.Argument(help="Who may be paid; else whom the run asks for.")
    ] = None,
    usd: Annotated[
        str | None, typer.Argument(help="How much, in dollars; else what the run asks for.")
    ] = None,
    because: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "",
    until: Annotated[
        str | None,
        typer.Option(help="A day (2026-12-01, its end in UTC) or a span (3d); else the run's end."),
    ] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Let a provider be paid: up to an amount, for a reason.

    It covers this run and its plan, and nothing else, under every cap of the settings.
    The run goes on with: orchestrate run --resume RUN
    """
    from bot.cli.answered import say_what_follows
    from bot.core.github.arguments import is_amount
    from bot.render.words import allowed
    from bot.wiring.local import answers
    from bot.wiring.store import open_repository

    if provider is not None and usd is None and is_amount(provider):
        provider, usd = None, provider  # only an amount was given
    repository = open_repository(repo)
    line = answers(repository, run).approve_paid(provider, usd, because, until)
    ends = f" until {line.until:%Y-%m-%d %H:%M} UTC" if line.until else ""
    typer.echo(f"Approved: {allowed(line.cost_usd)} with {line.provider}{ends}.")
    say_what_follows(repository, run)
    return 0
