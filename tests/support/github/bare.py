"""The git side of a repository: a bare one on disk, written and read without a work tree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WORKFLOWS = ".github/workflows"
NOTHING = "0" * 40
_HOOK = Path(__file__).with_name("receive_hook.py")
_CONFIG = """\
[core]
    repositoryformatversion = 0
    bare = true
[uploadpack]
    allowAnySHA1InWant = true
    allowFilter = true
"""


@dataclass(frozen=True)
class Commit:
    """A commit as the API shows it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    name: str
    email: str
    date: str  # ISO 8601, UTC
    message: str


@dataclass(frozen=True)
class FileChange:
    """One path of a comparison; `status` is added, removed or modified."""

    path: str
    status: str
    additions: int
    deletions: int
    sha: str


@dataclass(frozen=True)
class BareRepository:
    """Real git. What a test does here happened without anybody's token."""

    path: Path

    @classmethod
    def make(cls, path: Path, default_branch: str) -> BareRepository:
        """Lay out an empty repository, as `git init --bare` would but sooner."""
        for name in ("objects", "refs/heads", "hooks"):
            (path / name).mkdir(parents=True)
        (path / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n")
        (path / "config").write_text(_CONFIG)
        hook = path / "hooks" / "proc-receive"
        hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{_HOOK}"\n')
        hook.chmod(0o755)
        return cls(path)

    def run(self, *args: str, given: bytes = b"", ok: tuple[int, ...] = (0,)) -> bytes:
        """Run git here; a failure is a failed test with its reason."""
        done = subprocess.run(
            ("git", "-C", str(self.path), *args),
            input=given,
            env=git_environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode in ok, f"git {' '.join(args)}: {done.stderr.decode()}"
        return done.stdout

    def git(self, *args: str) -> str:
        """Run git here and return the text it printed."""
        return self.run(*args).decode(errors="replace").removesuffix("\n")

    def refs(self) -> dict[str, str]:
        """Return every ref and the object it names."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def sha(self, name: str) -> str | None:
        """Return the commit that a branch, tag, ref or id names."""
        found = self.run("rev-parse", "--verify", "-q", f"{name}^{{commit}}", ok=(0, 1, 128))
        return found.decode().strip() or None

    def read(self, name: str, path: str) -> str | None:
        """Return a file as it is in a commit or on a branch."""
        found = self.run("cat-file", "blob", f"{name}:{path}", ok=(0, 128))
        return found.decode(errors="replace") or None

    def files(self, name: str) -> list[str]:
        """Return the paths in a commit or on a branch."""
        return self.run("ls-tree", "-rz", "--name-only", name).decode().split("\0")[:-1]

    def commit(
        self,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        message: str,
        by: str,
        parent: str | None = None,
    ) -> str:
        """Commit files onto a branch (None deletes one); `parent` puts it elsewhere, by force."""
        ref = f"refs/heads/{branch}"
        lines = [f"commit {ref}\n".encode()]
        lines.append(f"committer {by} <{by}@example.invalid> 1700000000 +0000\n".encode())
        lines.append(_data(message.encode()))
        start = parent or self.refs().get(ref)
        if start:
            lines.append(f"from {start}\n".encode())
        for path, content in files.items():
            if content is None:
                lines.append(f"D {path}\n".encode())
                continue
            data = content.encode() if isinstance(content, str) else content
            lines += [f"M 100644 inline {path}\n".encode(), _data(data)]
        self.run("fast-import", "--quiet", "--force", given=b"".join(lines))
        return self.refs()[ref]

    def commits(self, *revisions: str) -> list[Commit]:
        """Return commits, oldest first, as `git log` selects them."""
        form = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%ad%x1f%B%x00"
        said = self.git(
            "log", "--reverse", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", f"--format={form}",
            *revisions,
        )  # fmt: skip
        found = []
        for entry in said.split("\0")[:-1]:
            sha, tree, parents, name, email, date, message = entry.strip("\n").split("\x1f")
            found.append(
                Commit(sha, tree, tuple(parents.split()), name, email, date, message.strip())
            )
        return found

    def one(self, sha: str) -> Commit:
        """Return one commit."""
        return self.commits("-1", sha)[0]

    def merge_base(self, base: str, head: str) -> str | None:
        """Return where two commits parted, if they ever were together."""
        return self.run("merge-base", base, head, ok=(0, 1)).decode().strip() or None

    def changes(self, base: str, head: str) -> list[FileChange]:
        """Return what differs between two commits, without looking for renames."""
        raw = self.run("diff", "--no-renames", "--raw", "--numstat", "--abbrev=40", "-z",
                       base, head).decode().split("\0")  # fmt: skip
        found: dict[str, tuple[str, str]] = {}
        changes = []
        fields = iter(raw)
        for entry in fields:
            if entry.startswith(":"):
                _, _, _, new, letter = entry.split(" ")
                found[next(fields)] = ({"A": "added", "D": "removed"}.get(letter, "modified"), new)
            elif entry:
                added, removed, path = entry.split("\t")
                status, blob = found[path]
                counts = [int(count) if count != "-" else 0 for count in (added, removed)]
                changes.append(FileChange(path, status, counts[0], counts[1], blob))
        return changes

    def merge(self, base: str, head: str, *, message: str, by: str) -> str | None:
        """Make a merge commit of two commits and return it; None where they conflict."""
        done = self.run("merge-tree", "--write-tree", base, head, ok=(0, 1)).decode().split("\n")
        if len(done) > 2:
            return None
        who = ("-c", f"user.name={by}", "-c", f"user.email={by}@example.invalid")
        return self.git(*who, "commit-tree", done[0], "-p", base, "-p", head, "-m", message)


def git_environment() -> dict[str, str]:
    """Return an environment in which git knows nothing of the machine it runs on."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
    }


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
