"""Which of a program's arguments may be paths."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SAYS = frozenset({"echo", "printf", "test", "["})
_SEARCHES = frozenset({"grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "sed", "awk", "jq"})


def places_in(program: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments that may be paths: no options, patterns or words to say."""
    if program in _SAYS:
        return []
    places = [_path_in(argument) for argument in arguments]
    found = [place for place in places if place[:1] not in ("-", "")]
    return found[1:] if program in _SEARCHES else found


def _path_in(argument: str) -> str:
    """Return the path in an argument such as `--output=path` or `of=path`."""
    found = re.match(r"-{0,2}[A-Za-z][\w-]*=(.+)", argument, re.DOTALL)
    return found[1] if found else argument
