"""Reads shell text as bash would run it, and everything that it hands on to be run.

Branches are all taken, loops run once for each value that is known, and nothing is believed to
fail: the question is what could be started, not what will be.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from tree_sitter import Node

from bot.core.shell import printing, unwrapping
from bot.core.shell.grammar import is_tangled, tree_of
from bot.core.shell.places import places_in
from bot.core.shell.values import (
    NOTHING,
    ForkBomb,
    Found,
    Ran,
    Scope,
    Text,
    Unreadable,
    joined,
)
from bot.core.shell.words import fields, source_of, whole

MAX_BYTES = 131_072  # what Linux takes as one argument, thus the most that `bash -c` can be given
MAX_DEPTH = 60  # statements within statements, texts within texts
MAX_STEPS = 50_000  # statements looked at, in loops and functions again
_MOST_ROUNDS = 16  # of a loop

_PARTS = frozenset(
    {
        *("word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation"),
        *("simple_expansion", "expansion", "command_substitution", "process_substitution"),
        *("arithmetic_expansion", "number", "brace_expression", "extglob_pattern", "regex"),
    }
)
_REDIRECTS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})

# Variables whose text other programs hand to a shell.
_RUN_BY_OTHERS = re.compile(
    r"(GIT_)?(SEQUENCE_)?EDITOR|VISUAL|(GIT_|MAN)?PAGER|GIT_(SSH|PROXY)_COMMAND|GIT_EXTERNAL_DIFF"
    r"|PROMPT_COMMAND|LESSOPEN"
)


def read_commands(text: str) -> tuple[Found, ...]:
    """Return every program that a shell would start for `text`, outermost first.

    Never raises. Text over a limit yields an Unreadable beside what was found until there.
    """
    reader = Reader()
    reader.read(text, Scope(), NOTHING)
    return tuple(dict.fromkeys(reader.found))


class _Enough(Exception):
    """A limit was reached; what was found so far is kept."""


class Reader:
    """Walks through one command line and keeps what it finds."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self._depth = 0
        self._steps = 0
        self._bytes = 0

    def read(self, text: str, scope: Scope, stdin: Text) -> Text:
        """Read shell text; return what it prints."""
        source = text.replace("\0", "").encode("utf-8", "replace")  # no argument holds a NUL
        self._bytes += len(source)
        try:
            if len(source) > MAX_BYTES or self._bytes > 4 * MAX_BYTES:
                self._stop(f"longer than {MAX_BYTES:,} bytes")
            if is_tangled(text):
                self._stop("too tangled to read")
            return self.walk(tree_of(source), scope, stdin)
        except _Enough:
            if self._depth:
                raise
            return Text(known=False)
        except RecursionError:  # of expansions within expansions, which are no statements
            if self._depth:
                raise
            self.note(Unreadable("nested too deep"))
            return Text(known=False)

    def run(self, words: Sequence[Text], scope: Scope, stdin: Text) -> Text:
        """Start a program with its arguments, the first of the words; return what it prints."""
        return self._started(tuple(words), scope, stdin, ())

    def note(self, found: Found) -> None:
        """Keep something that was found."""
        self.found.append(found)

    def walk(self, node: Node, scope: Scope, stdin: Text) -> Text:
        """Go through a statement; return what it prints."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._stop("too much to read")
        if self._depth >= MAX_DEPTH:
            self._stop("nested too deep")
        self._depth += 1
        try:
            return self._walked(node, scope, stdin)
        finally:
            self._depth -= 1

    def _stop(self, because: str) -> None:
        self.found.append(Unreadable(because))
        raise _Enough

    def _walked(self, node: Node, scope: Scope, stdin: Text) -> Text:  # noqa: C901 - one case a kind
        match node.type:
            case "command":
                return self._command(node, scope, stdin, ())
            case "pipeline":
                return self._pipeline(node.named_children, scope, stdin)
            case "list":
                return joined([self.walk(one, scope, stdin) for one in _in_a_row(node)])
            case "subshell":
                return self._each(node, scope.inner(), stdin)
            case "redirected_statement":
                return self._redirected(node, scope, stdin)
            case "variable_assignment":
                self._assign(node, scope)
                return NOTHING
            case "function_definition":
                self._define(node, scope)
                return NOTHING
            case "for_statement":
                return self._loop(node, scope, stdin)
            case "ERROR":
                return self._rest(node, scope, stdin)
            case "comment" | "heredoc_start" | "heredoc_end" | "variable_name":
                return NOTHING
            case "heredoc_body":
                whole(node, scope, self._substitute)
                return NOTHING
            case kind if kind in _PARTS:
                fields(node, scope, self._substitute)
                return NOTHING
            case _:
                return self._each(node, scope, stdin)

    def _each(self, node: Node, scope: Scope, stdin: Text) -> Text:
        return joined([self.walk(child, scope, stdin) for child in node.named_children])

    def _rest(self, node: Node, scope: Scope, stdin: Text) -> Text:
        """What the grammar could not place: read the statements, and loose words as one command."""
        loose: list[Text] = []
        for child in node.named_children:
            if child.type in _PARTS or child.type == "command_name":
                loose += fields(child, scope, self._substitute)
            else:
                self.walk(child, scope, stdin)
        return self._started(tuple(loose), scope, stdin, ()) if loose else NOTHING

    def _substitute(self, node: Node, scope: Scope) -> Text:
        inner = scope.inner()
        redirects = [c for c in node.named_children if c.type in _REDIRECTS]
        stdin, _ = self._feeds(redirects, inner, NOTHING)
        others = [c for c in node.named_children if c.type not in _REDIRECTS]
        given = joined([stdin] if redirects else [])
        printed = joined([given, *(self.walk(child, inner, NOTHING) for child in others)])
        if node.type == "command_substitution":
            return printed
        name = f"/dev/fd/{100 + len(scope.files)}"  # where bash would put a pipe to read from
        scope.files[name] = printed
        return Text(name)

    def _pipeline(self, stages: Sequence[Node], scope: Scope, stdin: Text) -> Text:
        for stage in stages:
            stdin = self.walk(stage, scope.inner(), stdin)
        return stdin

    def _redirected(self, node: Node, scope: Scope, stdin: Text) -> Text:
        redirects = [c for c in node.named_children if c.type in _REDIRECTS]
        body = node.child_by_field_name("body")
        while body is not None and body.type == "list":  # the last command is the redirected one
            for child in body.named_children[:-1]:
                self.walk(child, scope, stdin)
            body = body.named_children[-1]
        if body is not None and body.type == "pipeline":
            stdin = self._pipeline(body.named_children[:-1], scope, stdin)
            body = body.named_children[-1]
        fed, writes = self._feeds(redirects, scope, stdin)
        if body is None:
            printed = NOTHING
        elif body.type == "command":
            printed = self._command(body, scope, fed, writes)
        else:
            self._wrote(writes)
            printed = self.walk(body, scope, fed)
        for place in writes:
            scope.files[place] = printed
        for child in (c for r in redirects for c in r.named_children):
            if child.type == "pipeline":  # it stands behind the mark of a here-document
                printed = self._pipeline(child.named_children, scope, printed)
            elif child.type not in ("heredoc_body", *_REDIRECTS) and child.type not in _PARTS:
                self.walk(child, scope, stdin)
        return printed

    def _feeds(
        self, redirects: Sequence[Node], scope: Scope, stdin: Text
    ) -> tuple[Text, tuple[str, ...]]:
        """Return what is read in place of standard input, and the places written to."""
        writes: list[str] = []
        for redirect in redirects:
            match redirect.type:
                case "heredoc_redirect":
                    stdin = self._here_document(redirect, scope)
                    inner = [c for c in redirect.named_children if c.type in _REDIRECTS]
                    stdin, more = self._feeds(inner, scope, stdin)
                    writes += more
                case "herestring_redirect":
                    parts = [whole(c, scope, self._substitute) for c in redirect.named_children]
                    stdin = joined(parts)
                case _:
                    places = [
                        scope.resolve(whole(c, scope, self._substitute).text)
                        for c in redirect.named_children
                        if c.type in _PARTS
                    ]
                    reads = re.match(r"\d*<(?!>)", source_of(redirect))
                    if reads and places:
                        stdin = scope.files.get(places[0], Text(known=False))
                        self.note(Ran("<", (places[0],), (places[0],)))
                    elif not reads:
                        writes += places
        return stdin, tuple(writes)

    def _here_document(self, redirect: Node, scope: Scope) -> Text:
        children = redirect.named_children
        start = next((source_of(c) for c in children if c.type == "heredoc_start"), "")
        body = next((c for c in children if c.type == "heredoc_body"), None)
        if body is None:
            return NOTHING
        if re.search(r"[\"'\\]", start):
            text = Text(source_of(body))
        else:
            text = whole(body, scope, self._substitute)
        if source_of(redirect).startswith("<<-"):
            return Text(re.sub(r"(?m)^\t+", "", text.text), text.known, text.made_by)
        return text

    def _assign(self, node: Node, scope: Scope) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None:
            return
        if value is None:
            scope.variables[source_of(name)] = (NOTHING,)
        elif value.type == "array":
            scope.variables[source_of(name)] = tuple(fields(value, scope, self._substitute))
        else:
            given = whole(value, scope, self._substitute)
            self._steps += len(given.text) // 1_000
            before = scope.variables.get(source_of(name), ())
            adds = b"+=" in (node.text or b"")[: value.start_byte - node.start_byte]
            scope.variables[source_of(name)] = (joined([*before, given]),) if adds else (given,)
            if _RUN_BY_OTHERS.fullmatch(source_of(name)):
                self.read(given.text, scope.inner(), NOTHING)

    def _define(self, node: Node, scope: Scope) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return
        called = source_of(name)
        scope.functions[called] = body
        quoted, text = re.escape(called), source_of(body)
        if re.search(rf"(?<![\w-]){quoted}\s*\|\s*{quoted}(?![\w-])", text):
            self.note(ForkBomb(called))

    def _loop(self, node: Node, scope: Scope, stdin: Text) -> Text:
        name, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        values = [
            text
            for child in node.children_by_field_name("value")
            for text in fields(child, scope, self._substitute)
        ]
        for value in values[:_MOST_ROUNDS] or [Text(known=False)]:
            if name is not None:
                scope.variables[source_of(name)] = (value,)
            if body is not None:
                self.walk(body, scope, stdin)
        return Text(known=False)

    def _command(self, node: Node, scope: Scope, stdin: Text, writes: tuple[str, ...]) -> Text:
        """Read one command with what stands before and behind it."""
        redirects = [c for c in node.named_children if c.type in _REDIRECTS]
        stdin, more = self._feeds(redirects, scope, stdin)
        words: list[Text] = []
        for child in node.named_children:
            if child.type == "variable_assignment":
                self._assign(child, scope)
            elif child.type == "command_name" or child.type in _PARTS:
                words += fields(child, scope, self._substitute)
            elif child.type not in _REDIRECTS:
                self.walk(child, scope, stdin)
        writes = (*writes, *more)
        printed = self._started(tuple(words), scope, stdin, writes)
        for place in writes:
            scope.files[place] = printed
        return printed

    def _wrote(self, writes: tuple[str, ...]) -> None:
        if writes:
            self.note(Ran(">", writes=writes))

    def _started(
        self, words: tuple[Text, ...], scope: Scope, stdin: Text, writes: tuple[str, ...]
    ) -> Text:
        if not words:
            self._wrote(writes)
            return NOTHING
        self._steps += 1
        first, rest = words[0], words[1:]
        if first.made_by and not first.known:
            self.note(Ran("eval", (first.text,), fed_by=first.made_by))
        if first.text in scope.aliases:
            return self._aliased(scope.aliases[first.text], words, scope, stdin)
        if first.text in scope.functions:
            self._wrote(writes)
            return self._called(first.text, scope.inner(arguments=rest), stdin)
        program = posixpath.basename(first.text) or first.text
        arguments = tuple(word.text for word in rest)
        paths = tuple(scope.resolve(place) for place in places_in(program, arguments))
        self.note(Ran(program, arguments, paths, writes))
        file = scope.files.get(scope.resolve(first.text)) if "/" in first.text else None
        if file is not None:
            rest, program = (first, *rest), "sh"
        self._depth += 1
        try:
            if self._depth >= MAX_DEPTH or self._steps > MAX_STEPS:
                self._stop("nested too deep")
            inside = unwrapping.unwrap(self, program, rest, scope, stdin)
        finally:
            self._depth -= 1
        return inside if inside is not None else printing.printed(program, rest, scope, stdin)

    def _called(self, name: str, inner: Scope, stdin: Text) -> Text:
        body = inner.functions.pop(name)  # once is enough where it calls itself
        return self.walk(body, inner, stdin)

    def _aliased(self, text: str, words: tuple[Text, ...], scope: Scope, stdin: Text) -> Text:
        inner = scope.inner()
        inner.aliases.pop(words[0].text)
        inner.arguments = words[1:]
        return self.read(f'{text} "$@"', inner, stdin)


def _in_a_row(node: Node) -> list[Node]:
    """Return the statements of `a && b || c`, which the tree nests from the left."""
    found: list[Node] = []
    while node.type == "list":
        found += reversed(node.named_children[1:])
        node = node.named_children[0]
    return [node, *reversed(found)]
