"""State as GitHub's JSON: pull requests, checks, statuses, workflow runs, artifacts."""

from __future__ import annotations

from tests.support.github.bare import WORKFLOWS
from tests.support.github.state import (
    Artifact,
    CheckRun,
    Issue,
    Job,
    Pull,
    RepositoryState,
    Run,
    Status,
)
from tests.support.github.views import Json, Views, node_id, when


class WorkViews(Views):
    """Draws what work leaves behind."""

    def pull(self, repository: RepositoryState, issue: Issue, *, full: bool = True) -> Json:
        """A pull request; `full` adds what only the single one has."""
        pull = issue.pull
        assert pull is not None
        url = self.api(repository, "pulls", issue.number)
        as_issue = self.issue(repository, issue)
        web = as_issue["html_url"]
        links = {
            "self": url,
            "html": web,
            "issue": as_issue["url"],
            "comments": f"{as_issue['url']}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": self.api(repository, "pulls/comments{/number}"),
            "commits": f"{url}/commits",
            "statuses": self.api(repository, "statuses", pull.head_sha),
        }
        same = ("node_id", "number", "title", "body", "user", "labels", "state", "locked",
                "assignee", "assignees", "milestone", "created_at", "updated_at", "closed_at",
                "author_association", "active_lock_reason")  # fmt: skip
        drawn = {name: as_issue[name] for name in same} | {
            "id": pull.id,
            "url": url,
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "issue_url": links["issue"],
            **{f"{name}_url": links[name] for name in links if name not in ("self", "html")},
            "merged_at": when(pull.merged_at),
            "merge_commit_sha": pull.merge_commit_sha,
            "head": self._end(self._home(repository, pull.fork), pull.head, pull.head_sha),
            "base": self._end(repository, pull.base, pull.base_sha),
            "_links": {name: {"href": link} for name, link in links.items()},
            "auto_merge": None,
            "draft": pull.draft,
            "requested_reviewers": [self.user(user) for user in pull.reviewers],
            "requested_teams": [],
        }
        return drawn | (self._counts(repository, issue, pull) if full else {})

    def _home(self, repository: RepositoryState, fork: str | None) -> RepositoryState:
        return self.world.repository(fork) if fork else repository

    def _end(self, repository: RepositoryState, branch: str, sha: str) -> Json:
        return {
            "label": f"{repository.owner.login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(repository.owner),
            "repo": self.repository(repository),
        }

    def _counts(self, repository: RepositoryState, issue: Issue, pull: Pull) -> Json:
        git = repository.git
        start = git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        changes = git.changes(start, pull.head_sha)
        open_now = issue.state == "open"
        fits = git.merge(pull.base_sha, pull.head_sha, message="test", by="github") is not None
        return {
            "merged": pull.merged_at is not None,
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "mergeable": fits if open_now else None,
            "mergeable_state": ("clean" if fits else "dirty") if open_now else "unknown",
            "rebaseable": fits if open_now else None,
            "comments": len(issue.comments),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(git.commits(f"{start}..{pull.head_sha}")),
            "additions": sum(change.additions for change in changes),
            "deletions": sum(change.deletions for change in changes),
            "changed_files": len(changes),
        }

    def minimal_pulls(self, repository: RepositoryState, sha: str) -> list[Json]:
        """The open pull requests with this head, but those from forks, as GitHub has it."""
        place = {
            "id": repository.id,
            "url": self.api(repository),
            "name": repository.full_name.split("/")[1],
        }
        return [
            {
                "id": pull.id,
                "number": issue.number,
                "url": self.api(repository, "pulls", issue.number),
                "head": {"ref": pull.head, "sha": pull.head_sha, "repo": place},
                "base": {"ref": pull.base, "sha": pull.base_sha, "repo": place},
            }
            for issue, pull in repository.open_pulls()
            if pull.head_sha == sha and not pull.fork
        ]

    def check(self, repository: RepositoryState, check: CheckRun) -> Json:
        """A check run."""
        url = self.api(repository, "check-runs", check.id)
        web = self.web(repository, "runs", check.id)
        return {
            "id": check.id,
            "node_id": node_id("CR", check.id),
            "name": check.name,
            "head_sha": check.head_sha,
            "external_id": check.external_id,
            "url": url,
            "html_url": web,
            "details_url": check.details_url or web,
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": when(check.started_at),
            "completed_at": when(check.completed_at),
            "output": {
                "title": check.title,
                "summary": check.summary,
                "text": check.text,
                "annotations_count": len(check.annotations),
                "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": int(check.head_sha[:8], 16)},
            "app": self.app(check.app),
            "pull_requests": self.minimal_pulls(repository, check.head_sha),
        }

    def annotation(self, repository: RepositoryState, check: CheckRun, said: Json) -> Json:
        """An annotation as it is read back."""
        optional = ("start_column", "end_column", "title", "raw_details")
        link = self.web(repository, "blob", check.head_sha, said["path"])
        return dict.fromkeys(optional) | said | {"blob_href": link}

    def status(self, repository: RepositoryState, status: Status) -> Json:
        """A commit status."""
        return {
            "id": status.id,
            "node_id": node_id("SC", status.id),
            "url": self.api(repository, "statuses", status.sha),
            "avatar_url": None,
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": when(status.created_at),
            "updated_at": when(status.created_at),
            "creator": self.user(status.creator),
        }

    def run(self, repository: RepositoryState, run: Run) -> Json:
        """A workflow run."""
        url = self.api(repository, "actions/runs", run.id)
        commit = repository.git.one(run.head_sha)
        who = {"name": commit.name, "email": commit.email}
        workflow = self._workflow_id(run.workflow)
        return {
            "id": run.id,
            "name": run.workflow.rsplit(".", 1)[0],
            "node_id": node_id("WFR", run.id),
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
            "path": f"{WORKFLOWS}/{run.workflow}",
            "display_title": run.workflow.rsplit(".", 1)[0],
            "run_number": run.run_number,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": workflow,
            "check_suite_id": run.id + 1,
            "check_suite_node_id": node_id("CS", run.id + 1),
            "url": url,
            "html_url": self.web(repository, "actions/runs", run.id),
            "pull_requests": self.minimal_pulls(repository, run.head_sha),
            "created_at": when(run.created_at),
            "updated_at": when(run.created_at),
            "actor": self.user(run.actor),
            "run_attempt": run.run_attempt,
            "run_started_at": when(run.created_at),
            "triggering_actor": self.user(run.triggering_actor),
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "check_suite_url": self.api(repository, "check-suites", run.id + 1),
            "artifacts_url": f"{url}/artifacts",
            "cancel_url": f"{url}/cancel",
            "rerun_url": f"{url}/rerun",
            "previous_attempt_url": None,
            "workflow_url": self.api(repository, "actions/workflows", workflow),
            "head_commit": {
                "id": commit.sha,
                "tree_id": commit.tree,
                "message": commit.message,
                "timestamp": commit.date,
                "author": who,
                "committer": who,
            },
            "repository": self.place(repository),
            "head_repository": self.place(self._home(repository, run.fork)),
        }

    def workflow(self, repository: RepositoryState, name: str) -> Json:
        """A workflow, as the workflow_run webhook shows it."""
        number = self._workflow_id(name)
        made = when(repository.created_at)
        return {
            "id": number,
            "node_id": node_id("W", number),
            "name": name.rsplit(".", 1)[0],
            "path": f"{WORKFLOWS}/{name}",
            "state": "active",
            "created_at": made,
            "updated_at": made,
            "url": self.api(repository, "actions/workflows", number),
            "html_url": self.web(repository, "blob", repository.default_branch, WORKFLOWS, name),
            "badge_url": self.web(repository, "workflows", name, "badge.svg"),
        }

    @staticmethod
    def _workflow_id(name: str) -> int:
        return int.from_bytes(name.encode()[:6].ljust(6, b"."))

    def job(self, repository: RepositoryState, run: Run, job: Job) -> Json:
        """A job of a run."""
        url = self.api(repository, "actions/jobs", job.id)
        done = job.status == "completed"
        return {
            "id": job.id,
            "run_id": run.id,
            "run_url": self.api(repository, "actions/runs", run.id),
            "run_attempt": job.run_attempt,
            "node_id": node_id("CR", job.id),
            "head_sha": run.head_sha,
            "url": url,
            "html_url": self.web(repository, "actions/runs", run.id, "job", job.id),
            "status": job.status,
            "conclusion": job.conclusion,
            "created_at": when(run.created_at),
            "started_at": when(run.created_at),
            "completed_at": when(self.world.clock.now()) if done else None,
            "name": job.name,
            "steps": [],
            "check_run_url": self.api(repository, "check-runs", job.id),
            "labels": ["ubuntu-24.04"],
            "runner_id": 1,
            "runner_name": "GitHub Actions 1",
            "runner_group_id": 0,
            "runner_group_name": "GitHub Actions",
            "workflow_name": run.workflow.rsplit(".", 1)[0],
            "head_branch": run.head_branch,
        }

    def artifact(self, repository: RepositoryState, artifact: Artifact) -> Json:
        """An artifact; what it says of itself proves nothing of who made it."""
        url = self.api(repository, "actions/artifacts", artifact.id)
        run = repository.runs[artifact.run_id]
        made = when(artifact.created_at)
        return {
            "id": artifact.id,
            "node_id": node_id("MDg", artifact.id),
            "name": artifact.name,
            "size_in_bytes": len(artifact.data),
            "url": url,
            "archive_download_url": f"{url}/zip",
            "expired": artifact.expired,
            "created_at": made,
            "updated_at": made,
            "expires_at": when(self.world.until(days=-1 if artifact.expired else 90)),
            "digest": artifact.digest,
            "workflow_run": {
                "id": run.id,
                "repository_id": repository.id,
                "head_repository_id": repository.id,
                "head_branch": run.head_branch or "",
                "head_sha": run.head_sha,
            },
        }
