"""What anybody does on GitHub, by hand or by API: state changes, and an event is told of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.support.github.refused import Refused, invalid
from tests.support.github.state import (
    DELETED_ISSUE,
    Comment,
    Event,
    Issue,
    Label,
    Reaction,
    RepositoryState,
    Token,
    World,
)
from tests.support.github.views import Json
from tests.support.github.views_work import WorkViews

LONGEST_BODY = 65_536
LONGEST_TITLE = 256
LONGEST_LABEL = 50
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)", re.IGNORECASE)

Payload = Callable[[], Json]


class Acts:
    """Carries out acts for `by`, the token or person behind them; rules are checked before."""

    def __init__(self, world: World, views: WorkViews, check_event: Callable[..., None]) -> None:
        self.world = world
        self.views = views
        self._check_event = check_event

    def emit(self, name: str, repository: RepositoryState, by: Token, payload: Payload) -> Json:
        """Tell of an event; what a job's token caused starts nothing but dispatches."""
        if by.is_job and name not in ("workflow_dispatch", "repository_dispatch"):
            return {}
        drawn = payload() | {
            "repository": self.views.repository(repository),
            "sender": self.views.user(by.user),
        }
        self._check_event(name, drawn)
        self.world.events.append(Event(name, drawn, repository.full_name))
        return drawn

    # Issues

    def find_issue(self, repository: RepositoryState, number: int) -> Issue:
        """Find an issue; 410 when deleted, 301 to where it was transferred."""
        issue = repository.issues.get(number)
        if issue is None:
            raise Refused(404, "Not Found")
        if issue.deleted:
            raise Refused(410, DELETED_ISSUE)
        if issue.moved_to:
            target, new_number = issue.moved_to
            place = f"/repositories/{self.world.repository(target).id}/issues/{new_number}"
            location = self.world.api_url + place
            raise Refused(301, "Moved Permanently", headers={"Location": location})
        return issue

    def new_issue(
        self, repository: RepositoryState, by: Token, title: object, body: str | None
    ) -> Issue:
        """Make an issue under the next number, without telling of it."""
        self.check_title("Issue", title)
        check_body("Issue", body)
        now = self.world.clock.now()
        issue = Issue(
            id=self.world.new_id(),
            number=max(repository.issues, default=0) + 1,
            title=str(title),
            body=body,
            author=by.user,
            created_at=now,
            updated_at=now,
            app=by.app,
        )
        repository.issues[issue.number] = issue
        return issue

    def open_issue(
        self,
        repository: RepositoryState,
        by: Token,
        title: object,
        body: str | None,
        labels: list[str],
    ) -> tuple[Issue, Json]:
        """Open an issue; labels it is born with raise `opened` and `labeled`."""
        for name in labels:
            check_label(name)
        issue = self.new_issue(repository, by, title, body)
        for name in labels:
            self._put_label(repository, issue, name)
        opened = self._tell(repository, issue, by, "opened")
        for name in issue.labels:
            self._tell_label(repository, issue, by, "labeled", name)
        return issue, opened

    def edit_issue(
        self, repository: RepositoryState, issue: Issue, by: Token, **changes: str | None
    ) -> Json:
        """Change title or body."""
        before = {name: {"from": getattr(issue, name) or ""} for name in changes}
        if "title" in changes:
            self.check_title("Issue", changes["title"])
        check_body("Issue", changes.get("body"))
        for name, value in changes.items():
            setattr(issue, name, value)
        self.touch(issue)
        return self._tell(repository, issue, by, "edited", changes=before)

    def set_state(
        self,
        repository: RepositoryState,
        issue: Issue,
        by: Token,
        state: str,
        reason: str | None = None,
    ) -> Json:
        """Close or reopen an issue or pull request; nothing happens where it is so already."""
        if issue.state == state:
            issue.state_reason = reason or issue.state_reason
            return {}
        closed = state == "closed"
        issue.state = state
        issue.state_reason = (reason or "completed") if closed else "reopened"
        issue.closed_at = self.world.clock.now() if closed else None
        issue.closed_by = by.user if closed else None
        if issue.pull:
            issue.state_reason = None
        self.touch(issue)
        return self._tell(repository, issue, by, "closed" if closed else "reopened")

    def add_label(
        self, repository: RepositoryState, issue: Issue, by: Token, name: str
    ) -> Json:  # fmt: skip
        """Put a label on, making it where the repository has none of that name."""
        check_label(name)
        if not self._put_label(repository, issue, name):
            return {}
        self.touch(issue)
        return self._tell_label(repository, issue, by, "labeled", name)

    def remove_label(
        self, repository: RepositoryState, issue: Issue, by: Token, name: str
    ) -> Json:  # fmt: skip
        """Take a label off; 404 where it is not on."""
        on = next((each for each in issue.labels if each.lower() == name.lower()), None)
        if on is None:
            raise Refused(404, "Label does not exist")
        issue.labels.remove(on)
        self.touch(issue)
        return self._tell_label(repository, issue, by, "unlabeled", on)

    def delete_issue(self, repository: RepositoryState, issue: Issue, by: Token) -> Json:
        """Delete an issue for good, as an administrator may."""
        told = self._tell(repository, issue, by, "deleted")
        issue.deleted = True
        return told

    def transfer_issue(
        self, repository: RepositoryState, issue: Issue, by: Token, target: RepositoryState
    ) -> Json:
        """Move an issue to another repository, where it gets a number and an id of its own."""
        moved = self.new_issue(target, by, issue.title, issue.body)
        moved.author, moved.comments = issue.author, issue.comments
        changes = {
            "new_issue": self.views.told_issue(target, moved),
            "new_repository": self.views.repository(target),
        }
        told = self._tell(repository, issue, by, "transferred", changes=changes)
        issue.moved_to, issue.comments = (target.full_name, moved.number), []
        return told

    # Comments and reactions

    def add_comment(
        self, repository: RepositoryState, issue: Issue, by: Token, body: object
    ) -> tuple[Comment, Json]:
        """Write a comment."""
        self._check_comment(body)
        now = self.world.clock.now()
        comment = Comment(self.world.new_id(), by.user, str(body), now, now, by.app)
        issue.comments.append(comment)
        self.touch(issue)
        return comment, self._tell_comment(repository, issue, comment, by, "created")

    def edit_comment(
        self, repository: RepositoryState, issue: Issue, comment: Comment, by: Token, body: object
    ) -> Json:
        """Change a comment's text."""
        self._check_comment(body)
        changes = {"body": {"from": comment.body}}
        comment.body, comment.updated_at = str(body), self.world.clock.now()
        return self._tell_comment(repository, issue, comment, by, "edited", changes=changes)

    def delete_comment(
        self, repository: RepositoryState, issue: Issue, comment: Comment, by: Token
    ) -> Json:
        """Delete a comment."""
        issue.comments.remove(comment)
        return self._tell_comment(repository, issue, comment, by, "deleted")

    def react(self, reactions: list[Reaction], by: Token, content: str) -> tuple[Reaction, bool]:
        """React, and say whether that is new; everybody has each reaction once."""
        for reaction in reactions:
            if (reaction.user, reaction.content) == (by.user, content):
                return reaction, False
        made = Reaction(self.world.new_id(), by.user, content, self.world.clock.now())
        reactions.append(made)
        return made, True

    # What both sides need

    def touch(self, issue: Issue) -> None:
        """Note that something about an issue changed now."""
        issue.updated_at = self.world.clock.now()

    def new_label(self, repository: RepositoryState, name: str) -> Label:
        """Make a label."""
        check_label(name)
        label = Label(self.world.new_id(), name)
        repository.labels.append(label)
        return label

    @staticmethod
    def check_title(resource: str, title: object) -> None:
        """Refuse what is no title."""
        if not isinstance(title, str) or not title.strip():
            raise invalid(resource, "missing_field", field="title")
        if len(title) > LONGEST_TITLE:
            said = f"title is too long (maximum is {LONGEST_TITLE} characters)"
            raise invalid(resource, said, field="title")

    @staticmethod
    def _check_comment(body: object) -> None:
        if not isinstance(body, str) or not body.strip():
            raise invalid("IssueComment", "Body cannot be blank", field="data")
        check_body("IssueComment", body)

    def _put_label(self, repository: RepositoryState, issue: Issue, name: str) -> bool:
        label = repository.label(name) or self.new_label(repository, name)
        if label.name in issue.labels:
            return False
        issue.labels.append(label.name)
        return True

    def _tell(
        self, repository: RepositoryState, issue: Issue, by: Token, action: str, **more: Any
    ) -> Json:
        if issue.pull:
            return self.tell_pull(repository, issue, by, action, **more)
        return self.emit(
            "issues", repository, by,
            lambda: {"action": action, "issue": self.views.told_issue(repository, issue), **more},
        )  # fmt: skip

    def _tell_label(
        self, repository: RepositoryState, issue: Issue, by: Token, action: str, name: str
    ) -> Json:
        label = repository.label(name)
        assert label is not None
        drawn = self.views.label(repository, label)
        return self._tell(repository, issue, by, action, label=drawn)

    def _tell_comment(
        self,
        repository: RepositoryState,
        issue: Issue,
        comment: Comment,
        by: Token,
        action: str,
        **more: Any,
    ) -> Json:
        return self.emit(
            "issue_comment", repository, by,
            lambda: {
                "action": action,
                "issue": self.views.told_issue(repository, issue),
                "comment": self.views.comment(repository, issue, comment),
                **more,
            },
        )  # fmt: skip

    def tell_pull(
        self, repository: RepositoryState, issue: Issue, by: Token, action: str, **more: Any
    ) -> Json:
        """Tell of something that happened to a pull request."""
        return self.emit(
            "pull_request", repository, by,
            lambda: {
                "action": action,
                "number": issue.number,
                "pull_request": self.views.pull(repository, issue),
                **more,
            },
        )  # fmt: skip


def check_body(resource: str, body: object) -> None:
    """Refuse a text longer than GitHub takes."""
    if isinstance(body, str) and len(body) > LONGEST_BODY:
        raise invalid(
            resource, f"body is too long (maximum is {LONGEST_BODY} characters)", field="body"
        )


def check_label(name: object) -> None:
    """Refuse what is no label's name."""
    if not isinstance(name, str) or not name.strip():
        raise invalid("Label", "missing_field", field="name")
    if len(name) > LONGEST_LABEL:
        said = f"name is too long (maximum is {LONGEST_LABEL} characters)"
        raise invalid("Label", said, field="name")


def closed_by_merging(text: str | None) -> list[int]:
    """Return the issues that a pull request's text closes when it is merged."""
    return [int(number) for number in _CLOSES.findall(text or "")]
