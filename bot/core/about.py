"""What a question to a person is about: its cause begins with that."""

from __future__ import annotations

from enum import StrEnum


class About(StrEnum):
    """What a person is to decide or to say."""

    START = "workstream"  # whether it may start
    WORD = "question"  # what an agent wants to know
    CHOICE = "choice"  # money for what a free tier could do, too
    MONEY = "paid"  # money for what no free tier can do
    TIER = "tier"  # what helps where no tier can take a workstream

    def cause(self, what: str) -> str:
        """Name a question of this kind: put twice under one name, it is one question."""
        return f"{self}:{what}"

    def is_named_in(self, cause: str) -> bool:
        """Whether a cause names a question of this kind."""
        return cause.startswith(f"{self}:")
