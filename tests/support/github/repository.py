"""A repository as its people work in it: what they do by hand, and the events that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.github.acts_work import WorkActs
from tests.support.github.state import (
    Artifact,
    Issue,
    Job,
    Pull,
    RepositoryState,
    Run,
    Token,
    World,
)

Payload = dict[str, Any]


class FakeRepository:
    """One repository. State can be read, and set, through it; acts return their webhook.

    `issues` (by number), `labels`, `collaborators`, `checks`, `statuses`, `runs`, `artifacts`,
    `dispatches`, `reruns`, `rulesets`, `settings`, `git` are those of RepositoryState.
    """

    def __init__(self, world: World, acts: WorkActs, state: RepositoryState) -> None:
        self._world = world
        self._acts = acts
        self.state = state
        self.full_name = state.full_name
        self.git = state.git
        self.settings = state.settings
        self.collaborators = state.collaborators
        self.labels = state.labels
        self.issues = state.issues
        self.checks = state.checks
        self.statuses = state.statuses
        self.runs = state.runs
        self.artifacts = state.artifacts
        self.dispatches = state.dispatches
        self.reruns = state.reruns
        self.rulesets = state.rulesets

    @property
    def clone_url(self) -> str:
        """Where git finds it, without a token."""
        return f"{self._world.web_url}/{self.full_name}.git"

    @property
    def pulls(self) -> dict[int, Issue]:
        """The pull requests by number; `.pull` has branches, heads and draft."""
        return {number: issue for number, issue in self.issues.items() if issue.pull}

    def sha(self, branch: str) -> str:
        """The commit a branch or ref is at; a missing one fails the test."""
        found = self.git.sha(branch)
        assert found, f"{self.full_name} has no {branch}"
        return found

    def checks_on(self, sha: str) -> dict[str, str | None]:
        """The newest conclusion of each check on a commit; None while it is not complete."""
        return {check.name: check.conclusion for check in self.checks if check.head_sha == sha}

    # Issues

    def open_issue(
        self, title: str, body: str | None = "", *, by: str, labels: tuple[str, ...] = ()
    ) -> Issue:
        """Open an issue; `github.events` has `opened`, and `labeled` for each label."""
        with self._world.lock:
            return self._acts.open_issue(self.state, self._hand(by), title, body, [*labels])[0]

    def label(self, number: int, name: str, *, by: str) -> Payload:
        """Put a label on; returns `labeled`, or {} where it is on already."""
        with self._world.lock:
            return self._acts.add_label(self.state, self._find(number), self._hand(by), name)

    def unlabel(self, number: int, name: str, *, by: str) -> Payload:
        """Take a label off; returns `unlabeled`."""
        with self._world.lock:
            return self._acts.remove_label(self.state, self._find(number), self._hand(by), name)

    def comment(self, number: int, body: str, *, by: str) -> Payload:
        """Write a comment; returns issue_comment `created`."""
        with self._world.lock:
            return self._acts.add_comment(self.state, self._find(number), self._hand(by), body)[1]

    def edit_comment(self, comment_id: int, body: str, *, by: str) -> Payload:
        """Change a comment; returns issue_comment `edited`."""
        with self._world.lock:
            found = self.state.comment(comment_id)
            return self._acts.edit_comment(self.state, *found, self._hand(by), body)

    def delete_comment(self, comment_id: int, *, by: str) -> Payload:
        """Delete a comment; returns issue_comment `deleted`."""
        with self._world.lock:
            return self._acts.delete_comment(
                self.state, *self.state.comment(comment_id), self._hand(by)
            )

    def edit_issue(self, number: int, *, by: str, **changes: str) -> Payload:
        """Change title or body, of a pull request too; returns `edited`."""
        with self._world.lock:
            return self._acts.edit_issue(self.state, self._find(number), self._hand(by), **changes)

    def close_issue(self, number: int, *, by: str, reason: str = "completed") -> Payload:
        """Close an issue, or a pull request without merging it; returns `closed`."""
        with self._world.lock:
            return self._acts.set_state(
                self.state, self._find(number), self._hand(by), "closed", reason
            )

    def reopen_issue(self, number: int, *, by: str) -> Payload:
        """Open an issue or pull request again; returns `reopened`."""
        with self._world.lock:
            return self._acts.set_state(self.state, self._find(number), self._hand(by), "open")

    def delete_issue(self, number: int, *, by: str) -> Payload:
        """Delete an issue: it answers 410 from then on; returns `deleted`."""
        with self._world.lock:
            return self._acts.delete_issue(self.state, self._find(number), self._hand(by))

    def transfer_issue(self, number: int, *, to: str, by: str) -> Payload:
        """Move an issue to another repository: it answers 301; returns `transferred`."""
        with self._world.lock:
            target = self._world.repository(to)
            return self._acts.transfer_issue(self.state, self._find(number), self._hand(by), target)

    # Branches and pull requests

    def push(
        self,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        by: str,
        message: str = "Change files",
        start: str | None = None,
    ) -> Payload:
        """Commit files onto a branch (None deletes one) and push; returns `push`.

        A new branch starts at the default one; `start` is a branch or commit to start at instead,
        by force where the branch exists. Pull requests from the branch move along.
        """
        with self._world.lock:
            exists = f"refs/heads/{branch}" in self.git.refs()
            parent = start or (None if exists else self.state.default_branch)
            parent = self.git.sha(parent) if parent else None
            self.git.commit(branch, files, message=message, by=by, parent=parent)
            return self._acts.refs_moved(self.state, self._hand(by))

    def delete_branch(self, branch: str, *, by: str) -> Payload:
        """Delete a branch; its open pull requests are closed; returns `push`."""
        with self._world.lock:
            self.git.git("update-ref", "-d", f"refs/heads/{branch}")
            return self._acts.refs_moved(self.state, self._hand(by))

    def open_pull(
        self,
        *,
        by: str,
        head: str,
        base: str | None = None,
        title: str = "A pull request",
        body: str | None = None,
        draft: bool = False,
    ) -> Payload:
        """Open a pull request; returns pull_request `opened`, its number under `number`.

        `head` is a branch, or owner:branch of a fork (see FakeGithub.fork).
        """
        with self._world.lock:
            return self._acts.open_pull(
                self.state, self._hand(by), head=head, base=base or self.state.default_branch,
                title=title, body=body, draft=draft,
            )[1]  # fmt: skip

    def merge_pull(self, number: int, *, by: str) -> Payload:
        """Merge a pull request with a merge commit; returns pull_request `closed`."""
        with self._world.lock:
            return self._acts.merge_pull(self.state, self._find(number), self._hand(by))

    def merge_group(self, number: int, *, by: str) -> Payload:
        """Put a pull request into the merge queue; returns merge_group `checks_requested`."""
        with self._world.lock:
            return self._acts.merge_group(self.state, self._find(number), self._hand(by))

    def pull(self, number: int) -> Pull:
        """What a pull request has beside its issue."""
        found = self.issues[number].pull
        assert found, f"#{number} is no pull request"
        return found

    # Actions, from the runner's side

    def dispatch(
        self,
        workflow: str,
        *,
        by: str,
        ref: str | None = None,
        inputs: Mapping[str, str] | None = None,
    ) -> Payload:
        """Start a workflow by hand; returns workflow_dispatch, `dispatches` has it too."""
        with self._world.lock:
            self._acts.dispatch(
                self.state, self._hand(by), workflow,
                ref=ref or self.state.default_branch, inputs=inputs or {},
            )  # fmt: skip
            return dict(self.dispatches[-1].payload)

    def start_run(
        self,
        workflow: str,
        event: str,
        *,
        by: str,
        branch: str | None = None,
        sha: str | None = None,
        fork: str | None = None,
    ) -> Run:
        """Make the run that an event started; set its `status` and `conclusion` as it goes.

        `fork` names the repository the head is in, if it is another; `sha` is needed then.
        """
        with self._world.lock:
            branch = branch or self.state.default_branch
            return self._acts.start_run(
                self.state, workflow, event, self._world.user(by),
                head_sha=sha or self.sha(branch), head_branch=branch, fork=fork,
            )  # fmt: skip

    def add_job(self, run: Run, name: str) -> Job:
        """Add a job to a run's present attempt."""
        with self._world.lock:
            job = Job(self._world.new_id(), name, run_attempt=run.run_attempt)
            run.jobs.append(job)
            return job

    def finish_run(self, run: Run, conclusion: str) -> Payload:
        """Complete a run and its jobs; returns workflow_run `completed`."""
        with self._world.lock:
            run.status, run.conclusion = "completed", conclusion
            for job in run.jobs:
                if job.status != "completed":
                    job.status, job.conclusion = "completed", conclusion
            hand = Token("", run.actor)
            views = self._acts.views
            return self._acts.emit(
                "workflow_run", self.state, hand,
                lambda: {
                    "action": "completed",
                    "workflow_run": views.run(self.state, run),
                    "workflow": views.workflow(self.state, run.workflow),
                },
            )  # fmt: skip

    def upload(self, run: Run, name: str, files: Mapping[str, bytes] | bytes) -> Artifact:
        """Upload an artifact (files, or the zip itself); Refused 409 where the name is taken."""
        with self._world.lock:
            return self._acts.upload(self.state, run.id, name, files)

    def _find(self, number: int) -> Issue:
        return self._acts.find_issue(self.state, number)

    def _hand(self, login: str) -> Token:
        return Token("", self._world.user(login))
