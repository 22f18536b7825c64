"""Where a bundle of an agent job is unpacked and looked at before any of it is ours.

A fresh bare repository that holds the recorded base and nothing else: what a bundle needs beyond
that, it does not get. Of what it brings only files are taken over, path by path onto our base;
the agent's commit and trees stay behind.
"""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.adapters.bundle import BadPack, measure_pack, pack_between, read_bundle
from bot.adapters.changes import RAW, change_lines, path_change, reaching_out, read_change
from bot.adapters.git import GitError, Repository, commit_header, git_at_most, run_git
from bot.adapters.worktree import ChangeLimits
from bot.core.base import Sha, few, printable
from bot.core.combine import PathChange
from bot.core.plan import Workstream
from bot.core.redact import Redactor
from bot.core.verdict import trespass
from bot.ports import Refused, Snapshot

_LONGEST_PATH = 4096  # bytes
_TREE_BYTES = 64_000_000  # folders that changed, written anew whole; a large one takes megabytes
_OBJECTS_A_FILE, _OBJECTS = 20, 1_000  # a file brings the folders around it
_MOST_SCANNED = 1_000_000  # bytes of a file that is no text


@dataclass(frozen=True)
class Awaited:
    """The change that the record waits for, and what we write on the commit that we make of it."""

    workstream: Workstream
    base_sha: Sha
    head_sha: Sha  # as the completion names it
    message: str
    at: datetime


@dataclass(frozen=True)
class Rules:
    """What no change may pass."""

    limits: ChangeLimits
    protected: tuple[str, ...]
    redactor: Redactor

    @property
    def max_bundle_bytes(self) -> int:
        """The size of the largest bundle that may hold an allowed change."""
        return self.limits.total_bytes + _TREE_BYTES


@dataclass(frozen=True)
class Received:
    """A change that is in our repository now, as one commit of ours on the recorded base."""

    head_sha: Sha
    changed: tuple[str, ...]
    insertions: int
    deletions: int


def receive(
    bundle: bytes, awaited: Awaited, rules: Rules, repository: Repository
) -> Received | Refused:
    """Let a bundle's change into a repository that has the base; no ref is moved.

    Raises GitError where our own side fails: the base is not there, or nothing can be written.
    """
    with tempfile.TemporaryDirectory(prefix="orchestrate-") as folder:
        quarantine = _holding_only(awaited.base_sha, repository, Path(folder) / "quarantine")
        visit = _Visit(quarantine, awaited, rules)
        try:
            found = visit.look_through(bundle)
        except BadPack as bad:
            return Refused(str(bad))
        except GitError as error:
            return Refused(f"git does not accept what is in it: {_last_line(error.stderr)}")
        if isinstance(found, Received):
            pack = pack_between(quarantine, awaited.base_sha, found.head_sha)
            repository.git("index-pack", "--stdin", "--fix-thin", stdin=pack)
        return found


def _holding_only(commit: Sha, origin: Repository, place: Path) -> Repository:
    """Make a bare repository with one commit and what it holds, without what came before it."""
    hashes = "sha256" if origin.sha256 else "sha1"
    run_git(["init", "--quiet", "--bare", "--template=", f"--object-format={hashes}", str(place)])
    quarantine = Repository.open(str(place))
    fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head")
    quarantine.git("-c", "protocol.version=2", *fetch, origin.common_dir, commit)
    return quarantine


def _last_line(said: str) -> str:
    lines = said.strip().splitlines() or ["no reason given"]
    return lines[-1][:200]


class _Visit:
    """One bundle in its quarantine. Every step refuses, or leaves what the next one may trust."""

    def __init__(self, quarantine: Repository, awaited: Awaited, rules: Rules) -> None:
        self._quarantine = quarantine
        self._awaited = awaited
        self._rules = rules

    def look_through(self, bundle: bytes) -> Received | Refused:
        """Unpack, look at everything, and write our own commit. Raises BadPack and GitError."""
        trouble = self._unpack(bundle) or self._ancestry()
        if trouble:
            return Refused(trouble)
        changes = self._changes()
        if isinstance(changes, Refused):
            return changes
        trouble = _bad_paths(changes) or reaching_out(self._quarantine, changes)
        paths = tuple(change.path for change in changes)
        awaited, rules = self._awaited, self._rules
        trouble = trouble or self._size(changes)
        trouble = trouble or trespass(awaited.workstream, paths, rules.protected)
        return Refused(trouble) if trouble else self._commit(changes)

    def _unpack(self, data: bytes) -> str:
        awaited, rules = self._awaited, self._rules
        if len(data) > rules.max_bundle_bytes:
            return f"its bundle is larger than {rules.max_bundle_bytes / 1e6:,.0f} MB"
        bundle = read_bundle(data)
        if bundle is None:
            return "it is no bundle of one branch on one commit"
        if (bundle.base, bundle.head) != (awaited.base_sha, awaited.head_sha):
            return "its bundle is of other commits than its completion"
        measure_pack(
            bundle.pack,
            most_objects=rules.limits.files * _OBJECTS_A_FILE + _OBJECTS,
            most_bytes=rules.max_bundle_bytes,
            id_bytes=len(awaited.base_sha) // 2,
        )
        args = ("index-pack", "--stdin", "--fix-thin", "--strict")
        limit = f"--max-input-size={rules.max_bundle_bytes}"
        self._quarantine.git(*args, limit, stdin=bundle.pack)
        return ""

    def _ancestry(self) -> str:
        """Require one commit on the base, and everything that it holds."""
        head, base = self._awaited.head_sha, self._awaited.base_sha
        if self._quarantine.text("rev-list", "--parents", "-n1", head).split() != [head, base]:
            return "its head is not one commit on the base"
        self._quarantine.git("rev-list", "--objects", "--quiet", head, f"^{base}")
        return ""

    def _changes(self) -> tuple[PathChange, ...] | Refused:
        """Read which paths changed, once it is known that they are not billions."""
        most, trees = self._rules.limits.files, (self._awaited.base_sha, self._awaited.head_sha)
        if self._has_room_for_the_paths():
            out = self._quarantine.git("diff-tree", *RAW, *trees)
            parts = out.decode("utf-8", "surrogateescape").split("\0")[:-1]
            changes = tuple(path_change(*parts[at : at + 2]) for at in range(0, len(parts), 2))
            if len(changes) <= most:
                return changes or Refused("it changes nothing")
        return Refused(f"more than {most:,} files changed")

    def _has_room_for_the_paths(self) -> bool:
        """Whether the new tree names about as many paths as the base: few trees can name billions.

        git would keep all of them in memory before it says that they changed; here they pass by.
        """
        listing = ("ls-tree", "-r", "-z", "--name-only", "--full-tree")
        before = len(self._quarantine.git(*listing, self._awaited.base_sha))
        most = before + self._rules.limits.files * (_LONGEST_PATH + 1)
        where = f"--git-dir={self._quarantine.common_dir}"
        return git_at_most([where, *listing, self._awaited.head_sha], most) is not None

    def _size(self, changes: Sequence[PathChange]) -> str:
        """Say that what there is afterwards is more than may change at once; empty: it is not."""
        asked = "".join(f"{change.after.sha}\n" for change in changes if change.after).encode()
        said = self._quarantine.git("cat-file", "--batch-check=%(objectsize)", stdin=asked)
        size, most = sum(map(int, said.split())), self._rules.limits.total_bytes
        return f"{size / 1e6:,.0f} MB changed, of at most {most / 1e6:,.0f} MB" * (size > most)

    def _commit(self, changes: Sequence[PathChange]) -> Received | Refused:
        """Put the files onto the base in a commit of our own, and look at that once more."""
        awaited = self._awaited
        start = commit_header(1, awaited.message, awaited.at)
        onto = f"from {awaited.base_sha}\n".encode()
        head = self._quarantine.import_commits([start, onto, *change_lines(changes), b"\n"])
        found = read_change(self._quarantine, awaited.base_sha, Sha(f"{head}^{{tree}}"))
        if isinstance(found, Refused):
            return found
        if kind := self._secret(head, found):
            return Refused(f"a secret in the change ({kind}); it is not kept")
        return Received(head, found.changed, found.insertions, found.deletions)

    def _secret(self, head: Sha, found: Snapshot) -> str:
        """Name the kind of a secret among added lines, in names, or in files that are no text."""
        files = self._quarantine.read_many(head, found.changed).values()
        hidden = [
            content.replace(b"\0", b"").decode("latin-1")  # UTF-16 reads so too
            for content in files
            if b"\0" in content and len(content) <= _MOST_SCANNED
        ]
        texts = [found.added_text, "\n".join(map(printable, found.changed)), *hidden]
        kinds = [secret.kind for text in texts for secret in self._rules.redactor.found(text)]
        return kinds[0] if kinds else ""


def _bad_paths(changes: Sequence[PathChange]) -> str:
    """Name paths that are too long, cannot be shown, or put a link where a folder was."""
    gone = {change.path for change in changes if change.after is None}
    bad = [
        printable(change.path)[:200]
        for change in changes
        if len(change.path.encode("utf-8", "surrogateescape")) > _LONGEST_PATH
        or any(unicodedata.category(letter) == "Cc" for letter in change.path)
    ]
    links = [c.path for c in changes if c.after and c.after.mode == "120000"]
    over = [printable(link) for link in links if any(p.startswith(f"{link}/") for p in gone)]
    if bad:
        return f"a file with a name that cannot be used: {few(bad, 3)}"
    return f"a link where a folder was: {few(over, 3)}" if over else ""
