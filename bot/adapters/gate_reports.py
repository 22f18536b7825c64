"""What tools leave behind for the gates: coverage reports and SARIF files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bot.adapters.coverage_reports import find_reports, read_report
from bot.adapters.git import Repository
from bot.adapters.sarif import UnreadableSarif, read_sarif
from bot.core.coverage import CoverageReport, UnreadableReport
from bot.core.gates import Finding

_MOST_BYTES = 100_000_000
_MOST_FILES = 50_000  # looked through for a report


class GateReports:
    """Reads reports from folders and files that code under test could write to."""

    def coverage(
        self, data: bytes, *, root: str, files: frozenset[str]
    ) -> CoverageReport | UnreadableReport:
        """Read a coverage report of any known format."""
        return read_report(data, root=root, files=files)

    def coverage_files(self, folder: str, configured: str | None) -> dict[str, str]:
        """Return each coverage report in a folder, the likeliest first, with a stamp.

        Paths are absolute; a stamp is another one after each writing.
        """
        listing = [configured] if configured else find_reports(_listing(Path(folder)))
        stamps = ((str(path), _stamp(path)) for path in (Path(folder) / name for name in listing))
        return {path: stamp for path, stamp in stamps if stamp is not None}

    def findings(self, data: bytes, *, root: str, tool: str) -> tuple[Finding, ...] | str:
        """Read a SARIF report; a text says why it proves nothing."""
        read = read_sarif(data, root=root, tool_hint=tool)
        return read.why if isinstance(read, UnreadableSarif) else read

    def written(self, path: str) -> bytes | None:
        """Return what a tool wrote to an absolute path, if that is a plain file."""
        return _plain_file(Path(path))


class RepositoryCommits:
    """What commits hold, read from a repository's store."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def paths(self, commit: str) -> tuple[str, ...]:
        """Return the path of every file."""
        return self._repository.paths(commit)

    def texts(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """Return each path that is there as text; bytes that are no UTF-8 become surrogates."""
        found = self._repository.read_many(commit, tuple(paths))
        return {path: data.decode("utf-8", "surrogateescape") for path, data in found.items()}

    def diff(self, old: str, new: str) -> str:
        """Return the unified diff between two commits, renames found."""
        args = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "-M", old, new)
        return self._repository.git(*args).decode("utf-8", "replace")


def _listing(folder: Path) -> list[str]:
    found: list[str] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in {".git", "node_modules"})
        found += [str((Path(here) / name).relative_to(folder)) for name in sorted(files)]
        if len(found) > _MOST_FILES:
            break
    return found


def _stamp(path: Path) -> str | None:
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    return f"{found.st_ino}.{found.st_size}.{found.st_mtime_ns}"


def _plain_file(path: Path) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(_MOST_BYTES + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:  # a folder is none either
        return None
