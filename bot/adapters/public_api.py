"""The reader of public names: picks what reads a file, and turns every failure into a reason."""

from __future__ import annotations

from bot.adapters.grammars import GRAMMARS, PYTHON
from bot.core.public_names import Fault, SourceCode, UnreadableSource
from bot.core.source_files import language_of

MAX_CHARACTERS = 1_000_000  # people write no such files; parsing them takes seconds


def read_source(path: str, text: str) -> SourceCode | UnreadableSource:
    """Read the public names and the behaviour of one file (see `ReadSource`)."""
    language = language_of(path, text)
    if language != "Python" and language not in GRAMMARS:
        return UnreadableSource(Fault.LANGUAGE, language or "not a programming language")
    if len(text) > MAX_CHARACTERS:
        size = f"{len(text):,} characters, at most {MAX_CHARACTERS:,}"
        return UnreadableSource(Fault.FILE, f"it is too large ({size})")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return UnreadableSource(Fault.FILE, "it has a NUL byte in it", line)
    return _read_python(path, text) if language == "Python" else _read_other(language, text)


# griffe and tree-sitter take 90 ms to import, and every command imports this module: they are
# imported where a changed file needs them.


def _read_other(language: str, text: str) -> SourceCode | UnreadableSource:
    from bot.adapters.grammar_api import read_with_grammar

    # Other encodings than UTF-8 stand in comments and strings, where any mark will do.
    plain = text.encode("utf-8", "replace").decode("utf-8")
    return read_with_grammar(_lines(plain), GRAMMARS[language])


def _read_python(path: str, text: str) -> SourceCode | UnreadableSource:
    from bot.adapters.grammar_api import is_well_formed
    from bot.adapters.python_api import VERSION, decoded, read_python

    plain = decoded(text)
    if isinstance(plain, UnreadableSource):
        return plain
    try:
        return read_python(path, _lines(plain))
    except SyntaxError as error:
        line = error.lineno if error.lineno and error.lineno > 0 else None
        if "nested" in error.msg:  # a limit of this interpreter, not of the language
            return UnreadableSource(Fault.FILE, f"it has {error.msg}", line)
        if type(error) is SyntaxError and is_well_formed(_lines(plain), PYTHON):
            return UnreadableSource(Fault.LANGUAGE, f"Python of another version than {VERSION}")
        return UnreadableSource(Fault.FILE, f"it is no valid Python {VERSION}: {error.msg}", line)


def _lines(text: str) -> str:
    """Without byte-order mark, each line ended by a newline: what differs means nothing."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n") + "\n"
