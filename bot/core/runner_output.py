"""How many tests ran, read from what test runners print."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from bot.core.escapes import without_escapes

_PLAIN_ITEM = r"\d+ (?:tests? )?(?:passed|failed|skipped|pending|errors?)"
_PLAIN = re.compile(
    r"\W{0,20}(?:[A-Za-z][A-Za-z ]{0,40}[:.] *)?"
    rf"({_PLAIN_ITEM}(?:(?:[,;|/]| and|, and) *{_PLAIN_ITEM})*)"
    r"(?: \([^()]*\)| in [\d.]+ ?[a-z]+)?[.! ]*"
)
_LONGEST_LINE = 2_000  # no summary is longer, and no line costs more than this to read

_PASSED = ("passed", "pass", "passing", "xfailed", "xpassed", "expected fail")
_FAILED = (
    *("failed", "fail", "failing", "failures", "error", "errors", "cancelled"),
    *("unexpected successes", "timed out", "exec failed"),
)
_SKIPPED = ("skipped", "skip", "pending", "todo", "ignored")
_COUNTED = re.compile(r"(\d{1,9}) +(?:tests? )?([a-z]+(?: [a-z]+)?)")


@dataclass(frozen=True)
class TestCount:
    """Tests by how they ended: `failed` with errors, `skipped` with pending and todo.

    `unit` is packages where `go test` without -v names only these; each that ran tests is one.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unit: Literal["tests", "packages"] = "tests"

    @property
    def ran(self) -> int:
        """How many really ran, whichever way they ended."""
        return self.passed + self.failed

    def __add__(self, other: TestCount) -> TestCount:
        """Count two runners' tests together."""
        return TestCount(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.unit if self.unit == other.unit else "tests",
        )


def count_tests(runner_output: str) -> TestCount | None:
    """Return how many tests the summaries in the output count, or None where there is none.

    Several summaries, of one runner or of more, are added up. None means that nothing is known;
    a runner that says it found no tests gives a count of zero.
    """
    lines = [
        line for line in without_escapes(runner_output).split("\n") if len(line) <= _LONGEST_LINE
    ]
    known = _added(count for read in _SUMMARIES if (count := read(lines)) is not None)
    if known is not None:
        return known
    return next((count for read in _LAST_RESORTS if (count := read(lines)) is not None), None)


def _added(counts: Iterable[TestCount]) -> TestCount | None:
    return reduce(TestCount.__add__, found) if (found := list(counts)) else None


def _of(items: str) -> TestCount:
    """Read "1 failed, 2 passed" in anybody's words; a word that is no outcome counts nothing."""
    found: Counter[str] = Counter()
    for number, word in _COUNTED.findall(items):
        found[word] += int(number)
    passed, failed, skipped = (
        sum(found[word] for word in words) for words in (_PASSED, _FAILED, _SKIPPED)
    )
    return TestCount(passed, failed, skipped)


def _each(pattern: str) -> _Reader:
    """Read every line that is `pattern`, whose only group is the items."""
    compiled = re.compile(pattern)

    def read(lines: Sequence[str]) -> TestCount | None:
        return _added(_of(match[1] or "") for match in map(compiled.fullmatch, lines) if match)

    return read


def _unittest(lines: Sequence[str]) -> TestCount | None:
    """Read "Ran 4 tests in 0.1s" with the verdict below it; those skipped are among the four."""
    counts = []
    for number, line in enumerate(lines):
        ran = re.fullmatch(r"Ran (\d{1,9}) tests? in [\d.]+s", line)
        if ran:
            below = "\n".join(lines[number + 1 : number + 4])
            verdict = re.search(r"^(?:OK|FAILED|NO TESTS RAN) \((.*)\)$", below, re.MULTILINE)
            items = re.findall(r"([a-z][a-z ]*)=(\d{1,9})", verdict[1] if verdict else "")
            named = _of(", ".join(f"{many} {word}" for word, many in items))
            passed = max(0, int(ran[1]) - named.failed - named.skipped)
            counts.append(TestCount(passed, named.failed, named.skipped))
    return _added(counts)


def _go(lines: Sequence[str]) -> TestCount | None:
    """Read `go test`: its tests where -v names them, else its packages."""
    packages = [
        match for line in lines if (match := re.fullmatch(r"(ok|FAIL|\?) *\t\S+(?:\t| )(.*)", line))
    ]
    if not packages:
        return None
    broken = sum("[build failed]" in end[2] or "[setup failed]" in end[2] for end in packages)
    if any(line.startswith("=== RUN ") for line in lines):
        ends = Counter(line[4:8] for line in lines if re.match(r"--- (PASS|FAIL|SKIP): ", line))
        return TestCount(ends["PASS"], ends["FAIL"] + broken, ends["SKIP"])
    passed = sum(end[1] == "ok" and "[no test" not in end[2] for end in packages)
    failed = sum(end[1] == "FAIL" for end in packages)
    return TestCount(passed, failed, unit="packages")


def _node(lines: Sequence[str]) -> TestCount | None:
    """Read the "# pass 3" lines of node:test, tape and ava's TAP; node's terminal form has ℹ."""
    pattern = re.compile(r"[#ℹ] (tests|pass|fail|cancelled|skipped|skip|todo) +(\d{1,9})")
    found = [match for match in map(pattern.fullmatch, lines) if match]
    if all(match[1] != "tests" for match in found):
        return None
    return _of(", ".join(f"{match[2]} {match[1]}" for match in found))


def _maven(lines: Sequence[str]) -> TestCount | None:
    """Read Surefire's totals; its line for each class goes on with the time."""
    total = re.compile(
        r"(?:\[\w+\] )?Tests run: (\d{1,9}), Failures: (\d{1,9}), Errors: (\d{1,9}),"
        r" Skipped: (\d{1,9})(?:, Flakes: \d+)?\s*"
    )
    counts = []
    for match in filter(None, map(total.fullmatch, lines)):
        run, failures, errors, skipped = map(int, match.groups())
        counts.append(
            TestCount(max(0, run - failures - errors - skipped), failures + errors, skipped)
        )
    return _added(counts)


def _ctest(lines: Sequence[str]) -> TestCount | None:
    """Read ctest's total, which takes tests that skipped themselves for passed ones."""
    total = re.compile(r"\d+% tests passed, (\d{1,9}) tests? failed out of (\d{1,9})")
    found = [match for match in map(total.fullmatch, lines) if match]
    if not found:
        return TestCount() if "No tests were found!!!" in lines else None
    skipped = sum(re.fullmatch(r"\t *\d+ - .* \(Skipped\)", line) is not None for line in lines)
    failed, out_of = (sum(int(match[group]) for match in found) for group in (1, 2))
    return TestCount(max(0, out_of - failed - skipped), failed, skipped)


def _tap(lines: Sequence[str]) -> TestCount | None:
    """Read TAP by its outermost lines, where the runner prints no summary of its own."""
    if not any(re.fullmatch(r"\d+\.\.\d+(?: .*)?|TAP version \d+", line) for line in lines):
        return None
    passed = failed = skipped = 0
    for line in lines:
        result = re.match(r"(not )?ok \d+\b", line)
        if result and re.search(r"# *(?:skip|todo)", line, re.IGNORECASE):
            skipped += 1
        elif result:
            failed += result[1] is not None
            passed += result[1] is None
    return TestCount(passed, failed, skipped)


def _pytest_dots(lines: Sequence[str]) -> TestCount | None:
    """Read the progress that is all `pytest -qq` prints."""
    dots = re.compile(r"(?:\S+\.py )?([.FEsxX]+) +\[ *\d+%\]")
    marks = Counter("".join(match[1] for match in map(dots.fullmatch, lines) if match))
    if not marks:
        return None
    return TestCount(marks["."] + marks["x"] + marks["X"], marks["F"] + marks["E"], marks["s"])


def _last_plain(lines: Sequence[str]) -> TestCount | None:
    """Read the last line like "5 passed, 0 failed", with or without a word before it."""
    for line in reversed(lines):
        match = _PLAIN.fullmatch(line)
        if match and ("passed" in match[1] or "failed" in match[1]):
            return _of(match[1])
    return None


_Reader = Callable[[Sequence[str]], TestCount | None]
_PYTEST_ITEM = (
    r"\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun"
    r"|subtests \w+|tests? collected)"
)
_SUMMARIES: tuple[_Reader, ...] = (
    _each(  # pytest
        rf"=* ?(no tests (?:ran|collected)|{_PYTEST_ITEM}(?:, {_PYTEST_ITEM})*)"
        r" in [\d.]+ ?s(?:econds)?(?: \([^()]*\))? ?=*"
    ),
    _unittest,
    _go,
    _each(r"test result: (?:ok|FAILED)\. (.*)"),  # cargo test
    _each(r" *Summary \[[^\]]*\] +[\d/]+ tests? run: (.*)"),  # cargo nextest
    _each(r" *Tests:? +(\d+ [a-z].*|no tests)"),  # jest, vitest
    _each(r"(No test(?:s| files) found),? .*"),  # jest, vitest
    _each(r" *(\d+ (?:passing|pending|failing))(?: \(\w+\))?"),  # mocha
    _each(r" *(\d+ tests? (?:passed|failed|skipped|todo))(?: \[.*\])?"),  # ava
    _node,
    _maven,
    _ctest,
)
_LAST_RESORTS: tuple[_Reader, ...] = (_tap, _pytest_dots, _last_plain)
