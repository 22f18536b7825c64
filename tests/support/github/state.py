"""What a GitHub knows: people, tokens, repositories and all that is in them. No HTTP here."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.github.bare import BareRepository
from tests.support.github.clock import Clock
from tests.support.github.refused import Refused

ACTIONS_APP = 15368
DELETED_ISSUE = "This issue was deleted"
_FIRST_ID = 4_100_000_000  # far from any issue number, and more than 32 bits hold, as on GitHub


@dataclass(frozen=True)
class User:
    """A person, a bot or an organization."""

    login: str
    id: int
    kind: str = "User"  # User, Bot, Organization


@dataclass(frozen=True)
class App:
    """A GitHub App; GitHub Actions is one."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True)
class Token:
    """What a request shows; an installation token honours exactly its permissions."""

    value: str
    user: User
    app: App | None = None  # None: a person's token, with the rights of the person's role
    repository: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_job(self) -> bool:
        """Say whether this is a workflow's GITHUB_TOKEN: what it causes starts no workflow."""
        return self.app is not None and self.app.id == ACTIONS_APP


@dataclass
class Reaction:
    id: int
    user: User
    content: str
    created_at: datetime


@dataclass
class Comment:
    id: int
    author: User
    body: str
    created_at: datetime
    updated_at: datetime
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None  # the classifier it was hidden under


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass
class Pull:
    """What a pull request has beside its issue."""

    id: int
    head: str  # branch
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    fork: str | None = None  # where the head is, if in a fork
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    reviewers: list[User] = field(default_factory=list)


@dataclass
class Issue:
    """An issue, or a pull request where `pull` is set; `id` is the database id."""

    id: int
    number: int
    title: str
    body: str | None
    author: User
    created_at: datetime
    updated_at: datetime
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    parent: int | None = None  # ids of issues
    sub_issues: list[int] = field(default_factory=list)
    blocked_by: list[int] = field(default_factory=list)
    app: App | None = None
    pull: Pull | None = None
    deleted: bool = False
    moved_to: tuple[str, int] | None = None  # repository and number after a transfer


@dataclass
class CheckRun:
    id: int
    name: str
    head_sha: str
    app: App
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None = None
    details_url: str | None = None
    external_id: str = ""
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Status:
    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: datetime


@dataclass
class Job:
    id: int
    name: str
    status: str = "queued"
    conclusion: str | None = None
    run_attempt: int = 1


@dataclass
class Artifact:
    id: int
    run_id: int
    name: str
    data: bytes  # the zip
    created_at: datetime
    expired: bool = False

    @property
    def digest(self) -> str:
        """What the upload's digest output says."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


@dataclass
class Run:
    """A workflow run; a test's runner moves status, conclusion and jobs on."""

    id: int
    workflow: str  # file name
    event: str
    head_branch: str | None
    head_sha: str
    actor: User
    triggering_actor: User
    run_number: int
    created_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    run_attempt: int = 1
    cancel_requested: bool = False
    fork: str | None = None  # the head repository, if that is a fork
    jobs: list[Job] = field(default_factory=list)


@dataclass(frozen=True)
class Dispatch:
    """A workflow that somebody asked for: a test's runner takes these and runs them."""

    workflow: str  # file name
    ref: str  # as it was asked for: a branch or tag
    inputs: Mapping[str, str]
    run_id: int
    by: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """A webhook that starts workflows; what a job's token caused is not among them."""

    name: str
    payload: Mapping[str, Any]
    repository: str


@dataclass
class Settings:
    """Boxes an owner ticks; the defaults are those a bot hopes for."""

    actions_may_open_pulls: bool = True
    drafts: bool = True  # off in private repositories of free plans
    default_workflow_permissions: str = "read"
    sub_issues: bool = True  # off: GitHub, as an older Enterprise Server, has no such API
    dependencies: bool = True


@dataclass
class RepositoryState:
    """All that one repository holds, its git beside it."""

    id: int
    full_name: str
    owner: User
    default_branch: str
    private: bool
    created_at: datetime
    git: BareRepository
    parent: str | None = None  # what it is a fork of
    refs: dict[str, str] = field(default_factory=dict)  # as they were last looked at
    settings: Settings = field(default_factory=Settings)
    collaborators: dict[str, str] = field(default_factory=dict)  # login → role_name
    labels: list[Label] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)  # by number; pull requests too
    checks: list[CheckRun] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)
    reruns: list[int] = field(default_factory=list)  # run ids, as often as asked for
    rulesets: list[dict[str, Any]] = field(default_factory=list)

    def label(self, name: str) -> Label | None:
        """Find a label; GitHub does not tell upper from lower case here."""
        return next((each for each in self.labels if each.name.lower() == name.lower()), None)

    def comment(self, comment_id: int) -> tuple[Issue, Comment]:
        """Find a comment and where it stands."""
        for issue in self.issues.values():
            for comment in issue.comments:
                if comment.id == comment_id and not issue.deleted:
                    return issue, comment
        raise Refused(404, "Not Found")

    def open_pulls(self) -> Iterator[tuple[Issue, Pull]]:
        """Go through the pull requests that are open."""
        for issue in self.issues.values():
            if issue.pull and issue.state == "open":
                yield issue, issue.pull


class World:
    """Everything there is; whoever reads or changes it holds `lock`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.lock = threading.RLock()
        self.repositories: dict[str, RepositoryState] = {}
        self.tokens: dict[str, Token] = {}
        self.users: dict[str, User] = {}
        self.events: list[Event] = []
        self.actions_app = App(ACTIONS_APP, "github-actions", "GitHub Actions")
        self.web_url = self.api_url = ""  # where the server listens
        self._ids = itertools.count(_FIRST_ID, 7)
        for login, kind in (("github-actions[bot]", "Bot"), ("ghost", "User")):
            self.add_user(login, kind)

    def new_id(self) -> int:
        """Return an id nothing else has."""
        return next(self._ids)

    def add_user(self, login: str, kind: str = "User") -> User:
        """Make an account, or return the one there is."""
        return self.users.setdefault(login.lower(), User(login, self.new_id(), kind))

    def user(self, login: str) -> User:
        """Return an account that was made before."""
        return self.users[login.lower()]

    def repository(self, full_name: str) -> RepositoryState:
        """Find a repository by owner/name, or by id as addresses after a transfer have it."""
        found = self.repositories.get(full_name.lower())
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def forks(self, repository: RepositoryState) -> list[RepositoryState]:
        """Return the forks of a repository."""
        states = {state.id: state for state in self.repositories.values()}
        return [state for state in states.values() if state.parent == repository.full_name]

    def issue_by_id(self, issue_id: int) -> tuple[RepositoryState, Issue] | None:
        """Find an issue of any repository by its database id."""
        for repository in self.repositories.values():
            for issue in repository.issues.values():
                if issue.id == issue_id and not issue.deleted:
                    return repository, issue
        return None

    def new_token(
        self,
        user: User,
        *,
        app: App | None = None,
        repository: str = "",
        permissions: Mapping[str, str] | None = None,
    ) -> Token:
        """Mint a token of today's shape: installation tokens are long and have dots in them."""
        number = self.new_id()
        value = f"ghp_{number:036d}" if app is None else _installation_token(app.id, number)
        token = Token(value, user, app, repository, dict(permissions or {}))
        self.tokens[value] = token
        return token

    def until(self, **delta: float) -> datetime:
        """Return a time so far from now."""
        return self.clock.now() + timedelta(**delta)


def _installation_token(app: int, number: int) -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, {"iss": app, "jti": f"{number:0200d}"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return f"ghs_{app}_{'.'.join(part.rstrip('=') for part in encoded)}.fake-_{number:0100d}"
