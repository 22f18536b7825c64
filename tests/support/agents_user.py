"""A user of this machine that agents run as, made for a test and gone after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = () if os.geteuid() == 0 else ("sudo", "-n")


def _can_make_users() -> bool:
    if not all(shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("useradd", "setpriv")):
        return False
    return not ROOT or (
        shutil.which("sudo") is not None
        and subprocess.run([*ROOT, "true"], capture_output=True, check=False).returncode == 0
    )


needs_another_user = pytest.mark.skipif(
    not _can_make_users(),
    reason="another user can only be made with useradd and setpriv, as root or with sudo",
)


@pytest.fixture(scope="module")
def agents_user() -> Iterator[str]:
    """Make a user in no group of ours; its name."""
    name = f"orchestrate-{os.getpid()}"
    subprocess.run([*ROOT, "useradd", "--system", "--no-create-home", name], check=True)
    yield name
    subprocess.run([*ROOT, "userdel", name], check=True)


def python_for_others(folder: Path) -> str:
    """Make a Python in `folder` with the bot in it that another user may run; else skip."""
    open_to_all = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not Path(open_to_all).exists():
        pytest.skip(f"another user can run neither {sys.executable} nor {open_to_all}")
    venv.EnvBuilder(symlinks=True).create(folder / "venv")
    found = folder / "venv/bin/python"
    found.unlink()
    found.symlink_to(open_to_all)
    packages = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    lib = next((folder / "venv/lib").iterdir()) / "site-packages"
    lib.joinpath("ours.pth").write_text(f"{packages}\n{Path(__file__).parents[2]}\n")
    return str(found)
