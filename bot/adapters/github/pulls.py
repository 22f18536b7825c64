"""Pull requests."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AliasPath, Field

from bot.adapters.github.api import PAGE
from bot.adapters.github.errors import NoDrafts, Refusal, Unprocessable
from bot.adapters.github.place import Place
from bot.adapters.github.values import Part, Pull, PullFile, State

MOST_FILES = 3000  # that GitHub tells of one

_MARK_READY = """\
mutation($id: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } }
}"""
_IS_DRAFT = "query($id: ID!) { node(id: $id) { ... on PullRequest { isDraft } } }"


class _Draft(Part):
    is_draft: bool = Field(validation_alias=AliasPath("node", "isDraft"))


@dataclass(frozen=True)
class Pulls:
    """The pull requests of one repository."""

    place: Place

    def get(self, number: int) -> Pull:
        """Read one."""
        return self.place.api.get(self.place.at("pulls", number), Pull)

    def find(self, head_branch: str) -> Pull | None:
        """Find the one for a branch of this repository: an open one first, then the newest."""
        query = {
            "head": f"{self.place.owner}:{head_branch}",
            **{"state": "all", "sort": "created", "direction": "desc"},
        }
        found = self.place.api.pages(self.place.at("pulls"), Pull, query, most=PAGE)
        # A fork of the same owner has the same head.
        here = self.place.repository.casefold()
        own = [pull for pull in found if (pull.head_repository or "").casefold() == here]
        return next((pull for pull in own if pull.state == "open"), own[0] if own else None)

    def open(self, title: str, body: str, head: str, base: str, *, draft: bool) -> Pull:
        """Open one, once, or return the one that is open; ready where drafts are refused.

        Raises ActionsMayNotOpenPulls where the settings keep workflows from it.
        """
        sent = {"title": title, "body": body, "head": head, "base": base, "draft": draft}
        try:
            return self.place.api.create(
                self.place.at("pulls"), Pull, sent, lambda: self._open_one(head)
            )
        except NoDrafts:
            if not draft:
                raise
            return self.open(title, body, head, base, draft=False)
        except Unprocessable as error:
            there = self._open_one(head) if "already exists" in error.what else None
            if there is None:
                raise
            return there

    def edit(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: State | None = None,
    ) -> Pull:
        """Change what is given."""
        given = {"title": title, "body": body, "state": state}
        sent = {name: value for name, value in given.items() if value is not None}
        return self.place.api.send("PATCH", self.place.at("pulls", number), Pull, sent)

    def request_review(self, number: int, login: str) -> bool:
        """Ask somebody to review; False where GitHub does not let them, as its own author."""
        path = self.place.at("pulls", number, "requested_reviewers")
        try:
            self.place.api.send("POST", path, object, {"reviewers": [login]})
        except Unprocessable:
            return False
        return True

    def mark_ready(self, node_id: str) -> None:
        """End a pull request's time as a draft; it may have ended before."""
        api = self.place.api
        try:
            api.query(_MARK_READY, {"id": node_id}, object)
        except Refusal:
            if api.query(_IS_DRAFT, {"id": node_id}, _Draft).is_draft:
                raise

    def files(self, number: int) -> tuple[PullFile, ...]:
        """List the files that one changes, up to MOST_FILES."""
        path = self.place.at("pulls", number, "files")
        return self.place.api.pages(path, PullFile, most=MOST_FILES)

    def _open_one(self, head_branch: str) -> Pull | None:
        found = self.find(head_branch)
        return found if found and found.state == "open" else None
