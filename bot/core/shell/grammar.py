"""Shell text as a tree."""

from __future__ import annotations

import re
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

# `{git,push}` as a whole command: the grammar takes its brace for that of a block.
_BRACED = re.compile(rb"(?m)(^|[;&|(]\s*)\{([^\s{}]*,[^\s{}]*)\}")
# Behind a brace the grammar (0.25.1) asks C's isdigit of any character: what is not of Latin-1 is
# looked up beyond the end of a table, and there the process may end.
_BEHIND_BRACE = re.compile(rb"(\{\d*(?:\.\.)?\d*)([\xc4-\xf7][\x80-\xbf]+)")
# The grammar takes time and memory by the square of these where they do not fit together. What
# stands in quotes and here-documents is not counted; whoever fools this only waits.
_OPERATORS = re.compile(r"[()|]")
_MOST_OPERATORS = 4_000
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_DOCUMENT = re.compile(r"<<-?\s*['\"]?(\w+)")


def tree_of(source: bytes) -> Node:
    """Parse shell text; what is no shell text has errors in it.

    A character that the grammar cannot stand is an x for each of its bytes.
    """
    source = _BEHIND_BRACE.sub(lambda found: found[1] + b"x" * len(found[2]), source)
    root = Parser(_language()).parse(source).root_node
    if root.has_error:
        root = Parser(_language()).parse(_BRACED.sub(_apart, source)).root_node
    return root


def is_tangled(text: str) -> bool:
    """Say whether the grammar would take too long for a text."""
    return _operators(text) > _MOST_OPERATORS


@cache
def _language() -> Language:
    return Language(tree_sitter_bash.language())


def _operators(text: str) -> int:
    lines, kept, until = text.split("\n"), [], ""
    ends = {line.strip() for line in lines}
    for line in lines:
        if until:
            until = "" if line.strip() == until else until
            continue
        kept.append(line)
        found = _DOCUMENT.search(line)
        until = found[1] if found and found[1] in ends else ""
    return len(_OPERATORS.findall(_QUOTED.sub("", "\n".join(kept))))


def _apart(braced: re.Match[bytes]) -> bytes:
    return braced[1] + braced[2].replace(b",", b" ")
