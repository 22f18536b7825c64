"""The one door to git: a repository opened once, and nothing of its user's touched."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from bot.core.base import Sha
from bot.errors import BotError, Unavailable, UserError

OLDEST_GIT = (2, 38)  # merge-tree --write-tree
IDENTITY = "Orchestrate <bot@orchestrate.invalid>"

# No hook, no filter and no helper of the user's runs because of us; bytes go in and out as they
# are. LFS pointers stay pointers: their contents are not ours to fetch.
_SAFE = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=off"),
    *("-c", "core.autocrlf=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    *("-c", "filter.lfs.process=", "-c", "filter.lfs.smudge=", "-c", "filter.lfs.clean="),
    *("-c", "filter.lfs.required=false", "-c", "core.untrackedCache=false"),
    *("-c", "core.splitIndex=false", "-c", "core.sparseCheckout=false", "-c", "diff.external="),
)


class GitError(BotError):
    """git refused: with which exit code, and what it wrote."""

    def __init__(self, args: Sequence[str], code: int, stdout: bytes, stderr: str) -> None:
        super().__init__(f"git {' '.join(args[:3])} failed ({code}): {stderr.strip()[-500:]}")
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


@lru_cache(maxsize=1)
def _environment() -> dict[str, str]:
    """Give git its user's settings and nothing that points it elsewhere."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT}
    return kept | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


_KEPT = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_ALLOW_PROTOCOL"}


def run_git(
    args: Sequence[str],
    *,
    cwd: str | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    ok: Iterable[int] = (0,),
) -> bytes:
    """Run git and return its standard output. Raises GitError on an exit code not in `ok`."""
    try:
        done = subprocess.run(
            ["git", *_SAFE, *args],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            env=_environment() | dict(env or {}),
            check=False,
        )
    except FileNotFoundError as error:
        if cwd is not None and not Path(cwd).exists():
            raise UserError(f"{cwd} is not there.", fix="Name a folder that exists.") from error
        raise UserError("git is not installed.", fix="Install git 2.38 or later.") from error
    except NotADirectoryError as error:
        raise UserError(f"{cwd} is not a folder.", fix="Name a git repository.") from error
    if done.returncode in set(ok):
        return done.stdout
    stderr = done.stderr.decode("utf-8", "replace")
    if "No space left on device" in stderr:
        raise Unavailable("The disk is full.", fix="Make room, then run the same command again.")
    raise GitError(args, done.returncode, done.stdout, stderr)


def git_at_most(args: Sequence[str], most: int) -> bytes | None:
    """Run git for an output that somebody else can make endless; None where it is over `most`."""
    with subprocess.Popen(
        ["git", *_SAFE, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # nobody would empty a second pipe meanwhile
        env=_environment(),
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read(most + 1)
        if len(out) > most:
            process.kill()
            return None
    if process.returncode:
        raise GitError(args, process.returncode, out, "it says nothing")
    return out


def git_version() -> tuple[int, ...]:
    """Return git's version as numbers. Raises UserError where git is missing."""
    text = run_git(["--version"]).decode()
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


@dataclass(frozen=True)
class RefUpdate:
    """Move a ref from what it must be now (None: it must not be there) to `new` (None: away)."""

    ref: str
    new: Sha | None
    old: Sha | None


class RefMoved(BotError):
    """A ref was not what it had to be: somebody else wrote first."""


@dataclass(frozen=True)
class Repository:
    """A git repository; every method reads or adds, and moves only the refs it is given."""

    path: str
    common_dir: str
    bare: bool
    shallow: bool
    sha256: bool

    @classmethod
    def open(cls, path: str) -> Repository:
        """Find the repository that `path` is in. Raises UserError where there is none."""
        questions = ("--git-common-dir", "--is-bare-repository", "--is-shallow-repository")
        args = ["rev-parse", "--path-format=absolute", *questions, "--show-object-format"]
        try:
            said = run_git(args, cwd=path).decode("utf-8", "surrogateescape").removesuffix("\n")
            common_dir, bare, shallow, hashes = said.rsplit("\n", 3)  # a path may have newlines
            top = run_git(["rev-parse", "--show-toplevel"], cwd=path) if bare != "true" else b""
        except GitError as error:
            if "dubious ownership" in error.stderr:
                fix = f"git config --global --add safe.directory {path}"
                raise UserError(f"{path} belongs to another user.", fix=fix) from error
            raise UserError(
                f"{path} is not in a git repository.", fix="Run git init there, or name --repo."
            ) from error
        return cls(
            path=top.decode("utf-8", "surrogateescape").removesuffix("\n") or common_dir,
            common_dir=common_dir,
            bare=bare == "true",
            shallow=shallow == "true",
            sha256=hashes == "sha256",
        )

    @property
    def no_sha(self) -> Sha:
        """The id that stands for nothing."""
        return Sha("0" * (64 if self.sha256 else 40))

    def git(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        ok: Iterable[int] = (0,),
    ) -> bytes:
        """Run git on the repository's own folder, whatever the caller's working directory is."""
        return run_git([f"--git-dir={self.common_dir}", *args], stdin=stdin, env=env, ok=ok)

    def text(self, *args: str) -> str:
        """Run git and return its output as text without the last newline."""
        return self.git(*args).decode("utf-8", "surrogateescape").rstrip("\n")

    def resolve(self, name: str) -> Sha | None:
        """Return the commit that `name` means, or None."""
        found = run_git(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"],
            cwd=self.path,
            ok=(0, 1, 128),
        )
        return Sha(found.decode().strip()) if found.strip() else None

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file of a commit, or None where it has none."""
        try:
            return self.git("cat-file", "blob", f"{commit}:{path}")
        except GitError:
            return None

    def read_many(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the files of a commit that are there, read by one process."""
        asked = "".join(f"{commit}:{path}\0" for path in paths)
        raw = asked.encode("utf-8", "surrogateescape")
        out = self.git("cat-file", "--batch", "-z", stdin=raw) if paths else b""
        found, at = {}, 0
        for path in paths:
            end = out.index(b"\n", at)
            head = out[at:end]
            if head.endswith(b" missing"):
                at = end + 1
                continue
            size = int(head.rsplit(b" ", 1)[1])
            if b" blob " in head:
                found[path] = out[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return found

    def paths(self, commit: str) -> tuple[str, ...]:
        """Return the path of every file of a commit."""
        listing = self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return tuple(listing.decode("utf-8", "surrogateescape").split("\0")[:-1])

    def sizes(self, commit: str) -> dict[str, int]:
        """Return the bytes of every file of a commit; a submodule has none."""
        listing = self.git("ls-tree", "-r", "-z", "--long", "--full-tree", commit)
        entries = listing.decode("utf-8", "surrogateescape").split("\0")[:-1]
        split = (entry.split("\t", 1) for entry in entries)
        sizes = ((path, about.split()[3]) for about, path in split)
        return {path: int(size) for path, size in sizes if size != "-"}

    def refs(self, prefix: str) -> dict[str, Sha]:
        """Return the refs below a prefix and what they point to."""
        lines = self.text("for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
        return {ref: Sha(sha) for sha, ref in (line.split(" ", 1) for line in lines)}

    def update_refs(self, updates: Iterable[RefUpdate]) -> None:
        """Move several refs, all or none. Raises RefMoved where one is not what it had to be."""
        lines = []
        for update in updates:
            old = update.old or self.no_sha
            if update.new is None:
                lines.append(f"delete {update.ref}\0{old}\0")
            else:
                lines.append(f"update {update.ref}\0{update.new}\0{old}\0")
        if not lines:
            return
        text = "".join(["start\0", *lines, "prepare\0commit\0"])
        try:
            self.git("update-ref", "--stdin", "-z", "--no-deref", stdin=text.encode())
        except GitError as error:
            if "cannot lock ref" not in error.stderr:
                raise
            blocked = re.search(r"'([^']+)' exists; cannot create '([^']+)'", error.stderr)
            if blocked:
                raise UserError(
                    f"The ref {blocked[1]} is in the way of {blocked[2]}.",
                    fix=f"Rename the branch: git branch -m {blocked[1].removeprefix('refs/heads/')}"
                    " another-name",
                ) from error
            raise RefMoved(error.stderr.strip()) from error

    def import_commits(self, stream: Iterable[bytes]) -> Sha:
        """Write the commits of a fast-import stream; return the one that has mark :1.

        The stream builds on the ref SCRATCH, which is gone again before fast-import ends.
        """
        nothing = f"reset {SCRATCH}\nfrom {self.no_sha}\n\ndone\n"
        whole = b"".join([b"feature done\n", *stream, b"get-mark :1\n", nothing.encode()])
        try:
            out = self.git("fast-import", "--quiet", "--date-format=raw", stdin=whole)
        except GitError as error:
            if not re.search("Permission denied|Read-only file system", error.stderr):
                raise
            raise UserError(
                f"{self.common_dir} cannot be written.",
                fix="Runs are recorded in the repository: give yourself the right to write there.",
            ) from error
        return Sha(out.decode().strip())

    def commit_files(
        self, files: Mapping[str, bytes], message: str, at: datetime, parent: Sha | None = None
    ) -> Sha:
        """Write a commit that adds or replaces files of its parent's; return its id."""
        return self.import_commits(
            [
                commit_header(1, message, at),
                f"from {parent}\n".encode() if parent else b"",
                *(
                    b"M 100644 inline %s\n%s" % (quote(path), _data(content))
                    for path, content in sorted(files.items())
                ),
                b"\n",
            ]
        )

    def commit_tree(self, tree: str, parents: Sequence[Sha], message: str, at: datetime) -> Sha:
        """Write a commit of a tree that is there; return its id."""
        args = [part for parent in parents for part in ("-p", parent)]
        name, email = IDENTITY.rstrip(">").split(" <")
        when = f"{int(at.timestamp())} +0000"
        env = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email), ("DATE", when))
        }
        return Sha(
            self.git("commit-tree", tree, *args, "-F", "-", stdin=message.encode(), env=env)
            .decode()
            .strip()
        )

    def on_top(self, commit: Sha, old: Sha | None, at: datetime) -> Sha:
        """Return a commit that holds what `commit` does and keeps `old` reachable, if any."""
        if old is None or old == commit:
            return commit
        return self.commit_tree(f"{commit}^{{tree}}", [commit, old], "Rescued again\n", at)


SCRATCH = "refs/orchestrate/scratch"


def commit_header(mark: int, message: str, at: datetime) -> bytes:
    """Begin a commit of a fast-import stream."""
    who = f"committer {IDENTITY} {int(at.timestamp())} +0000\n".encode()
    return b"commit %s\nmark :%d\n%s%s" % (SCRATCH.encode(), mark, who, _data(message.encode()))


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def quote(path: str) -> bytes:
    """Quote a path for a fast-import stream."""
    raw = path.encode("utf-8", "surrogateescape")
    escaped = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"%s"' % escaped
