"""`orchestrate doctor`: what would keep a run from working, and what mends it."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
) -> int:
    """Look for what would keep a run from working here.

    Git, the repository, its settings, the record, the ledger, room and models. Nothing is changed.
    Exit codes: 0 with 0 failures; 2 otherwise. Warnings are no failures.
    """
    import sys

    from bot.errors import Exit
    from bot.render.doctor import print_checks
    from bot.render.terminal import console_for
    from bot.usecases.doctor import diagnose, failures
    from bot.wiring.health import examination

    checks = diagnose(*examination(repo))
    print_checks(console_for(sys.stdout), checks)
    return Exit.BAD_INPUT if failures(checks) else Exit.OK
