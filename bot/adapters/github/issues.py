"""Issues, sub-issues and dependencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bot.adapters.github.api import PAGE
from bot.adapters.github.errors import (
    Forbidden,
    Gone,
    NotFound,
    NotOffered,
    OddAnswer,
    Refusal,
    Unprocessable,
)
from bot.adapters.github.place import Place
from bot.adapters.github.values import Issue, State

_ABSENT = (NotFound, Gone, Forbidden)  # how GitHub says that it has no such feature


@dataclass(frozen=True)
class Issues:
    """The issues of one repository, by number; links go by database id."""

    place: Place

    def get(self, number: int) -> Issue:
        """Read one. Raises Moved where it was transferred, Gone where it was deleted."""
        return self.place.api.get(self.place.at("issues", number), Issue)

    def find(self, marker: str, since: datetime | None = None) -> Issue | None:
        """Find ours by its marker: among those changed since then, or the last 100 made."""
        query = {"state": "all", "sort": "created", "direction": "desc"}
        if since is not None:
            query["since"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        most = PAGE if since is None else 3000
        newest = self.place.api.pages(self.place.at("issues"), Issue, query, most=most)
        return next((issue for issue in newest if self.place.is_ours(issue, marker)), None)

    def create(
        self,
        title: str,
        body: str,
        labels: Sequence[str],
        marker: str,
        find: Callable[[], Issue | None] | None = None,
    ) -> Issue:
        """Open one, once; `find` looks for it where `find(marker)` would not do."""
        assert marker in body
        sent = {"title": title, "body": body, "labels": list(labels)}
        look = find or (lambda: self.find(marker))
        return self.place.api.create(self.place.at("issues"), Issue, sent, look)

    def edit(
        self,
        number: int,
        *,
        body: str | None = None,
        state: State | None = None,
        reason: Literal["completed", "not_planned", "reopened"] | None = None,
    ) -> Issue:
        """Change what is given."""
        given = {"body": body, "state": state, "state_reason": reason}
        sent = {name: value for name, value in given.items() if value is not None}
        return self.place.api.send("PATCH", self.place.at("issues", number), Issue, sent)

    def sub_issues(self, number: int) -> tuple[Issue, ...]:
        """List an issue's sub-issues."""
        return self.place.api.pages(self.place.at("issues", number, "sub_issues"), Issue)

    def link_sub_issue(self, parent: int, issue_id: int) -> None:
        """Put an issue under a parent, or leave it there. Raises NotOffered."""
        path = self.place.at("issues", parent, "sub_issues")
        try:
            self.place.api.send("POST", path, Issue, {"sub_issue_id": issue_id})
        except _ABSENT as error:
            raise _not_offered("sub-issues", error) from None
        except Unprocessable:  # it has a parent: ours, where this is a repeat
            if all(child.id != issue_id for child in self.sub_issues(parent)):
                raise

    def blocked_by(self, number: int) -> tuple[Issue, ...]:
        """List what an issue waits for."""
        return self.place.api.pages(self._blocked_by(number), Issue)

    def block(self, number: int, by_id: int, expected_url: str) -> None:
        """Say that an issue waits for another. Raises NotOffered.

        GitHub takes any issue's id, of any repository, so the link is compared with the page that
        was meant; another one is taken back and raises OddAnswer.
        """
        refused: Unprocessable | None = None
        try:
            sent = {"issue_id": by_id}
            made = self.place.api.send("POST", self._blocked_by(number), Issue, sent)
        except _ABSENT as error:
            raise _not_offered("dependencies between issues", error) from None
        except Unprocessable as error:  # the link is there, where this is a repeat
            refused = error
        else:
            if made.html_url == expected_url:
                return
        linked = [issue.html_url for issue in self.blocked_by(number) if issue.id == by_id]
        if expected_url in linked:
            return
        if refused and not linked:
            raise refused
        self.unblock(number, by_id)
        raise OddAnswer(
            f"GitHub linked issue {number} to another issue than {expected_url};"
            " the link was removed.",
            fix="Nothing else is wrong: the issue's text names what it waits for.",
        )

    def unblock(self, number: int, by_id: int) -> None:
        """Take a dependency away; it need not be there."""
        with suppress(NotFound):
            path = self.place.at("issues", number, "dependencies", "blocked_by", by_id)
            self.place.api.send("DELETE", path, object)

    def _blocked_by(self, number: int) -> str:
        return self.place.at("issues", number, "dependencies", "blocked_by")


def _not_offered(feature: str, error: Refusal) -> NotOffered:
    said = "; ".join(error.messages) or type(error).__name__
    refused = NotOffered(f"GitHub offers no {feature} here: {said}.", fix=error.fix)
    refused.status, refused.messages = error.status, error.messages
    return refused
