"""`orchestrate clean`: tidy up after runs that nobody drives any more."""

from __future__ import annotations

from typing import Annotated

import typer


def clean(
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Remove what dead runs left, and save their work to a ref.

    Work that is nowhere else goes to refs/orchestrate/rescue/<run>/<workstream>.<attempt>.
    """
    from bot.wiring.store import clean_runs, open_repository

    tidied = clean_runs(open_repository(repo), logs_too=True)
    for item in tidied.worktrees:
        if item.kept_because:
            typer.echo(f"kept     {item.run}/{item.worktree}: {item.kept_because}")
        else:
            saved = f", its work is at {item.rescued}" if item.rescued else ""
            typer.echo(f"removed  {item.run}/{item.worktree}{saved}")
    for run in tidied.removed:
        typer.echo(f"removed  {run}: its folder; its record stays in git")
    for run in tidied.alive:
        typer.echo(f"running  {run}")
    if not tidied.worktrees and not tidied.removed and not tidied.alive:
        typer.echo("nothing to clean")
    return 0
