"""Tools on files: list, search, read, write, edit."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pathspec import GitIgnoreSpec

from bot.adapters.engines.builtin.inputs import EditFile, ListFiles, ReadFile, Search, WriteFile
from bot.adapters.engines.builtin.worktree import Refused, Worktree
from bot.ports import Command, Finished, Processes

_MAX_LISTED = 1_000
_MAX_HITS = 200
_MAX_HIT = 500
_MAX_LINE = 2_000
_MAX_READ_CHARACTERS = 100_000
_GIT_SECONDS = 20
_MAX_LINES = 100_000  # of what git prints
_LINES_COMPARED = 5_000


@dataclass(frozen=True)
class Result:
    """What a tool found: the text for the model, and one line for people and for later."""

    text: str
    summary: str


class FileTools:
    """The tools that need no shell; git is asked where it knows better."""

    def __init__(
        self, worktree: Worktree, processes: Processes, environment: Mapping[str, str]
    ) -> None:
        self._worktree = worktree
        self._processes = processes
        self._environment = environment

    def list_files(self, asked: ListFiles) -> Result:
        """Return paths that match, sorted, 1,000 at most."""
        spec = _pattern(asked.pattern)
        found = sorted(path for path in self._files() if spec.match_file(path))
        lines = found[:_MAX_LISTED]
        if len(found) > len(lines):
            lines.append(f"({len(found) - len(lines):,} more; ask for a narrower pattern)")
        text = "\n".join(lines) or "No file matches."
        return Result(text, f"list_files {asked.pattern}: {len(found)} files")

    def _files(self) -> set[str]:
        """Ask git for what is not ignored; walk where there is no repository."""
        lines: list[str] = []
        ended = self._git(("ls-files", "-co", "--exclude-standard"), lines)
        if ended.exit_code == 0:
            return {line for line in lines if (self._worktree.top / line).exists()}
        return set(self._walk())

    def _walk(self) -> Iterator[str]:
        top = self._worktree.top
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if name != ".git"]
            yield from (str((Path(folder) / name).relative_to(top)) for name in names)

    def _git(self, arguments: tuple[str, ...], lines: list[str]) -> Finished:
        def collect(line: str) -> None:
            if len(lines) < _MAX_LINES:
                lines.append(line)

        argv = ("git", "-c", "core.quotePath=off", *arguments)
        command = Command(argv, str(self._worktree.top), self._environment, _GIT_SECONDS)
        return self._processes.run(command, collect)

    def search(self, asked: Search) -> Result:
        """Return matching lines, 200 at most; git searches, so that a slow pattern can be ended."""
        hits = self._grep("--untracked", asked)
        if hits is None:
            hits = self._grep("--no-index", asked) or []
        lines = [hit[:_MAX_HIT] for hit in hits[:_MAX_HITS]]
        if len(hits) > len(lines):
            lines.append("(more lines match; ask more narrowly)")
        text = "\n".join(lines) or "No line matches."
        return Result(text, f"search {asked.pattern[:60]}: {len(lines)} lines")

    def _grep(self, scope: str, asked: Search) -> list[str] | None:
        """Return the first lines that match; None where this is no repository."""
        case = ("-i",) if asked.ignore_case else ()
        files = f":(glob){asked.files}" if "/" in asked.files else asked.files
        where = ("--", files) if asked.files != "**" else ()
        pattern = ("-nIP", *case, "-e", asked.pattern, *where)
        hits: list[str] = []
        ended = self._git(("grep", "--no-color", scope, *pattern), hits)
        if ended.stopped_because is not None:
            raise Refused(f"The search was ended: {ended.stopped_because}. Use a simpler pattern.")
        if ended.exit_code in (0, 1):
            return hits
        if scope == "--untracked" and "not a git repository" in ended.output.lower():
            return None
        raise Refused(f"git grep: {ended.output.strip()[-500:]}")

    def read_file(self, asked: ReadFile) -> Result:
        """Return numbered lines, at most 2,000 or 100 KB."""
        path = self._worktree.to_read(asked.path)
        data = path.read_bytes()
        if b"\0" in data[:8_192]:
            raise Refused(f"{asked.path} is binary, {len(data):,} bytes.")
        lines = data.decode("utf-8", "replace").split("\n")
        if lines[-1] == "":
            lines.pop()
        shown: list[str] = []
        size = 0
        for number, line in islice(enumerate(lines, 1), asked.first_line - 1, None):
            text = f"{number}\t{_shortened(line)}"
            size += len(text) + 1
            if len(shown) == asked.lines or size > _MAX_READ_CHARACTERS:
                shown.append(f"({len(lines) - number + 1} more lines, from {number})")
                break
            shown.append(text)
        text = "\n".join(shown) or f"Nothing there: the file has {len(lines)} lines."
        return Result(text, f"read_file {asked.path}: {len(shown)} lines")

    def write_file(self, asked: WriteFile) -> Result:
        """Write a whole file."""
        path = self._worktree.to_write(asked.path)
        existed = path.exists()
        _write(path, asked.content)
        what = "replaced" if existed else "written"
        summary = f"write_file {asked.path}: {what}, {asked.content.count(chr(10))} lines"
        return Result(f"{asked.path} {what}, {len(asked.content):,} characters.", summary)

    def edit_file(self, asked: EditFile) -> Result:
        """Replace the one place where `old` occurs; bytes around it stay as they are."""
        path = self._worktree.to_write(self._existing(asked.path))
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        old, new = asked.old, asked.new
        if "\r\n" in text and "\r\n" not in old:
            old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
        count = text.count(old)
        if count != 1:
            raise Refused(_not_once(asked.path, text, old, count))
        line = text[: text.index(old)].count("\n") + 1
        _write(path, text.replace(old, new))
        return Result(f"{asked.path} changed at line {line}.", f"edit_file {asked.path}:{line}")

    def _existing(self, path: str) -> str:
        self._worktree.to_read(path)
        return path


def _pattern(pattern: str) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines([pattern])
    except ValueError as error:
        raise Refused(f"{pattern!r} is not a pattern: {error}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise Refused(f"{path.name} cannot be written: {error.strerror}.") from error


def _shortened(line: str) -> str:
    line = line.removesuffix("\r")
    if len(line) <= _MAX_LINE:
        return line
    return f"{line[:_MAX_LINE]} ({len(line) - _MAX_LINE:,} more characters)"


def _not_once(path: str, text: str, old: str, count: int) -> str:
    if count > 1:
        places: list[str] = []
        at = text.find(old)
        while at >= 0 and len(places) < 10:
            places.append(str(text[:at].count("\n") + 1))
            at = text.find(old, at + 1)
        return (
            f"{path} has that text {count} times (lines {', '.join(places)}); nothing was changed. "
            "Take in more of the lines around it."
        )
    return f"{path} does not have that text; nothing was changed. {_nearest(text, old)}"


def _nearest(text: str, old: str) -> str:
    """Show the lines that are most like what was looked for."""
    lines = text.splitlines()[:_LINES_COMPARED]
    wanted = [line for line in old.splitlines() if line.strip()]
    close = difflib.get_close_matches(wanted[0] if wanted else "", lines, n=1, cutoff=0.5)
    if not close:
        return "Nothing in it is like it; read it first."
    at = lines.index(close[0])
    near = "\n".join(lines[at : at + min(len(wanted) + 1, 20)])[:2_000]
    near = near.encode("utf-8", "replace").decode("utf-8")
    return f"The nearest is at line {at + 1}:\n{near}"
