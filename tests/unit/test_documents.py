"""YAML from outside: bombs, duplicates, odd bytes and depth are outcomes, never tracebacks."""

from __future__ import annotations

import pytest

from bot.core.documents import MAX_BYTES, Document, parse, read_yaml
from bot.core.plan import Plan

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
REFUSED = {
    "a bomb of aliases": (BOMB, "alias", 2),
    "a key twice": ("a: 1\nb:\n  c: 1\n  c: 2\n", "'c' twice", 4),
    "a hundred brackets": ("x:\n  " + "[" * 100 + "]" * 100, "nested more than", 2),
    "latin-1": (b"a: 1\nb: caf\xe9\n", "not UTF-8", 2),
    "utf-16": ("a: 1".encode("utf-16"), "not UTF-8", 1),
    "an unclosed bracket": ("a: [1\nb: 2\n", "not YAML", 2),
    "two documents": ("a: 1\n---\nb: 2\n", "not YAML", 2),
    "a tag that would build an object": ("a: !!python/object:os.system {}", "not YAML", 1),
    "a NUL": ("a: \0", "not YAML", None),
    "too many bytes": ("a" * (MAX_BYTES + 1), "of at most", None),
    "a day that there is not": ("a: 2026-99-99", "cannot be read", None),
    "a number too long to build": ("a: " + "9" * 5000, "cannot be read", None),
    "half of a character": ("a: \udcff", "cannot be read", None),
}


@pytest.mark.parametrize(("data", "expected", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_its_line(data, expected, line):
    found = read_yaml(data)
    assert not isinstance(found, Document)
    assert expected in found[0].message
    assert found[0].line == line


def test_lines_are_those_of_the_file():
    document = read_yaml("# head\na:\n  - b: 1\n    c:\n      - x\n      - y\n")
    assert document.line_of(("a", 0, "c", 1)) == 6
    assert document.line_of(("a", 0, "missing")) == 3
    assert document.line_of(("nothing", 7)) == 2


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert read_yaml(b"\xef\xbb\xbfa: 1\n").value == {"a": 1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("needs: 7", "not a list", id="a number for a list"),
        pytest.param("env: [a]", "not a set of keys with values", id="a list for keys"),
        pytest.param("acceptance: [pytest]", "not a set of keys with values", id="text for keys"),
        pytest.param("title: [a]", "not text", id="a list for text"),
        pytest.param("timeout_minutes: soon", "not a number", id="a word for a number"),
        pytest.param("budget_usd: much", "not a number", id="a word for money"),
        pytest.param("approval: maybe", "neither true nor false", id="a word for a switch"),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_who_writes_yaml(line, expected):
    document = read_yaml(f"task: t\nworkstreams:\n  - id: a\n    goal: g\n    {line}\n")
    assert isinstance(document, Document)
    (problem,) = parse(Plan, document)
    assert (problem.message, problem.line, bool(problem.fix)) == (expected, 5, True)
