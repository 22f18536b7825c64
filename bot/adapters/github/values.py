"""What GitHub says of a thing, as far as the bot reads it; what it adds to that is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

GHOST = "ghost"  # whose account is gone

Text = Annotated[str, BeforeValidator(lambda text: "" if text is None else text)]
Present = Annotated[bool, BeforeValidator(lambda value: value not in (None, False))]
State = Literal["open", "closed"]
Conclusion = Literal[
    "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"
]
Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


class Part(BaseModel):
    """A part of an answer: immutable, and open to fields that we do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True)


class Repository(Part):
    """The repository itself. `permissions` are the token's own, where GitHub says them."""

    id: int
    full_name: str
    default_branch: str
    private: bool
    permissions: dict[str, bool] = Field(default_factory=dict)


class Permission(Part):
    """What somebody may do: `permission` knows no maintain and triage, `role_name` any role."""

    permission: str = "none"
    role_name: str = ""


class Label(Part):
    """A label on an issue."""

    name: str


class Issue(Part):
    """An issue or a pull request. `id` is the database id that links go by."""

    number: int
    id: int
    html_url: str
    title: str = ""
    body: Text = ""
    state: State
    author: str = Field(GHOST, validation_alias=AliasPath("user", "login"))
    labels: tuple[Label, ...] = ()
    is_pull: Present = Field(False, validation_alias="pull_request")


class Comment(Part):
    """A comment on an issue or pull request."""

    id: int
    html_url: str
    body: Text = ""
    author: str = Field(GHOST, validation_alias=AliasPath("user", "login"))
    created_at: datetime


class Pull(Part):
    """A pull request. `head_repository` is None where the fork it came from is gone."""

    number: int
    node_id: str
    html_url: str
    title: str
    body: Text = ""
    state: State
    draft: bool = False
    merged_at: datetime | None = None
    author: str = Field(GHOST, validation_alias=AliasPath("user", "login"))
    head_sha: str = Field(validation_alias=AliasPath("head", "sha"))
    head_branch: str = Field(validation_alias=AliasPath("head", "ref"))
    head_repository: str | None = Field(
        None, validation_alias=AliasPath("head", "repo", "full_name")
    )
    base_sha: str = Field(validation_alias=AliasPath("base", "sha"))
    base_branch: str = Field(validation_alias=AliasPath("base", "ref"))

    @property
    def merged(self) -> bool:
        """Whether it was merged, not only closed."""
        return self.merged_at is not None


class PullFile(Part):
    """A file that a pull request changes."""

    filename: str
    status: str  # added, removed, modified, renamed, copied, changed, unchanged
    previous_filename: str | None = None
    additions: int = 0
    deletions: int = 0


@dataclass(frozen=True)
class Annotation:
    """A remark on lines of a file at the check's commit."""

    path: str
    start_line: int
    end_line: int
    level: Literal["notice", "warning", "failure"]
    message: str
    title: str = ""


@dataclass(frozen=True)
class NewCheck:
    """A finished check to publish. `external_id` tells it from others of its name.

    GitHub takes at most 65,535 characters each of `summary` and `text`, in Markdown.
    """

    name: str
    head_sha: str
    conclusion: Conclusion
    title: str
    summary: str
    external_id: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()
    details_url: str | None = None


class Check(Part):
    """A check run. `conclusion` is None until it is completed."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    external_id: Text = ""
    html_url: Text = ""
    app_id: int | None = Field(None, validation_alias=AliasPath("app", "id"))
    annotations_count: int = Field(0, validation_alias=AliasPath("output", "annotations_count"))


class WorkflowRun(Part):
    """A run of a workflow. `path` is the workflow's file, with @ref where it was called so."""

    id: int
    html_url: str
    path: str
    event: str
    status: Text = ""
    conclusion: str | None = None
    head_sha: str
    head_branch: str | None = None
    head_repository: str | None = Field(
        None, validation_alias=AliasPath("head_repository", "full_name")
    )
    run_attempt: int = 1
    actor: str = Field(GHOST, validation_alias=AliasPath("actor", "login"))
    triggering_actor: str = Field(GHOST, validation_alias=AliasPath("triggering_actor", "login"))


class Dispatched(Part):
    """What a dispatch started; older servers do not say."""

    workflow_run_id: int | None = None


class Artifact(Part):
    """An artifact; `size_in_bytes` is that of the zip. `run_id` made it, at `head_sha`."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool
    run_id: int | None = Field(None, validation_alias=AliasPath("workflow_run", "id"))
    head_sha: str | None = Field(None, validation_alias=AliasPath("workflow_run", "head_sha"))


class RequiredCheck(Part):
    """A check that has to pass; `integration_id` is the app that has to say so, if any."""

    context: str
    integration_id: int | None = None


class Rule(Part):
    """A rule for a branch, with the checks that it requires."""

    type: str
    required_checks: tuple[RequiredCheck, ...] = Field(
        (), validation_alias=AliasPath("parameters", "required_status_checks")
    )


class Ruleset(Part):
    """A ruleset of the repository. Lists leave `rules` out; asking for one gives them."""

    id: int
    name: str
    enforcement: str  # disabled, active, evaluate
    rules: tuple[Rule, ...] = ()


class WorkflowPermissions(Part):
    """What the settings give workflows."""

    default_workflow_permissions: Literal["read", "write"]
    can_approve_pull_request_reviews: bool


class RateLimit(Part):
    """Requests an hour that the token has, and had; `reset` is when they are full again."""

    limit: int = Field(validation_alias=AliasPath("resources", "core", "limit"))
    remaining: int = Field(validation_alias=AliasPath("resources", "core", "remaining"))
    reset: datetime = Field(validation_alias=AliasPath("resources", "core", "reset"))
