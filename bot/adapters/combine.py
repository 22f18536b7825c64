"""Combining branches in memory: nobody's work tree is touched and no ref is moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.adapters.changes import RAW, change_lines, path_change
from bot.adapters.git import GitError, Repository, commit_header
from bot.core.base import Sha, printable
from bot.core.combine import Joined, MustMerge, Overlay, PathChange, join, lay


@dataclass(frozen=True)
class Branch:
    """A workstream's result: what it started from, and the commit that it came to."""

    workstream: str
    base: Sha
    head: Sha


@dataclass(frozen=True)
class Landed:
    """The branch is part of the combination now."""


@dataclass(frozen=True)
class Conflict:
    """The branch does not merge; the combination is as it was."""

    others: tuple[str, ...]
    files: tuple[str, ...]


class Combination:
    """Branches landed one after another on one base commit.

    Joining path by path costs no process; the commits are only written when somebody asks for
    the head, or when git has to merge. Fixed author and date: the same branches in the same
    order give the same commits.
    """

    def __init__(self, repository: Repository, base: Sha, at: datetime) -> None:
        self._repository = repository
        self._at = at
        self._head = base
        self._overlay = Overlay()
        self._pending: list[tuple[Branch, tuple[PathChange, ...]]] = []

    def land(self, branch: Branch) -> Landed | Conflict:
        """Try one branch on top of all that landed before it."""
        [changes] = changes_of(self._repository, [branch])
        return self._land(branch, changes)

    def land_all(self, branches: Sequence[Branch]) -> tuple[Landed | Conflict, ...]:
        """Try several branches in their order, reading all of their changes at once."""
        read = changes_of(self._repository, branches)
        return tuple(
            self._land(branch, changes) for branch, changes in zip(branches, read, strict=True)
        )

    def adopt(self, head: Sha) -> None:
        """Go on from what somebody else made of it, which nothing that lands may write over."""
        [changes] = changes_of(self._repository, [Branch("a push", self._head, head)])
        self._overlay = lay(self._overlay, changes, "a push")
        self._head = head

    def head(self) -> Sha:
        """Return the commit that holds everything that landed, writing what is not written yet."""
        if self._pending:
            self._head = self._repository.import_commits(self._stream())
            self._pending.clear()
        return self._head

    def _land(self, branch: Branch, changes: tuple[PathChange, ...]) -> Landed | Conflict:
        if not changes:
            return Landed()
        match join(self._overlay, changes, branch.workstream):
            case Joined(overlay=overlay):
                self._overlay = overlay
                self._pending.append((branch, changes))
                return Landed()
            case MustMerge():
                return self._merge(branch)

    def _merge(self, branch: Branch) -> Landed | Conflict:
        """Merge with git, the branch's own start being the base of the merge.

        Our side is put on that start as a commit of its own, for git before 2.40 cannot be told
        a merge base.
        """
        repository, ours = self._repository, self.head()
        ours_tree = f"{ours}^{{tree}}"
        stand_in = repository.commit_tree(ours_tree, [branch.base], "ours", self._at)
        tree = _merged(repository, stand_in, branch.head)
        if not isinstance(tree, str):
            return self._conflict(tree)
        message = _message(branch)
        self._head = repository.commit_tree(tree, [ours, branch.head], message, self._at)
        [changes] = changes_of(repository, [Branch(branch.workstream, ours, self._head)])
        self._overlay = lay(self._overlay, changes, branch.workstream)
        return Landed()

    def _conflict(self, files: tuple[str, ...]) -> Conflict:
        everything = tuple(self._overlay.entries)
        others = self._overlay.owners_of(files) or self._overlay.owners_of(everything)
        return Conflict(others, tuple(map(printable, files)))

    def _stream(self) -> Iterable[bytes]:
        """Write one merge commit a branch; the last one carries mark 1."""
        parent = self._head.encode()
        for nth, (branch, changes) in enumerate(self._pending):
            mark = 1 if nth == len(self._pending) - 1 else nth + 2
            yield commit_header(mark, _message(branch), self._at)
            yield b"from %s\nmerge %s\n" % (parent, branch.head.encode())
            yield from change_lines(changes)
            yield b"\n"
            parent = b":%d" % mark


def conflicts_between(repository: Repository, ours: Sha, theirs: Sha) -> tuple[str, ...]:
    """Name the files in which two commits do not merge; none: they do."""
    merged = _merged(repository, ours, theirs)
    return () if isinstance(merged, str) else tuple(map(printable, merged))


def _merged(repository: Repository, ours: Sha, theirs: Sha) -> str | tuple[str, ...]:
    """Merge two commits with git; return the tree, or the paths that conflict."""
    args = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages")
    try:
        return repository.text(*args, ours, theirs).rstrip("\0")
    except GitError as error:
        if error.code != 1:  # 1 is a conflict, whatever it lists; more is a failure
            raise
        _, *files = error.stdout.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
        return tuple(sorted(set(files)))


def _message(branch: Branch) -> str:
    return f"Merge {branch.workstream}\n"


def changes_of(
    repository: Repository, branches: Sequence[Branch]
) -> tuple[tuple[PathChange, ...], ...]:
    """Return what each branch changed since its base, read by one process."""
    asked = "".join(f"{branch.head} {branch.base}\n" for branch in branches)
    args = ("diff-tree", "--stdin", *RAW, "--root", "-m", "--always")
    out = repository.git(*args, stdin=asked.encode())
    parts = out.decode("utf-8", "surrogateescape").split("\0")[:-1]
    found: list[list[PathChange]] = []
    heads = iter(branches)
    at = 0
    while at < len(parts):
        if not parts[at].startswith(":"):
            assert parts[at].split()[0] == next(heads).head, "diff-tree answers in order"
            found.append([])
            at += 1
            continue
        found[-1].append(path_change(*parts[at : at + 2]))
        at += 2
    return tuple(tuple(changes) for changes in found)
