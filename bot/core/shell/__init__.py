"""What a shell command runs, once everything that is wrapped around it is taken off."""

from bot.core.shell.reading import read_commands
from bot.core.shell.values import ForkBomb, Found, Ran, Unreadable

__all__ = ["ForkBomb", "Found", "Ran", "Unreadable", "read_commands"]
