"""Agent programs, for people: what is here, and what became of installing one."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.core.engine_programs import EngineHere, EnginesHere, ServerHere
from bot.errors import BotError
from bot.render.terminal import plain, without_trailing_space
from bot.render.words import defused


def print_engines(console: Console, found: EnginesHere) -> None:
    """Print a line for each program, and below it how to get what is missing."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("engine", "here", "where, or how to get it"):
        table.add_column(name, overflow="fold")
    for each in found.engines:
        style = "yellow" if each.get_it else "green"
        table.add_row(each.name, plain(_version(each), style), plain(_where(each)))
    with without_trailing_space(console):
        console.print(table)
        console.print()
        console.print(_servers(found.servers))


def _servers(servers: tuple[ServerHere, ...]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("MCP server", "here", "where, or how to get it"):
        table.add_column(name, overflow="fold")
    for each in servers:
        here = plain("yes", "green") if each.program else plain("missing", "yellow")
        table.add_row(each.name, here, plain(each.program or each.get_it))
    return table


def _version(each: EngineHere) -> str:
    if not each.here:
        return "missing"
    return each.here if not each.get_it else f"{each.here}, tried was {each.pinned}"


def _where(each: EngineHere) -> str:
    return "\n".join(filter(None, [each.program, each.get_it]))


def installing(name: str, version: str) -> str:
    """Say what takes long before it does."""
    return f"{name} {version}: fetched unless it is there; that can take minutes\n"


def installed(name: str, version: str, place: Path) -> str:
    """Say that a program is there now."""
    return f"{name} {version}: {place}\n"


def install_failed(error: BotError) -> str:
    """Say why one could not be installed; the others are tried all the same."""
    return f"orchestrate: {defused(error.what, 2_000)}\n  {error.fix}\n"
