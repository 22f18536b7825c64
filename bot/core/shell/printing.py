"""What simple programs print, where that can be told without running them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from bot.core.shell.values import Scope, Text, joined
from bot.core.shell.words import ansi_unescaped

_MOST = 100_000


def printed(program: str, arguments: Sequence[Text], scope: Scope, stdin: Text) -> Text:
    """Return a program's output, or only which programs it went through."""
    made_by = stdin.made_by.union(*(argument.made_by for argument in arguments))
    match program:
        case "echo":
            return _echoed(arguments)
        case "printf":
            return _formatted(arguments)
        case "cat" | "tee":
            return _passed_on(program, arguments, scope, stdin)
        case "which" | "command" | "type" if arguments:
            return Text(arguments[-1].text + "\n", arguments[-1].known, made_by)
        case "pwd":
            return Text("$PWD") if scope.place == "." else Text(known=False)
        case "base64" | "base32" if any(re.match("-[dDi]+$|--d", a.text) for a in arguments):
            given = _passed_on("cat", arguments, scope, stdin)
            if given.known and (decoded := _decoded(program, given.text)) is not None:
                return Text(decoded, True, made_by)
    for argument in arguments:
        if (file := scope.files.get(scope.resolve(argument.text))) is not None:
            made_by |= file.made_by
    return Text(f"$({program})", False, made_by | {program})


def _echoed(arguments: Sequence[Text]) -> Text:
    words, escapes = list(arguments), False
    while words and re.fullmatch(r"-[neE]+", words[0].text):
        escapes |= "e" in words.pop(0).text
    given = joined(words, " ")
    text = ansi_unescaped(given.text) if escapes else given.text
    return Text(text + "\n", given.known, given.made_by)


def _formatted(arguments: Sequence[Text]) -> Text:
    words = [word for word in arguments if word.text != "--"]
    if not words:
        return Text()
    given, form = joined(words), ansi_unescaped(words[0].text)
    values = [word.text for word in words[1:]]
    places = len(re.findall(r"%-?\d*[a-zA-Z]", form))
    parts: list[str] = []
    size = 0
    while size < _MOST:
        left = iter(values[:places])
        values = values[places:]
        parts.append(_filled(form, left))
        size += len(parts[-1]) + 1
        if not values or not places:
            break
    return Text("".join(parts), given.known, given.made_by)


def _filled(form: str, left: Iterator[str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        value = next(left, "")
        return ansi_unescaped(value) if match[0].endswith("b") else value

    return re.sub(r"%%|%-?\d*[a-zA-Z]", one, form)


def _passed_on(program: str, arguments: Sequence[Text], scope: Scope, stdin: Text) -> Text:
    names = [a.text for a in arguments if not a.text.startswith("-") or a.text == "-"]
    if program == "tee":
        for name in names:
            scope.files[scope.resolve(name)] = stdin
        return stdin
    files = [
        stdin
        if name in ("-", "/dev/stdin")
        else scope.files.get(scope.resolve(name), Text("$(cat)", False))
        for name in names
    ]
    return joined(files) if files else stdin


def _decoded(program: str, text: str) -> str | None:
    decode = base64.b64decode if program == "base64" else base64.b32decode
    try:
        return decode("".join(text.split())[:_MOST]).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
