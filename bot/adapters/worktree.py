"""Worktrees: a folder and a private repository for each attempt, and what came of them.

An attempt's `.git` is a repository of its own that only borrows the user's objects, so that
nothing an agent does to it (a push, a config, a stash, `rm -rf .git`) reaches the user's. What an
attempt changed is read through an index that lies outside of the folder.
See docs/decisions/0002-private-repositories.md.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.adapters.changes import read_change
from bot.adapters.git import GitError, Repository, run_git
from bot.core.base import Sha, printable
from bot.core.handoff import MAX_CLAIM_BYTES
from bot.core.names import WORK_FOLDER
from bot.ports import Refused, Snapshot, Worktree

KEPT = "kept"  # where a worktree goes that is in the way and may hold work


@dataclass(frozen=True)
class ChangeLimits:
    """How much one attempt may change before it is refused unread."""

    files: int
    total_bytes: int


class GitWorktrees:
    """Makes, reads and removes worktrees below one folder."""

    def __init__(self, repository: Repository, folder: Path, limits: ChangeLimits) -> None:
        self._repository = repository
        self._folder = folder
        self._limits = limits

    def create(self, name: str, base: Sha, start_from: Sha | None = None) -> Worktree:
        """Check `start_from`, or else the base, out into a new folder called `name`."""
        path = self._folder / "worktrees" / name
        index = self._folder / "index" / name
        if os.path.lexists(path):  # no attempt of ours: an agent made it, or we could not save it
            self.set_aside(name)
        path.mkdir(parents=True)
        index.parent.mkdir(exist_ok=True)
        index.unlink(missing_ok=True)
        self._make_repository(path, base)
        self._git(path, index, "read-tree", "-u", "--reset", start_from or base)
        if start_from is not None:  # what is there counts as changed since the base
            self._git(path, index, "read-tree", base)
        shutil.copyfile(index, path / ".git" / "index")
        return Worktree(name, str(path), str(index), base)

    def open(self, name: str, base: Sha) -> Worktree:
        """Return a worktree that an earlier process made."""
        path, index = self._folder / "worktrees" / name, self._folder / "index" / name
        return Worktree(name, str(path), str(index), base)

    def set_aside(self, name: str) -> Path:
        """Move what has the name of a worktree out of the way; return where it is now."""
        kept = self._folder / KEPT
        kept.mkdir(exist_ok=True)
        place = kept / f"{name}-{len(list(kept.iterdir())) + 1}"
        (self._folder / "worktrees" / name).rename(place)
        return place

    def was_made(self, worktree: Worktree) -> bool:
        """Whether a worktree of an earlier process was ever finished; else nobody worked in it."""
        return Path(worktree.index).exists()

    def snapshot(self, worktree: Worktree) -> Snapshot | Refused:
        """Read what the folder holds now into the user's object store, if rules allow it.

        The index remembers what was read before, so a second time only reads what is new.
        """
        path, index = Path(worktree.path), Path(worktree.index)
        path.parent.chmod(0o700)
        if path.is_symlink() or not path.is_dir():
            return Refused("the worktree is gone")
        _open_folders(path)
        if not index.exists():
            index.parent.mkdir(exist_ok=True)
            self._git(path, index, "read-tree", worktree.base_sha)
        paths = self._changed_paths(path, index)
        if isinstance(paths, Refused):
            return paths
        listing = "".join(f"{name}\0" for name in paths).encode("utf-8", "surrogateescape")
        try:
            self._git(
                path, index, "update-index", "--add", "--remove", "-z", "--stdin", sin=listing
            )
        except GitError as error:
            return Refused(f"git cannot read the worktree: {error.stderr.strip()[-300:]}")
        tree = self._git(path, index, "write-tree").decode().strip()
        return read_change(self._repository, worktree.base_sha, tree)

    def commit(self, worktree: Worktree, snapshot: Snapshot, message: str, at: datetime) -> Sha:
        """Write a snapshot as one commit on the worktree's base; return its id."""
        return self._repository.commit_tree(snapshot.tree, [worktree.base_sha], message, at)

    def give(self, worktree: Worktree, path: str, content: bytes) -> None:
        """Put a file into the folder, in place of whatever is at that path."""
        self.clear(worktree, path)
        target = Path(worktree.path) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def clear(self, worktree: Worktree, path: str) -> None:
        """Delete whatever is at a path, and what is in the way to it: links, or a plain file."""
        top, target = Path(worktree.path), Path(worktree.path) / path
        for folder in reversed(target.relative_to(top).parents[:-1]):
            if (top / folder).is_symlink() or (top / folder).is_file():
                (top / folder).unlink()
        delete_folder(target)

    def hide(self, worktree: Worktree, name: str) -> None:
        """Delete every file of a name that the commit holds; that they are gone is no change."""
        path, index = Path(worktree.path), Path(worktree.index)
        found = self._git(path, index, "ls-files", "-z", "--", f":(glob)**/{name}")
        self._git(path, index, "update-index", "--skip-worktree", "-z", "--stdin", sin=found)
        for each in found.decode("utf-8", "surrogateescape").split("\0")[:-1]:
            (path / each).unlink(missing_ok=True)

    def take(self, worktree: Worktree, path: str) -> bytes | None:
        """Read a plain file, at most 1 MB and a byte, without following any link."""
        target = Path(worktree.path) / path
        if target.parent.resolve() != Path(worktree.path).resolve() / Path(path).parent:
            return None
        try:
            handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                plain = stat.S_ISREG(os.fstat(handle).st_mode)
                return file.read(MAX_CLAIM_BYTES + 1) if plain else None
        except OSError:  # a folder is none either
            return None

    def remove(self, worktree: Worktree) -> None:
        """Delete the folder and its index; only ever below the run's own folder."""
        delete_folder(Path(worktree.path))
        Path(worktree.index).unlink(missing_ok=True)

    def leftovers(self) -> tuple[str, ...]:
        """Return the names of the worktrees that are there."""
        folder = self._folder / "worktrees"
        return tuple(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else ()

    def _changed_paths(self, path: Path, index: Path) -> tuple[str, ...] | Refused:
        out = self._git(
            path,
            index,
            *("ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard"),
            f"--exclude=/{WORK_FOLDER}/",
        )
        names = dict.fromkeys(out.decode("utf-8", "surrogateescape").split("\0")[:-1])
        names = {name: None for name in names if not name.startswith(f"{WORK_FOLDER}/")}
        ours = path / WORK_FOLDER
        if ours.is_dir() and not ours.is_symlink():  # perhaps in the place of a file of the base
            names.pop(WORK_FOLDER, None)
        nested = [name for name in names if name.endswith("/")]
        if nested:
            return Refused(f"a git repository inside the worktree: {printable(nested[0])}")
        if len(names) > self._limits.files:
            return Refused(f"{len(names):,} files changed, of at most {self._limits.files:,}")
        size = sum(_size(path / name) for name in names)
        if size > self._limits.total_bytes:
            mega = self._limits.total_bytes / 1e6
            return Refused(f"{size / 1e6:,.0f} MB changed, of at most {mega:,.0f} MB")
        return tuple(names)

    def _git(self, path: Path, index: Path, *args: str, sin: bytes = b"") -> bytes:
        """Run git with the user's objects, this folder and the index outside of it."""
        common = f"--git-dir={self._repository.common_dir}"
        where = ["-c", "core.bare=false", common, f"--work-tree={path}"]
        return run_git(
            [*where, *args], cwd=str(path), stdin=sin, env={"GIT_INDEX_FILE": str(index)}
        )

    def _make_repository(self, path: Path, base: Sha) -> None:
        """Write a repository with no remote, no hooks and no ref but its own branch."""
        repository, git = self._repository, path / ".git"
        for folder in ("objects/info", "objects/pack", "refs/heads", "info"):
            (git / folder).mkdir(parents=True)
        (git / "HEAD").write_text("ref: refs/heads/work\n")
        (git / "refs" / "heads" / "work").write_text(f"{base}\n")
        version = 1 if repository.sha256 else 0
        hashes = "[extensions]\n\tobjectFormat = sha256\n" if repository.sha256 else ""
        (git / "config").write_text(
            f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = false\n{hashes}"
            "[gc]\n\tauto = 0\n[user]\n\tname = orchestrate agent\n"
            "\temail = agent@orchestrate.invalid\n"
        )
        objects = str(Path(repository.common_dir) / "objects")
        quoted = '"' + objects.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        (git / "objects" / "info" / "alternates").write_text(
            quoted + "\n", errors="surrogateescape"
        )
        (git / "info" / "exclude").write_text(f"/{WORK_FOLDER}/\n")
        if repository.shallow:
            shutil.copyfile(Path(repository.common_dir) / "shallow", git / "shallow")


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def delete_folder(path: Path) -> None:
    """Delete a folder of ours, also where an agent took its own right to write away.

    Also deletes what is there in the place of a folder.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        _open_folders(path)
        shutil.rmtree(path)


def _open_folders(path: Path) -> None:
    """Let us list every folder, for git takes one that it cannot list for an empty one."""
    path.chmod(0o700)
    for folder, names, _ in os.walk(path):
        for name in names:
            inner = Path(folder, name)
            mode = inner.lstat().st_mode
            if stat.S_ISDIR(mode) and mode & 0o700 != 0o700:
                inner.chmod(0o700)
