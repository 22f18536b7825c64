"""`orchestrate init`: the workflows and what they need, written into another repository."""

from __future__ import annotations

from typing import Annotated

import typer


def init(
    repo: Annotated[str, typer.Option(help="The repository to set up.")] = ".",
    source: Annotated[
        str | None, typer.Option("--from", help="Which bot: OWNER/REPO@COMMIT.")
    ] = None,
    thin: Annotated[
        str | None, typer.Option(help="OWNER/REPO@COMMIT: workflows that only call the bot there.")
    ] = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Move the pin and update what nobody changed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where anything is out of date.")
    ] = False,
) -> int:
    """Write the workflows, settings and roles into a repository.

    The difference is shown first. What a person changed is never overwritten, and nothing is
    committed.
    Exit codes: 0 all is as it should be; 1 a file was kept that is not; 3 nobody said yes.
    """
    import sys

    from bot.cli.asking import agreed
    from bot.core.github.installation import STANDS_OFF
    from bot.errors import Exit
    from bot.render.installation import print_diffs, print_next, print_steps
    from bot.render.terminal import console_for
    from bot.wiring.installing import Wish, install, model_keys, plan_installation

    installation = plan_installation(repo, Wish(source, thin, upgrade=upgrade))
    console = console_for(sys.stdout)
    print_diffs(console, installation.steps)
    print_steps(console, installation.steps)
    kept = any(each.step in STANDS_OFF for each in installation.steps)
    if check:
        return Exit.FAILED if kept or installation.is_new else Exit.OK
    if installation.is_new:
        if not (yes or agreed(f"Write this to {installation.target.root}?")):
            return Exit.NEEDS_PERSON
        install(installation)
        print_next(console, installation.steps, model_keys())
    return Exit.FAILED if kept else Exit.OK
