"""Built-in commands that change what later ones mean, or read text themselves."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.core.shell.values import NOTHING, Scope, Text, joined

Read = Callable[[str, Scope, Text], Text]


def changes(read: Read, program: str, rest: tuple[Text, ...], scope: Scope, stdin: Text) -> bool:
    """Carry out a built-in that changes the scope; False if `program` is none of them."""
    words = [word for word in rest if not word.text.startswith("-") or word.text == "-"]
    match program:
        case "cd" | "pushd":
            _move(words, scope)
        case "popd":
            scope.place = None
        case "alias":
            _aliases(rest, scope)
        case "set":
            scope.arguments = rest[1:] if rest and rest[0].text == "--" else scope.arguments
        case "shift":
            scope.arguments = scope.arguments[1:]
        case "read":
            _read_in(words, scope, stdin)
        case "export" | "declare" | "local" | "readonly" | "typeset":
            _assigned(words, scope)
        case "trap":
            read(joined(words[:1]).text, scope.inner(), NOTHING)
        case _:
            return False
    return True


def _assigned(words: list[Text], scope: Scope) -> None:
    for word in words:
        name, equals, value = word.text.partition("=")
        if equals:
            scope.variables[name] = (Text(value, word.known, word.made_by),)


def _move(words: list[Text], scope: Scope) -> None:
    target = words[0] if words else Text("~")
    place = scope.resolve(target.text)
    unknown = target.text == "-" or (not target.known and not place.startswith(("~", "/", ".")))
    scope.place = None if unknown or place.startswith(("?", "$")) else place


def _aliases(rest: tuple[Text, ...], scope: Scope) -> None:
    for word in rest:
        if found := re.fullmatch(r"([\w.-]+)=(.*)", word.text, re.DOTALL):
            scope.aliases[found[1]] = found[2]


def _read_in(words: list[Text], scope: Scope, stdin: Text) -> None:
    unknown = Text(known=False, made_by=stdin.made_by)
    values = [Text(value, stdin.known, stdin.made_by) for value in stdin.text.split()]
    for n, word in enumerate(words):
        last = n == len(words) - 1
        given = joined(values[n:] if last else values[n : n + 1], " ")
        scope.variables[word.text] = (given if values else unknown,)
