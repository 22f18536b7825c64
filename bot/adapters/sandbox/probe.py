"""Whether a sandbox can be had on this machine, and holds: found by trying."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bot.adapters.sandbox import trial
from bot.adapters.sandbox.processes import SandboxProcesses
from bot.ports import Command

_SPACES = ("pid", "net", "ipc", "uts", "mnt")
_SECONDS = 60.0
_LONGEST_WORDS = 300
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_DEBIAN = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MOST = Path("/proc/sys/user/max_user_namespaces")


def find_bwrap(path: str) -> str | None:
    """Return bubblewrap's program."""
    return shutil.which("bwrap", path=path) if sys.platform == "linux" else None


def may_close_user_namespaces(bwrap: str) -> bool:
    """Whether this bubblewrap can keep what is inside from making name spaces of its own."""
    done = subprocess.run((bwrap, "--help"), capture_output=True, text=True, check=False)
    return "--disable-userns" in done.stdout


def why_it_gives_way(
    processes: SandboxProcesses, folder: Path, environment: Mapping[str, str]
) -> str:
    """Try to get out of a sandbox in a run's folder, and to work in it; empty: it holds.

    Only where this is empty a completion may say "sandbox".
    """
    place, secret = folder / "attempts" / "probe", folder / "probe-secret"
    place.mkdir(parents=True, exist_ok=True)
    secret.touch(mode=0o600)
    abstract = f"orchestrate-{secrets.token_hex(8)}"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"\0{abstract}")
        unix.listen()
        spaces = ",".join(f"{name}={Path('/proc/self/ns', name).readlink()}" for name in _SPACES)
        known = (str(secret), str(tcp.getsockname()[1]), abstract, spaces)
        argv = (sys.executable, "-I", trial.__file__, *known)
        finished = processes.run(Command(argv, str(place), environment, _SECONDS))
    secret.unlink()
    secret.with_name("written-by-a-sandbox").unlink(missing_ok=True)
    shutil.rmtree(place)
    *reasons, last = finished.output.splitlines() or [""]
    if last == "tried":
        return "; ".join(reasons)
    return f"bubblewrap makes none: {(finished.stopped_because or last)[:_LONGEST_WORDS]}"


def what_mends_it(has_bwrap: bool) -> str:
    """Say what to type so that a sandbox can be had here."""
    if sys.platform != "linux":
        return "bubblewrap needs Linux; accept it with agents.sandbox: off"
    if not has_bwrap:
        return "sudo apt install bubblewrap"
    if _says(_APPARMOR) == "1":
        return f"sudo sysctl -w {_name(_APPARMOR)}=0"
    if _says(_DEBIAN) == "0":
        return f"sudo sysctl -w {_name(_DEBIAN)}=1"
    if _says(_MOST) == "0":
        return f"sudo sysctl -w {_name(_MOST)}=10000"
    return "allow user name spaces here; a container needs them from its host"


def _says(setting: Path) -> str:
    try:
        return setting.read_text().strip()
    except OSError:
        return ""


def _name(setting: Path) -> str:
    return ".".join(setting.parts[3:])
