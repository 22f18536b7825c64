"""Every test runs apart from the machine: its own home and git settings, no network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are shared and slow at times; a time limit per example would only make noise.
settings.register_profile("orchestrate", deadline=None)
settings.load_profile("orchestrate")

_REMOVED_PREFIXES = ("GIT_", "GITHUB_", "ORCHESTRATE_", "RUNNER_", "XDG_")
_REMOVED_ENDINGS = ("_API_KEY", "_TOKEN", "_SECRET", "_PROXY", "_proxy")
_LOOPBACK = ("127.", "::1", "localhost")

# No name on purpose: what we commit must not depend on who runs it.
_GIT_CONFIG = """\
[init]
    defaultBranch = main
[user]
    useConfigOnly = true
[gc]
    auto = 0
[maintenance]
    auto = false
"""


class NetworkRefused(Exception):
    """A test wanted to leave this machine."""


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name and not name.startswith(_LOOPBACK):
        raise NetworkRefused(f"tests may only talk to this machine, not to {name}")


def pytest_xdist_auto_num_workers() -> int:
    """Say what `-n auto` means: three for two processors, since many tests wait for a process."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_configure() -> None:
    """Refuse the network before any test module is imported."""
    sys.addaudithook(_refuse_network)


# Stories talk to their agents by files beside the worktree: no sandbox but where one is the story.
_NO_SANDBOX = "#!/bin/sh\necho 'no sandbox in tests' >&2\nexit 1\n"


def _environment(home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_REMOVED_PREFIXES) and not name.endswith(_REMOVED_ENDINGS)
    }
    return kept | {
        "HOME": str(home),
        "PATH": f"{home}/programs:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_RUNTIME_DIR": str(home / "runtime"),
        "XDG_STATE_HOME": str(home / "state"),
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TZ": "UTC",
        "NO_COLOR": "1",
        # What our tests start inherits no audit hook: it meets a proxy that is not there.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost,::1",
    }


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the session a home of its own, and take from the environment what is ours or secret."""
    before = dict(os.environ)
    home = tmp_path_factory.mktemp("home")
    for name in ("cache", "config", "data", "runtime", "state"):
        (home / name).mkdir(mode=0o700)
    (home / ".gitconfig").write_text(_GIT_CONFIG)
    (home / "programs").mkdir()
    (home / "programs/bwrap").write_text(_NO_SANDBOX)
    (home / "programs/bwrap").chmod(0o755)
    built = _environment(home)
    os.environ.clear()
    os.environ.update(built)
    yield home
    os.environ.clear()
    os.environ.update(before)
