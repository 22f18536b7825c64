"""Which file of the repository a path from a tool's output means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from bot.core.base import RepoPath

_INSTALLED = re.compile(r".*/(?:site|dist)-packages/")
_FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", ".venv", ".tox", ".cargo"})
_REPO_PATH: TypeAdapter[RepoPath] = TypeAdapter(RepoPath)
_DRIVE = re.compile(r"^[A-Za-z]:(?=/)")
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "e2e", "testdata"})
_TEST_NAME = re.compile(
    r"""
    conftest\.py | tests?\.py | test_.*\.py | .*_test\.(?:py|go|rs) | .*_(?:test|spec)\.rb
    | .*[._](?:test|spec)\.[cm]?[jt]sx? | .*Tests?\.(?:java|kt|cs)
    """,
    re.VERBOSE,
)


def folders_of(path: str) -> list[str]:
    """Return the folders around a file, the highest first, without the top."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def is_test_file(path: str) -> bool:
    """Whether a repository path is a test, or helps only tests, by its folder or its name."""
    *folders, name = path.split("/")
    return not _TEST_FOLDERS.isdisjoint(folders) or _TEST_NAME.fullmatch(name) is not None


def is_foreign(path: str) -> bool:
    """Whether a path goes to installed code, even where its end looks like one of our files."""
    return not _FOREIGN.isdisjoint(path.split("/"))


def reportable(path: str | None) -> RepoPath | None:
    """Return the path where a finding may carry it; git allows names that ours do not (`~x`)."""
    try:
        return _REPO_PATH.validate_python(path)
    except ValidationError:
        return None


class RepoFiles:
    """The files of a repository, found again from paths that tools wrote on any machine."""

    def __init__(self, files: Iterable[str], *, root: str) -> None:
        """Take repository paths, and the absolute folder that they were in when the tool ran."""
        self._files = frozenset(files)
        self._root = _slashes(root).rstrip("/") + "/"
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for path in self._files:
            self._by_name[path.rpartition("/")[2]].append(path)

    def exact(self, text: str) -> str | None:
        """Return the file that `text` names in full: from the top, or below the root."""
        path = _normal(text)
        if path is None:
            return None
        inside = path.removeprefix(self._root)
        return inside if inside in self._files else None

    def find(self, text: str) -> str | None:
        """Return the file that `text` means, or None where none or more than one may be meant.

        In this order: the exact path; the one file whose path ends with `text`; the longest that
        `text` ends with; for a relative path, the one file that shares the longest end of at
        least two parts (a Go module below the top: `example.com/m/q/q.go`, `backend/q/q.go`).
        A path to installed code only means a file that ends as it goes on there.
        """
        path = _normal(text)
        if path is None:
            return None
        exact = self.exact(path)
        if exact is not None:
            return exact
        if _INSTALLED.match(path):
            return self._ending_with(_INSTALLED.sub("", path))
        if path.startswith(self._root) or is_foreign(path):
            return None
        return self._by_suffix(path)

    def _ending_with(self, path: str) -> str | None:
        """Return the one file that ends with a path: ours, installed to be tested as users do."""
        whole = [file for file in self._named_as(path) if ("/" + file).endswith("/" + path)]
        return whole[0] if len(whole) == 1 else None

    def _named_as(self, path: str) -> list[str]:
        return self._by_name.get(path.rpartition("/")[2], [])

    def _by_suffix(self, path: str) -> str | None:
        candidates = self._named_as(path)
        longer = [file for file in candidates if file.endswith("/" + path)]
        if longer:
            return longer[0] if len(longer) == 1 else None
        within = [file for file in candidates if path.endswith("/" + file)]
        if within:
            return max(within, key=len)
        return None if path.startswith("/") else _only_longest(path, candidates)


def _only_longest(path: str, candidates: list[str]) -> str | None:
    shared = {file: _shared_parts(path, file) for file in candidates}
    longest = max(shared.values(), default=0)
    best = [file for file, parts in shared.items() if parts == longest]
    return best[0] if longest >= 2 and len(best) == 1 else None


def _shared_parts(one: str, other: str) -> int:
    count = 0
    for left, right in zip(reversed(one.split("/")), reversed(other.split("/")), strict=False):
        if left != right:
            break
        count += 1
    return count


def _slashes(text: str) -> str:
    return _DRIVE.sub("", text.replace("\\", "/"))


def _normal(text: str) -> str | None:
    """Write a path without `.`, `..` and double slashes; None where it climbs above its start."""
    path = _slashes(text.removeprefix("file://"))
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return ("/" if path.startswith("/") else "") + "/".join(parts)
