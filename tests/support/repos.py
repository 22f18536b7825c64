"""Real git repositories for tests: built in one line, compared before and after."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OURS = ("refs/orchestrate/", "refs/heads/orchestrate/")

_DATE = "2026-01-02T03:04:05+00:00"
_NAME, _EMAIL = "Ada Tester", "ada@example.invalid"


@dataclass(frozen=True)
class Snapshot:
    """All of a repository that its user could miss; two are equal when nothing was touched."""

    head: str  # the branch's ref, or a commit where it is detached
    refs: tuple[str, ...]  # "<sha> <name>", without those that were left out
    stashes: tuple[str, ...]
    worktrees: tuple[str, ...]
    git_files: Mapping[str, str]  # index, config, hooks, info, what a merge left, HEAD's log
    files: Mapping[str, str]  # the work tree: kind, mode and content of every path


@dataclass(frozen=True)
class Repo:
    """A repository whose commits have a fixed author and date: the same files, the same id."""

    path: Path

    def git(self, *args: str) -> str:
        """Run git here and return what it printed; a failure is a failed test with its reason."""
        done = subprocess.run(
            ("git", *args), cwd=self.path, env=_environment(), capture_output=True, check=False
        )
        printed = done.stdout.decode(errors="surrogateescape")
        said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, f"git {' '.join(args)}: {said}{printed}"
        return printed.removesuffix("\n")

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file of the work tree, with the folders it needs."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def commit(self, message: str) -> str:
        """Commit all that is in the work tree, be it nothing new, and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
        return self.git("rev-parse", "HEAD")

    def snapshot(self, *, without: tuple[str, ...] = ()) -> Snapshot:
        """Take down what is there, without refs that start with one of `without` (see OURS)."""
        folder = Path(self.git("rev-parse", "--absolute-git-dir"))
        common = (self.path / self.git("rev-parse", "--git-common-dir")).resolve()
        refs = self.git("for-each-ref", "--format=%(objectname) %(refname)").splitlines()
        kept = tuple(ref for ref in refs if not ref.split(" ", 1)[1].startswith(without))
        has_stash = any(ref.endswith(" refs/stash") for ref in refs)
        stashes = self.git("stash", "list", "--format=%H %gs").splitlines() if has_stash else ()
        return Snapshot(
            head=(folder / "HEAD").read_text().strip(),
            refs=kept,
            stashes=tuple(stashes),
            worktrees=tuple(sorted(path.name for path in common.glob("worktrees/*"))),
            git_files=_git_files(folder, common),
            files={} if folder == self.path.resolve() else _listing(self.path, (".git",)),
        )


def make_repo(path: Path, files: Mapping[str, str | bytes]) -> Repo:
    """Make a repository on the branch `main` with these files in one commit; none: no commit."""
    path.mkdir(parents=True, exist_ok=True)
    repo = Repo(path)
    repo.git("init", "--quiet", "--initial-branch", "main")
    for name, content in files.items():
        repo.write(name, content)
    if files:
        repo.commit("Start")
    return repo


def _environment() -> dict[str, str]:
    return os.environ | {
        "GIT_AUTHOR_NAME": _NAME,
        "GIT_AUTHOR_EMAIL": _EMAIL,
        "GIT_AUTHOR_DATE": _DATE,
        "GIT_COMMITTER_NAME": _NAME,
        "GIT_COMMITTER_EMAIL": _EMAIL,
        "GIT_COMMITTER_DATE": _DATE,
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _git_files(folder: Path, common: Path) -> dict[str, str]:
    """Describe the files by which git works: all but objects, refs and other logs."""
    found = {"logs/HEAD": _describe(folder / "logs" / "HEAD")}
    for place in {folder, common}:
        for file in place.iterdir():
            if not file.is_dir() and file.name != "packed-refs":
                found[str(file.relative_to(common))] = _describe(file)
    for name in ("hooks", "info"):
        listed = _listing(common / name)
        found |= {f"{name}/{path}": described for path, described in listed.items()}
    return found


def _listing(top: Path, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Describe every path below `top` by its name from there, except entries of `top` itself."""
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(top):
        if Path(folder) == top:
            folders[:] = [name for name in folders if name not in without]
            files = [name for name in files if name not in without]
        for name in (*folders, *files):
            path = Path(folder, name)
            found[str(path.relative_to(top))] = _describe(path)
    return found


def _describe(path: Path) -> str:
    if not os.path.lexists(path):
        return "missing"
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    else:
        content = f"-> {path.readlink()}" if stat.S_ISLNK(mode) else ""
    return f"{stat.filemode(mode)} {content}"
