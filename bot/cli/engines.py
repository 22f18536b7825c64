"""`orchestrate engines`: the agent programs that are here, and how to get the others."""

from __future__ import annotations

from typing import Annotated

import typer

engines = typer.Typer(invoke_without_command=True)


@engines.callback()
def show(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show which agent programs are here, and install others.

    Each is looked for where engines install puts it, then on PATH. A tier whose program is missing
    does not serve; the engines builtin and shell need none.
    """
    import os
    import sys

    from bot.core.engine_programs import EnginesHere
    from bot.errors import Exit
    from bot.render.engines import print_engines
    from bot.render.terminal import console_for
    from bot.wiring.engines import engines_on, servers_on

    if context.invoked_subcommand:
        return Exit.OK
    found = EnginesHere(engines=engines_on(os.environ), servers=servers_on(os.environ))
    if json:
        sys.stdout.write(f"{found.model_dump_json(indent=2)}\n")
    else:
        print_engines(console_for(sys.stdout), found)
    return Exit.OK


@engines.command()
def install(
    names: Annotated[list[str] | None, typer.Argument(help="Which, such as codex.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every one that is known.")] = False,
    server: Annotated[list[str] | None, typer.Option(help="An MCP server, such as git.")] = None,
) -> int:
    """Install agent programs at the versions that were tried.

    npm fetches them into your cache folder; nothing is installed for the whole machine. One that
    is there already is left as it is. They need Node 20 or newer.
    """
    import os
    import sys

    from bot.core.mcp import McpServer
    from bot.errors import BotError, Exit, UserError
    from bot.render.engines import install_failed, installed, installing
    from bot.wiring.engines import engine_programs, install_engine, install_server, known_servers

    programs, servers = engine_programs(), known_servers()
    if bool(names or server) == everything:
        raise UserError("Which engines?", fix="orchestrate engines install NAME…, or --all.")
    wanted = programs.engines if everything else [programs.named(name) for name in names or ()]
    also = [servers.named(name) for name in server or ()]
    worst: int = Exit.OK
    for each in (*wanted, *also):
        version = each.pinned if isinstance(each, McpServer) else each.version
        sys.stderr.write(installing(each.name, version))
        sys.stderr.flush()
        try:
            if isinstance(each, McpServer):
                place = install_server(each, os.environ)
            else:
                place = install_engine(each, os.environ)
            sys.stdout.write(installed(each.name, version, place))
            sys.stdout.flush()
        except BotError as error:
            sys.stderr.write(install_failed(error))
            worst = error.exit_code
    return worst
