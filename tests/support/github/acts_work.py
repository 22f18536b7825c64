"""Acts on branches and pull requests; see acts.py."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.github.acts import check_body, closed_by_merging
from tests.support.github.acts_workflows import WorkflowActs
from tests.support.github.bare import NOTHING
from tests.support.github.refused import Refused, invalid
from tests.support.github.state import Issue, Pull, RepositoryState, Token, World
from tests.support.github.views import Json

NO_PULLS = "GitHub Actions is not permitted to create or approve pull requests."
NO_DRAFTS = "Draft pull requests are not supported in this repository."


def _homes(
    world: World, repository: RepositoryState
) -> Iterator[tuple[RepositoryState, str | None]]:
    """Return where pull requests from a repository are, and as which fork they name it."""
    yield repository, None
    if repository.parent:
        yield world.repository(repository.parent), repository.full_name


class WorkActs(WorkflowActs):
    """Acts that git has a part in, and all others."""

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
        for _, pull in repository.open_pulls():
            if pull.base == branch and new != NOTHING:
                pull.base_sha = new
        for target, fork in _homes(self.world, repository):
            for issue, pull in list(target.open_pulls()):
                if (pull.fork, pull.head) != (fork, branch):
                    continue
                if new == NOTHING:
                    self.set_state(target, issue, by, "closed")
                else:
                    self._move_pull(target, issue, by, old, new)

    def _move_pull(
        self, repository: RepositoryState, issue: Issue, by: Token, old: str, new: str
    ) -> None:
        pull = issue.pull
        assert pull is not None
        pull.head_sha = new
        self._keep_head(repository, issue.number, pull)
        self.touch(issue)
        self.tell_pull(repository, issue, by, "synchronize", before=old, after=new)
        self.hold_back_runs(repository, pull, by)

    def _keep_head(self, repository: RepositoryState, number: int, pull: Pull) -> None:
        """Keep refs/pull/N/head where the pull request's head is, with a fork's commits."""
        if pull.fork:
            fork = self.world.repository(pull.fork)
            repository.git.git("fetch", "--quiet", str(fork.git.path), pull.head_sha)
        repository.git.git("update-ref", f"refs/pull/{number}/head", pull.head_sha)

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
        """Open a pull request; `head` is a branch, or owner:branch of the repository or a fork."""
        if by.is_job and not repository.settings.actions_may_open_pulls:
            raise Refused(403, NO_PULLS)
        made = self._new_pull(repository, head, base)
        if draft and not repository.settings.drafts:
            raise Refused(422, NO_DRAFTS)
        made.draft = draft
        self._check_new_pull(repository, made)
        self.check_title("PullRequest", title)
        check_body("PullRequest", body)
        issue = self.new_issue(repository, by, title, body)
        issue.pull = made
        self._keep_head(repository, issue.number, made)
        told = self.tell_pull(repository, issue, by, "opened")
        self.hold_back_runs(repository, made, by)
        return issue, told

    def _new_pull(self, repository: RepositoryState, head: str, base: str) -> Pull:
        owner, _, branch = head.rpartition(":")
        home = repository
        if owner and owner != repository.owner.login:
            forks = (each for each in self.world.forks(repository) if each.owner.login == owner)
            if (found := next(forks, None)) is None:
                raise invalid("PullRequest", "invalid", field="head")
            home = found
        shas = home.refs.get(f"refs/heads/{branch}"), repository.refs.get(f"refs/heads/{base}")
        if shas[0] is None:
            raise invalid("PullRequest", "invalid", field="head")
        if shas[1] is None:
            raise invalid("PullRequest", "invalid", field="base")
        fork = home.full_name if home is not repository else None
        return Pull(self.world.new_id(), branch, base, shas[0], shas[1], fork=fork)

    def _check_new_pull(self, repository: RepositoryState, new: Pull) -> None:
        for _, pull in repository.open_pulls():
            if (pull.fork, pull.head, pull.base) == (new.fork, new.head, new.base):
                owner = (new.fork or repository.full_name).split("/")[0]
                raise invalid(
                    "PullRequest", f"A pull request already exists for {owner}:{new.head}."
                )
        if not new.fork and repository.git.merge_base(new.head_sha, new.base_sha) == new.head_sha:
            raise invalid("PullRequest", f"No commits between {new.base} and {new.head}")

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
