"""Kills the bot with SIGKILL before or after its n-th call of a git command.

A `git` of our own stands first on PATH; nothing in the bot knows of it. Every event of a run is
written by one `git update-ref`, so calls of that are the moments at which the record changes.
"""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

_SHIM = """\
#!/bin/sh
case "$*" in *" "{command}" "*) ;; *) exec {git} "$@" ;; esac
read -r count <{count}
count=$((count + 1))
echo $count >{count}
[ $count = {at} ] || exec {git} "$@"
[ {side} = before ] || {git} "$@"
kill -9 $PPID
sleep 5
"""


@dataclass(frozen=True)
class Killer:
    """A folder to be first on PATH."""

    folder: Path

    def arm(self, at: int, side: str, command: str = "update-ref") -> dict[str, str]:
        """Return the environment for a command that is to die at the `at`-th call."""
        self.folder.mkdir(parents=True, exist_ok=True)
        count = self.folder / "count"
        count.write_text("0\n")
        names = {"git": shutil.which("git") or "git", "count": str(count)}
        quoted = {name: shlex.quote(value) for name, value in names.items()}
        shim = self.folder / "git"
        shim.write_text(_SHIM.format(at=at, side=side, command=command, **quoted))
        shim.chmod(0o755)
        return {"PATH": os.pathsep.join([str(self.folder), os.environ["PATH"]])}
