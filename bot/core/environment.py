"""The environment that agents and commands get: built from nothing, never inherited."""

from __future__ import annotations

from collections.abc import Mapping

_NAME = "orchestrate agent"
_EMAIL = "agent@orchestrate.invalid"

_FIXED = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "CI": "1",
    "NO_COLOR": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": _NAME,
    "GIT_AUTHOR_EMAIL": _EMAIL,
    "GIT_COMMITTER_NAME": _NAME,
    "GIT_COMMITTER_EMAIL": _EMAIL,
    "PYTHONDONTWRITEBYTECODE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def built_environment(
    *, path: str, home: str, tmp: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """Return PATH, HOME, TMPDIR, settings that keep output plain and git alone, then `extra`.

    A name in `extra` wins over ours; LC_ALL is left out so that LANG can be overridden.
    """
    return {"PATH": path, "HOME": home, "TMPDIR": tmp, **_FIXED, **extra}
