"""The table of commands, for `/help` and for docs/commands.md."""

from __future__ import annotations

from collections.abc import Collection

from bot.core.github.commands import COMMANDS
from bot.render.github.markdown import table


def commands_table() -> str:
    """List every command with what it does and who may."""
    rows = [(f"`{spec.usage}`", spec.does, spec.who) for spec in COMMANDS]
    return table(("Command", "What it does", "Who"), rows)


def commands_for(usable: Collection[str]) -> str:
    """List every command for somebody who may use those of these names."""
    rows = [
        (f"`{spec.usage}`", spec.does, "yes" if spec.name in usable else f"no: {spec.who}")
        for spec in COMMANDS
    ]
    return table(("Command", "What it does", "You may"), rows)
