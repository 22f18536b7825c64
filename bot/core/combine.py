"""Laying branches over each other: which can be joined path by path, and which git must merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.core.repo_paths import folders_of


@dataclass(frozen=True)
class Entry:
    """What a tree holds at a path."""

    mode: str
    sha: str


@dataclass(frozen=True)
class PathChange:
    """One path that a branch changed since the commit it started from. None: not there."""

    path: str
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True)
class Overlay:
    """What the branches that landed changed on their common base, and who changed it."""

    entries: Mapping[str, Entry | None] = field(default_factory=lambda: MappingProxyType({}))
    owners: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    folders: frozenset[str] = frozenset()  # of the paths above
    has_added: bool = False
    has_removed: bool = False

    def owners_of(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return who last changed any of the paths, in their order of name."""
        return tuple(sorted({self.owners[path] for path in paths if path in self.owners}))


@dataclass(frozen=True)
class Joined:
    """The branch's paths can be put on top as they are."""

    overlay: Overlay


@dataclass(frozen=True)
class MustMerge:
    """Only a three-way merge can tell."""

    because: str


def join(overlay: Overlay, changes: Sequence[PathChange], owner: str) -> Joined | MustMerge:
    """Lay a branch's changes over those that landed, if that is what a merge would do.

    It is where every path it changed is still as the branch found it, no file takes a folder's
    place, and no rename can be hidden: that takes a path removed on one side and one added on
    the other.
    """
    added = any(change.before is None for change in changes)
    removed = any(change.after is None for change in changes)
    if (added and overlay.has_removed) or (removed and overlay.has_added):
        return MustMerge("a file may have been renamed")
    for change in changes:
        if change.path in overlay.entries and overlay.entries[change.path] != change.before:
            return MustMerge(f"{change.path} was changed on both sides")
        above = folders_of(change.path)
        if change.path in overlay.folders or not overlay.entries.keys().isdisjoint(above):
            return MustMerge(f"{change.path} is a file here and a folder there")
    return Joined(lay(overlay, changes, owner))


def lay(overlay: Overlay, changes: Sequence[PathChange], owner: str) -> Overlay:
    """Return the overlay with a branch's changes, or a merge's, on top."""
    return Overlay(
        entries={**overlay.entries, **{change.path: change.after for change in changes}},
        owners={**overlay.owners, **{change.path: owner for change in changes}},
        folders=overlay.folders.union(*(folders_of(change.path) for change in changes)),
        has_added=overlay.has_added or any(change.before is None for change in changes),
        has_removed=overlay.has_removed or any(change.after is None for change in changes),
    )
