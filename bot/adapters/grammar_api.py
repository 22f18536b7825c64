"""Public names of source in the languages of `grammars`, read with tree-sitter."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from itertools import groupby

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from bot.adapters.grammars import Grammar
from bot.core.base import digest
from bot.core.public_names import (
    Fault,
    NameKind,
    PublicName,
    SourceCode,
    UnreadableSource,
    qualified,
)

MAX_DEPTH = 2_000  # a query takes time with the square of the depth
_NEAR = 1_000  # bytes of white space between a comment and what it is about, at most
_KINDS = tuple(kind.value for kind in NameKind)


@dataclass(frozen=True)
class _Comments:
    """Comments and attributes in the order of the file, by their byte offsets."""

    source: bytes
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    adjoining: bool

    def above(self, start: int) -> Iterator[str]:
        """What stands right before an offset, the nearest first."""
        for at in range(bisect_right(self.ends, start) - 1, -1, -1):
            gap = self.source[max(self.ends[at], start - _NEAR) : start]
            if gap.strip() or start - self.ends[at] > _NEAR:
                return
            if self.adjoining and (gap.count(b"\n") > 1 or not self._begins_line(at)):
                return
            yield self._text(at)
            start = self.starts[at]

    def beside(self, end: int) -> Iterator[str]:
        """What stands behind an offset, on the same line."""
        return self._next(end, b" \t;,")

    def inside(self, body: int) -> Iterator[str]:
        """What stands first in a body in brackets."""
        return self._next(body + 1, b" \t\n")

    def without(self, start: int, stop: int) -> bytes:
        """The source between two offsets, with a space for each comment."""
        parts = []
        for at in range(bisect_left(self.starts, start), bisect_left(self.starts, stop)):
            parts.append(self.source[start : self.starts[at]])
            start = self.ends[at]
        return b" ".join([*parts, self.source[start:stop]])

    def _next(self, start: int, blanks: bytes) -> Iterator[str]:
        at = bisect_left(self.starts, start)
        if at == len(self.starts) or self.starts[at] - start > _NEAR:
            return
        if not self.source[start : self.starts[at]].strip(blanks):
            yield self._text(at)

    def _begins_line(self, at: int) -> bool:
        before = self.source[max(0, self.starts[at] - _NEAR) : self.starts[at]]
        return not before.rpartition(b"\n")[2].strip()

    def _text(self, at: int) -> str:
        return self.source[self.starts[at] : self.ends[at]].decode(errors="replace")


@dataclass(frozen=True)
class _Declaration:
    """What a query found: offsets in bytes, and the captures that say more."""

    kind: str  # of a public name, or `scope`
    start: int
    stop: int
    name: str
    owner: str
    line: int
    header: str  # up to the end of the name
    signature: str
    documented: bool
    concealed: bool
    marks: frozenset[str]


def is_well_formed(text: str, grammar: Grammar) -> bool:
    """Whether the grammar knows all of a text."""
    return not _parse(text.encode(), grammar).root_node.has_error


def read_with_grammar(text: str, grammar: Grammar) -> SourceCode | UnreadableSource:
    """Read a file's public names; whatever is wrong with it is an outcome."""
    source = text.encode()
    tree = _parse(source, grammar)
    surveyed = _survey(tree, source, grammar)
    if isinstance(surveyed, UnreadableSource):
        return surveyed
    comments, behaviour = surveyed
    names = _names(tree, comments, grammar)
    return SourceCode(names if grammar.overloads else _once_each(names), behaviour)


@lru_cache
def _language(grammar: Grammar) -> tuple[Language, Query]:
    # A shared library for each language: loaded when a file in it changed.
    language = Language(getattr(import_module(grammar.package), grammar.function)())
    return language, Query(language, grammar.query)


def _parse(source: bytes, grammar: Grammar) -> Tree:
    return Parser(_language(grammar)[0]).parse(source)


def _survey(
    tree: Tree, source: bytes, grammar: Grammar
) -> tuple[_Comments, str] | UnreadableSource:
    """Walk over all nodes once: for comments, for what is no comment, and for what is wrong."""
    documents = re.compile(grammar.documents)
    comments: list[Node] = []
    parts: list[str] = []
    for depth, node in _walk(tree, grammar.trivia):
        if depth > MAX_DEPTH:
            return UnreadableSource(Fault.FILE, "it is nested too deeply")
        if node.is_error or node.is_missing:
            line = node.start_point.row + 1
            return UnreadableSource(Fault.FILE, f"it has a syntax error in line {line}", line)
        leaf = "" if node.child_count else source[node.start_byte : node.end_byte].decode()
        if node.type in grammar.trivia:
            comments.append(node)
            leaf = source[node.start_byte : node.end_byte].decode()
            if "comment" in node.type or documents.search(leaf):
                continue
        parts.append(f"{depth} {node.type} {leaf}")
    starts = tuple(node.start_byte for node in comments)
    ends = tuple(node.end_byte for node in comments)
    behaviour = digest(*parts) if len(parts) > 1 else ""  # there always is a root
    return _Comments(source, starts, ends, grammar.adjoining), behaviour


def _walk(tree: Tree, closed: tuple[str, ...]) -> Iterator[tuple[int, Node]]:
    """Every node with its depth, without recursion, and without what is inside `closed` types."""
    cursor = tree.walk()
    while True:
        node = cursor.node
        assert node is not None
        yield cursor.depth, node
        if node.type not in closed and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _names(tree: Tree, comments: _Comments, grammar: Grammar) -> tuple[PublicName, ...]:
    found: dict[int, tuple[tuple[int, int], _Declaration]] = {}
    exported: set[str] = set()
    for pattern, captures in QueryCursor(_language(grammar)[1]).matches(tree.root_node):
        if "unlisted" in captures:
            return ()
        exported.update(map(_text, captures.get("exported", ())))
        declaration = _declaration(captures, comments, grammar)
        if declaration is None:
            continue
        key = captures["name"][0].start_byte if "name" in captures else declaration.start
        rank = pattern, -len(captures)  # the first pattern, and of its matches the fullest
        if key not in found or rank < found[key][0]:
            found[key] = rank, declaration
    ordered = sorted(
        (declaration for _, declaration in found.values()), key=lambda d: (d.start, -d.stop)
    )
    return tuple(_public(ordered, frozenset(exported), grammar))


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")[:300]


def _declaration(
    captures: dict[str, list[Node]], comments: _Comments, grammar: Grammar
) -> _Declaration | None:
    kind = next((kind for kind in (*_KINDS, "scope") if kind in captures), None)
    if kind is None:
        return None
    node = captures[kind][0]
    name = captures["name"][0] if "name" in captures else None
    body = captures["body"][0].start_byte if "body" in captures else node.end_byte
    anchor = captures["anchor"][0].start_byte if "anchor" in captures else node.start_byte
    header_end = name.end_byte if name else node.start_byte
    above = [*comments.above(anchor), *(comments.above(node.start_byte))]
    return _Declaration(
        kind=kind,
        start=node.start_byte,
        stop=node.end_byte,
        name=_text(name) if name else "default",
        owner=_text(captures["owner"][0]) if "owner" in captures else "",
        line=(name or node).start_point.row + 1,
        header=comments.without(node.start_byte, header_end).decode(errors="replace"),
        signature=_normal(comments.without(node.start_byte, body).decode(errors="replace")),
        documented=_is_documented(above, node, body, comments, grammar),
        concealed=any(re.search(grammar.conceals, text) for text in above),
        marks=frozenset(captures),
    )


def _is_documented(
    above: list[str], node: Node, body: int, comments: _Comments, grammar: Grammar
) -> bool:
    beside = comments.beside(node.end_byte) if grammar.beside else ()
    return any(_says(text, grammar.documents) for text in (*above, *beside)) or any(
        _says(text, grammar.inner) for text in comments.inside(body)
    )


def _says(comment: str, pattern: str) -> bool:
    """Whether a comment documents, and has a word in it."""
    return re.search(pattern, comment) is not None and re.search(r"\w", comment) is not None


def _normal(signature: str) -> str:
    """Take away layout: white space that parts no words, and the comma before a bracket."""
    text = re.sub(r"\s+", " ", signature.strip())
    text = re.sub(r" ?(\W) ?", r"\1", text)
    return re.sub(r",([)\]}>])", r"\1", text)


def _public(
    ordered: list[_Declaration], exported: frozenset[str], grammar: Grammar
) -> Iterator[PublicName]:
    """Keep what is public itself and inside of nothing that is not."""
    secret = {d.name for d in ordered if d.kind == "class" and not _is_shown(d, exported, grammar)}
    around: list[tuple[_Declaration, str, bool]] = []  # with its qualified name, and if it is open
    for declaration in ordered:
        while around and not _is_inside(declaration, around[-1][0]):
            around.pop()
        outer, prefix, is_open = around[-1] if around else (None, declaration.owner, True)
        name = qualified(prefix, declaration.name)
        shown = is_open and _is_shown(declaration, exported, grammar)
        if declaration.kind == "scope":
            around.append((declaration, name, is_open and declaration.name not in secret))
            continue
        if declaration.kind == "method" and not declaration.owner:
            shown = shown and outer is not None and outer.kind in {"class", "scope"}
        if shown:
            yield PublicName(
                qualified=name,
                kind=NameKind(declaration.kind),
                line=declaration.line,
                signature=declaration.signature,
                documented=declaration.documented,
            )
        holds_names = declaration.kind in {"class", "module"}
        around.append((declaration, name, shown and holds_names))


def _is_inside(inner: _Declaration, outer: _Declaration) -> bool:
    """Whether one declaration is a part of the other; `var A, B int` is twice the same."""
    same = (inner.start, inner.stop) == (outer.start, outer.stop)
    return inner.start < outer.stop and not same


def _is_shown(declaration: _Declaration, exported: frozenset[str], grammar: Grammar) -> bool:
    if declaration.concealed or re.search(grammar.hidden, declaration.header):
        return False
    if "local" in declaration.marks:
        return declaration.name in exported
    return "implied" in declaration.marks or bool(re.search(grammar.shown, declaration.header))


def _once_each(names: tuple[PublicName, ...]) -> tuple[PublicName, ...]:
    """Join a getter with its setter, and overloads with what implements them."""
    by_name = sorted(names, key=lambda name: name.qualified)
    joined = []
    for _, each in groupby(by_name, key=lambda name: name.qualified):
        same = tuple(each)
        joined.append(
            replace(
                same[0],
                signature="; ".join(name.signature for name in same),
                documented=any(name.documented for name in same),
            )
        )
    return tuple(sorted(joined, key=lambda name: name.line))
