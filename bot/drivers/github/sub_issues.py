"""An issue for each workstream, below the run's own: made once, linked, told how it went."""

from __future__ import annotations

from bot.adapters.github.errors import NotOffered, Refusal
from bot.core.base import digest
from bot.core.github.presence import SubIssue, marker
from bot.core.graph import reduced
from bot.core.plan import Workstream
from bot.core.report import open_questions
from bot.core.state import WorkstreamStatus
from bot.core.waiting import waits
from bot.drivers.github.canvas import ABSENT, Canvas
from bot.render.github.sub_issue import Page, closing_reason, sub_issue_body, sub_issue_title

MOST_SUB_ISSUES = 100  # GitHub's own limit under one issue
MOST_WITH_LINKS = 50  # workstreams up to which dependencies are linked: each link is a request

_UNDER_WAY = {WorkstreamStatus.PENDING, WorkstreamStatus.READY, WorkstreamStatus.RUNNING}


class SubIssues:
    """Shows a run's workstreams."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._waiting = waits(canvas.state, open_questions(canvas.state))

    def show(self) -> None:
        """Make an issue for each workstream, link it, and say what it waits for, how it ended."""
        plan = self._canvas.state.plan
        if (
            plan is None
            or not self._canvas.wants_sub_issues
            or "comment" in self._canvas.presence.because
        ):
            return
        wanted = [plan.by_id[name] for name in plan.order]
        if len(wanted) > MOST_SUB_ISSUES:
            self._canvas.because("more", f"GitHub takes at most {MOST_SUB_ISSUES} under one issue")
        for workstream in wanted[:MOST_SUB_ISSUES]:
            if workstream.id not in self._canvas.presence.sub_issues:
                self._make_issue(workstream)
            self._put_below(workstream.id)
        if len(wanted) > MOST_WITH_LINKS:
            self._canvas.because("links", f"left out above {MOST_WITH_LINKS} workstreams")
        elif "links" not in self._canvas.presence.because:
            self._link_needs({w.id: tuple(w.waits_for) for w in wanted})
        for workstream in wanted[:MOST_SUB_ISSUES]:
            self._tell(workstream)

    def _make_issue(self, workstream: Workstream) -> None:
        issues, mark = self._canvas.hub.issues, marker(self._canvas.run, workstream.id)
        assert self._canvas.state.request is not None, "a plan is of a request"
        found = issues.find(mark, self._canvas.state.request.at) if self._canvas.search else None
        title, body = sub_issue_title(workstream), self._sub_issue_body(workstream.id)
        made = found or issues.create(title, body, (), mark)
        issue = SubIssue(number=made.number, id=made.id)
        if not found:
            waiting = self._waiting.get(workstream.id, "")
            issue = issue.model_copy(update={"shown": digest(body, None), "waiting": waiting})
        self._keep(workstream.id, issue)

    def _put_below(self, name: str) -> None:
        """Make an issue a sub-issue of the run's, if it is none yet and GitHub has such."""
        issue = self._canvas.presence.sub_issues[name]
        if issue.linked or "sub_issues" in self._canvas.presence.because:
            return
        try:
            self._canvas.hub.issues.link_sub_issue(self._canvas.presence.issue, issue.id)
        except (NotOffered, Refusal) as error:
            self._canvas.because("sub_issues", error.what)
            return
        self._keep(name, issue, linked=True)

    def _link_needs(self, needs: dict[str, tuple[str, ...]]) -> None:
        for name, wanted in reduced(needs).items():
            issue = self._canvas.presence.sub_issues.get(name)
            for need in sorted(wanted):
                by = self._canvas.presence.sub_issues.get(need)
                if issue is None or by is None or need in issue.needs:
                    continue
                try:
                    url = self._canvas.links.issue(by.number)
                    self._canvas.hub.issues.block(issue.number, by.id, url)
                except (NotOffered, Refusal) as error:
                    self._canvas.because("links", error.what)
                    return
                issue = self._keep(name, issue, needs=(*issue.needs, need))

    def _tell(self, workstream: Workstream) -> None:
        """Say in an issue what its workstream waits for or how it ended; close what is through."""
        issue = self._canvas.presence.sub_issues.get(workstream.id)
        standing = self._canvas.state.standings[workstream.id]
        waiting = self._waiting.get(workstream.id, "")
        if issue is None or (
            standing.status in _UNDER_WAY and not issue.closed and waiting == issue.waiting
        ):
            return
        body, reason = self._sub_issue_body(workstream.id), closing_reason(standing)
        shown = digest(body, reason)
        if issue.shown == shown:
            return
        try:
            if reason:
                self._canvas.hub.issues.edit(issue.number, body=body, state="closed", reason=reason)
            elif issue.closed:
                self._canvas.hub.issues.edit(
                    issue.number, body=body, state="open", reason="reopened"
                )
            else:
                self._canvas.hub.issues.edit(issue.number, body=body)
        except ABSENT as error:
            self._canvas.because(f"issue {workstream.id}", error.what)
        closed = reason is not None
        self._keep(workstream.id, issue, shown=shown, closed=closed, waiting=waiting)

    def _sub_issue_body(self, name: str) -> str:
        canvas = self._canvas
        page = Page(canvas.run, canvas.state, canvas.presence, canvas.links, self._waiting)
        return sub_issue_body(page, name)

    def _keep(self, name: str, issue: SubIssue, **changed: object) -> SubIssue:
        issue = issue.model_copy(update=changed)
        self._canvas.keep(sub_issues={**self._canvas.presence.sub_issues, name: issue})
        return issue
