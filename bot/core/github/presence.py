"""What a run has on GitHub: which issue, comment, sub-issues and pull request are its own.

Kept as `github.json` beside the run's events, so that a job need not search for them. It is a
memory, not the truth: what is missing from it is looked for by its hidden marker before it is made.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.core.base import Moment, RunId, Strict, WorkstreamId

FILE = "github.json"


class SubIssue(Strict):
    """An issue of ours for one workstream; `id` is GitHub's database id, never the number."""

    number: int
    id: int
    linked: bool = False  # as a sub-issue of the run's issue; else the task list names it
    needs: tuple[WorkstreamId, ...] = ()  # dependencies that GitHub knows of
    closed: bool = False
    shown: str = ""  # digest of the body as it was last written
    waiting: str = ""  # for what, as that body says


class PullRequest(Strict):
    """The run's pull request; `node_id` is what GraphQL calls it."""

    number: int
    node_id: str
    draft: bool = True
    shown: str = ""  # digest of title and body as they were last written


class Pen(Strict):
    """Who shows the run right now; others leave it to them until then."""

    by: str
    until: Moment


class Presence(Strict):
    """What was made for a run, by whoever made it."""

    version: Literal[1] = 1
    issue: int
    shown: int = 0  # events of the record that all of it has been shown of
    comment: int | None = None
    sub_issues: dict[WorkstreamId, SubIssue] = Field(default_factory=dict)
    comment_shown: str = ""  # digest of the comment as it was last written
    pull: PullRequest | None = None
    checks: dict[str, str] = Field(default_factory=dict)  # by gate: digest of what was published
    conflicts: tuple[str, ...] = ()  # files in which the default branch moved away
    # What could not be made, and why: sub_issues, more (of them), links, pull, draft, comment.
    because: dict[str, str] = Field(default_factory=dict)
    pen: Pen | None = None

    def numbers(self) -> dict[str, int | None]:
        """Return the issue's and the pull request's number, as reports have them."""
        return {"issue": self.issue, "pull_request": self.pull.number if self.pull else None}


def marker(run: RunId, what: str) -> str:
    """Return the hidden line that names an object of ours, as it stands in its body."""
    return f"<!-- orchestrate:{run}:{what} -->"
