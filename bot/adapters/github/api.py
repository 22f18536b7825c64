"""The one door to GitHub's API: every request, its repeats, its refusals, and how many there were.

A request that may be made twice goes through `send`; one that makes something goes through
`create`, which looks for the thing before it asks again. An answer that is lost (a reset, a time
limit, a fault of the server) says nothing about what happened there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel

from bot.adapters.github.errors import OddAnswer, RateLimited, refusal
from bot.adapters.github.exchange import (
    Answer,
    Lost,
    Query,
    Request,
    exchange,
    fetch,
    parse,
    session,
)
from bot.adapters.github.pace import Pace, limit_seconds
from bot.errors import BotError

if TYPE_CHECKING:
    import requests

API_VERSION = "2022-11-28"
PAGE = 100  # the most that GitHub puts on one

_DELAYS = (1.0, 2.0, 4.0)  # seconds before each repeat

T = TypeVar("T")
Body = Mapping[str, object]


class _GraphqlError(BaseModel):
    type: str = ""
    message: str = ""


class _GraphqlAnswer(BaseModel):
    data: object = None
    errors: tuple[_GraphqlError, ...] = ()


class Api:
    """GitHub's API for one token. Reads nothing from the environment, follows no redirect."""

    def __init__(
        self, base_url: str, token: str, pace: Pace, *, graphql_url: str | None = None
    ) -> None:
        self._base = base_url.rstrip("/")
        self._graphql = graphql_url or f"{self._base}/graphql"
        self._token = token
        self._pace = pace
        self.requests_made = 0  # that count against the limit, repeats with them

    @cached_property
    def _http(self) -> requests.Session:
        """The connections; most jobs have said and done much before they need any."""
        http = session(self._token)
        http.headers["Accept"] = "application/vnd.github+json"
        http.headers["X-GitHub-Api-Version"] = API_VERSION
        return http

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, shape: type[T], query: Query | None = None) -> T:
        """Read one thing."""
        request = self._request("GET", path, query=query)
        return parse(shape, self._insist(request).value, request.endpoint)

    def send(self, method: str, path: str, shape: type[T], body: Body | None = None) -> T:
        """Make a request that does no harm when it is made twice; repeat it while it is lost."""
        request = self._request(method, path, body)
        return parse(shape, self._insist(request).value, request.endpoint)

    def create(
        self,
        path: str,
        shape: type[T],
        body: Body,
        find: Callable[[], T | None],
        method: str = "POST",
    ) -> T:
        """Make something once: where the answer is lost, `find` looks before it is asked again."""
        request = self._request(method, path, body)
        answer = self._settle(request)
        delays = iter(_DELAYS)
        while isinstance(answer, Lost):
            delay = next(delays, None)
            if delay is not None:
                self._pace.pause(delay)
            found = find()
            if found is not None:
                return found
            if delay is None:
                raise answer.error(request.endpoint)
            answer = self._settle(request)
        return parse(shape, answer.value, request.endpoint)

    def pages(
        self,
        path: str,
        shape: type[T],
        query: Query | None = None,
        *,
        key: str | None = None,
        most: int = 3000,
    ) -> tuple[T, ...]:
        """Read a list, page after page, up to `most` items; `key` is where answers hold it."""
        request = self._request("GET", path, query={**(query or {}), "per_page": PAGE})
        found: list[T] = []
        for _ in range(-(-most // PAGE)):
            answer = self._insist(request)
            items = answer.value
            if key is not None:
                items = items.get(key) if isinstance(items, dict) else None
            listed = list[shape]  # type: ignore[valid-type] # a type that is known at run time
            found += parse(listed, items, request.endpoint)
            if answer.link is None:
                break
            request = Request("GET", self._ours(answer.link), request.endpoint)
        return tuple(found[:most])

    def query(self, document: str, variables: Body, shape: type[T]) -> T:
        """Ask GraphQL what may be asked twice. Its errors raise as those of `send` do."""
        body = {"query": document, "variables": variables}
        request = Request("POST", self._graphql, "POST /graphql", body)
        answer = parse(_GraphqlAnswer, self._insist(request).value, request.endpoint)
        if answer.errors:
            raise self._graphql_error(request.endpoint, answer.errors)
        return parse(shape, answer.data, request.endpoint)

    def download(self, path: str, max_bytes: int) -> bytes:
        """Fetch what an address redirects to, without the token. Raises TooLarge past the cap."""
        request = self._request("GET", path)
        lost = Lost("")
        for delay in (0.0, *_DELAYS):
            if delay:
                self._pace.pause(delay)
            answer = self._settle(request, redirect=True)
            if isinstance(answer, Answer):
                fetched = fetch(self._storage(answer.link), max_bytes, request.endpoint)
                if isinstance(fetched, bytes):
                    return fetched
                answer = fetched
            lost = answer
        raise lost.error(request.endpoint)

    def _request(
        self, method: str, path: str, body: Body | None = None, query: Query | None = None
    ) -> Request:
        return Request(method, f"{self._base}{path}", f"{method} {path}", body, query)

    def _insist(self, request: Request) -> Answer:
        """Ask until there is an answer."""
        answer = self._settle(request)
        for delay in _DELAYS:
            if isinstance(answer, Answer):
                return answer
            self._pace.pause(delay)
            answer = self._settle(request)
        if isinstance(answer, Lost):
            raise answer.error(request.endpoint)
        return answer

    def _settle(self, request: Request, *, redirect: bool = False) -> Answer | Lost:
        """Ask until no rate limit is in the way: what one refuses was not done."""
        refusals = 0
        while True:
            response = self._ask(request)
            if isinstance(response, Lost):
                return response
            seconds = limit_seconds(
                response.status_code,
                response.headers,
                response.content,
                self._pace.now(),
                refusals,
            )
            if seconds is None:
                return self._judge(request, response, redirect=redirect)
            self._pace.wait_out(seconds, request.endpoint)
            refusals += 1

    def _ask(self, request: Request) -> requests.Response | Lost:
        self.requests_made += 1
        if request.method == "GET":
            return exchange(self._http, request)
        self._pace.before_write()
        response = exchange(self._http, request)
        self._pace.after_write()
        return response

    def _judge(
        self, request: Request, response: requests.Response, *, redirect: bool
    ) -> Answer | Lost:
        status = response.status_code
        if status >= 500:
            return Lost(f"status {status}")
        if redirect and status in {302, 307}:
            return Answer({}, response.headers.get("location"))
        if 200 <= status < 300:
            return Answer.read(response)
        raise refusal(request.endpoint, status, response.headers, self._safe(response.content))

    def _ours(self, url: str) -> str:
        """Accept the address of a next page: the token goes to GitHub's API and nowhere else."""
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise OddAnswer("GitHub's list goes on at another host; it is not followed.")
        return url

    def _storage(self, link: str | None) -> str:
        target = urljoin(self._base, link or "")
        if urlsplit(target).scheme not in {"https", urlsplit(self._base).scheme}:
            raise OddAnswer("GitHub has a download at an address that is not https.")
        return target

    def _graphql_error(self, endpoint: str, errors: tuple[_GraphqlError, ...]) -> BotError:
        kinds = {error.type for error in errors}
        if "RATE_LIMITED" in kinds or any("rate limit" in error.message for error in errors):
            return RateLimited(endpoint, self._pace.now() + timedelta(hours=1))
        status = 403 if "FORBIDDEN" in kinds else 404 if "NOT_FOUND" in kinds else 422
        said = {"errors": [{"message": error.message} for error in errors]}
        return refusal(endpoint, status, {}, self._safe(json.dumps(said).encode()))

    def _safe(self, body: bytes) -> bytes:
        """Take the token out of words that are not ours."""
        return body.replace(self._token.encode(), b"[redacted]")
