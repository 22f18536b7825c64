"""What the output of a command that failed says of the sandbox's walls, and what helps there."""

from __future__ import annotations

import re
from collections.abc import Callable

_LOOKED_AT = 8_000  # characters at the end
_MISSING = re.compile(
    r"not found|No such file|Cannot find module|can't open|ENOENT|bad interpreter|did not find"
)
_PATH = re.compile(r"(?<![\w.~:/])/[\w.+@-]+(?:/[\w.+@-]+)+")
_NO_NETWORK = re.compile(
    r"Temporary failure in name resolution|Could not resolve host|Name or service not known"
    r"|EAI_AGAIN|ENOTFOUND|[Nn]etwork is unreachable|ENETUNREACH|UnknownHostException"
    r"|dial tcp: lookup"
)
_READ_ONLY = re.compile(r"Read-only file system|EROFS", re.IGNORECASE)


def wall_met(output: str, is_hidden: Callable[[str], bool]) -> str:
    """Say which wall a command ran into, and what to do; empty: none that can be seen.

    `is_hidden` tells whether a path is one that is left out, whether or not there is something.
    """
    end = output[-_LOOKED_AT:]
    missing = (line for line in end.splitlines() if _MISSING.search(line))
    hidden = (path for line in missing for path in _PATH.findall(line) if is_hidden(path))
    if path := next(hidden, None):
        return (
            "It ran in a sandbox, which shows of a home only what is on PATH; "
            f"agents.sandbox: off shows all. Not shown: {path[:200]}"
        )
    if _NO_NETWORK.search(end):
        return (
            "It ran in a sandbox without a network: install what it needs before, "
            "or name hosts in agents.registries"
        )
    if _READ_ONLY.search(end):
        return "It ran in a sandbox, which can write its worktree, $HOME and $TMPDIR only"
    return ""
