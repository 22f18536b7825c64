"""An issue for each workstream, below the run's own: made once, linked, and told how it ended."""

from __future__ import annotations

from bot.adapters.github.errors import NotOffered, Refusal
from bot.core.base import digest
from bot.core.github.presence import SubIssue, marker
from bot.core.graph import reduced
from bot.core.plan import Workstream
from bot.core.state import WorkstreamStatus
from bot.drivers.github.canvas import ABSENT, Canvas
from bot.render.github.sub_issue import closing_reason, sub_issue_body, sub_issue_title

MOST_SUB_ISSUES = 100  # GitHub's own limit under one issue
MOST_WITH_LINKS = 50  # workstreams up to which dependencies are linked: each link is a request

_UNDER_WAY = {WorkstreamStatus.PENDING, WorkstreamStatus.READY, WorkstreamStatus.RUNNING}


class SubIssues:
    """Shows a run's workstreams."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def show(self) -> None:
        """Make an issue for each workstream of the plan, link it, and tell how it ended."""
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
            self._tell_end(workstream)

    def _make_issue(self, workstream: Workstream) -> None:
        issues, mark = self._canvas.hub.issues, marker(self._canvas.run, workstream.id)
        assert self._canvas.state.request is not None, "a plan is of a request"
        found = issues.find(mark, self._canvas.state.request.at) if self._canvas.search else None
        made = found or issues.create(
            sub_issue_title(workstream), self._sub_issue_body(workstream.id), (), mark
        )
        self._keep(workstream.id, SubIssue(number=made.number, id=made.id))

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

    def _tell_end(self, workstream: Workstream) -> None:
        """Write into an issue how its workstream ended, and close it where nothing is left."""
        issue = self._canvas.presence.sub_issues.get(workstream.id)
        standing = self._canvas.state.standings[workstream.id]
        if issue is None or (standing.status in _UNDER_WAY and not issue.closed):
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
        self._keep(workstream.id, issue, shown=shown, closed=reason is not None)

    def _sub_issue_body(self, name: str) -> str:
        return sub_issue_body(
            self._canvas.run, self._canvas.state, name, self._canvas.presence, self._canvas.links
        )

    def _keep(self, name: str, issue: SubIssue, **changed: object) -> SubIssue:
        issue = issue.model_copy(update=changed)
        self._canvas.keep(sub_issues={**self._canvas.presence.sub_issues, name: issue})
        return issue
