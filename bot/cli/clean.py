"""`orchestrate clean`: tidy up after runs that nobody drives any more."""

from __future__ import annotations

from typing import Annotated

import typer


def clean(
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Remove what dead runs left, and save their work to a ref.

    Work that is nowhere else goes to refs/orchestrate/rescue/<run>/<workstream>.<attempt>. Money
    that they had reserved and did not spend is given back, where that is known.
    """
    from bot.wiring.store import clean_runs, open_repository, settle_dead_runs

    repository = open_repository(repo)
    settled = settle_dead_runs(repository)  # before the folders are gone that know what was spent
    tidied = clean_runs(repository, logs_too=True)
    for one in settled:
        whose = f"{one.started.run}/{one.started.workstream}.{one.started.attempt}"
        why = "was spent at most" if one.is_known else "counts as spent, for nobody knows"
        typer.echo(f"settled  {whose}: ${one.usd} of ${one.started.reserved_usd} {why}")
    for item in tidied.worktrees:
        if item.kept_because:
            typer.echo(f"kept     {item.run}/{item.worktree}: {item.kept_because}")
        else:
            saved = f", its work is at {item.rescued}" if item.rescued else ""
            typer.echo(f"removed  {item.run}/{item.worktree}{saved}")
    for run in tidied.removed:
        typer.echo(f"removed  {run}: its folder with the logs; what git has of it stays")
    for run in tidied.alive:
        typer.echo(f"running  {run}")
    if not (settled or tidied.worktrees or tidied.removed or tidied.alive):
        typer.echo("nothing to clean")
    return 0
