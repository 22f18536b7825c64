"""What follows a person's word to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bot.adapters.git import Repository


def say_what_follows(repository: Repository, run: str) -> None:
    """Say who goes on with the run: the process that drives it, or else the person."""
    from bot.core.names import run_id
    from bot.wiring.store import run_folder

    if run_folder(repository, run_id(run)).is_driven:
        typer.echo("The process that drives the run goes on with it.")
    else:
        typer.echo(f"Go on with: orchestrate run --resume {run}")
