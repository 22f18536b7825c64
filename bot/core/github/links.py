"""Addresses of things in one repository's web pages."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Links:
    """Builds addresses; `server` is https://github.com, or an Enterprise Server's."""

    server: str
    repository: str  # owner/name

    def branch(self, name: str) -> str:
        """Return the page of a branch, given without refs/heads/."""
        return f"{self._top}/tree/{quote(name)}"

    def commit(self, sha: str) -> str:
        """Return the page of a commit."""
        return f"{self._top}/commit/{sha}"

    def issue(self, number: int) -> str:
        """Return the page of an issue or pull request."""
        return f"{self._top}/issues/{number}"

    def checks(self, number: int) -> str:
        """Return the page of a pull request's check runs."""
        return f"{self._top}/pull/{number}/checks"

    def compare(self, base: str, head: str) -> str:
        """Return the page where a person opens the pull request by hand."""
        return f"{self._top}/compare/{quote(base)}...{quote(head)}?expand=1"

    def file(self, branch: str, path: str) -> str:
        """Return the page of a file on a branch."""
        return f"{self._top}/blob/{quote(branch)}/{quote(path)}"

    @property
    def _top(self) -> str:
        return f"{self.server}/{self.repository}"
