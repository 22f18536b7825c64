"""The work tree that `orchestrate init` writes to, and the files that ship to be written there."""

from __future__ import annotations

import importlib.metadata
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.package_data import data_file
from bot.core.github.installation import Pin, pin_of_direct_url
from bot.errors import UserError

WORKFLOW_NAMES = ("orchestrate", "workstream", "gates", "gates-post")
_ACTION = ".github/actions/orchestrate"
_VENDORED = (
    f"{_ACTION}/action.yml",
    f"{_ACTION}/setup.sh",
    ".github/orchestrate/requirements.lock",
)
FORM = ".github/ISSUE_TEMPLATE/orchestrate.yml"
ROLES = "agents/roles"


def shipped_text(path: str) -> bytes:
    """Read a file that ships, by its path in our own repository."""
    return data_file(*path.split("/")).read_bytes()


def vendored_files() -> dict[str, bytes]:
    """Read what installs the bot in a job."""
    return {path: shipped_text(path) for path in _VENDORED}


def files_for_owners() -> dict[str, bytes]:
    """Read the issue form and the roles, which a repository makes its own."""
    roles = sorted(data_file(*ROLES.split("/")).glob("*.md"))
    return {FORM: shipped_text(FORM)} | {f"{ROLES}/{one.name}": one.read_bytes() for one in roles}


def own_pin() -> Pin | None:
    """Return which bot this is, where pip installed it from a commit on GitHub."""
    try:
        text = importlib.metadata.distribution("orchestrate-bot").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    origin = json.loads(text or "{}")
    commit = origin.get("vcs_info", {}).get("commit_id", "")
    return pin_of_direct_url(origin.get("url", ""), commit)


@dataclass(frozen=True)
class Target:
    """A work tree. Nothing in it is reached through a link, and nothing outside of it at all."""

    root: Path

    def read(self, path: str) -> bytes | None:
        """Read a file; None where there is none. Raises UserError where it could not be written."""
        self._require_way(path)
        file = self.root / path
        try:
            kind = file.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(kind):
            raise _in_the_way(path, "is no plain file")
        try:
            return file.read_bytes()
        except OSError as error:
            raise UserError(
                f"{path} cannot be read: {error.strerror}.", fix="Make it readable."
            ) from error

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all; where it had CRLF it keeps it. Scripts can be run."""
        before = self.read(path)
        if before is not None and b"\r\n" in before:
            content = content.replace(b"\n", b"\r\n")
        file = self.root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                dir=file.parent, prefix=".orchestrate-", delete=False
            ) as new:
                new.write(content)
            Path(new.name).chmod(0o755 if file.suffix == ".sh" else 0o644)
            Path(new.name).replace(file)
        except OSError as error:
            raise _unwritable(path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty without it."""
        self._require_way(path)
        try:
            (self.root / path).unlink()
            for folder in (self.root / path).relative_to(self.root).parents[:-1]:
                if any((self.root / folder).iterdir()):
                    return
                (self.root / folder).rmdir()
        except OSError as error:
            raise _unwritable(path, error) from error

    def require_writable(self, path: str) -> None:
        """Raise UserError where a file cannot be made or replaced, before anything is written."""
        folders = (self.root / path).parents
        there = next(folder for folder in folders if folder.is_dir())
        if not os.access(there, os.W_OK | os.X_OK):
            name = there.relative_to(self.root)
            raise UserError(
                f"{name} cannot be written.", fix="Give yourself the right to write there."
            )

    def _require_way(self, path: str) -> None:
        """Raise UserError where a folder on the way is a link or a file."""
        for folder in reversed(Path(path).parents[:-1]):
            here = self.root / folder
            if here.is_symlink():
                raise _in_the_way(str(folder), f"is a link to {here.readlink()}")
            if here.exists() and not here.is_dir():
                raise _in_the_way(str(folder), "is a file, and a folder is needed there")


def _in_the_way(path: str, why: str) -> UserError:
    return UserError(f"{path} {why}. Nothing was written.", fix="Move it away, or choose --repo.")


def _unwritable(path: str, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be written: {error.strerror}.",
        fix="Give yourself the right to write there, then run the same command again.",
    )
