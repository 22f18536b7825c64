"""Coverage of all and of changed lines, and the coverage gate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.coverage import CoverageReport, FileCoverage, Share, UnreadableReport
from bot.core.gates import GateResult
from bot.core.judge_coverage import judge_coverage


def lines(*ranges: tuple[int, int]) -> frozenset[int]:
    return frozenset(line for first, last in ranges for line in range(first, last + 1))


def report(**covered: int) -> CoverageReport:
    """Report `src/<name>.py` of 100 lines each, the first so many of them covered."""
    return CoverageReport(
        {
            f"src/{name}.py": FileCoverage(lines((1, 100)), lines((1, count)))
            for name, count in covered.items()
        }
    )


def judged(
    head: CoverageReport | UnreadableReport | None,
    base: CoverageReport | None = None,
    changed: dict[str, frozenset[int]] | None = None,
    patch_minimum: float | None = None,
) -> GateResult:
    return judge_coverage(head, base, changed or {}, 85, patch_minimum)


COVERED = {"src/a.py": lines((1, 10))}
HALF = {"src/a.py": lines((31, 50))}  # of report(a=40): 10 covered, 10 not
VERDICTS = {
    "the minimum is enough": (judged(report(a=85)), "passed", "85 % of lines"),
    "a line less is not": (judged(report(a=84)), "failed", "85 % are asked for"),
    "almost 85 does not read as 85": (
        judged(CoverageReport({}, Share(84_999, 100_000))),
        "failed",
        "84.99 % of lines",
    ),
    "no report": (judged(None), "not_run", "coverage.report"),
    "a report that cannot be read": (
        judged(UnreadableReport("It is broken.", "Mend it.")),
        "not_run",
        "It is broken. Mend it.",
    ),
    "a report of no lines": (judged(CoverageReport({})), "not_run", "no lines"),
    "a report of empty files": (
        judged(CoverageReport({"a.py": FileCoverage(frozenset(), frozenset())})),
        "not_run",
        "no lines",
    ),
    "totals are enough": (judged(CoverageReport({}, Share(9, 10))), "passed", "90 %"),
    "low, but no lower than the base, with covered changes": (
        judged(report(a=40), report(a=40), COVERED),
        "passed",
        "no less than before",
    ),
    "low and no lower, changing nothing that can run": (
        judged(report(a=40), report(a=40), {"README.md": lines((1, 9))}),
        "passed",
        "no changed line can run",
    ),
    "low and lower than the base": (
        judged(report(a=40), report(a=41), COVERED),
        "failed",
        "41 % were before",
    ),
    "low with uncovered changes": (
        judged(report(a=40), report(a=30), HALF),
        "failed",
        "85 % of the changed lines",
    ),
    "low where the base was not": (
        judged(report(a=84), report(a=90), COVERED),
        "failed",
        "90 % were before",
    ),
    "low and the base not known": (judged(report(a=40), None, COVERED), "failed", "not known"),
    "low and the base's report empty": (
        judged(report(a=40), CoverageReport({}), COVERED),
        "failed",
        "not known",
    ),
    "high, with uncovered changes that nobody asked about": (
        judged(report(a=85), None, {"src/a.py": lines((90, 99))}),
        "passed",
        "and 0 % of the 10 changed lines",
    ),
    "high, with fewer covered changes than asked for": (
        judged(report(a=85), None, {"src/a.py": lines((81, 90))}, patch_minimum=60),
        "failed",
        "coverage.patch_minimum asks for 60 %",
    ),
    "high, with covered changes as asked for": (
        judged(report(a=85), None, {"src/a.py": lines((81, 90))}, patch_minimum=50),
        "passed",
        "50 % of the 10 changed lines",
    ),
    "what is left out is said": (
        judged(CoverageReport(report(a=90).files, None, 3)),
        "passed",
        "3 files of the report are not in the repository",
    ),
}


@pytest.mark.parametrize(("result", "status", "because"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_and_its_reason(result: GateResult, status: str, because: str) -> None:
    assert result.status == status
    assert because in result.because
    assert bool(result.findings) == (status == "failed")


def test_findings_are_the_uncovered_changed_ranges() -> None:
    head = CoverageReport(
        {
            # 1-10 with a blank 4; 6 is covered, and so is all of b.
            "src/a.py": FileCoverage(lines((1, 10)) - {4}, frozenset({6, 10})),
            "src/b.py": FileCoverage(lines((1, 2)), lines((1, 2))),
        }
    )
    changed = {"src/a.py": lines((2, 9)), "src/b.py": lines((1, 2))}

    total, *found = judged(head, None, changed).findings

    assert total.evidence == "Most uncovered lines:\nsrc/a.py: 7 lines"
    assert [(one.path, one.line, one.message) for one in found] == [
        ("src/a.py", 2, "Lines 2-5 of src/a.py changed, and no test runs them."),
        ("src/a.py", 7, "Lines 7-9 of src/a.py changed, and no test runs them."),
    ]


def test_findings_end_at_fifty() -> None:
    head = CoverageReport({"src/a.py": FileCoverage(lines((1, 500)), frozenset(range(1, 500, 2)))})

    assert len(judged(head, None, {"src/a.py": lines((1, 500))}).findings) == 50


KNOWN = CoverageReport(
    {
        "src/app/a.py": FileCoverage(lines((1, 2)), lines((1, 2))),
        "src/app/core/b.py": FileCoverage(frozenset(), frozenset()),
        "setup.py": FileCoverage(lines((1, 2)), frozenset()),
        "go/q/q.go": FileCoverage(lines((1, 2)), frozenset()),
        "go/main.go": FileCoverage(lines((1, 2)), frozenset()),
        "web/a.ts": FileCoverage(lines((1, 2)), frozenset()),
    }
)
SHOULD_BE_KNOWN = {
    "a new file that no test loads": ("src/app/new.py", True),
    "a new package beside measured code": ("src/app/deep/new.py", True),
    "a Go package without tests": ("go/new/new.go", True),
    "a file that is known and has no lines": ("src/app/core/b.py", False),
    "a test": ("src/app/tests/test_new.py", False),
    "code outside what is measured": ("tools/new.py", False),
    "a folder beside the top's own files": ("scripts/new.py", False),
    "a language that is not measured": ("src/app/new.sql", False),
    "declarations of TypeScript": ("web/types.d.ts", False),
    "a Go file without statements beside measured ones": ("go/q/types.go", False),
}


@pytest.mark.parametrize(("path", "counts"), SHOULD_BE_KNOWN.values(), ids=SHOULD_BE_KNOWN)
def test_a_changed_file_that_the_report_lacks(path: str, counts: bool) -> None:
    patch = KNOWN.of({path: lines((1, 3))})

    assert (patch is not None) == counts
    if patch is not None:
        assert (patch.share, patch.unmentioned) == (Share(0, 3), {path})


def test_a_file_that_no_test_loads_is_a_finding() -> None:
    changed = {"src/new.py": lines((1, 3))}

    result = judged(report(a=100), None, changed, patch_minimum=50)

    assert "1 changed files are not in the report" in result.because
    assert [found.message for found in result.findings] == [
        "Lines 1-3 of src/new.py changed, and no test loads the file: the report lacks it."
    ]


LINES = st.frozensets(st.integers(1, 30))
REPORTS = st.dictionaries(
    st.sampled_from(["src/a.py", "src/b.py", "c.go", "tests/test_a.py"]),
    st.builds(FileCoverage, LINES, LINES),
).map(CoverageReport)
CHANGES = st.dictionaries(st.sampled_from(["src/a.py", "src/new.py", "c.go", "x/d.go"]), LINES)


@given(REPORTS, st.none() | REPORTS, CHANGES, st.none() | st.floats(0, 100))
def test_any_report_has_a_verdict(
    head: CoverageReport,
    base: CoverageReport | None,
    changed: dict[str, frozenset[int]],
    patch_minimum: float | None,
) -> None:
    result = judge_coverage(head, base, changed, 85, patch_minimum)

    assert (result.status == "not_run") == (head.total is None)
    assert (result.status == "failed") == bool(result.findings)
    if result.status == "passed" and base is None:
        assert result.value is not None
        assert result.value >= 85


@given(REPORTS, CHANGES)
def test_every_uncovered_changed_line_is_in_a_range(
    head: CoverageReport, changed: dict[str, frozenset[int]]
) -> None:
    patch = head.of(changed)

    for path, file in head.files.items():
        missing = (changed.get(path, frozenset()) & file.executable) - file.covered
        ranges = patch.uncovered.get(path, ()) if patch else ()
        named = lines(*ranges)
        assert path.startswith("tests/") or missing <= named
        assert not named & file.covered
