"""Programs that read text and do what it says: shells and the interpreters of languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from bot.core.shell import languages
from bot.core.shell.effects import Forks, RunsDownload, RunsText, RunsWords, Touches
from bot.core.shell.options import first_after_options
from bot.core.shell.values import NOTHING, ForkBomb, Found, Ran, Scope, Text, joined

SHELLS = frozenset(
    ("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh", "hush")
)


class Reading(Protocol):
    """The reader, as those see it who find what it has to read next."""

    def read(self, text: str, scope: Scope, stdin: Text) -> Text:
        """Read shell text; return what it prints."""
        ...

    def run(self, words: Sequence[Text], scope: Scope, stdin: Text) -> Text:
        """Start a program with its arguments; return what it prints."""
        ...

    def note(self, found: Found) -> None:
        """Keep something that was found."""
        ...


# How each language is given code on the command line; "" means the first argument.
_CODE_FLAGS: dict[str, str] = {
    "perl": r"-[a-zA-Z0]*[eE]",
    "ruby": r"-[a-z]*e",
    "node": r"-e|-p|-pe|--eval|--print",
    "nodejs": r"-e|-p|-pe|--eval|--print",
    "bun": r"-e|--eval",
    "deno": r"eval",
    "php": r"-r",
    "lua": r"-e",
    "luajit": r"-e",
    "Rscript": r"-e",
    "julia": r"-e|-E",
    "osascript": r"-e",
    "tclsh": r"(?!)",
    "expect": r"-c",
    "awk": "",
    "gawk": "",
    "mawk": "",
    "nawk": "",
}
_VALUED = {"python": "-W -X --check-hash-based-pycs", "awk": "-F -v", "gawk": "-F -v"}
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")


def interpret(
    reader: Reading, program: str, rest: tuple[Text, ...], scope: Scope, stdin: Text
) -> Text | None:
    """Read what a shell or an interpreter is told; None if `program` is neither."""
    if program == "eval":
        return _shell_text(reader, program, joined(rest, " "), scope, stdin)
    if program in (".", "source"):
        file = _file(rest[0].text, scope, stdin) if rest else NOTHING
        return _shell_text(reader, program, file, scope, stdin)
    if program in SHELLS:
        return _shell(reader, program, rest, scope, stdin)
    if _PYTHON.fullmatch(program):
        return _python(reader, program, rest, scope, stdin)
    if program in _CODE_FLAGS:
        return _language(reader, program, rest, scope, stdin)
    return None


def _shell_text(reader: Reading, program: str, text: Text, scope: Scope, stdin: Text) -> Text:
    if text.made_by:
        reader.note(Ran(program, (text.text[:200],), fed_by=text.made_by))
    return reader.read(text.text, scope, stdin) if text.text.strip() else NOTHING


def _file(name: str, scope: Scope, stdin: Text) -> Text:
    """Return what is in a file, as far as the same text wrote it."""
    if name in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
        return stdin
    return scope.files.get(scope.resolve(name), NOTHING)


def _shell(
    reader: Reading, program: str, rest: tuple[Text, ...], scope: Scope, stdin: Text
) -> Text:
    inner, wants_text, reads_stdin, at = scope.inner(arguments=()), False, False, 0
    while at < len(rest) and re.match(r"[-+].", rest[at].text):
        word = rest[at].text
        at += 1
        if word == "--":
            break
        if re.fullmatch(r"[-+]O|-o|\+o|--rcfile|--init-file", word):
            at += 1
        elif not word.startswith("--"):
            wants_text |= "c" in word
            reads_stdin |= "s" in word
    words = rest[at:]
    if wants_text:
        inner.arguments = words[2:]
        inner.variables["0"] = words[1:2]
        return _shell_text(reader, program, words[0] if words else NOTHING, inner, stdin)
    if not words or reads_stdin:
        inner.arguments = words
        return _shell_text(reader, program, stdin, inner, NOTHING)
    inner.arguments = words[1:]
    file = _file(words[0].text, scope, stdin)
    if re.match(r"#!.*python", file.text):
        _code(reader, "python", file, scope)
        return Text(known=False)
    return _shell_text(reader, program, file, inner, stdin)


def _python(
    reader: Reading, program: str, rest: tuple[Text, ...], scope: Scope, stdin: Text
) -> Text:
    at = 0
    while at < len(rest) and re.match("-.", rest[at].text):
        word = rest[at].text
        if found := re.fullmatch(r"-[a-zA-Z]*([cm])(.*)", word, re.DOTALL):
            given = (Text(found[2], rest[at].known, rest[at].made_by),) if found[2] else ()
            after = (*given, *rest[at + 1 :])
            if found[1] == "c":
                _code(reader, program, after[0] if after else NOTHING, scope)
            elif after:
                reader.run(after, scope, stdin)
            return Text(known=False, made_by=stdin.made_by)
        at += 2 if word in _VALUED["python"].split() else 1
    name = rest[at].text if at < len(rest) else "-"
    _code(reader, program, _file(name, scope, stdin), scope)
    return Text(known=False)


def _language(
    reader: Reading, program: str, rest: tuple[Text, ...], scope: Scope, stdin: Text
) -> Text | None:
    flags, code = _CODE_FLAGS[program], False
    for n, word in enumerate(rest):
        if flags and re.fullmatch(flags, word.text):
            code = True
            _code(reader, program, rest[n + 1] if n + 1 < len(rest) else NOTHING, scope)
        elif flags and (found := re.match(r"(?:-e|-r|--eval=|--print=)(.+)", word.text, re.DOTALL)):
            code = True
            _code(reader, program, Text(found[1], word.known, word.made_by), scope)
    if code:
        return None
    at = first_after_options(rest, _VALUED.get(program, "").split())
    if not flags:
        _code(reader, program, rest[at] if at < len(rest) else NOTHING, scope)
    else:
        name = rest[at].text if at < len(rest) else "-"
        _code(reader, program, _file(name, scope, stdin), scope)
    return None


def _code(reader: Reading, program: str, code: Text, scope: Scope) -> None:
    if code.made_by:
        reader.note(Ran(program, (code.text[:200],), fed_by=code.made_by))
    python = _PYTHON.fullmatch(program) is not None
    for call in languages.calls(code.text, python=python):
        match call:
            case RunsText(text=text):
                reader.read(text, scope.inner(), NOTHING)
            case RunsWords(words=words):
                reader.run(tuple(Text(word) for word in words), scope.inner(), NOTHING)
            case Touches(path=path, writes=writes):
                place = scope.resolve(path)
                found = Ran(">", writes=(place,)) if writes else Ran("<", (path,), (place,))
                reader.note(found)
            case RunsDownload():
                reader.note(Ran(program, ("exec",), fed_by=frozenset({"curl"})))
            case Forks():
                reader.note(ForkBomb(program))
