"""Brings what GitHub shows up to date with a run's record, making nothing twice.

One job holds the pen at a time, and it writes until the record stops moving: whoever finds the pen
taken can leave. A pen that was dropped is free again after a while; whoever takes it up looks for
what its last holder may have made without writing it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.adapters.combine import conflicts_between
from bot.adapters.event_ref import Batch, EventRef, Overtaken
from bot.adapters.git import Repository
from bot.adapters.github.errors import (
    Gone,
    Moved,
    NotFound,
    NotOffered,
    Refusal,
)
from bot.adapters.github.hub import Hub
from bot.adapters.github.values import Annotation, NewCheck, Pull
from bot.core.base import RunId, Sha, digest
from bot.core.events import Event, RunStatus
from bot.core.github.checks import overrides_of
from bot.core.github.links import Links
from bot.core.github.presence import FILE, Pen, Presence, PullRequest, SubIssue, marker
from bot.core.graph import reduced
from bot.core.plan import Workstream
from bot.core.state import RunState, WorkstreamStatus, fold
from bot.errors import BotError, Unavailable
from bot.ports import Clock
from bot.render.github.checks import CheckOutput, check_output
from bot.render.github.live_comment import live_comment
from bot.render.github.pull_request import pull_body, pull_title
from bot.render.github.sub_issue import closing_reason, sub_issue_body, sub_issue_title

MOST_SUB_ISSUES = 100  # GitHub's own limit under one issue
MOST_WITH_LINKS = 50  # workstreams up to which dependencies are linked: each link is a request
_PEN_LASTS = timedelta(minutes=10)
_TRIES = 100

_ABSENT = (NotFound, Gone, Moved)  # the issue was deleted or transferred


@dataclass(frozen=True)
class Shower:
    """Shows one run. `me` names this job, also when it is run again; `sub_issues`: are wanted."""

    record: EventRef
    repository: Repository
    hub: Hub
    links: Links
    clock: Clock
    me: str
    issue: int
    sub_issues: bool = True

    @property
    def is_done(self) -> bool:
        """Whether all of the record is shown, and nothing has to be tried again."""
        known = self.presence()
        return known.shown == len(self.record.load()) and "pull" not in known.because

    def show(self) -> bool:
        """Show the run as it is; False: somebody else does. Raises what keeps a part from it."""
        if self.is_done:
            return True
        taken = self._take_pen()
        if taken is None:
            return False
        presence, dropped = taken
        for _ in range(_TRIES):
            events = self.record.load()
            exhibit = _Exhibit(self, events, fold(events), presence, search=dropped)
            trouble = exhibit.build()
            presence, dropped = exhibit.presence.model_copy(update={"pen": None}), False
            if trouble is None:
                presence = presence.model_copy(update={"shown": len(events)})
            elif isinstance(trouble, Unavailable):  # what was asked last may have been made
                lapsed = Pen(by=self.me, until=self.clock.now())
                presence = presence.model_copy(update={"pen": lapsed})
            try:
                self._write(presence)
            except Overtaken:
                if trouble is None:
                    continue
                self._drop(presence)
            if trouble is not None:
                raise trouble
            return True
        return False

    def presence(self) -> Presence:
        """Read what was made so far."""
        data = self.record.read(FILE)
        return Presence.model_validate_json(data) if data else Presence(issue=self.issue)

    def conflicts(self, branch: str, head: Sha) -> tuple[str, ...]:
        """Name the files in which a branch moved away from a run's commit."""
        ref = f"refs/heads/{branch.removeprefix('refs/heads/')}"
        tip = self.repository.refs(ref).get(ref)
        return conflicts_between(self.repository, tip, head) if tip else ()

    def _take_pen(self) -> tuple[Presence, bool] | None:
        """Take the pen, and say whether it was dropped by somebody; None: it is held."""
        for _ in range(_TRIES):
            if not self.record.load():
                return None
            presence, now = self.presence(), self.clock.now()
            held = presence.pen
            if held and held.by != self.me and held.until > now:
                return None
            mine = Pen(by=self.me, until=now + _PEN_LASTS)
            try:
                self._write(presence.model_copy(update={"pen": mine}))
            except Overtaken:
                continue
            return presence, held is not None
        return None

    def _drop(self, presence: Presence) -> None:
        """Keep what was made although it could not all be made."""
        for _ in range(_TRIES):
            self.record.load()
            try:
                self._write(presence)
            except Overtaken:
                continue
            return

    def _write(self, presence: Presence) -> None:
        data = presence.model_dump_json(indent=2).encode()
        self.record.append(Batch((), {FILE: data}), self.clock.now())


class _Exhibit:
    """One go at it: the state is fixed, `presence` grows with what was made."""

    def __init__(
        self,
        shower: Shower,
        events: Sequence[Event],
        state: RunState,
        presence: Presence,
        *,
        search: bool,
    ) -> None:
        self._shower = shower
        self._hub = shower.hub
        self._links = shower.links
        self._run: RunId = shower.record.run
        self._events = events
        self._state = state
        self._search = search
        self.presence = presence

    def build(self) -> BotError | None:
        """Make and change what is not as it should be; return what ended it before its time."""
        steps = (self._pull, self._checks, self._comment, self._issues, self._comment)
        try:
            for step in steps:
                step()
        except BotError as error:
            return error
        return None

    def _pull(self) -> None:
        state = self._state
        if state.integration is None or state.request is None:
            return
        if state.integration.head_sha == state.request.base_sha:
            return
        if state.cancelled and self.presence.pull is None:
            return
        head = state.integration.head_sha
        self._set(conflicts=self._shower.conflicts(state.request.base_ref, head))
        pull = self.presence.pull or self._open_pull()
        if pull is None:
            return
        self._set(pull=pull)
        title, body = pull_title(state), self._pull_body()
        shown = digest(title, body)
        if pull.shown != shown:
            self._hub.pulls.edit(pull.number, title=title, body=body)
            pull = pull.model_copy(update={"shown": shown})
        if pull.draft and state.status is RunStatus.PASSED:
            self._hub.pulls.mark_ready(pull.node_id)
            pull = pull.model_copy(update={"draft": False})
        self._set(pull=pull)

    def _open_pull(self) -> PullRequest | None:
        state = self._state
        assert state.request is not None, "somebody asked for the run"
        assert state.integration is not None, "there is a branch to open it for"
        title, body = pull_title(state), self._pull_body()
        head, base = state.integration.branch, state.request.base_ref
        try:
            found = self._hub.pulls.find(head) if self._search else None
            made = found or self._hub.pulls.open(title, body, head, base, draft=True)
        except Refusal as error:
            self._because("pull", f"{error.what} {error.fix}".strip())
            return None
        self._because("pull", "")
        self._hub.pulls.request_review(made.number, state.request.by)
        return _pull_request(made, digest(title, body) if not found else "")

    def _pull_body(self) -> str:
        request = self._state.request
        by = request.by if request else ""
        return pull_body(self._run, self._state, self._events, self.presence, self._links, by)

    def _checks(self) -> None:
        head, overrides = self._state.head_sha, overrides_of(self._events)
        for gate, result in self._state.results.items():
            output = check_output(result, overrides.get(gate))
            shown = digest(head, output.conclusion, output.title, output.summary, output.text)
            if head is None or self.presence.checks.get(gate.value) == shown:
                continue
            check = new_check(output, head, shown)
            if not (self._search and self._is_published(check)):
                self._hub.checks.create(check)
            self._set(checks={**self.presence.checks, gate.value: shown})

    def _is_published(self, check: NewCheck) -> bool:
        there = self._hub.checks.on(check.head_sha, check.name)
        return any(found.external_id == check.external_id for found in there)

    def _comment(self) -> None:
        presence, links = self.presence, self._links
        body = live_comment(self._run, self._state, self._events, presence, links)
        shown = digest(body)
        if presence.comment is not None and presence.comment_shown == shown:
            return
        mark = marker(self._run, "live")
        comments = self._hub.comments
        try:
            known = presence.comment
            if known is None and self._search:
                found = comments.find(presence.issue, mark)
                known = found.id if found else None
            if known is None:
                known = comments.create(presence.issue, body, mark).id
            else:
                known = self._edit_comment(known, body, mark)
        except _ABSENT as error:
            self._because("comment", error.what)
            return
        self._set(comment=known, comment_shown=shown)

    def _edit_comment(self, comment: int, body: str, mark: str) -> int:
        try:
            return self._hub.comments.edit(comment, body).id
        except NotFound:  # somebody deleted it
            return self._hub.comments.create(self.presence.issue, body, mark).id

    def _issues(self) -> None:
        """Make an issue for each workstream of the plan, link it, and tell how it ended."""
        plan = self._state.plan
        if plan is None or not self._shower.sub_issues or "comment" in self.presence.because:
            return
        wanted = [plan.by_id[name] for name in plan.order]
        if len(wanted) > MOST_SUB_ISSUES:
            self._because("more", f"GitHub takes at most {MOST_SUB_ISSUES} under one issue")
        for workstream in wanted[:MOST_SUB_ISSUES]:
            if workstream.id not in self.presence.sub_issues:
                self._make_issue(workstream)
            self._put_below(workstream.id)
        if len(wanted) > MOST_WITH_LINKS:
            self._because("links", f"left out above {MOST_WITH_LINKS} workstreams")
        elif "links" not in self.presence.because:
            self._link_needs({w.id: tuple(w.waits_for) for w in wanted})
        for workstream in wanted[:MOST_SUB_ISSUES]:
            self._tell_end(workstream)

    def _make_issue(self, workstream: Workstream) -> None:
        issues, mark = self._hub.issues, marker(self._run, workstream.id)
        assert self._state.request is not None, "a plan is of a request"
        found = issues.find(mark, self._state.request.at) if self._search else None
        made = found or issues.create(
            sub_issue_title(workstream), self._sub_issue_body(workstream.id), (), mark
        )
        self._keep(workstream.id, SubIssue(number=made.number, id=made.id))

    def _put_below(self, name: str) -> None:
        """Make an issue a sub-issue of the run's, if it is none yet and GitHub has such."""
        issue = self.presence.sub_issues[name]
        if issue.linked or "sub_issues" in self.presence.because:
            return
        try:
            self._hub.issues.link_sub_issue(self.presence.issue, issue.id)
        except (NotOffered, Refusal) as error:
            self._because("sub_issues", error.what)
            return
        self._keep(name, issue, linked=True)

    def _link_needs(self, needs: dict[str, tuple[str, ...]]) -> None:
        for name, wanted in reduced(needs).items():
            issue = self.presence.sub_issues.get(name)
            for need in sorted(wanted):
                by = self.presence.sub_issues.get(need)
                if issue is None or by is None or need in issue.needs:
                    continue
                try:
                    url = self._links.issue(by.number)
                    self._hub.issues.block(issue.number, by.id, url)
                except (NotOffered, Refusal) as error:
                    self._because("links", error.what)
                    return
                issue = self._keep(name, issue, needs=(*issue.needs, need))

    def _tell_end(self, workstream: Workstream) -> None:
        """Write into an issue how its workstream ended, and close it where nothing is left."""
        issue = self.presence.sub_issues.get(workstream.id)
        standing = self._state.standings[workstream.id]
        if issue is None or standing.status in _UNDER_WAY:
            return
        body, reason = self._sub_issue_body(workstream.id), closing_reason(standing)
        shown = digest(body, reason)
        if issue.shown == shown:
            return
        try:
            if reason:
                self._hub.issues.edit(issue.number, body=body, state="closed", reason=reason)
            elif issue.closed:
                self._hub.issues.edit(issue.number, body=body, state="open", reason="reopened")
            else:
                self._hub.issues.edit(issue.number, body=body)
        except _ABSENT as error:
            self._because(f"issue {workstream.id}", error.what)
        self._keep(workstream.id, issue, shown=shown, closed=reason is not None)

    def _sub_issue_body(self, name: str) -> str:
        return sub_issue_body(self._run, self._state, name, self.presence, self._links)

    def _keep(self, name: str, issue: SubIssue, **changed: object) -> SubIssue:
        issue = issue.model_copy(update=changed)
        self._set(sub_issues={**self.presence.sub_issues, name: issue})
        return issue

    def _because(self, what: str, because: str) -> None:
        others = {key: text for key, text in self.presence.because.items() if key != what}
        self._set(because=others | ({what: because} if because else {}))

    def _set(self, **changed: object) -> None:
        self.presence = self.presence.model_copy(update=changed)


_UNDER_WAY = {WorkstreamStatus.PENDING, WorkstreamStatus.READY, WorkstreamStatus.RUNNING}


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
