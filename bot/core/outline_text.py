"""The outline of a test file by patterns on its lines: JavaScript, TypeScript, Go, Rust.

Python too, where this Python is too old to parse it. Only what stands at the start of a line is
seen as a test, and comments are taken out first. What a pattern cannot tell (an early return, a
dead branch) is not guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.outlines import Case, Outline

_C_LIKE = re.compile(
    r"""
    (?P<keep> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*` | ^//go:build )
    | //[^\n]* | /\*.*?(?:\*/|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_HASH = re.compile(
    r"""(?P<keep> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' ) | \#[^\n]*""", re.VERBOSE
)
MAX_LINE = 2_000


@dataclass(frozen=True)
class Patterns:
    """How one language writes tests.

    `start` finds a test and its name, `leads` a line that belongs to what comes next, `marked`
    the one of these without which the next function is no test. `skips` counts for the test that
    it stands in, `skips_all` for the whole file.
    """

    start: re.Pattern[str]
    skips: re.Pattern[str]
    skips_all: re.Pattern[str]
    checks: re.Pattern[str]
    exits: re.Pattern[str]
    comments: re.Pattern[str] = _C_LIKE
    leads: re.Pattern[str] | None = None
    marked: re.Pattern[str] | None = None


JAVASCRIPT = Patterns(
    start=re.compile(
        r"\s*[xf]?(?:it|test|specify)(?:\.\w+)*\s*[(`][^\"'`]*([\"'`])(?P<name>.+?)\1"
    ),
    skips=re.compile(
        r"\b(?:it|test|specify)(?:\.\w+)*\.(?:skip|todo|fixme|failing|fails|skipIf|runIf)\b"
        r"|^\s*x(?:it|test|specify)\b|\b(?:this|t|ctx|context)\.skip\("
    ),
    skips_all=re.compile(
        r"\b(?:describe|context|suite)(?:\.\w+)*\.(?:skip|todo|fixme|skipIf|runIf)\b"
        r"|^\s*(?:xdescribe|xcontext|fdescribe|fcontext|fit)\b"
        r"|\b(?:it|test|specify|describe|context|suite)(?:\.\w+)*\.only\b"
    ),
    checks=re.compile(r"\bexpect\b\s*[(.]|\bassert\b|\.should\b"),
    exits=re.compile(r"\bprocess\.(?:exit\(\s*(?:0\s*)?\)|exitCode\s*=\s*0)"),
)
GO = Patterns(
    start=re.compile(r"func\s+(?:\([^)]*\)\s*)?(?P<name>(?:Test|Benchmark|Fuzz|Example)\w*)\s*\("),
    skips=re.compile(r"\.Skip(?:f|Now)?\("),
    skips_all=re.compile(r"^//go:build\b"),
    checks=re.compile(r"\bt\.(?:Error|Fatal|Fail)|\b(?:assert|require|is|qt)\.\w+\("),
    exits=re.compile(r"\bos\.Exit\(\s*0\s*\)"),
)
RUST = Patterns(
    start=re.compile(r"\s*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?fn\s+(?P<name>\w+)"),
    skips=re.compile(r"#\[(?:ignore|cfg_attr\([^\]]*\bignore)\b"),
    skips_all=re.compile(r"#!?\[cfg\((?:any\(\)|FALSE|false)\)\]"),
    checks=re.compile(r"\b(?:debug_)?assert\w*!|\bpanic!|\bshould_panic\b"),
    exits=re.compile(r"\bprocess::exit\(\s*0\s*\)"),
    leads=re.compile(r"\s*#\["),
    marked=re.compile(r"\s*#\[(?:\w+::)*(?:test|rstest|test_case|quickcheck|bench)\b"),
)
PYTHON = Patterns(
    start=re.compile(r"\s*(?:async\s+)?def\s+(?P<name>test\w*)"),
    skips=re.compile(r"skip|xfail|expectedFailure", re.IGNORECASE),
    skips_all=re.compile(
        r"^(?:pytestmark\b.*|pytest\.)skip|^if\s+(?:False|0)\b|__test__\s*=\s*False"
    ),
    checks=re.compile(r"\bassert|\braises\("),
    exits=re.compile(r"\b_exit\(|^(?:sys\.)?exit\("),
    comments=_HASH,
    leads=re.compile(r"\s*@"),
)
_BY_SUFFIX = {
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"), JAVASCRIPT),
    "go": GO,
    "rs": RUST,
    "py": PYTHON,
}


def patterns_for(path: str) -> Patterns | None:
    """Return how the language of a file writes tests; None where that is not known."""
    return _BY_SUFFIX.get(path.rpartition(".")[2])


def outline_text(text: str, patterns: Patterns) -> Outline:
    """Return what a file holds, as far as patterns can tell."""
    lines = [_cut(line) for line in patterns.comments.sub(_without_comment, text).split("\n")]
    starts = list(_starts(lines, patterns))
    for_all = [n for n, line in enumerate(lines, 1) if patterns.skips_all.search(line)]
    cases: dict[str, Case] = {}
    seen: Counter[str] = Counter()
    ends = [*(first - 1 for first, _ in starts[1:]), len(lines)]
    for (first, name), end in zip(starts, ends, strict=False):
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name} #{seen[name]}"
        cases[unique] = _case(unique, first, lines[first - 1 : end], for_all, patterns)
    exits = tuple(n for n, line in enumerate(lines, 1) if patterns.exits.search(line))
    return Outline(cases=cases, exits=exits, sure=False)


def _cut(line: str) -> str:
    """Bound what patterns have to search, and keep whether the line is indented."""
    return (" " if line[:1].isspace() else "") + line.strip()[:MAX_LINE]


def _without_comment(match: re.Match[str]) -> str:
    return match["keep"] or "\n" * match[0].count("\n")


def _starts(lines: list[str], patterns: Patterns) -> Iterator[tuple[int, str]]:
    """Yield the line, and the name, that each test starts with; its marks belong to it."""
    leads_from: int | None = None
    is_test = patterns.marked is None
    for number, line in enumerate(lines, 1):
        if patterns.leads is not None and patterns.leads.match(line):
            leads_from = leads_from or number
            is_test = is_test or bool(patterns.marked and patterns.marked.match(line))
            continue
        found = patterns.start.match(line)
        if found and is_test:
            yield leads_from or number, found["name"]
        if line.strip():
            leads_from, is_test = None, patterns.marked is None


def _case(name: str, first: int, block: list[str], for_all: list[int], patterns: Patterns) -> Case:
    checks = tuple(line.strip() for line in block if patterns.checks.search(line))
    own = [first + n for n, line in enumerate(block) if patterns.skips.search(line)]
    return Case(
        name=name,
        line=first,
        body=" ".join(" ".join(block[1:]).split()) if checks else "",
        checks=checks,
        possible=len(checks),
        exact=len(checks),
        skips=(*for_all, *own),
    )
