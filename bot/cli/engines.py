"""`orchestrate engines`: the agent programs that are here, and how to get the others."""

from __future__ import annotations

from typing import Annotated

import typer

engines = typer.Typer(
    help="Show which agent programs are here, and install others.", invoke_without_command=True
)


@engines.callback()
def show(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show which agent programs are here, at which version, and how to get the others.

    Each is looked for where `orchestrate engines install` puts it, then on PATH.
    """
    import os
    import sys

    from bot.core.engine_programs import EnginesHere
    from bot.errors import Exit
    from bot.render.engines import print_engines
    from bot.render.terminal import console_for
    from bot.wiring.engines import engines_on

    if context.invoked_subcommand:
        return Exit.OK
    found = EnginesHere(engines=engines_on(os.environ))
    if json:
        sys.stdout.write(f"{found.model_dump_json(indent=2)}\n")
    else:
        print_engines(console_for(sys.stdout), found)
    return Exit.OK


@engines.command()
def install(
    names: Annotated[list[str] | None, typer.Argument(help="Which, such as codex.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every one that is known.")] = False,
) -> int:
    """Install agent programs, each at the version that was tried, for this bot alone.

    npm fetches them into your cache folder; nothing is installed for the whole machine. One that
    is there already is left as it is.
    """
    import os
    import sys

    from bot.errors import BotError, Exit, UserError
    from bot.render.engines import install_failed, installed
    from bot.wiring.engines import engine_programs, install_engine

    programs = engine_programs()
    if bool(names) == everything:
        raise UserError("Which engines?", fix="orchestrate engines install NAME…, or --all.")
    wanted = programs.engines if everything else [programs.named(name) for name in names or ()]
    worst: int = Exit.OK
    for program in wanted:
        try:
            sys.stdout.write(installed(program, install_engine(program, os.environ)))
            sys.stdout.flush()
        except BotError as error:
            sys.stderr.write(install_failed(error))
            worst = error.exit_code
    return worst
