"""The fake GitHub as a test starts it: one server for REST, GraphQL, git and the storage."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.github import openapi
from tests.support.github.acts_work import WorkActs
from tests.support.github.answering import API, GRAPHQL, Answering, Exchange
from tests.support.github.bare import BareRepository
from tests.support.github.clock import Clock
from tests.support.github.faults import Armed, Fault, Faults
from tests.support.github.limits import Limits
from tests.support.github.repository import FakeRepository
from tests.support.github.server import Server
from tests.support.github.state import App, Event, RepositoryState, User, World
from tests.support.github.views_work import WorkViews


class FakeGithub:
    """A GitHub of one test's own; see the package for how it is used."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="fake-github-"))
        self.world = World(self._folder)
        self.clock: Clock = self.world.clock
        self.limits = Limits(self.clock)
        self.faults = Faults()
        self.violations: list[str] = []
        self._described = openapi.description() if openapi.available() else None
        self._views = WorkViews(self.world)
        self._acts = WorkActs(self.world, self._views, self._check_event)
        answering = Answering(
            self.world, self._acts, self.limits, self.faults, self._described, self.violations
        )
        self.requests: list[Exchange] = answering.log
        self._server = Server(answering)
        self.url = self.world.web_url = self._server.url
        self.api_url = self.world.api_url = f"{self.url}{API}"
        self.graphql_url = f"{self.url}{GRAPHQL}"
        self.create_repository("somebody/else")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        unmet = (f"nobody met {armed}" for armed in self.faults.waiting)
        said = [*self.violations, *unmet, *self._server.broken]
        if said and error is None:
            raise AssertionError("\n".join(("The fake GitHub saw what GitHub would not:", *said)))
        if error is not None:
            for each in said:
                error.add_note(each)

    # What a test sets up

    def create_repository(
        self,
        full_name: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        default_branch: str = "main",
        private: bool = False,
    ) -> FakeRepository:
        """Make a repository with one commit; its owner is an organization unless known before."""
        owner = self.world.add_user(full_name.split("/")[0], "Organization")
        number = self.world.new_id()
        git = BareRepository.make(self._folder / f"{number}.git", default_branch)
        if files:
            git.commit(default_branch, files, message="Start", by=owner.login)
        state = RepositoryState(
            number, full_name, owner, default_branch, private, self.clock.now(), git
        )
        state.refs = git.refs() if files else {}
        self.world.repositories[full_name.lower()] = state
        self.world.repositories[str(number)] = state
        return self.repository(full_name)

    def fork(self, full_name: str, *, by: str) -> FakeRepository:
        """Fork a repository for somebody; what is pushed there moves its pull requests here."""
        parent = self.world.repository(full_name)
        name = f"{by}/{full_name.split('/')[1]}"
        made = self.create_repository(name, default_branch=parent.default_branch)
        made.git.git("fetch", "--quiet", str(parent.git.path), "refs/heads/*:refs/heads/*")
        made.state.refs, made.state.parent = made.git.refs(), parent.full_name
        return made

    def repository(self, full_name: str) -> FakeRepository:
        """Return a repository made before."""
        return FakeRepository(self.world, self._acts, self.world.repository(full_name))

    def add_user(self, login: str, kind: str = "User") -> User:
        """Make an account: User, Bot or Organization."""
        return self.world.add_user(login, kind)

    def job_token(self, full_name: str, permissions: Mapping[str, str]) -> str:
        """Mint a job's GITHUB_TOKEN; `pull-requests` and `pull_requests` are the same."""
        return self.app_token(full_name, permissions, app=self.world.actions_app)

    def app_token(
        self, full_name: str, permissions: Mapping[str, str], *, app: App | None = None
    ) -> str:
        """Mint a token of an App of the owner's own: what it causes starts workflows."""
        app = app or App(777_001, "acme-orchestrate", "Acme Orchestrate")
        bot = self.world.add_user(f"{app.slug}[bot]", "Bot")
        granted = {name.replace("-", "_"): level for name, level in permissions.items()}
        token = self.world.new_token(bot, app=app, repository=full_name, permissions=granted)
        return token.value

    def user_token(self, login: str) -> str:
        """Mint a person's token; it may what the person's role may."""
        return self.world.new_token(self.world.user(login)).value

    def fail(
        self,
        *,
        how: Fault,
        nth: int = 1,
        on: str = "api",
        method: str | None = None,
        path: str = "",
    ) -> Armed:
        """Arm a fault for the nth request from now that fits; unmet ones fail the test.

        `on` is api (REST and GraphQL), push or fetch; `path` is searched for as a pattern.
        """
        kind = "push" if how is Fault.PUSH_REJECTED else on
        armed = Armed(how, nth, kind, method, re.compile(path))
        self.faults.waiting.append(armed)
        return armed

    # What a test asks

    @property
    def events(self) -> list[Event]:
        """Webhooks that start workflows, in order; a test's runner takes them from here."""
        return self.world.events

    def counted(self) -> int:
        """How many requests count against the limit: REST and GraphQL, but /rate_limit."""
        return sum(
            each.kind in ("rest", "graphql") and each.path != "/rate_limit"
            for each in self.requests
        )

    def take_violations(self) -> list[str]:
        """Return what was wrong so far, and forget it: for tests that do wrong on purpose."""
        taken, self.violations[:] = list(self.violations), []
        return taken

    def _check_event(self, event: str, payload: Mapping[str, Any]) -> None:
        if self._described and event != "repository_dispatch":  # known by its sample only
            self.violations += self._described.check_event(event, payload)
