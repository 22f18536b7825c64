"""`orchestrate demo`: a whole run on a small package, with a model whose answers are recorded."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the copy, to look around in it.")
    ] = False,
) -> int:
    """Run a whole orchestration on a copy of a small package.

    Only the model's answers are recorded. Exit codes: 0 all that it promises happened; 1 some of
    it did not; 2 something that it needs is missing; 130 interrupted.
    """
    from bot.cli.demonstration import demonstrate

    return demonstrate(keep=keep)
