"""Comments and reactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.adapters.github.place import Place
from bot.adapters.github.values import Comment, Reaction


@dataclass(frozen=True)
class Comments:
    """Comments on the issues and pull requests of one repository."""

    place: Place

    def on(self, number: int, since: datetime | None = None) -> tuple[Comment, ...]:
        """List the comments of an issue or pull request, or those changed since then."""
        query = {"since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if since else None
        return self.place.api.pages(self.place.at("issues", number, "comments"), Comment, query)

    def find(self, number: int, marker: str, since: datetime | None = None) -> Comment | None:
        """Find our own comment by its marker; a copy of it by anybody else is none."""
        ours = (c for c in self.on(number, since) if self.place.is_ours(c, marker))
        return next(ours, None)

    def create(self, number: int, body: str, marker: str) -> Comment:
        """Write a comment, once."""
        assert marker in body
        path = self.place.at("issues", number, "comments")
        return self.place.api.create(
            path, Comment, {"body": body}, lambda: self.find(number, marker)
        )

    def edit(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's text. Raises NotFound where somebody deleted it."""
        path = self.place.at("issues", "comments", comment_id)
        return self.place.api.send("PATCH", path, Comment, {"body": body})

    def react_to_comment(self, comment_id: int, reaction: Reaction) -> None:
        """Put a reaction on a comment; a second one of ours changes nothing."""
        path = self.place.at("issues", "comments", comment_id, "reactions")
        self.place.api.send("POST", path, object, {"content": reaction})
