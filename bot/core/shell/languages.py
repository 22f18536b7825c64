"""Code given to interpreters, looked through for the commands that it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from bot.core.shell.effects import Call, Forks, RunsText, RunsWords
from bot.core.shell.python_code import parsed, python_calls

_MOST = 131_072  # characters of code
_MOST_CALLS = 200
_FORKING = re.compile(
    r"fork\s*\(?\)?\s+while\s+fork|while\s*\(?\s*(1|True)\s*\)?\s*[:{][\s\w.]*fork"
)


def calls(code: str, *, python: bool) -> list[Call]:
    """Return what code starts or opens, as far as literals tell. Never raises."""
    if not code.strip() or len(code) > _MOST:
        return []
    found: list[Call] = [Forks()] if _FORKING.search(code) else []
    tree = parsed(code) if python else None
    try:
        rest = python_calls(tree) if tree is not None else _other_calls(code)
        found += islice(rest, _MOST_CALLS)
    except RecursionError:  # of an expression that is nested beyond what anybody writes
        pass
    return found


_STARTS = re.compile(
    r"\b(?:system|exec(?:Sync|File|FileSync|l|lp|v|vp)?|spawn(?:Sync)?|popen3?|shell_exec|passthru"
    r"|proc_open|capture[23]e?|execute|qx|do shell script|Command(?:\.new)?|fork)\b\s*\(?"
)
_LITERAL = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`", re.DOTALL)
_BACKTICKS = re.compile(r"`([^`]+)`|(?:%x|qx)\s*(?:\{([^}]*)\}|\(([^)]*)\)|/([^/]*)/)")
_PIPED = re.compile(r"""["']\s*(\S[^"'|]*)["']\s*\|\s*getline|\|\s*["']([^"']+)["']""")
_FAR = 2_000  # characters within which the arguments of a call stand


def _other_calls(code: str) -> Iterator[Call]:
    """Find literals inside calls that start programs; the language is not known."""
    methods = re.search(r"child_process|Kernel|Process|\bos\.|execa|shelljs|Deno|Bun|Runtime", code)
    for start in _STARTS.finditer(code):
        before = code[: start.start()][-8:]
        if before.endswith(".") and (not methods or re.search(r"/[a-z]*\.$", before)):
            continue  # a method of a pattern, or of something of the program's own
        words = _arguments(code[start.end() : start.end() + _FAR])
        if len(words) == 1 or (words and " " in words[0]):
            yield RunsText(words[0])
        elif words:
            yield RunsWords(tuple(words))
    for found in (*_BACKTICKS.finditer(code), *_PIPED.finditer(code)):
        text = next(group for group in found.groups() if group is not None)
        yield RunsText(text)


def _arguments(text: str) -> list[str]:
    """Return the literals up to the end of a call's arguments."""
    words: list[str] = []
    at = 0
    while found := _LITERAL.search(text, at):
        between = text[at : found.start()]
        if re.search(r"[;)}\n]" if words else r"[;}\n]", between):
            break
        words.append(next((group for group in found.groups() if group is not None), ""))
        at = found.end()
    return [re.sub(r"\\(.)", r"\1", word) for word in words]
