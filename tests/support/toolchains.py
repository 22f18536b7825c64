"""The language tools of this machine, run as a person would in a folder of a test's own."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Toolchains and what they built of themselves; without them each test session builds Go's
# standard library again. Nothing of ours is read from there.
_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
_TOOLCHAINS = {
    "GOCACHE": str(_HOME / ".cache/go-build"),
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "CARGO_HOME": os.environ.get("CARGO_HOME", str(_HOME / ".cargo")),
    "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(_HOME / ".rustup")),
    "CARGO_NET_OFFLINE": "true",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class Done:
    """How a command ended, with its output and errors as one text."""

    exit_code: int
    output: str


def write(folder: Path, files: Mapping[str, str]) -> frozenset[str]:
    """Write files below a folder and return their paths."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return frozenset(files)


def run(command: str, folder: Path) -> Done:
    """Run shell text, with this Python as `python` and nothing of this session's own coverage."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    env |= _TOOLCHAINS | {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Done(done.returncode, done.stdout)
