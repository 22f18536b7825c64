"""Pull request, check runs and live comment, each made or changed only where it must be."""

from __future__ import annotations

from bot.adapters.github.errors import NotFound, Refusal
from bot.adapters.github.values import Annotation, NewCheck, Pull
from bot.core.base import digest
from bot.core.events import RunStatus
from bot.core.github.checks import overrides_of
from bot.core.github.presence import PullRequest, marker
from bot.drivers.github.canvas import ABSENT, Canvas
from bot.drivers.github.sub_issues import SubIssues
from bot.errors import BotError
from bot.render.github.checks import CheckOutput, check_output
from bot.render.github.live_comment import live_comment
from bot.render.github.pull_request import pull_body, pull_title


class Exhibit:
    """Shows a run's pull request, checks and comment."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def build(self) -> BotError | None:
        """Make and change what is not as it should be; return what ended it before its time."""
        issues = SubIssues(self._canvas)
        steps = (self._pull, self._checks, self._comment, issues.show, self._comment)
        try:
            for step in steps:
                step()
        except BotError as error:
            return error
        return None

    def _pull(self) -> None:
        state = self._canvas.state
        if state.integration is None or state.request is None:
            return
        if state.integration.head_sha == state.request.base_sha:
            return
        if state.cancelled and self._canvas.presence.pull is None:
            return
        head = state.integration.head_sha
        self._canvas.keep(conflicts=self._canvas.conflicts(state.request.base_ref, head))
        pull = self._canvas.presence.pull or self._open_pull()
        if pull is None:
            return
        self._canvas.keep(pull=pull)
        title, body = pull_title(state), self._pull_body()
        shown = digest(title, body)
        if pull.shown != shown:
            self._canvas.hub.pulls.edit(pull.number, title=title, body=body)
            pull = pull.model_copy(update={"shown": shown})
        if pull.draft and state.status is RunStatus.PASSED:
            self._canvas.hub.pulls.mark_ready(pull.node_id)
            pull = pull.model_copy(update={"draft": False})
        self._canvas.keep(pull=pull)

    def _open_pull(self) -> PullRequest | None:
        state = self._canvas.state
        assert state.request is not None, "somebody asked for the run"
        assert state.integration is not None, "there is a branch to open it for"
        title, body = pull_title(state), self._pull_body()
        head, base = state.integration.branch, state.request.base_ref
        try:
            found = self._canvas.hub.pulls.find(head) if self._canvas.search else None
            made = found or self._canvas.hub.pulls.open(title, body, head, base, draft=True)
        except Refusal as error:
            self._canvas.because("pull", f"{error.what} {error.fix}".strip())
            return None
        self._canvas.because("pull", "")
        if not found and not made.draft:
            why = "GitHub has none here, so the pull request is ready before its checks are"
            self._canvas.because("draft", why)
        self._canvas.hub.pulls.request_review(made.number, state.request.by)
        return _pull_request(made, digest(title, body) if not found else "")

    def _pull_body(self) -> str:
        request = self._canvas.state.request
        by = request.by if request else ""
        return pull_body(
            self._canvas.run,
            self._canvas.state,
            self._canvas.events,
            self._canvas.presence,
            self._canvas.links,
            by,
        )

    def _checks(self) -> None:
        head, overrides = self._canvas.state.head_sha, overrides_of(self._canvas.events)
        for gate, result in self._canvas.state.results.items():
            output = check_output(result, overrides.get(gate))
            shown = digest(head, output.conclusion, output.title, output.summary, output.text)
            if head is None or self._canvas.presence.checks.get(gate.value) == shown:
                continue
            check = new_check(output, head, shown)
            if not (self._canvas.search and self._is_published(check)):
                self._canvas.hub.checks.create(check)
            self._canvas.keep(checks={**self._canvas.presence.checks, gate.value: shown})

    def _is_published(self, check: NewCheck) -> bool:
        there = self._canvas.hub.checks.on(check.head_sha, check.name)
        return any(found.external_id == check.external_id for found in there)

    def _comment(self) -> None:
        presence, links = self._canvas.presence, self._canvas.links
        body = live_comment(
            self._canvas.run, self._canvas.state, self._canvas.events, presence, links
        )
        shown = digest(body)
        if presence.comment is not None and presence.comment_shown == shown:
            return
        mark = marker(self._canvas.run, "live")
        comments = self._canvas.hub.comments
        try:
            known = presence.comment
            if known is None and self._canvas.search:
                found = comments.find(presence.issue, mark)
                known = found.id if found else None
            if known is None:
                known = comments.create(presence.issue, body, mark).id
            else:
                known = self._edit_comment(known, body, mark)
        except ABSENT as error:
            self._canvas.because("comment", error.what)
            return
        self._canvas.keep(comment=known, comment_shown=shown)

    def _edit_comment(self, comment: int, body: str, mark: str) -> int:
        try:
            return self._canvas.hub.comments.edit(comment, body).id
        except NotFound:  # somebody deleted it
            return self._canvas.hub.comments.create(self._canvas.presence.issue, body, mark).id


def _pull_request(pull: Pull, shown: str) -> PullRequest:
    return PullRequest(number=pull.number, node_id=pull.node_id, draft=pull.draft, shown=shown)


def new_check(output: CheckOutput, head: str, external_id: str) -> NewCheck:
    """Make a check run of what a gate says of a commit."""
    return NewCheck(
        name=output.name,
        head_sha=head,
        conclusion=output.conclusion,
        title=output.title,
        summary=output.summary,
        external_id=external_id,
        text=output.text,
        annotations=tuple(
            Annotation(a.path, a.line, a.line, a.level, a.message, a.title)
            for a in output.annotations
        ),
    )
