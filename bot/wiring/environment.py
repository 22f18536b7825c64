"""What the environment holds: secrets to take out, and what agents and gates may see of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.core.config import Settings
from bot.core.redact import Redactor

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|(^|_)PASS$"
    r"|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|SSH)_?KEY",
    re.IGNORECASE,
)
_TOOLCHAINS = {  # where tools are that a HOME of its own would hide; nothing secret is in these
    "RUSTUP_HOME": ".rustup",
    "PYENV_ROOT": ".pyenv",
    "GOMODCACHE": "go/pkg/mod",
    "NVM_DIR": ".nvm",
    "JAVA_HOME": "",
}


def redactor() -> Redactor:
    """Know every secret of our own environment by its value."""
    values = (v for k, v in os.environ.items() if _SECRET_NAME.search(k) and len(v) >= 8)
    return Redactor(frozenset(values))


def environment_apart(state: str) -> dict[str, str]:
    """Return our environment with another state folder, and our own Python found first."""
    ours = str(Path(sys.executable).parent)
    path = os.pathsep.join([ours, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "XDG_STATE_HOME": state, "PATH": path}


def search_path(environment: Mapping[str, str]) -> str:
    """Return PATH for what agents and gates start; our own Python is found last."""
    ours = str(Path(sys.executable).parent)
    return os.pathsep.join([environment.get("PATH", os.defpath), ours])


def passed_variables(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what agents and gates get of ours: where toolchains are, and what settings name."""
    wanted = settings.agents.pass_env
    named = {name: environment[name] for name in wanted if name in environment}
    return toolchains(environment) | named


def toolchains(environment: Mapping[str, str]) -> dict[str, str]:
    """Return where tools keep what they need, by the variables that say it to them."""
    home = environment.get("HOME", "")
    found: dict[str, str] = {}
    go = environment.get("GOPATH", "").partition(os.pathsep)[0]
    for name, folder in _TOOLCHAINS.items():
        default = str(Path(home) / folder) if folder and home else ""
        if name == "GOMODCACHE" and go:
            default = str(Path(go) / "pkg/mod")
        value = environment.get(name) or (default if default and Path(default).is_dir() else "")
        found |= {name: value} if value else {}
    return found
