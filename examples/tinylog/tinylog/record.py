"""What one line of a log says, whatever format it is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

LEVELS = ("debug", "info", "warn", "error")


@dataclass(frozen=True)
class Record:
    """One line of a log: when, how serious, what, and whatever else it says."""

    message: str
    level: Optional[str] = None
    time: Optional[str] = None
    fields: Mapping[str, str] = field(default_factory=dict)

    def at_least(self, level: str) -> bool:
        """Whether this is at least as serious as `level`; a level that nobody knows always is."""
        if self.level not in LEVELS:
            return True
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def __str__(self) -> str:
        """Show the record in one line, its parts below those of the line before."""
        rest = " ".join(f"{name}={value}" for name, value in self.fields.items())
        parts = (self.time or "-", f"{self.level or '-':<5}", self.message, rest)
        return " ".join(part for part in parts if part)
