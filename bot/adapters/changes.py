"""What lies between two trees: read, held against what no change may hold, and written again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from bot.adapters.git import Repository, quote
from bot.core.base import Sha, printable
from bot.core.combine import Entry, PathChange
from bot.ports import Refused, Snapshot

RAW = ("-r", "-z", "--raw", "--no-renames", "--full-index")
_SYMLINK, _SUBMODULE = "120000", "160000"
_LONGEST_LINK = 4096


def path_change(facts: str, path: str) -> PathChange:
    """Read one entry of `diff-tree -z --raw`, which writes its facts and its path apart."""
    old_mode, mode, old_sha, sha, status = facts[1:].split(" ")
    before = None if status == "A" else Entry(old_mode, old_sha)
    after = None if status == "D" else Entry(mode, sha)
    return PathChange(path, before, after)


def change_lines(changes: Iterable[PathChange]) -> Iterator[bytes]:
    """Write changes for a fast-import stream: what goes first, for a file may become a folder."""
    for change in sorted(changes, key=lambda change: change.after is not None):
        if change.after is None:
            yield b"D %s\n" % quote(change.path)
        else:
            entry = change.after
            yield b"M %s %s " % (entry.mode.encode(), entry.sha.encode())
            yield quote(change.path) + b"\n"


def read_change(repository: Repository, base: Sha, tree: str) -> Snapshot | Refused:
    """Compare a tree with the base, and refuse what would reach outside of the repository."""
    args = (*RAW, "--numstat", "-p", "-U0", "--no-ext-diff", "--no-textconv")
    out = repository.git("diff-tree", *args, base, tree)
    facts, _, patch = out.partition(b"\0\0diff --git ")
    parts = facts.decode("utf-8", "surrogateescape").split("\0")
    entries = 0
    while entries < len(parts) and parts[entries].startswith(":"):
        entries += 2
    changes = [path_change(*parts[at : at + 2]) for at in range(0, entries, 2)]
    if trouble := reaching_out(repository, changes):
        return Refused(trouble)
    counted = [row.split("\t") for row in parts[entries:] if row and not row.startswith("-")]
    inserted, deleted = (sum(int(row[n]) for row in counted) for n in (0, 1))
    added = "\n".join(
        line[1:] for line in patch.decode("utf-8", "replace").split("\n") if line[:1] == "+"
    )
    return Snapshot(tree, tuple(change.path for change in changes), inserted, deleted, added)


def reaching_out(repository: Repository, changes: Sequence[PathChange]) -> str:
    """Name the first submodule, or link to somewhere else; empty: there is none."""
    for change in changes:
        mode = change.after.mode if change.after else ""
        if mode == _SUBMODULE:
            return f"a submodule was added or moved: {printable(change.path)}"
        if change.after and mode == _SYMLINK and _escapes(repository, change.path, change.after):
            return f"a link that leaves the repository: {printable(change.path)}"
    return ""


def _escapes(repository: Repository, path: str, link: Entry) -> bool:
    """Whether a link may lead out. It may climb only at its start, where it cannot pass a link."""
    if int(repository.git("cat-file", "-s", link.sha)) > _LONGEST_LINK:
        return True
    target = repository.git("cat-file", "blob", link.sha).decode("utf-8", "surrogateescape")
    reached = os.path.normpath(PurePosixPath(path).parent / target)
    steps = [step for step in target.split("/") if step not in {"", "."}]
    climbs = next((n for n, step in enumerate(steps) if step != ".."), len(steps))
    first = reached.split("/")[0].casefold()
    return target.startswith("/") or ".." in steps[climbs:] or first in {"..", ".git"}
