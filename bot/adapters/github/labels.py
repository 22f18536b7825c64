"""Labels, and which issue has them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.adapters.github.errors import Unprocessable
from bot.adapters.github.place import Place
from bot.adapters.github.values import Label


@dataclass(frozen=True)
class Labels:
    """The labels of one repository."""

    place: Place

    def ensure(self, name: str, color: str, description: str) -> bool:
        """Make a label (`color`: 6 hex digits); False: there was one, which stays as it is."""
        sent = {"name": name, "color": color, "description": description}
        try:
            self.place.api.send("POST", self.place.at("labels"), Label, sent)
        except Unprocessable as error:
            if not any("already_exists" in message for message in error.messages):
                raise
            return False
        return True
