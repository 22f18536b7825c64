"""A GitHub to test against: REST, GraphQL and git over real HTTP on this machine.

    with FakeGithub() as github:
        github.add_user("alice")
        repo = github.create_repository("acme/widget", files={"README.md": "# Widget\\n"})
        repo.collaborators["alice"] = "write"
        issue = repo.open_issue("Add pages", "Please.", by="alice")
        payload = repo.label(issue.number, "orchestrate", by="alice")  # the webhook `labeled`
        token = github.job_token("acme/widget", {"issues": "write", "contents": "read"})
        …  # bot with GITHUB_API_URL=github.api_url, GITHUB_SERVER_URL=github.url, token
        assert repo.issues[issue.number].comments[0].body == "…"
        assert github.counted() <= 15

Whatever GitHub's OpenAPI description does not allow, of requests, answers and webhooks, fails the
test when the block ends; so do a route that the fake does not have and a fault nobody met. Where
the description is not installed (`openapi.available()`), nothing is compared with it.

Stricter than GitHub: reads need their permission on public repositories too. Not there: teams,
reviews, milestones, projects, conditional requests, concurrency groups (a runner's work).
"""

from tests.support.github.answering import Exchange
from tests.support.github.fake import FakeGithub
from tests.support.github.faults import Fault
from tests.support.github.refused import Refused
from tests.support.github.repository import FakeRepository

__all__ = ["Exchange", "FakeGithub", "FakeRepository", "Fault", "Refused"]
