"""One repository on GitHub, and who the bot is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from bot.adapters.github.api import Api
from bot.adapters.github.values import Comment, Issue
from bot.errors import UserError


@dataclass(frozen=True)
class Place:
    """A repository (owner/name) and the logins that our own writing appears under."""

    api: Api
    repository: str
    own_logins: frozenset[str]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]*[\w-][\w.-]*", self.repository, re.ASCII):
            raise UserError(f"{self.repository!r} is no repository.", fix="Write it as owner/name.")

    @property
    def owner(self) -> str:
        """Return the account that the repository belongs to."""
        return self.repository.partition("/")[0]

    def at(self, *parts: str | int) -> str:
        """Return the path of something in this repository; each part stays one part."""
        for part in parts:
            if not str(part).strip("."):  # an address with /../ in it means something else
                raise UserError(f"{part!r} is no name that GitHub has.")
        return "/".join(
            [f"/repos/{self.repository}", *(quote(str(part), safe="") for part in parts)]
        )

    def is_ours(self, thing: Issue | Comment, marker: str) -> bool:
        """Whether we wrote it for this marker: anybody can copy a marker, nobody our name."""
        own = {login.casefold() for login in self.own_logins}
        return marker in thing.body and thing.author.casefold() in own
