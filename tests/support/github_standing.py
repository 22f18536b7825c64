"""All that people and jobs can see of a repository on the fake GitHub, in a form to compare.

Left out is what no two runs have in common: times, figures made of them, ids that count up and
digests. Commits go by the names of their trees, and issues of a run by what they are of, for they
are made in any order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.github import FakeRepository
from tests.support.github.state import Issue

RUNS, LEDGER = "refs/orchestrate/runs/", "refs/heads/orchestrate/ledger"
_OWN = {
    *("id", "at", "started_at", "finished_at", "lease_until", "handed_out_by", "seconds"),
    *("shown", "comment_shown", "checks", "node_id", "number"),
}
_TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d| UTC)?")
_COUNTED = re.compile(r"\b4[12]\d{8}\b")  # the fake's ids
_FIGURES = re.compile(r"^\*\*Figures:\*\*.*$|^\| Time \| .* \|$", re.M)
_MARK = re.compile(r"<!-- orchestrate:\d+:(\S+) -->")
_NUMBERS = re.compile(r"(?<=#)\d+|(?<=/issues/)\d+|(?<=/pull/)\d+")
_HEX = re.compile(r"\b([0-9a-f]{40}|[0-9a-f]{8})\b")

Standing = Mapping[str, Any]


def standing_of(repository: FakeRepository) -> Standing:
    """Return everything, as it is now."""
    names = {number: _name(issue) for number, issue in repository.issues.items()}
    plain = _plain(repository, names)
    refs = repository.git.refs()
    files = {
        f"{ref}:{path}": _file(repository.git.read(ref, path) or "", path, plain)
        for ref in refs
        if ref.startswith(RUNS) or ref == LEDGER
        for path in repository.git.files(ref)
    }
    trees = {plain(ref): plain(sha) for ref, sha in refs.items() if not ref.startswith(RUNS)}
    issues: dict[str, Any] = {}
    for number, issue in repository.issues.items():
        others = [name for name in issues if name.startswith(names[number])]
        twice = f" {len(others) + 1}" if others else ""
        issues[names[number] + twice] = dict(_issue(repository, issue, plain))
    checks: dict[str, list[Any]] = {}  # by commit and name, earliest first
    for one in repository.checks:
        said = (one.conclusion, one.title, plain(one.summary or ""))
        checks.setdefault(f"{plain(one.head_sha)} {one.name}", []).append(said)
    dispatches = [(d.workflow, plain(json.dumps(dict(d.inputs)))) for d in repository.dispatches]
    return {
        "files": files,
        "refs": trees,
        "issues": issues,
        "checks": checks,
        "dispatches": dispatches,
    }


def differences(found: object, expected: object, where: str = "") -> Iterator[str]:
    """Say where two standings differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            yield from differences(found.get(key), expected.get(key), f"{where}/{key}")
    elif found != expected:
        yield f"{where}: {found!r} instead of {expected!r}"


def _name(issue: Issue) -> str:
    found = _MARK.match(issue.body or "")
    return found[1] if found else str(issue.number)


def _plain(repository: FakeRepository, names: Mapping[int, str]) -> Callable[[str], str]:
    """Return what takes out of a text all that no two runs have in common."""
    log = repository.git.git("log", "--all", "--format=%H %T").splitlines()
    trees = dict(line.split(" ") for line in log)
    named = {sha[:size]: f"tree {tree[:8]}" for sha, tree in trees.items() for size in (8, 40)}

    def plain(text: str) -> str:
        text = _HEX.sub(lambda found: named.get(found[0], found[0]), text)
        text = _NUMBERS.sub(lambda found: names.get(int(found[0]), found[0]), text)
        return _FIGURES.sub("", _COUNTED.sub("0", _TIMES.sub("TIME", text)))

    return plain


def _file(text: str, path: str, plain: Callable[[str], str]) -> Any:
    if path.endswith(".jsonl"):
        return [_without_own(json.loads(plain(line))) for line in text.splitlines()]
    return _without_own(json.loads(plain(text))) if path.endswith(".json") else plain(text)


def _without_own(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_own(each) for name, each in value.items() if name not in _OWN}
    return [_without_own(each) for each in value] if isinstance(value, list) else value


def _issue(
    repository: FakeRepository, issue: Issue, plain: Callable[[str], str]
) -> Iterator[tuple[str, Any]]:
    names = {one.id: _name(one) for one in repository.issues.values()}
    yield "title", issue.title
    yield "body", plain(issue.body or "")
    yield "state", (issue.state, issue.state_reason)
    yield "labels", list(issue.labels)
    yield "sub-issues", [names[one] for one in issue.sub_issues]
    yield "blocked by", sorted(names[one] for one in issue.blocked_by)
    yield "reactions", [(one.user.login, one.content) for one in issue.reactions]
    yield (
        "comments",
        sorted(
            (
                one.author.login,
                plain(one.body),
                [(by.user.login, by.content) for by in one.reactions],
            )
            for one in issue.comments
        ),
    )
    if pull := issue.pull:
        yield "pull", (pull.head, pull.base, plain(pull.head_sha), pull.draft, bool(pull.merged_at))
        yield "reviewers", [one.login for one in pull.reviewers]
