"""What the workflows are told by GitHub: events, read leniently and bounded.

Unknown fields are ignored, for GitHub adds some every month; a known one of a wrong type makes the
event unusable, for then something is not what we take it for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.core.documents import spell

MAX_BYTES = 26_000_000  # GitHub sends at most 25 MB

_Id = Annotated[int, Field(ge=1, lt=2**63)]
_Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
_RefName = Annotated[str, Field(min_length=1, max_length=1_024)]
_Repository = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-][.]*$", max_length=201),
]
_Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}(\[bot\])?$")]
_Title = Annotated[str, Field(max_length=4_000)]
_Action = Annotated[str, Field(max_length=100)]
_Text = Annotated[
    str, Field(max_length=300_000), BeforeValidator(lambda text: "" if text is None else text)
]


class _Lenient(BaseModel):
    """Something of GitHub's: what we do not know of it is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Account(_Lenient):
    """Who did something. A login that ends in [bot] is a bot's: nobody can register such a name."""

    login: _Login
    type: Annotated[str, Field(max_length=40)] = "User"

    @property
    def is_bot(self) -> bool:
        """Whether no person is behind it."""
        return self.type == "Bot" or self.login.endswith("[bot]")

    @classmethod
    def named(cls, login: str) -> Account:
        """Make an account of a login alone; GHOST where it can be nobody's."""
        try:
            return cls(login=login)
        except ValidationError:
            return GHOST


GHOST = Account(login="ghost")
_Somebody = Annotated[
    Account, BeforeValidator(lambda account: GHOST if account is None else account)
]


class Repository(_Lenient):
    """The repository that an event is about."""

    id: _Id
    full_name: _Repository
    default_branch: _RefName
    private: bool


class Label(_Lenient):
    """A label by its name."""

    name: Annotated[str, Field(max_length=200)]


class _Pull(_Lenient):
    """What an issue has that is a pull request."""


class Issue(_Lenient):
    """An issue as it was when the event happened; `id` is GitHub's database id."""

    number: _Id
    id: _Id
    node_id: Annotated[str, Field(max_length=200)] = ""
    title: _Title
    body: _Text = ""
    labels: Annotated[tuple[Label, ...], Field(max_length=500)] = ()
    user: _Somebody = GHOST
    html_url: Annotated[str, Field(max_length=2_000)] = ""
    state: Literal["open", "closed"] = "open"
    pull_request: _Pull | None = None

    @property
    def is_pull_request(self) -> bool:
        """Whether `number` is a pull request's; comments on both come as those on an issue."""
        return self.pull_request is not None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels it has."""
        return tuple(label.name for label in self.labels)


class Comment(_Lenient):
    """A comment as it was written."""

    id: _Id
    body: _Text = ""
    user: _Somebody = GHOST
    created_at: Annotated[str, Field(max_length=40)]


class _Event(_Lenient):
    """What every event has; `sender` is who caused it."""

    repository: Repository
    sender: _Somebody = GHOST


class Labeled(_Event):
    """A label was put on an issue or pull request, by the sender."""

    issue: Issue
    label: Label


class Opened(_Event):
    """An issue was opened."""

    issue: Issue


class Commented(_Event):
    """A comment was written on an issue or pull request."""

    issue: Issue
    comment: Comment


class Dispatched(_Event):
    """The workflow was started by hand, or by us, with these inputs."""

    inputs: Annotated[
        dict[str, Annotated[str, Field(max_length=65_535)]],
        Field(max_length=25),
        BeforeValidator(lambda inputs: {} if inputs is None else inputs),
    ] = Field(default_factory=dict)
    ref: _RefName = "HEAD"


class Scheduled(_Lenient):
    """The clock started the workflow."""

    schedule: Annotated[str, Field(max_length=200)] = ""
    repository: Repository | None = None


class _RepositoryName(_Lenient):
    full_name: _Repository


class _Side(_Lenient):
    """A branch of a pull request; without a repository: the fork was deleted."""

    ref: _RefName
    sha: _Sha
    repo: _RepositoryName | None = None


class Pull(_Lenient):
    """A pull request as it was when the event happened."""

    number: _Id
    node_id: Annotated[str, Field(max_length=200)] = ""
    title: _Title = ""
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    merged: bool | None = None
    user: _Somebody = GHOST
    head: _Side
    base: _Side


class PullRequested(_Event):
    """Something happened to a pull request: `action` says what."""

    action: _Action
    pull_request: Pull

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether the head is a fork's, or nobody knows whose any more."""
        head = self.pull_request.head.repo
        return head is None or head.full_name.lower() != self.repository.full_name.lower()

    @property
    def has_a_token_that_only_reads(self) -> bool:
        """Whether GitHub gives this event's jobs no right to write."""
        return self.is_from_elsewhere or self.sender.login == "dependabot[bot]"


class MergeGroup(_Lenient):
    """Commits that a merge queue wants checked together."""

    head_sha: _Sha
    head_ref: _RefName
    base_sha: _Sha
    base_ref: _RefName


class MergeGrouped(_Event):
    """A merge queue wants checks."""

    merge_group: MergeGroup


class WorkflowRun(_Lenient):
    """A run of another workflow; `name` may be chosen on a branch, `file` is what it is."""

    id: _Id
    name: Annotated[str, Field(max_length=1_000)] | None = None
    path: Annotated[str, Field(max_length=1_000)]
    event: Annotated[str, Field(max_length=100)]
    conclusion: Annotated[str, Field(max_length=40)] | None = None
    head_sha: _Sha
    head_branch: _RefName | None = None
    head_repository: _RepositoryName | None = None
    run_attempt: Annotated[int, Field(ge=1)] = 1

    @property
    def file(self) -> str:
        """The workflow's file, without the ref that GitHub sometimes puts behind it."""
        return self.path.partition("@")[0]


class WorkflowRan(_Event):
    """A run of another workflow ended."""

    workflow_run: WorkflowRun


class Ignored(_Lenient):
    """An event that asks nothing of us."""

    why: str


class Unusable(_Lenient):
    """A payload that is not what GitHub sends."""

    why: str


_Known = (
    Labeled
    | Opened
    | Commented
    | Dispatched
    | Scheduled
    | PullRequested
    | MergeGrouped
    | WorkflowRan
)
Event = _Known | Ignored | Unusable

_EVENTS: Mapping[tuple[str, str], type[_Known]] = {
    ("issues", "labeled"): Labeled,
    ("issues", "opened"): Opened,
    ("issue_comment", "created"): Commented,
    ("workflow_dispatch", ""): Dispatched,
    ("schedule", ""): Scheduled,
    ("merge_group", "checks_requested"): MergeGrouped,
    ("workflow_run", "completed"): WorkflowRan,
}


class _Peek(_Lenient):
    action: _Action = ""


def read_event(name: str, payload: bytes) -> Event:
    """Read the payload of an event, of which `name` is GITHUB_EVENT_NAME."""
    if len(payload) > MAX_BYTES:
        return Unusable(why=f"the payload has {len(payload):,} bytes, of at most {MAX_BYTES:,}")
    try:
        action = _Peek.model_validate_json(payload).action
        kind = PullRequested if name == "pull_request" else _EVENTS.get((name, action))
        if kind is None:
            return Ignored(why=f"nothing is done at {name} {action}".rstrip())
        return kind.model_validate_json(payload)
    except ValidationError as error:
        return Unusable(why=f"the payload of {name} is not what GitHub sends: {_first(error)}")


def _first(error: ValidationError) -> str:
    detail = error.errors(include_input=False, include_url=False)[0]
    place = spell(tuple(detail["loc"]))
    return f"{place + ': ' if place else ''}{detail['msg']}"
