"""Acts on branches, pull requests and workflows; see acts.py."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import yaml

from tests.support.github.acts import Acts, check_body, closed_by_merging
from tests.support.github.bare import NOTHING, WORKFLOWS
from tests.support.github.state import (
    Artifact,
    Dispatch,
    Issue,
    Pull,
    Refused,
    RepositoryState,
    Run,
    Token,
    User,
    invalid,
)
from tests.support.github.views import Json

LONGEST_INPUTS = 65_535
NO_PULLS = "GitHub Actions is not permitted to create or approve pull requests."
NO_DRAFTS = "Draft pull requests are not supported in this repository."


class WorkActs(Acts):
    """Acts that git or Actions have a part in."""

    # Branches

    def refs_moved(self, repository: RepositoryState, by: Token) -> Json:
        """Look at the refs again: tell of pushed branches, move pull requests along."""
        before, repository.refs = repository.refs, repository.git.refs()
        after, told = repository.refs, {}
        for ref in sorted({*before, *after}):
            old, new = before.get(ref, NOTHING), after.get(ref, NOTHING)
            if old != new and ref.startswith(("refs/heads/", "refs/tags/")):
                told = self._tell_push(repository, by, ref, old, new)
                self._move_pulls(repository, by, ref.removeprefix("refs/heads/"), old, new)
        return told

    def _tell_push(
        self, repository: RepositoryState, by: Token, ref: str, old: str, new: str
    ) -> Json:
        def payload() -> Json:
            git = repository.git
            gone, born = new == NOTHING, old == NOTHING
            found = [] if gone or born else git.commits(f"{old}..{new}")
            head = None if gone else git.one(new)
            return {
                "ref": ref,
                "before": old,
                "after": new,
                "created": born,
                "deleted": gone,
                "forced": not (gone or born) and git.merge_base(old, new) != old,
                "base_ref": None,
                "compare": self.views.web(repository, "compare", f"{old[:12]}...{new[:12]}"),
                "commits": [self._pushed(repository, commit.sha) for commit in found],
                "head_commit": head and self._pushed(repository, head.sha),
                "pusher": {"name": by.user.login, "email": f"{by.user.id}@example.invalid"},
            }

        return self.emit("push", repository, by, payload)

    def _pushed(self, repository: RepositoryState, sha: str) -> Json:
        commit = repository.git.one(sha)
        who = {"name": commit.name, "email": commit.email, "username": commit.name}
        start = commit.parents[0] if commit.parents else None
        changes = repository.git.changes(start, sha) if start else []
        return {
            "id": sha,
            "tree_id": commit.tree,
            "distinct": True,
            "message": commit.message,
            "timestamp": commit.date,
            "url": self.views.web(repository, "commit", sha),
            "author": who,
            "committer": who,
            **{
                status: [change.path for change in changes if change.status == status]
                for status in ("added", "removed", "modified")
            },
        }

    def _move_pulls(
        self, repository: RepositoryState, by: Token, branch: str, old: str, new: str
    ) -> None:
        for issue, pull in list(repository.open_pulls()):
            if pull.base == branch and new != NOTHING:
                pull.base_sha = new
            elif pull.head == branch and new == NOTHING:
                self.set_state(repository, issue, by, "closed")
            elif pull.head == branch:
                pull.head_sha = new
                self.touch(issue)
                self.tell_pull(repository, issue, by, "synchronize", before=old, after=new)
                self._hold_back_runs(repository, pull, by)

    # Pull requests

    def open_pull(
        self,
        repository: RepositoryState,
        by: Token,
        *,
        head: str,
        base: str,
        title: object,
        body: str | None,
        draft: bool,
    ) -> tuple[Issue, Json]:
        """Open a pull request between two branches of one repository."""
        if by.is_job and not repository.settings.actions_may_open_pulls:
            raise Refused(403, NO_PULLS)
        head = head.removeprefix(f"{repository.owner.login}:")
        head_sha, base_sha = (repository.refs.get(f"refs/heads/{end}") for end in (head, base))
        for sha, name in ((head_sha, "head"), (base_sha, "base")):
            if sha is None:
                raise invalid("PullRequest", "invalid", field=name)
        assert head_sha
        assert base_sha
        self._check_new_pull(repository, head, base, (head_sha, base_sha))
        if draft and not repository.settings.drafts:
            raise Refused(422, NO_DRAFTS)
        self.check_title("PullRequest", title)
        check_body("PullRequest", body)
        issue = self.new_issue(repository, by, title, body)
        issue.pull = Pull(self.world.new_id(), head, base, head_sha, base_sha, draft)
        told = self.tell_pull(repository, issue, by, "opened")
        self._hold_back_runs(repository, issue.pull, by)
        return issue, told

    @staticmethod
    def _check_new_pull(
        repository: RepositoryState, head: str, base: str, shas: tuple[str, str]
    ) -> None:
        for _, pull in repository.open_pulls():
            if (pull.head, pull.base) == (head, base):
                label = f"{repository.owner.login}:{head}"
                raise invalid("PullRequest", f"A pull request already exists for {label}.")
        if repository.git.merge_base(*shas) == shas[0]:
            raise invalid("PullRequest", f"No commits between {base} and {head}")

    def merge_pull(self, repository: RepositoryState, issue: Issue, by: Token) -> Json:
        """Merge a pull request, and close what its text says it closes."""
        pull = issue.pull
        assert pull is not None
        message = f"Merge pull request #{issue.number} from {pull.head}"
        merged = repository.git.merge(
            pull.base_sha, pull.head_sha, message=message, by=by.user.login
        )
        if merged is None:
            raise Refused(405, "Pull Request is not mergeable")
        repository.git.git("update-ref", f"refs/heads/{pull.base}", merged, pull.base_sha)
        pull.merge_commit_sha = merged
        pull.merged_at, pull.merged_by = self.world.clock.now(), by.user
        told = self.set_state(repository, issue, by, "closed")
        self.refs_moved(repository, by)
        if pull.base == repository.default_branch:
            for number in closed_by_merging(issue.body):
                if (found := repository.issues.get(number)) and not found.deleted:
                    self.set_state(repository, found, by, "closed")
        return told

    def merge_group(self, repository: RepositoryState, issue: Issue, by: Token) -> Json:
        """Put a pull request into the merge queue: a commit to check, on a branch of its own."""
        pull = issue.pull
        assert pull is not None
        merged = repository.git.merge(
            pull.base_sha, pull.head_sha, message=f"Merge #{issue.number}", by=by.user.login
        )
        assert merged, "the pull request conflicts"
        ref = f"refs/heads/gh-readonly-queue/{pull.base}/pr-{issue.number}-{pull.base_sha}"
        repository.git.git("update-ref", ref, merged)
        repository.refs = repository.git.refs()
        commit = repository.git.one(merged)
        group = {
            "head_sha": merged,
            "head_ref": ref,
            "base_sha": pull.base_sha,
            "base_ref": f"refs/heads/{pull.base}",
            "head_commit": {
                "id": merged,
                "tree_id": commit.tree,
                "message": commit.message,
                "timestamp": commit.date,
                "author": {"name": commit.name, "email": commit.email},
                "committer": {"name": commit.name, "email": commit.email},
            },
        }
        return self.emit(
            "merge_group", repository, by,
            lambda: {"action": "checks_requested", "merge_group": group},
        )  # fmt: skip

    # Workflows

    def triggers(self, repository: RepositoryState, name: str) -> Mapping[str, Any] | None:
        """Return what starts a workflow of the default branch, by event; None: no such file."""
        text = repository.git.read(f"refs/heads/{repository.default_branch}", f"{WORKFLOWS}/{name}")
        if text is None or "/" in name:
            return None
        said = yaml.safe_load(text)[True]  # YAML 1.1 reads `on` as a boolean
        if isinstance(said, str):
            return {said: None}
        return said if isinstance(said, dict) else dict.fromkeys(said)

    def start_run(
        self,
        repository: RepositoryState,
        workflow: str,
        event: str,
        by: User,
        *,
        head_sha: str,
        head_branch: str | None,
    ) -> Run:
        """Make a workflow run; nothing runs by itself."""
        run = Run(
            id=self.world.new_id(),
            workflow=workflow,
            event=event,
            head_branch=head_branch,
            head_sha=head_sha,
            actor=by,
            triggering_actor=by,
            run_number=len(repository.runs) + 1,
            created_at=self.world.clock.now(),
        )
        repository.runs[run.id] = run
        return run

    def _hold_back_runs(self, repository: RepositoryState, pull: Pull, by: Token) -> None:
        """List the runs that wait for a person's approval after a job's token did this."""
        if not by.is_job:
            return
        for path in repository.git.files(f"refs/heads/{repository.default_branch}"):
            folder, _, name = path.rpartition("/")
            if folder == WORKFLOWS and "pull_request" in (self.triggers(repository, name) or ()):
                run = self.start_run(
                    repository, name, "pull_request", by.user,
                    head_sha=pull.head_sha, head_branch=pull.head,
                )  # fmt: skip
                run.status, run.conclusion = "completed", "action_required"

    def dispatch(
        self,
        repository: RepositoryState,
        by: Token,
        workflow: str,
        *,
        ref: str,
        inputs: Mapping[str, object],
    ) -> Run:
        """Start a workflow by hand; refuses as GitHub does."""
        triggers = self.triggers(repository, workflow)
        if triggers is None:
            raise Refused(404, "Not Found")
        if "workflow_dispatch" not in triggers:
            raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
        names = [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
        found = next((name for name in names if name in repository.refs), None)
        if found is None:
            raise Refused(422, f"No ref found for: {ref}")
        filled = _inputs((triggers["workflow_dispatch"] or {}).get("inputs") or {}, inputs)
        sha = repository.git.sha(found)
        assert sha
        run = self.start_run(
            repository, workflow, "workflow_dispatch", by.user,
            head_sha=sha, head_branch=found.split("/", 2)[2],
        )  # fmt: skip
        payload = self.emit(
            "workflow_dispatch", repository, by,
            lambda: {"inputs": filled, "ref": found, "workflow": f"{WORKFLOWS}/{workflow}"},
        )  # fmt: skip
        repository.dispatches.append(
            Dispatch(workflow, ref, filled, run.id, by.user.login, payload)
        )
        return run

    def upload(
        self,
        repository: RepositoryState,
        run_id: int,
        name: str,
        files: Mapping[str, bytes] | bytes,
    ) -> Artifact:
        """Upload an artifact; a name is free once in a run, however often the run is tried."""
        taken = (each for each in repository.artifacts if each.run_id == run_id)
        if any(each.name == name for each in taken):
            raise Refused(409, "Conflict: an artifact with this name already exists on the run")
        data = files if isinstance(files, bytes) else _zipped(files)
        made = Artifact(self.world.new_id(), run_id, name, data, self.world.clock.now())
        repository.artifacts.append(made)
        return made


def _inputs(declared: Mapping[str, Any], given: Mapping[str, object]) -> dict[str, str]:
    unknown = [name for name in given if name not in declared]
    if unknown:
        listed = ", ".join(f'"{name}"' for name in unknown)
        raise Refused(422, f"Unexpected inputs provided: [{listed}]")
    filled = {}
    for name, said in declared.items():
        said = said or {}
        if name not in given and said.get("required") and "default" not in said:
            raise Refused(422, f"Required input '{name}' not provided")
        filled[name] = str(given.get(name, said.get("default", "")))
    if sum(len(name) + len(value) for name, value in filled.items()) > LONGEST_INPUTS:
        raise Refused(422, "inputs are too large.")
    return filled


def _zipped(files: Mapping[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return made.getvalue()
