"""State as GitHub's JSON: people, repositories, issues, commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.support.github.bare import Commit, FileChange
from tests.support.github.state import (
    App,
    Comment,
    Issue,
    Label,
    Reaction,
    RepositoryState,
    User,
    World,
)

Json = dict[str, Any]

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
_PLAIN = ("contributors", "deployments", "downloads", "events", "forks", "hooks", "languages",
          "merges", "stargazers", "subscribers", "subscription", "tags", "teams")  # fmt: skip
_WITH_PART = {
    "archive": "/{archive_format}{/ref}", "assignees": "{/user}", "blobs": "{/sha}",
    "branches": "{/branch}", "collaborators": "{/collaborator}", "comments": "{/number}",
    "commits": "{/sha}", "compare": "/{base}...{head}", "contents": "/{+path}",
    "git_commits": "{/sha}", "git_refs": "{/sha}", "git_tags": "{/sha}",
    "issue_comment": "{/number}", "issue_events": "{/number}", "issues": "{/number}",
    "keys": "{/key_id}", "labels": "{/name}", "milestones": "{/number}",
    "notifications": "{?since,all,participating}", "pulls": "{/number}", "releases": "{/id}",
    "statuses": "{/sha}", "trees": "{/sha}",
}  # fmt: skip
_NOT_TOLD = ("closed_by", "parent_issue_url")
_PLACES = {
    "blobs": "git/blobs", "git_commits": "git/commits", "git_refs": "git/refs",
    "git_tags": "git/tags", "trees": "git/trees", "issue_comment": "issues/comments",
    "issue_events": "issues/events", "archive": "", "languages": "languages",
}  # fmt: skip


def when(moment: datetime | None) -> str | None:
    """Return a time as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node_id(kind: str, number: int) -> str:
    """Return what GraphQL calls a thing; `I` is an issue, `PR` a pull request."""
    return f"{kind}_kwDO{number:x}"


class Views:
    """Draws things as the server at hand would address them."""

    def __init__(self, world: World) -> None:
        self.world = world

    def api(self, repository: RepositoryState, *parts: object) -> str:
        """Return the API address of something in a repository."""
        top = f"{self.world.api_url}/repos/{repository.full_name}"
        return "/".join((top, *(str(part) for part in parts)))

    def web(self, repository: RepositoryState, *parts: object) -> str:
        """Return the web address of something in a repository."""
        top = f"{self.world.web_url}/{repository.full_name}"
        return "/".join((top, *(str(part) for part in parts)))

    def user(self, user: User) -> Json:
        """A simple-user."""
        api = f"{self.world.api_url}/users/{user.login}"
        lists = {
            "followers": "/followers", "following": "/following{/other_user}",
            "gists": "/gists{/gist_id}", "starred": "/starred{/owner}{/repo}",
            "subscriptions": "/subscriptions", "organizations": "/orgs", "repos": "/repos",
            "events": "/events{/privacy}", "received_events": "/received_events",
        }  # fmt: skip
        return {
            "login": user.login,
            "id": user.id,
            "node_id": node_id("U", user.id),
            "avatar_url": f"{self.world.web_url}/avatars/{user.id}",
            "gravatar_id": "",
            "url": api,
            "html_url": f"{self.world.web_url}/{user.login}",
            "type": user.kind,
            "site_admin": False,
            "user_view_type": "public",
        } | {f"{name}_url": api + end for name, end in lists.items()}

    def place(self, repository: RepositoryState) -> Json:
        """A minimal repository: what it is called and where things in it are."""
        named = dict.fromkeys(_PLAIN, "") | _WITH_PART
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.full_name.split("/")[1],
            "full_name": repository.full_name,
            "owner": self.user(repository.owner),
            "private": repository.private,
            "html_url": self.web(repository),
            "url": self.api(repository),
            "description": None,
            "fork": repository.parent is not None,
        } | {
            f"{name}_url": self.api(repository, _PLACES.get(name, name)) + end
            for name, end in named.items()
        }

    def repository(self, repository: RepositoryState) -> Json:
        """A repository as other things and webhooks contain it."""
        open_issues = sum(issue.state == "open" for issue in repository.issues.values())
        web, made = self.web(repository), when(repository.created_at)
        return (
            self.place(repository)
            | {
                "visibility": "private" if repository.private else "public",
                "git_url": f"{web}.git".replace("http:", "git:"),
                "ssh_url": f"git@127.0.0.1:{repository.full_name}.git",
                "clone_url": f"{web}.git",
                "svn_url": web,
                "default_branch": repository.default_branch,
                "size": 1,
                "topics": [],
                "created_at": made,
                "updated_at": made,
                "pushed_at": made,
            }
            | dict.fromkeys(("mirror_url", "homepage", "language", "license"))
            | dict.fromkeys(("archived", "disabled", "has_pages", "has_discussions"), False)
            | dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True)
            | dict.fromkeys(("open_issues", "open_issues_count"), open_issues)
            | dict.fromkeys(("forks", "forks_count", "stargazers_count"), 0)
            | dict.fromkeys(("watchers", "watchers_count"), 0)
        )

    def whole_repository(self, repository: RepositoryState) -> Json:
        """A repository as it is answered alone."""
        return self.repository(repository) | {"subscribers_count": 0, "network_count": 0}

    def app(self, app: App) -> Json:
        """An integration."""
        owner = self.world.add_user("github", "Organization")
        made = "2018-07-30T09:30:17Z"
        return {
            "id": app.id,
            "slug": app.slug,
            "node_id": node_id("A", app.id),
            "owner": self.user(owner),
            "name": app.name,
            "description": "",
            "external_url": f"{self.world.web_url}/features/{app.slug}",
            "html_url": f"{self.world.web_url}/apps/{app.slug}",
            "created_at": made,
            "updated_at": made,
            "permissions": {"metadata": "read"},
            "events": [],
        }

    def label(self, repository: RepositoryState, label: Label) -> Json:
        """A label."""
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": self.api(repository, "labels", label.name),
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def labels(self, repository: RepositoryState, names: Iterable[str]) -> list[Json]:
        """The labels of an issue."""
        found = (repository.label(name) for name in names)
        return [self.label(repository, label) for label in found if label]

    def reaction(self, reaction: Reaction) -> Json:
        """A reaction."""
        return {
            "id": reaction.id,
            "node_id": node_id("REA", reaction.id),
            "user": self.user(reaction.user),
            "content": reaction.content,
            "created_at": when(reaction.created_at),
        }

    def rollup(self, url: str, reactions: list[Reaction]) -> Json:
        """How many reactions of each kind there are."""
        counts = Counter(reaction.content for reaction in reactions)
        return {
            "url": f"{url}/reactions",
            "total_count": len(reactions),
            **{content: counts[content] for content in REACTIONS},
        }

    def association(self, repository: RepositoryState, user: User) -> str:
        """What GitHub says of an author; it proves nothing, and is meant to mislead here too."""
        if user == repository.owner:
            return "OWNER"
        return "COLLABORATOR" if user.login in repository.collaborators else "NONE"

    def comment(self, repository: RepositoryState, issue: Issue, comment: Comment) -> Json:
        """An issue comment."""
        url = self.api(repository, "issues/comments", comment.id)
        kind = "pull" if issue.pull else "issues"
        return {
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "url": url,
            "html_url": self.web(repository, kind, f"{issue.number}#issuecomment-{comment.id}"),
            "issue_url": self.api(repository, "issues", issue.number),
            "user": self.user(comment.author),
            "created_at": when(comment.created_at),
            "updated_at": when(comment.updated_at),
            "author_association": self.association(repository, comment.author),
            "body": comment.body,
            "reactions": self.rollup(url, comment.reactions),
            "performed_via_github_app": self.app(comment.app) if comment.app else None,
        }

    def issue(self, repository: RepositoryState, issue: Issue) -> Json:
        """An issue, or a pull request seen as one."""
        url = self.api(repository, "issues", issue.number)
        web = self.web(repository, "pull" if issue.pull else "issues", issue.number)
        parent = self.world.issue_by_id(issue.parent) if issue.parent else None
        drawn = {
            "id": issue.id,
            "node_id": node_id("PR" if issue.pull else "I", issue.id),
            "url": url,
            "repository_url": self.api(repository),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "html_url": web,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "user": self.user(issue.author),
            "labels": self.labels(repository, issue.labels),
            "state": issue.state,
            "state_reason": issue.state_reason,
            "locked": False,
            "active_lock_reason": None,
            "assignee": self.user(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user(user) for user in issue.assignees],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": when(issue.created_at),
            "updated_at": when(issue.updated_at),
            "closed_at": when(issue.closed_at),
            "closed_by": self.user(issue.closed_by) if issue.closed_by else None,
            "author_association": self.association(repository, issue.author),
            "reactions": self.rollup(url, issue.reactions),
            "performed_via_github_app": self.app(issue.app) if issue.app else None,
            "sub_issues_summary": self._sub_issues(issue),
            "issue_dependencies_summary": self._dependencies(issue),
        }
        if parent:
            drawn["parent_issue_url"] = self.api(parent[0], "issues", parent[1].number)
        if issue.pull:
            drawn["draft"] = issue.pull.draft
            drawn["pull_request"] = {
                "url": self.api(repository, "pulls", issue.number),
                "html_url": web,
                "diff_url": f"{web}.diff",
                "patch_url": f"{web}.patch",
                "merged_at": when(issue.pull.merged_at),
            }
        return drawn

    def told_issue(self, repository: RepositoryState, issue: Issue) -> Json:
        """An issue as webhooks carry it."""
        drawn = self.issue(repository, issue)
        return {name: drawn[name] for name in drawn if name not in _NOT_TOLD}

    def _sub_issues(self, issue: Issue) -> Json:
        found = [self.world.issue_by_id(child) for child in issue.sub_issues]
        done = sum(pair is not None and pair[1].state == "closed" for pair in found)
        total = len(found)
        return {"total": total, "completed": done, "percent_completed": 100 * done // (total or 1)}

    def _dependencies(self, issue: Issue) -> Json:
        found = [self.world.issue_by_id(blocker) for blocker in issue.blocked_by]
        still = sum(pair is not None and pair[1].state == "open" for pair in found)
        return {
            "blocked_by": still,
            "total_blocked_by": len(found),
            "blocking": 0,
            "total_blocking": 0,
        }

    def commit(self, repository: RepositoryState, commit: Commit) -> Json:
        """A commit of the commits and compare endpoints."""
        url = self.api(repository, "commits", commit.sha)
        who = {"name": commit.name, "email": commit.email, "date": commit.date}
        return {
            "url": url,
            "sha": commit.sha,
            "node_id": node_id("C", int(commit.sha[:12], 16)),
            "html_url": self.web(repository, "commit", commit.sha),
            "comments_url": f"{url}/comments",
            "commit": {
                "url": self.api(repository, "git/commits", commit.sha),
                "author": who,
                "committer": who,
                "message": commit.message,
                "comment_count": 0,
                "tree": {
                    "sha": commit.tree,
                    "url": self.api(repository, "git/trees", commit.tree),
                },
            },
            "author": None,
            "committer": None,
            "parents": [
                {"sha": sha, "url": self.api(repository, "commits", sha)} for sha in commit.parents
            ],
        }

    def file(self, repository: RepositoryState, head: str, change: FileChange) -> Json:
        """A changed file."""
        return {
            "sha": change.sha if change.status != "removed" else None,
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": self.web(repository, "blob", head, change.path),
            "raw_url": self.web(repository, "raw", head, change.path),
            "contents_url": self.api(repository, "contents", f"{change.path}?ref={head}"),
        }
