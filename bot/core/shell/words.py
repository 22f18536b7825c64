"""Words as the shell expands them: quotes, variables, braces, fields.

While a word is put together, characters that quotes protect are moved to a private plane, so that
braces and fields can be found by looking for the plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tree_sitter import Node

from bot.core.shell.values import NOTHING, Scope, Text, joined

_PLANE = 0xF0000
_EMPTY = chr(_PLANE)  # keeps a field where quotes hold nothing
_BLANKS = re.compile(r"[ \t\n]+")
_PROTECTED = re.compile(r"[\s{},]")
_MOVED = re.compile(f"[{_EMPTY}-{chr(_PLANE + 0x7F)}]")
_MOST_BRACES = 64
_ANSI = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))",
    re.DOTALL,
)
_ANSI_NAMED = dict(zip("abeEfnrtv", "\a\b\x1b\x1b\f\n\r\t\v", strict=True))
_SLICE = re.compile(r":\s*(\d+)(?:\s*:\s*(\d+))?\}$")

_LITERAL_PARTS = frozenset({"string_content", "heredoc_content", "ERROR"})

Substitute = Callable[[Node, Scope], Text]


def fields(node: Node, scope: Scope, substitute: Substitute) -> list[Text]:
    """Expand one word of the source to the words that a command is given."""
    if node.type == "array":
        return [text for child in node.named_children for text in fields(child, scope, substitute)]
    raw = _raw(node, scope, substitute, quoted=False)
    words = [word for text in _braces(raw.text) for word in _BLANKS.split(text) if word]
    return [Text(_unmoved(word), raw.known, raw.made_by) for word in words]


def whole(node: Node, scope: Scope, substitute: Substitute) -> Text:
    """Expand a word that stays one: what is assigned, a redirection's target, a here-document."""
    if node.type == "heredoc_body":
        raw = _spliced(node, scope, substitute)
    else:
        raw = _raw(node, scope, substitute, quoted=False)
    return Text(_unmoved(raw.text), raw.known, raw.made_by)


def ansi_unescaped(text: str) -> str:
    """Return what `$'…'` and printf make of backslashes."""

    def one(match: re.Match[str]) -> str:
        short, four, eight, octal, control, plain = match.groups()
        if digits := short or four or eight:
            code = int(digits, 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if octal:
            return chr(int(octal, 8) & 0xFF)
        return chr(ord(control) & 0x1F) if control else _ANSI_NAMED.get(plain, plain)

    return _ANSI.sub(one, text)


def source_of(node: Node) -> str:
    """Return the text that a node stands for in the source."""
    return (node.text or b"").decode("utf-8", "replace")


def _raw(  # noqa: C901 - one case a kind
    node: Node, scope: Scope, substitute: Substitute, *, quoted: bool
) -> Text:
    match node.type:
        case "raw_string":
            return Text(_moved(source_of(node)[1:-1]))
        case "ansi_c_string":
            return Text(_moved(ansi_unescaped(source_of(node)[2:-1])))
        case "string" | "translated_string":
            return _spliced(node, scope, substitute)
        case "concatenation" | "command_name" | "array":
            parts = (_raw(child, scope, substitute, quoted=quoted) for child in node.children)
            return joined(parts)
        case "simple_expansion" | "expansion":
            value = _expanded(node, scope, substitute)
            if not quoted or re.match(r"\$@|\$\{(\w+\[)?@", source_of(node)):
                return value
            return Text(_moved(value.text), value.known, value.made_by)
        case "command_substitution" | "process_substitution":
            value = substitute(node, scope)
            text = value.text.rstrip("\n")
            return Text(_moved(text) if quoted else text, value.known, value.made_by)
        case "arithmetic_expansion":
            for child in node.named_children:
                _raw(child, scope, substitute, quoted=True)
            return Text("0", known=False)
        case _ if node.named_child_count:
            return _spliced(node, scope, substitute)
        case _:
            return Text(_without_escapes(source_of(node)))


def _spliced(node: Node, scope: Scope, substitute: Substitute) -> Text:
    """Expand what stands between double quotes or in a here-document."""
    source = node.text or b""
    end = len(source)
    at = 0
    if node.type in ("string", "translated_string"):
        at = source.find(b'"') + 1
        end -= source.endswith(b'"') and end > at
    parts = [Text(_EMPTY)]
    for child in node.named_children:
        if child.type in _LITERAL_PARTS or child.start_byte - node.start_byte < at:
            continue
        parts.append(_double_quoted(source[at : child.start_byte - node.start_byte]))
        parts.append(_raw(child, scope, substitute, quoted=True))
        at = child.end_byte - node.start_byte
    parts.append(_double_quoted(source[at:end]))
    return joined(parts)


def _double_quoted(source: bytes) -> Text:
    text = source.decode("utf-8", "replace").replace("\\\n", "")
    return Text(_moved(re.sub(r'\\(["\\$`])', r"\1", text)))


def _expanded(node: Node, scope: Scope, substitute: Substitute) -> Text:
    """Return what a variable holds, its fields apart by blanks; else its own spelling."""
    source = source_of(node)
    if found := re.fullmatch(r"\$(\d)(\w+)", source):  # the grammar takes $9x for one name
        return joined([_value(found[1], "", scope) or NOTHING, Text(found[2])])
    name = source.strip("${}") if node.type == "simple_expansion" else _name_in(source)
    value = _value(name, source, scope)
    if value is not None and not value.text and re.search(r"\w:[-=]", source):
        value = None
    inner = [c for c in node.named_children if c.type not in _NAMES]
    given = [_raw(child, scope, substitute, quoted=False) for child in inner]
    if value is None and re.search(r"\w:?[-=]", source) and given:
        return given[-1]
    if re.search(r"\w:?\+", source) and given:
        return given[-1]
    if value is None:
        return Text(_moved(f"${name}" if source in (f"${name}", f"${{{name}}}") else source), False)
    return _changed(source, name, value)


_NAMES = frozenset({"variable_name", "special_variable_name", "subscript"})


def _name_in(source: str) -> str:
    found = re.match(r"\$\{[!#]?(\w+|[@*])", source)
    return found[1] if found else ""


def _value(name: str, source: str, scope: Scope) -> Text | None:
    if name in ("@", "*"):
        return _apart(scope.arguments)
    if name.isdigit() and name != "0":
        index = int(name) - 1
        return scope.arguments[index] if 0 <= index < len(scope.arguments) else NOTHING
    values = scope.variables.get(name)
    if values is None:
        return Text(" ") if name == "IFS" else None
    if source.startswith("${!"):
        return _value(values[0].text if values else "", "", scope)
    if place := re.search(r"\[(\d+)\]", source):
        index = int(place[1])
        return values[index] if index < len(values) else NOTHING
    return _apart(values) if re.search(r"\[[@*]\]", source) else (values or (NOTHING,))[0]


def _apart(values: tuple[Text, ...]) -> Text:
    moved = (Text(_moved(value.text), value.known, value.made_by) for value in values)
    return joined(moved, " ")


def _changed(source: str, name: str, value: Text) -> Text:
    """Apply what `${name…}` does to the value, as far as that can be told."""
    rest = source.removeprefix("${").removeprefix("!").removeprefix(name).removesuffix("}")
    rest = re.sub(r"^\[[^\]]*\]", "", rest)
    if source == f"${name}" or not rest or (rest[0] in ":-=?" and not _SLICE.search(source)):
        return value
    if cut := _SLICE.search(source):
        end = int(cut[1]) + int(cut[2]) if cut[2] else None
        return Text(value.text[int(cut[1]) : end], value.known, value.made_by)
    if name == "IFS":
        return Text(" ")
    return Text(_moved(source), False, value.made_by)


def _braces(text: str) -> Iterator[str]:
    """Expand `a{b,c}d`, innermost lists first, up to a number nobody types."""
    todo, given = [text], 0
    while todo and given < _MOST_BRACES:
        here = todo.pop()
        found = re.search(r"\{([^{}]*,[^{}]*)\}", here) if len(here) < 10_000 else None
        if found is None:
            given += 1
            yield here
            continue
        before, after = here[: found.start()], here[found.end() :]
        todo += [before + part + after for part in reversed(found[1].split(","))]


def _without_escapes(text: str) -> str:
    text = text.replace("\\\n", "")
    return re.sub(r"\\(.)", lambda match: _moved(match[1]), text, flags=re.DOTALL)


def _moved(text: str) -> str:
    return _EMPTY + _PROTECTED.sub(lambda match: _shifted(match[0]), text)


def _shifted(character: str) -> str:
    return chr(_PLANE + ord(character)) if ord(character) < 0x80 else character


def _unmoved(text: str) -> str:
    plain = _MOVED.sub(lambda match: chr(ord(match[0]) - _PLANE), text)
    return plain.replace("\0", "")
