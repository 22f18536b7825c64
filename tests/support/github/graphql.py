"""The GraphQL mutations that REST has nothing for; any other document is refused with errors."""

from __future__ import annotations

import re
from typing import Any

from tests.support.github.acts_work import WorkActs
from tests.support.github.rest import NOT_ACCESSIBLE, Answer, allows
from tests.support.github.state import Issue, RepositoryState, Token, World
from tests.support.github.views import node_id

_DOCUMENT = re.compile(
    r"\s*mutation\b[^{]*\{\s*(?P<name>\w+)\s*\(\s*input\s*:\s*"
    r"(?P<input>\$\w+|\{[^{}]*\})\s*\)\s*\{(?P<fields>[\w\s{}]*)\}\s*\}\s*"
)
_FIELD = re.compile(r"(\w+)\s*:\s*(\$\w+|\"[^\"]*\"|\w+)")
_PULLS = {"markPullRequestReadyForReview": False, "convertPullRequestToDraft": True}
_CLASSIFIERS = {"ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM"}

Json = dict[str, Any]


class _Wrong(Exception):
    """What GraphQL says is wrong; `kind` is its type, empty for a wrong document."""

    def __init__(self, said: str, kind: str = "") -> None:
        super().__init__(said)
        self.kind = kind


def answer(world: World, acts: WorkActs, token: Token, body: Any) -> Answer:
    """Answer a document: 200 whatever comes, with `errors` where something is wrong."""
    name = ""
    try:
        name, given = _read(body)
        done = _mutate(world, acts, token, name, given)
    except _Wrong as wrong:
        error: Json = {"message": str(wrong)}
        if not wrong.kind:
            return Answer(200, {"errors": [error]})
        error |= {"type": wrong.kind, "path": [name]}
        return Answer(200, {"data": {name: None}, "errors": [error]})
    return Answer(200, {"data": {name: done}})


def _read(body: Any) -> tuple[str, Json]:
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise _Wrong("A query attribute must be specified and must be a string.")
    match = _DOCUMENT.fullmatch(body["query"])
    if match is None or match["name"] not in (*_PULLS, "minimizeComment"):
        raise _Wrong(f"This fake does not know the document: {body['query']}")
    variables = body.get("variables") or {}
    if match["input"].startswith("$"):
        return match["name"], _variable(variables, match["input"])
    given = {}
    for field, value in _FIELD.findall(match["input"]):
        given[field] = _variable(variables, value) if value[0] == "$" else value.strip('"')
    return match["name"], given


def _variable(variables: Json, name: str) -> Any:
    if name[1:] not in variables:
        raise _Wrong(f"Variable {name} of type ID! was provided invalid value")
    return variables[name[1:]]


def _mutate(world: World, acts: WorkActs, token: Token, name: str, given: Json) -> Json:
    if name == "minimizeComment":
        return _minimize(world, token, given)
    repository, issue = _find(world, given.get("pullRequestId"))
    _require(token, repository, "pull_requests:write")
    # GitHub Actions' token needs this as well (https://github.com/cli/cli/issues/8910).
    _require(token, repository, "contents:write")
    pull = issue.pull
    assert pull
    if _PULLS[name] and not repository.settings.drafts:
        raise _Wrong("Draft pull requests are not supported in this repository.", "UNPROCESSABLE")
    if pull.draft != _PULLS[name]:
        pull.draft = _PULLS[name]
        action = "converted_to_draft" if pull.draft else "ready_for_review"
        acts.tell_pull(repository, issue, token, action)
    drawn = {
        "id": node_id("PR", issue.id),
        "number": issue.number,
        "isDraft": pull.draft,
        "state": issue.state.upper(),
        "url": acts.views.issue(repository, issue)["html_url"],
    }
    return {"pullRequest": drawn, "clientMutationId": given.get("clientMutationId")}


def _minimize(world: World, token: Token, given: Json) -> Json:
    subject, classifier = given.get("subjectId"), given.get("classifier")
    if classifier not in _CLASSIFIERS:
        raise _Wrong(f"Expected {classifier!r} to be one of {', '.join(sorted(_CLASSIFIERS))}")
    for repository in world.repositories.values():
        for issue in repository.issues.values():
            for comment in issue.comments:
                if node_id("IC", comment.id) == subject:
                    _require(token, repository, "issues:write")
                    comment.minimized = classifier
                    hidden = {"isMinimized": True, "minimizedReason": classifier.lower()}
                    return {"minimizedComment": hidden, "clientMutationId": None}
    raise _missing(subject)


def _find(world: World, wanted: object) -> tuple[RepositoryState, Issue]:
    for repository in world.repositories.values():
        for issue in repository.issues.values():
            if issue.pull and node_id("PR", issue.id) == wanted:
                return repository, issue
    raise _missing(wanted)


def _missing(wanted: object) -> _Wrong:
    return _Wrong(f"Could not resolve to a node with the global id of '{wanted}'", "NOT_FOUND")


def _require(token: Token, repository: RepositoryState, need: str) -> None:
    if not allows(token, repository, need):
        raise _Wrong(NOT_ACCESSIBLE, "FORBIDDEN")
