"""The review gate: what counts, what it costs, when it passes."""

from __future__ import annotations

import pytest

from bot.core.diff import read_diff
from bot.core.gates import Finding, Severity
from bot.core.review import counting, judge_review, on_changed_lines, score, still_valid


def finding(severity: str = "medium", path: str | None = "a.py", line: int | None = 3) -> Finding:
    return Finding(path=path, line=line, severity=Severity(severity), rule="r", message="wrong")


def some(severity: str, count: int) -> tuple[Finding, ...]:
    return tuple(finding(severity, line=n + 1) for n in range(count))


@pytest.mark.parametrize(
    ("findings", "points"),
    [
        ((), 10.0),
        (some("critical", 1), 5.0),
        (some("high", 1), 7.0),
        (some("medium", 3), 7.0),
        (some("low", 1), 9.7),
        (some("low", 4), 9.0),
        (some("critical", 3), 0.0),
        (some("high", 1) + some("medium", 1) + some("low", 2), 5.5),
    ],
    ids=["nothing", "critical", "high", "medium", "a quarter rounds down", "four quarters",
         "never below nought", "a mixture"],
)  # fmt: skip
def test_score(findings: tuple[Finding, ...], points: float) -> None:
    assert score(findings) == points


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (finding(line=3), True),
        (finding(line=4), False),
        (finding(path="b.py"), False),
        (finding("critical", path=None), False),
        (finding("medium", line=None), False),
        (finding("high", line=None), True),
        (finding("low", path="new.py", line=None), True),
        (finding("low", path="new.py", line=9), False),
    ],
    ids=["on a changed line", "beside it", "in another file", "nowhere",
         "a mild one about an old file", "a bad one about an old file",
         "any about a new file", "a line that a new file has not"],
)  # fmt: skip
def test_the_change_answers_for_its_own_lines(found: Finding, counts: bool) -> None:
    changed = {"a.py": frozenset({3}), "new.py": frozenset({1, 2})}
    assert bool(on_changed_lines((found,), changed, frozenset({"new.py"}))) is counts


SINCE = read_diff(
    """\
diff --git a/a.py b/lib/a.py
similarity index 50%
rename from a.py
rename to lib/a.py
--- a/a.py
+++ b/lib/a.py
@@ -1,5 +1,7 @@
+import os
+
 one
-two
 three
 four
+four and a half
 five
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x
"""
)


@pytest.mark.parametrize(
    ("found", "now"),
    [
        (finding(line=1), ("lib/a.py", 3)),
        (finding(line=2), None),
        (finding(line=3), ("lib/a.py", 4)),
        (finding(line=5), ("lib/a.py", 7)),
        (finding(line=None), None),
        (finding(path="gone.py", line=1), None),
        (finding(path="same.py", line=9), ("same.py", 9)),
        (finding(path="same.py", line=None), ("same.py", None)),
        (finding(path=None, line=None), None),
    ],
    ids=["a line that moved down", "a line that changed", "a line after both", "the last line",
         "a changed file as a whole", "a deleted file", "an untouched file",
         "an untouched file as a whole", "the whole change"],
)  # fmt: skip
def test_earlier_findings_follow_their_lines(
    found: Finding, now: tuple[str, int | None] | None
) -> None:
    assert [(f.path, f.line) for f in still_valid((found,), SINCE)] == ([now] if now else [])


@pytest.mark.parametrize(
    ("findings", "scores", "ran", "could_not", "status", "value"),
    [
        ((), (), ("ruff",), (), "passed", 10.0),
        ((), (8.0,), ("ruff", "code-reviewer"), (), "passed", 8.0),
        ((), (6.9,), ("code-reviewer",), (), "failed", 6.9),
        ((), (6.99,), ("code-reviewer",), (), "failed", 6.9),
        (some("medium", 4), (9.0,), ("ruff",), (), "failed", 6.0),
        (some("medium", 3), (), ("ruff",), (), "passed", 7.0),
        (some("high", 1), (10.0,), ("ruff",), (), "failed", 7.0),
        ((), (), (), (), "not_run", None),
        ((), (), (), ("ruff: exit code 2",), "not_run", None),
        ((), (), ("bandit",), ("ruff: exit code 2",), "passed", 10.0),
        ((), (float("nan"),), ("code-reviewer",), (), "not_run", None),
        ((), (float("inf"),), ("ruff", "code-reviewer"), (), "passed", 10.0),
        ((), (11.0, -1.0), ("a", "b"), (), "not_run", None),
        (some("high", 1), (), (), (), "failed", 7.0),
        (some("medium", 1) * 9, (), ("ruff",), (), "passed", 9.0),
    ],
    ids=["analyzers alone", "the reviewer's is smaller", "the reviewer's is too small",
         "rounding never passes", "the analyzers' is smaller", "just enough",
         "a high finding never passes", "nobody looked", "the only analyzer crashed",
         "one of two crashed", "a score that is no number", "a score without end",
         "scores out of range", "a finding of our own with nobody else",
         "one finding said nine times"],
)  # fmt: skip
def test_judgement(
    findings: tuple[Finding, ...],
    scores: tuple[float, ...],
    ran: tuple[str, ...],
    could_not: tuple[str, ...],
    status: str,
    value: float | None,
) -> None:
    judged = judge_review(findings, scores, ran, could_not, 7.0)
    assert (judged.status, judged.value) == (status, value)
    for said in could_not:
        assert said in judged.because


def test_nobody_having_looked_says_what_to_do() -> None:
    because = judge_review((), (), (), ("ruff: exit code 2",), 7.0).because
    assert "ruff: exit code 2" in because
    assert "review.analyzers in .github/orchestrate.yml" in because


def test_the_worst_finding_comes_first() -> None:
    judged = judge_review((finding("low"), finding("critical")), (), ("ruff",), (), 7.0)
    assert [f.severity for f in judged.findings] == ["critical", "low"]


def test_a_grave_finding_beside_the_changed_lines_stands_for_its_file() -> None:
    change = read_diff(
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -2,1 +2,2 @@\n two\n+three\n"
    )
    said = [
        finding("low", "a.py", 3),
        finding("low", "a.py", 900),
        finding("high", "a.py", 900),
        finding("critical", "b.py", 3),
    ]
    grave, low = counting(said, change)
    assert (grave.severity, grave.path, grave.line) == (Severity.HIGH, "a.py", None)
    assert grave.message.startswith("line 900: ")
    assert low == said[0]
