"""How the REST API is answered: routes, a call with all it needs, permissions, pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from tests.support.github.acts_work import WorkActs
from tests.support.github.refused import Refused
from tests.support.github.state import Issue, RepositoryState, Token, World
from tests.support.github.views_work import WorkViews

Json = Any

DOCUMENTATION = "https://docs.github.com/rest"
NOT_ACCESSIBLE = "Resource not accessible by integration"
_READERS = ("metadata", "contents", "issues", "pull_requests", "checks", "statuses", "actions")
_WRITERS = ("contents", "issues", "pull_requests", "statuses", "actions")


@dataclass(frozen=True)
class Answer:
    """What goes back; `body` is JSON, or bytes as they are."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """A request on its way to a route; `repository` is set where the path names one."""

    world: World
    acts: WorkActs
    views: WorkViews
    token: Token
    path: str
    query: Mapping[str, str]
    body: Json
    values: Mapping[str, str]
    repository: RepositoryState

    def issue(self) -> Issue:
        """Return the issue or pull request that the path names."""
        return self.acts.find_issue(self.repository, int(self.values["number"]))

    def said(self, name: str, default: Json = None) -> Json:
        """Return a field of the body."""
        return self.body.get(name, default) if isinstance(self.body, dict) else default

    def page(self, items: Sequence[Any], draw: Callable[..., Json], *, within: str = "") -> Answer:
        """Answer one page of a list, with links to the others; `within` names the list's field."""
        size = min(max(int(self.query.get("per_page", 30)), 1), 100)
        last = max(-(-len(items) // size), 1)
        number = int(self.query.get("page", 1))
        drawn = [draw(self.repository, item) for item in items[(number - 1) * size :][:size]]
        places = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number <= 1:
            del places["prev"], places["first"]
        if number >= last:
            del places["next"], places["last"]
        links = [f'<{self._address(place)}>; rel="{name}"' for name, place in places.items()]
        headers = {"Link": ", ".join(links)} if links else {}
        body = {"total_count": len(items), within: drawn} if within else drawn
        return Answer(200, body, headers)

    def _address(self, page: int) -> str:
        query = urlencode({**self.query, "page": page})
        return f"{self.world.api_url}{self.path}?{query}"

    def require(self, *needs: str) -> None:
        """Refuse unless the token may do one of these ("issues:write")."""
        if not any(allows(self.token, self.repository, need) for need in needs):
            if self.token.app is None:
                if any(need.startswith("checks:") for need in needs):
                    raise Refused(403, "You must authenticate via a GitHub App.")
                raise Refused(403, "Must have admin rights to Repository.")
            accepted = "; ".join(need.replace(":", "=") for need in needs)
            headers = {"X-Accepted-GitHub-Permissions": accepted}
            raise Refused(403, NOT_ACCESSIBLE, headers=headers)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """One endpoint of the fake; `needs` is what a token must be allowed, one of them."""

    method: str
    pattern: re.Pattern[str]
    needs: tuple[str, ...]
    handler: Handler


ROUTES: list[Route] = []


def route(method: str, path: str, *needs: str) -> Callable[[Handler], Handler]:
    """Register a route; names that end in id or number are digits, {name+} may hold slashes."""

    def register(handler: Handler) -> Handler:
        pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}").replace(r"\+", "+")
        pattern = re.sub(r"\{(\w*(?:id|number))\}", r"(?P<\1>\\d+)", pattern)
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", pattern)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        ROUTES.append(Route(method, re.compile(pattern), needs, handler))
        return handler

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find the route of a request and the values in its path."""
    matching = [
        (candidate, match)
        for candidate in ROUTES
        if candidate.method == method and (match := candidate.pattern.fullmatch(path))
    ]
    if not matching:
        return None
    # What one says in letters another may take for a part of a name: the longest says most.
    best, match = max(matching, key=lambda pair: len(pair[0].pattern.pattern))
    return best, {name: unquote(value) for name, value in match.groupdict().items()}


def refusal(refused: Refused) -> Answer:
    """Return GitHub's answer to what it will not do."""
    body: dict[str, Any] = {"message": refused.message, "documentation_url": DOCUMENTATION}
    if refused.errors is not None:
        body["errors"] = refused.errors
    if refused.status == 301:
        body["url"] = refused.headers["Location"]
    return Answer(refused.status, body, refused.headers)


def allows(token: Token, repository: RepositoryState, need: str) -> bool:
    """Say whether a token may; reads are as strict on public repositories as on private ones."""
    name, level = need.split(":")
    if token.app is None:
        return _role_allows(token, repository, name, level)
    if token.repository.lower() != repository.full_name.lower():
        return False
    granted = token.permissions.get(name, "read" if name == "metadata" else "none")
    return granted == "write" or granted == level


def _role_allows(token: Token, repository: RepositoryState, name: str, level: str) -> bool:
    """A person's rights come from the role; checks are for Apps alone."""
    owner = token.user == repository.owner
    role = "admin" if owner else repository.collaborators.get(token.user.login, "none")
    if level == "read" and name in _READERS:
        return role != "none" or not repository.private
    if name == "issues" and not repository.private:
        return True
    if role in ("write", "maintain", "admin") and name in _WRITERS:
        return True
    return role == "admin" and name in ("administration", "workflows")
