"""Finds out what a request is, lets the right part answer, and writes everything down."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.github import (
    git_http,
    graphql,
    rest_actions,
    rest_checks,
    rest_issues,
    rest_pulls,
    rest_repository,
)
from tests.support.github.acts_work import WorkActs
from tests.support.github.faults import Fault, Faults, faulty
from tests.support.github.limits import Limits
from tests.support.github.openapi import Description
from tests.support.github.refused import Refused
from tests.support.github.rest import Answer, Call, find_route, refusal
from tests.support.github.server import Reply, Request
from tests.support.github.state import Token, World

# Importing these is what registers their routes.
ROUTED = (rest_actions, rest_checks, rest_issues, rest_pulls, rest_repository)
API, GRAPHQL, STORAGE = "/api/v3", "/api/graphql", "/_storage/"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; after a reset, status 0 and what would have been answered."""

    kind: str  # rest, graphql, push, fetch, git, storage
    method: str
    path: str  # without /api/v3
    query: Mapping[str, str]
    by: str  # whose token it was
    permissions: Mapping[str, str]  # the token's; a person's token has none
    at: float  # seconds since 1970, by the fake's clock
    body: Any  # JSON; of a push "<old> <new> <ref>", one for each ref
    status: int
    answer: Any  # JSON; of the rest bytes
    fault: Fault | None = None


class Answering:
    """Answers requests; each API request has the state to itself, git runs beside."""

    def __init__(
        self,
        world: World,
        acts: WorkActs,
        limits: Limits,
        faults: Faults,
        described: Description | None,
        violations: list[str],
    ) -> None:
        self.world = world
        self.acts = acts
        self.limits = limits
        self.faults = faults
        self.log: list[Exchange] = []
        self._described = described
        self._violations = violations

    def __call__(self, request: Request) -> Reply:
        """Answer a request, or let it meet the fault that waits for it."""
        git = git_http.read(request)
        path = request.path.removeprefix(API)
        kind = git.kind if git else _kind(request.path)
        fault = self._fault(kind, request.method, path)
        done: Answer | None = None
        token = self._token(request.headers)
        if fault is None or fault.takes_place:
            if git:
                done = self._git(git, token, fault)
            else:
                with self.world.lock:
                    done = self._carry_out(kind, path, request, token)
        answer = faulty(fault, done) if fault else done
        exchange = Exchange(
            kind,
            request.method,
            path,
            request.parameters,
            token.user.login if token else "",
            token.permissions if token else {},
            self.world.clock.timestamp(),
            git.commands() if git and kind == "push" else None if git else request.body,
            answer.status if answer else 0,
            (done or answer or Answer(0)).body,
            fault,
        )
        self.log.append(exchange)
        if kind == "rest":
            self._check(exchange, done)
        return Reply(answer, cut=fault is Fault.CUT)

    def _fault(self, kind: str, method: str, path: str) -> Fault | None:
        with self.world.lock:
            armed_for = "api" if kind in ("rest", "graphql") else kind
            return self.faults.next_for(armed_for, method, path)

    def _token(self, headers: Mapping[str, str]) -> Token | None:
        scheme, _, value = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return None
        return self.world.tokens.get(value)

    # REST, GraphQL, storage

    def _carry_out(self, kind: str, path: str, request: Request, token: Token | None) -> Answer:
        if kind == "storage":
            return self._storage(request)
        if token is None:
            return refusal(Refused(401, "Bad credentials"))
        if path == "/rate_limit":
            drawn = self.limits.draw(token)
            return Answer(200, {"resources": {"core": drawn, "search": drawn}, "rate": drawn})
        answer = self.limits.count(token, request.method, path)
        if answer is None and kind == "graphql":
            answer = graphql.answer(self.world, self.acts, token, request.body)
        answer = answer or self._rest(_after_transfer(self.world, path), request, token)
        return Answer(answer.status, answer.body, {**answer.headers, **self.limits.headers(token)})

    def _rest(self, path: str, request: Request, token: Token) -> Answer:
        found = find_route(request.method, path)
        if found is None:
            self._violations.append(f"{request.method} {path}: this fake has no such route")
            return refusal(Refused(404, "Not Found"))
        route, values = found
        try:
            call = self._call(path, values, request, token)
            if route.needs:
                call.require(*route.needs)
            return route.handler(call)
        except Refused as refused:
            return refusal(refused)

    def _call(self, path: str, values: Mapping[str, str], request: Request, token: Token) -> Call:
        name = f"{values['owner']}/{values['repo']}" if "repo" in values else "somebody/else"
        repository = self.world.repository(name)
        if "repo" in values and token.app and token.repository.lower() != name.lower():
            raise Refused(404, "Not Found")
        return Call(
            self.world, self.acts, self.acts.views, token, path, request.parameters, request.body,
            values, repository,
        )  # fmt: skip

    def _storage(self, request: Request) -> Answer:
        if "Authorization" in request.headers:
            self._violations.append(f"{request.path}: the storage was shown a GitHub token")
            return Answer(401, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
        return rest_actions.stored(self.world, request.path, request.parameters)

    def _check(self, exchange: Exchange, done: Answer | None) -> None:
        if self._described is None:
            return
        path = _after_transfer(self.world, exchange.path)
        found = [
            *self._described.check_request(exchange.method, path, exchange.query, exchange.body)
        ]
        if done is not None:
            found += self._described.check_answer(exchange.method, path, done.status, done.body)
        self._violations += found

    # Git

    def _git(self, git: git_http.GitRequest, token: Token | None, fault: Fault | None) -> Answer:
        with self.world.lock:
            state = self.world.repositories.get(git.repository.lower())
            refused = git_http.refuse(git, token, state)
        if refused or state is None:
            return refused or refusal(Refused(404, "Not Found"))
        answer = git_http.serve(git, token, state, fault)
        if git.kind == "push" and token:
            with self.world.lock:
                self.acts.refs_moved(state, token)
        return answer


def _kind(path: str) -> str:
    if path.startswith(STORAGE):
        return "storage"
    return "graphql" if path == GRAPHQL else "rest"


def _after_transfer(world: World, path: str) -> str:
    """Return the ordinary path: addresses after a transfer name the repository by its id."""
    if match := re.match(r"/repositories/(\d+)(?=/)", path):
        state = world.repositories.get(match[1])
        return f"/repos/{state.full_name if state else 'no/body'}{path[match.end() :]}"
    return path
