"""The tests gate: what a run proves, and which tests it names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.judge_tests import SuiteRun, judge_tests
from bot.core.repo_paths import RepoFiles

FILES = RepoFiles(
    {"tests/test_a.py", "pkg/a.py", "p/p_test.go", "p/p.go", "src/lib.rs", "web/a.test.ts"},
    root="/w/tree",
)
PASSING = SuiteRun("pytest", 0, "=== 3 passed, 1 skipped in 0.1s ===", 2.0)

VERDICTS = {
    "passed with a test that ran": (PASSING, "passed", "3 tests passed, 1 skipped."),
    "one test": (replace(PASSING, output="1 passed in 0.1s"), "passed", "1 test passed."),
    "go without names": (
        replace(PASSING, output="ok  \texample.com/m\t0.1s\n"),
        "passed",
        "1 package passed.",
    ),
    "exit 0 and no summary proves nothing": (
        replace(PASSING, command="true", output="all fine\n"),
        "not_run",
        "does not say how many tests ran",
    ),
    "exit 0 and no test proves nothing": (
        replace(PASSING, command="npm test", output="# tests 0\n# pass 0\n"),
        "not_run",
        "ran no test",
    ),
    "skipped tests did not run": (
        replace(PASSING, output="4 skipped in 0.1s"),
        "not_run",
        "(4 skipped)",
    ),
    "pytest's exit 5 is no failure": (
        replace(PASSING, exit_code=5, output="no tests ran in 0.1s"),
        "not_run",
        "ran no test",
    ),
    "pytest -qq exits 5 without a word": (
        replace(PASSING, exit_code=5, output=""),
        "not_run",
        "does not say",
    ),
    "exit 5 of something else is a failure": (
        replace(PASSING, command="./check.sh", exit_code=5, output="5 problems"),
        "failed",
        "exits with 5",
    ),
    "exit 5 with a failed test is a failure": (
        replace(PASSING, exit_code=5, output="1 failed in 0.1s"),
        "failed",
        "1 failed",
    ),
    "jest's exit 1 without tests is no failure": (
        replace(
            PASSING, command="npm test", exit_code=1, output="No tests found, exiting with code 1"
        ),
        "not_run",
        "ran no test",
    ),
    "a failed test": (
        replace(PASSING, exit_code=1, output="1 failed, 2 passed in 0.1s"),
        "failed",
        "'pytest' exits with 1: 2 tests passed, 1 failed.",
    ),
    "all passed but the exit code": (
        replace(PASSING, exit_code=1, output="2 passed in 0.1s\nFAIL Required test coverage"),
        "failed",
        "exits with 1",
    ),
    "a signal": (replace(PASSING, exit_code=-11, output=""), "failed", "signal 11"),
    "too slow": (
        replace(PASSING, exit_code=None, output="...", seconds=60.2, stopped_because="timeout"),
        "failed",
        "did not end within 60 s",
    ),
    "over a limit": (
        replace(PASSING, exit_code=None, stopped_because="wrote more than 10 MB"),
        "failed",
        "wrote more than 10 MB",
    ),
    "interrupted by a person": (
        replace(PASSING, exit_code=None, stopped_because="interrupted"),
        "not_run",
        "Resume",
    ),
    "the command is not there": (
        replace(PASSING, command="npm test", exit_code=127, output="sh: 1: jest: not found\n"),
        "not_run",
        "jest: not found",
    ),
    "the command may not run": (
        replace(PASSING, command="./t", exit_code=126, output=""),
        "not_run",
        "exit code 126",
    ),
    "make does not find what it needs": (
        replace(
            PASSING,
            command="make test",
            exit_code=2,
            output="make: jest: No such file\nmake: *** [Makefile:2: test] Error 127\n",
        ),
        "not_run",
        "Error 127",
    ),
    "pytest is not installed": (
        replace(PASSING, exit_code=1, output="/usr/bin/python3: No module named pytest\n"),
        "not_run",
        "No module named pytest. Install it",
    ),
    "a module that a test lacks is a failure": (
        replace(
            PASSING,
            exit_code=2,
            output="E   ModuleNotFoundError: No module named 'x'\n1 error in 1s",
        ),
        "failed",
        "1 failed",
    ),
}


@pytest.mark.parametrize(("run", "status", "because"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_and_its_reason(run: SuiteRun, status: str, because: str) -> None:
    result = judge_tests(run, FILES)

    assert result.status == status
    assert because in result.because
    assert bool(result.findings) == (status == "failed")
    assert (result.command, result.exit_code) == (run.command, run.exit_code)


def test_the_value_is_the_tests_that_ran() -> None:
    result = judge_tests(
        replace(PASSING, exit_code=1, output="1 failed, 2 passed, 4 skipped in 1s"), FILES
    )

    assert (result.value, result.threshold) == (3, 1)


PYTEST_OUTPUT = """\
=================================== FAILURES ===================================
____________________________ T.test_sum[a b - c] _____________________________

    def test_sum(self):
>       assert add(1, 1) == 3
E       assert 2 == 3

tests/test_a.py:7: AssertionError
pkg/a.py:2: in add
=========================== short test summary info ============================
FAILED tests/test_a.py::T::test_sum[a b - c] - assert 2 == 3
FAILED ../elsewhere/test_b.py::test_out - OSError
ERROR tests/test_a.py - ImportError: x
========================= 2 failed, 1 error in 0.12s ===========================
"""
UNITTEST_OUTPUT = """\
F
======================================================================
FAIL: test_sum (tests.test_a.T.test_sum) (n=1)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/w/tree/tests/test_a.py", line 7, in test_sum
    self.assertEqual(add(1, 1), 3)
  File "/usr/lib/python3.11/unittest/case.py", line 873, in assertEqual
    raise self.failureException(msg)
AssertionError: 2 != 3

----------------------------------------------------------------------
Ran 1 test in 0.001s

FAILED (failures=1)
"""
GO_OUTPUT = """\
--- FAIL: TestSum (0.00s)
    --- FAIL: TestSum/one (0.00s)
        p_test.go:9: got 2
FAIL
FAIL\texample.com/m/p\t0.003s
FAIL
"""
GO_VERBOSE = """\
=== RUN   TestSum
=== RUN   TestSum/one
    p_test.go:9: got 2
--- FAIL: TestSum (0.00s)
    --- FAIL: TestSum/one (0.00s)
=== RUN   TestFine
    p_test.go:20: only a word
--- PASS: TestFine (0.00s)
FAIL
FAIL\texample.com/m/p\t0.003s
"""
GO_BUILD = """\
# example.com/m/p [example.com/m/p.test]
p/p.go:4:9: undefined: x
FAIL\texample.com/m/p [build failed]
"""
CARGO_OUTPUT = """\
running 2 tests
test t::good ... ok
test t::bad ... FAILED

failures:

---- t::bad stdout ----

thread 't::bad' panicked at src/lib.rs:12:5:
assertion `left == right` failed
  left: 2
 right: 3

failures:
    t::bad

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
"""
JEST_OUTPUT = """\
FAIL web/a.test.ts
  ● Console

    console.log

  ● sums › adds two

    expect(received).toBe(expected)

      at Object.toBe (web/a.test.ts:3:9)

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 total
"""
VITEST_OUTPUT = """\
 FAIL  web/a.test.ts > sums > adds two
AssertionError: expected 2 to be 3

 ❯ web/a.test.ts:3:9

⎯⎯⎯⎯[1/1]⎯
      Tests  1 failed (1)
"""
TAP_OUTPUT = """\
TAP version 13
# Subtest: sums
    not ok 1 - adds two
      ---
      location: '/w/tree/web/a.test.ts:3:9'
      error: '2 == 3'
      ...
    not ok 2 - later # TODO
    1..2
not ok 1 - sums
  ---
  failureType: 'subtestsFailed'
  ...
# tests 2
# fail 1
"""
NODE_OUTPUT = """\
✖ failing tests:

test at web/a.test.ts:3:9
✖ adds two (1.2ms)
  AssertionError: 2 == 3
"""
NAMED = {
    "pytest": (
        PYTEST_OUTPUT,
        [
            ("tests/test_a.py", 7, "tests/test_a.py::T::test_sum[a b - c]: assert 2 == 3"),
            (None, None, "../elsewhere/test_b.py::test_out: OSError"),
            ("tests/test_a.py", None, "tests/test_a.py: ImportError: x"),
        ],
    ),
    "unittest": (
        UNITTEST_OUTPUT,
        [
            (
                "tests/test_a.py",
                7,
                "test_sum (tests.test_a.T.test_sum) (n=1): AssertionError: 2 != 3",
            )
        ],
    ),
    "go": (GO_OUTPUT, [("p/p_test.go", 9, "example.com/m/p TestSum/one: got 2")]),
    "go -v": (GO_VERBOSE, [("p/p_test.go", 9, "example.com/m/p TestSum/one: got 2")]),
    "go that does not build": (GO_BUILD, [("p/p.go", 4, "undefined: x")]),
    "cargo": (CARGO_OUTPUT, [("src/lib.rs", 12, "t::bad: assertion `left == right` failed")]),
    "jest": (
        JEST_OUTPUT,
        [("web/a.test.ts", 3, "sums › adds two: expect(received).toBe(expected)")],
    ),
    "vitest": (
        VITEST_OUTPUT,
        [("web/a.test.ts", 3, "sums > adds two: AssertionError: expected 2 to be 3")],
    ),
    "TAP of node:test": (TAP_OUTPUT, [("web/a.test.ts", 3, "adds two: 2 == 3")]),
    "node:test for a terminal": (
        NODE_OUTPUT,
        [("web/a.test.ts", 3, "adds two: AssertionError: 2 == 3")],
    ),
}


@pytest.mark.parametrize(("output", "named"), NAMED.values(), ids=NAMED)
def test_failed_tests_are_named(
    output: str, named: list[tuple[str | None, int | None, str]]
) -> None:
    result = judge_tests(SuiteRun("t", 1, output, 1.0), FILES)

    assert [(found.path, found.line, found.message) for found in result.findings] == named


def test_a_failure_without_names_shows_the_end_of_the_output() -> None:
    output = "\x1b[31mfirst\x1b[0m\n" + "x" * 5_000 + "\nlast words"

    (finding,) = judge_tests(SuiteRun("make test", 2, output, 1.0), FILES).findings

    assert finding.message == "'make test' exits with 2."
    assert len(finding.evidence) == 2_000
    assert finding.evidence.endswith("last words")


def test_a_thousand_failures_are_fifty_findings() -> None:
    output = "".join(f"FAILED tests/test_a.py::test_{n} - no\n" for n in range(1_000))

    assert len(judge_tests(SuiteRun("t", 1, output, 1.0), FILES).findings) == 50


def test_a_file_that_a_finding_may_not_name_is_left_out() -> None:
    files = RepoFiles({"~odd/test_a.py"}, root="/w")

    (finding,) = judge_tests(
        SuiteRun("t", 1, "FAILED ~odd/test_a.py::test - no", 1.0), files
    ).findings

    assert finding.path is None
