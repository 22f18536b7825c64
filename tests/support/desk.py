"""A repository on the fake GitHub with a branch of work, and somebody who asks about it by API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from tests.support.github import FakeGithub, FakeRepository

Json = Any

ALL = dict.fromkeys(
    ("contents", "issues", "pull-requests", "checks", "statuses", "actions"), "write"
)
DISPATCHED = "on:\n  workflow_dispatch:\n    inputs:\n      run: {required: true}\njobs: {}\n"
ON_PULLS = "on: [pull_request]\njobs: {}\n"
FILES = {
    "README.md": "# Widget\n",
    ".github/workflows/gates.yml": DISPATCHED,
    ".github/workflows/ci.yml": ON_PULLS,
}
HEAD = "orchestrate/1/combined"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Desk:
    """A repository with a branch of work, and somebody who asks by API."""

    github: FakeGithub
    repository: FakeRepository
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, body: Json = None, **query: object) -> requests.Response:
        """Ask about the repository, with the token at hand."""
        return self.session.request(
            method,
            f"{self.github.api_url}/repos/acme/widget{path}",
            json=body,
            params=query,  # type: ignore[arg-type]
            headers={"Authorization": f"Bearer {self.token}"},
            allow_redirects=False,
            timeout=10,
        )

    def open_pull(self, **more: object) -> requests.Response:
        """Ask for a pull request from the branch of work."""
        said = {"title": "Work", "head": HEAD, "base": "main", "body": "Closes #1"}
        return self.ask("POST", "/pulls", said | more)

    def graphql(self, document: str, **variables: object) -> Json:
        """Send a GraphQL document."""
        answer = requests.post(
            self.github.graphql_url,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )
        return answer.json()


@contextmanager
def make_desk() -> Iterator[Desk]:
    """Open a desk at noon: alice maintains, mallory is nobody, issue 1 is open."""
    with FakeGithub() as github:
        github.clock.set(NOON)
        for login in ("alice", "mallory"):
            github.add_user(login)
        repository = github.create_repository("acme/widget", files=FILES)
        repository.collaborators["alice"] = "maintain"
        repository.open_issue("Add pages", "Please.", by="alice")
        repository.push(HEAD, {"pages.py": "PAGES = 1\n"}, by="alice")
        github.events.clear()
        desk = Desk(github, repository, github.job_token("acme/widget", ALL))
        with desk.session:
            yield desk
