"""Labels, and which issue has them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from bot.adapters.github.errors import NotFound, Unprocessable
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

    def add(self, number: int, name: str) -> None:
        """Put a label on an issue."""
        path = self.place.at("issues", number, "labels")
        self.place.api.send("POST", path, object, {"labels": [name]})

    def remove(self, number: int, name: str) -> None:
        """Take a label off an issue; it need not be there."""
        with suppress(NotFound):
            path = self.place.at("issues", number, "labels", name)
            self.place.api.send("DELETE", path, object)
