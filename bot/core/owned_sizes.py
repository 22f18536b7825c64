"""How much an agent has before it: the files that each workstream owns, in tokens."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.patterns import owned
from bot.core.plan import Plan

_BYTES_A_TOKEN = 4


def owned_tokens(plan: Plan, sizes: Mapping[str, int]) -> dict[str, int]:
    """Sum up by workstream, from the bytes of every file; of one that owns nothing, nothing."""
    found = {}
    for workstream in plan.workstreams:
        total = sum(sizes[path] for path in owned(workstream.files, sizes))
        if total:
            found[workstream.id] = total // _BYTES_A_TOKEN
    return found
