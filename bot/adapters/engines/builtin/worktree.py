"""The files that tools may touch: inside the worktree, never git's own, never the hand-over."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bot.core.names import WORK_FOLDER

_MAX_READ = 20_000_000


class Refused(Exception):
    """A tool may not, or cannot, do what the model asked; the message is told to the model."""


class Worktree:
    """The top of the worktree; every path of a tool goes through here.

    The check is against mistakes and tricks in paths. What the model runs as a command is held
    by the sandbox and the user that this process runs as, not by this.
    """

    def __init__(self, top: str) -> None:
        self.top = Path(top).resolve()

    def to_read(self, path: str) -> Path:
        """Return the regular file behind a path. Raises Refused."""
        real = self._inside(path)
        try:
            mode = real.stat().st_mode
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}. list_files shows what there is.") from error
        if stat.S_ISDIR(mode):
            raise Refused(f"{path} is a directory; list_files shows what is in it.")
        if not stat.S_ISREG(mode):
            raise Refused(f"{path} is not a regular file.")
        if real.stat().st_size > _MAX_READ:
            raise Refused(f"{path} has more than {_MAX_READ:,} bytes; use run with head or grep.")
        return real

    def to_write(self, path: str) -> Path:
        """Return where a file may be written, an existing regular one or a new one."""
        real = self._inside(path)
        if WORK_FOLDER in (part.lower() for part in real.relative_to(self.top).parts):
            raise Refused(f"{WORK_FOLDER}/ is written by acknowledge and finish only.")
        if real.exists() and not real.is_file():
            raise Refused(f"{path} is there already and is not a regular file.")
        return real

    def hand_over(self, path: str, text: str) -> None:
        """Write one of our own files under `.orchestrate/`, whole or not at all."""
        file = self.top / path
        if file.parent.is_symlink():
            raise Refused(f"{WORK_FOLDER} is a symbolic link; it must be a directory.")
        file.parent.mkdir(exist_ok=True)
        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        unfinished.unlink(missing_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)

    def handed_over(self, path: str) -> str | None:
        """Read one of our own files under `.orchestrate/`; None where there is none to read."""
        try:
            return self.to_read(path).read_text(encoding="utf-8")
        except (Refused, OSError, ValueError):
            return None

    def _inside(self, path: str) -> Path:
        if not path.strip() or "\0" in path:
            raise Refused("The path is empty or has a NUL in it; name a file such as src/app.py.")
        try:
            real = (self.top / path).resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            raise Refused(f"{path}: not a usable path.") from error
        if not real.is_relative_to(self.top):
            raise Refused(f"{path} is outside of the worktree; paths start at its top.")
        named = Path(os.path.normpath(self.top / path))
        parts = [*real.relative_to(self.top).parts, *named.parts[len(self.top.parts) :]]
        if any(part.lower() == ".git" for part in parts):
            raise Refused(f"{path} belongs to git; the program commits, you only change files.")
        return real
