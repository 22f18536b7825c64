"""What a unified diff changed, by file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from unidiff.patch import PatchSet


@dataclass(frozen=True)
class FileChange:
    """One file of a diff; line numbers count from 1 in the new file (`removed`: in the old)."""

    path: str
    old_path: str | None  # None: the file is new
    deleted: bool
    added_lines: Mapping[int, str]
    removed_lines: Mapping[int, str]

    @property
    def is_new(self) -> bool:
        """Whether the file was not there before."""
        return self.old_path is None


def read_diff(text: str) -> tuple[FileChange, ...]:
    """Read what `git diff --no-color --no-ext-diff` wrote; a binary file has no lines here."""
    return tuple(
        FileChange(
            path=_unquoted(file.path),
            old_path=None if file.is_added_file else _unquoted(file.source_file).removeprefix("a/"),
            deleted=file.is_removed_file,
            added_lines={
                line.target_line_no: line.value
                for hunk in file
                for line in hunk
                if line.is_added and line.target_line_no is not None
            },
            removed_lines={
                line.source_line_no: line.value
                for hunk in file
                for line in hunk
                if line.is_removed and line.source_line_no is not None
            },
        )
        for file in PatchSet(text)
    )


def changed_lines(changes: tuple[FileChange, ...]) -> dict[str, frozenset[int]]:
    """Return, for each file that still exists, the lines that the diff added or altered."""
    return {change.path: frozenset(change.added_lines) for change in changes if not change.deleted}


_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _unquoted(path: str) -> str:
    """Read a path as git writes it: in quotes where it holds a quote or a control character."""
    if not (len(path) > 1 and path.startswith('"') and path.endswith('"')):
        return path
    return _ESCAPE.sub(
        lambda m: chr(int(m[1], 8)) if len(m[1]) == 3 else _LETTERS.get(m[1], m[1]), path[1:-1]
    )
