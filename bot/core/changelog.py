"""Where a repository keeps its changelog, and whether a change has an entry in it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from bot.core.diff import FileChange
from bot.core.patterns import owns
from bot.core.source_files import language_of

_FILE = re.compile(
    r"(?:docs?/)?(?:changelog|changes|history|news)(?:[-_.]?v?\d[\w.-]*?|[-_]\w+)?"
    r"(?:\.(?:md|markdown|rst|txt|adoc|org))?",
    re.IGNORECASE,
)
_FOLDER = re.compile(
    r"((?:docs?/)?(?:changes|changelog|changes\.d|changelog\.d|news|news\.d|newsfragments"
    r"|\.changeset|\.changes)/)[^/]+",
    re.IGNORECASE,
)
_PLAIN_FOLDER = re.compile(r"(?:\./)?\w[\w.-]*(?:/\w[\w.-]*)*/?")
_NO_ENTRY = re.compile(r"\..*|_.*|readme.*|template.*|config\.(?:json|ya?ml|toml)", re.IGNORECASE)


@dataclass(frozen=True)
class ChangelogRule:
    """The places of which one must get an entry: files, folders (with `/`) or patterns."""

    places: tuple[str, ...]

    def met_by(self, changes: tuple[FileChange, ...]) -> bool:
        """Whether the diff adds a line with text in it to one of the places."""
        return any(_adds_text(change) for change in changes if self._holds(change.path))

    def _holds(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        patterns = tuple(f"./{place}" for place in self.places)
        is_entry = path in self.places or not folder or _NO_ENTRY.fullmatch(name) is None
        return is_entry and owns(patterns, path)


def _adds_text(change: FileChange) -> bool:
    before = {line.strip() for line in change.removed_lines.values()}
    return not change.deleted and any(
        line.strip() and line.strip() not in before for line in change.added_lines.values()
    )


def changelog_of(
    files: frozenset[str], configured: str | None, towncrier_toml: str = ""
) -> ChangelogRule | None:
    """Find out where the repository keeps its changelog; None: it keeps none.

    `configured` is `gates.docs.changelog` of the settings: a path or pattern, `none`, or None
    to look for files and fragment folders at the top and in docs/, and for the folder that
    `[tool.towncrier]` names in `towncrier_toml` (the text of pyproject.toml or towncrier.toml).
    """
    if configured is not None:
        return None if configured == "none" else ChangelogRule((configured.removeprefix("./"),))
    found = {path for path in files if _FILE.fullmatch(path) and language_of(path, "") is None}
    found |= _fragment_folders(files) | _towncrier_folder(towncrier_toml)
    return ChangelogRule(tuple(sorted(found))) if found else None


def _fragment_folders(files: frozenset[str]) -> set[str]:
    """Folders named for fragments; one that holds code (`changes/__init__.py`) is a package."""
    inside = {path: match[1] for path in files if (match := _FOLDER.fullmatch(path))}
    packages = {folder for path, folder in inside.items() if language_of(path, "") is not None}
    return set(inside.values()) - packages


def _towncrier_folder(text: str) -> set[str]:
    try:
        tool = tomllib.loads(text).get("tool")
    except (ValueError, RecursionError):
        return set()
    towncrier = tool.get("towncrier") if isinstance(tool, dict) else None
    folder = towncrier.get("directory") if isinstance(towncrier, dict) else None
    if not isinstance(folder, str) or not _PLAIN_FOLDER.fullmatch(folder):
        return set()
    return {folder.removeprefix("./").rstrip("/") + "/"}
