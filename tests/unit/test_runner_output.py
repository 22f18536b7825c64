"""Counting tests in what runners print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import runner_output

COUNTS = {
    "pytest": ("===== 2 failed, 3 passed, 1 skipped in 0.12s =====", (3, 2, 1)),
    "pytest -q": ("...\n5 passed in 0.01s", (5, 0, 0)),
    "pytest long ago": ("=== 5 passed in 0.01 seconds ===", (5, 0, 0)),
    "pytest for over a minute": ("== 1 passed, 2 warnings in 61.20s (0:01:01) ==", (1, 0, 0)),
    "pytest in colours": (
        "\x1b[31m=== \x1b[31m\x1b[1m1 failed\x1b[0m, \x1b[32m1 passed\x1b[0m\x1b[31m in 1.4s ===",
        (1, 1, 0),
    ),
    "pytest: expected failures ran, errors failed": (
        "1 passed, 2 xfailed, 1 xpassed, 2 errors in 1.00s",
        (4, 2, 0),
    ),
    "pytest with subtests and reruns": ("1 passed, 3 subtests passed, 2 rerun in 1s", (1, 0, 0)),
    "pytest without tests": ("==== no tests ran in 0.00s ====", (0, 0, 0)),
    "pytest with all deselected": ("4 deselected in 0.02s", (0, 0, 0)),
    "pytest that could not collect": ("=== 1 error in 0.61s ===", (0, 1, 0)),
    "pytest that only collects": ("9 tests collected in 0.54s", (0, 0, 0)),
    "pytest -qq prints only dots": ("..F.s [ 50%]\n.xE..  [100%]\n", (7, 2, 1)),
    "pytest twice, as with tox": (
        "=== 2 passed in 1s ===\nnext\n=== 3 passed in 1s ===",
        (5, 0, 0),
    ),
    "unittest": ("..\n------\nRan 2 tests in 0.001s\n\nOK\n", (2, 0, 0)),
    "unittest: those skipped are among those run": (
        "Ran 6 tests in 1.0s\n\nFAILED (failures=1, errors=1, skipped=2, expected failures=1)",
        (2, 2, 2),
    ),
    "unittest without tests": ("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", (0, 0, 0)),
    "unittest with all skipped": ("Ran 1 test in 0.000s\n\nOK (skipped=1)", (0, 0, 1)),
    "go -v": (
        "=== RUN   TestA\n=== RUN   TestA/x\n    --- PASS: TestA/x (0.00s)\n"
        "--- PASS: TestA (0.00s)\n"
        "--- SKIP: TestB (0.00s)\nPASS\nok  \texample.com/m/a\t0.01s\n"
        "--- FAIL: TestC (0.00s)\nFAIL\nFAIL\texample.com/m/b\t0.01s\nFAIL\n",
        (1, 1, 1),
    ),
    "go counts packages, cached ones too, not those without tests": (
        "ok  \texample.com/m/a\t(cached)\n"
        "ok  \texample.com/m/b\t0.1s\tcoverage: 25.0% of statements\n"
        "ok  \texample.com/m/c\t0.1s [no tests to run]\n?   \texample.com/m/d\t[no test files]\n",
        (2, 0, 0),
    ),
    "go without tests": ("?   \texample.com/m\t[no test files]\n", (0, 0, 0)),
    "go that does not build": ("FAIL\texample.com/m/p [build failed]\nFAIL\n", (0, 1, 0)),
    "cargo test adds its binaries": (
        "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; done\n"
        "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out\n",
        (4, 2, 1),
    ),
    "cargo nextest": (
        "     Summary [   1.204s] 6 tests run: 4 passed (1 slow), 1 failed, 1 timed out, 3 skipped",
        (4, 2, 3),
    ),
    "jest": (
        "Test Suites: 1 failed, 2 total\n"
        "Tests:       1 failed, 1 skipped, 2 todo, 3 passed, 7 total",
        (3, 1, 3),
    ),
    "jest without tests": ("No tests found, exiting with code 0", (0, 0, 0)),
    "vitest": (
        " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 4 passed | 2 skipped (7)",
        (4, 1, 2),
    ),
    "vitest without tests": ("\nNo test files found, exiting with code 1\n", (0, 0, 0)),
    "mocha": ("  12 passing (34ms)\n  2 pending\n  1 failing\n", (12, 1, 2)),
    "ava": ("  ─\n\n  3 tests passed\n  1 test failed\n  1 test todo\n", (3, 1, 1)),
    "node:test": (
        "# tests 5\n# suites 2\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n",
        (2, 2, 1),
    ),
    "node:test for a terminal": ("ℹ tests 2\nℹ pass 2\nℹ fail 0\nℹ skipped 0\n", (2, 0, 0)),
    "tape": ("1..2\n# tests 2\n# pass  1\n# fail  1\n", (1, 1, 0)),
    "TAP": (
        "TAP version 13\nok 1 - a\n    not ok 1 - inside\nnot ok 2 b\nok 3 # SKIP no\n1..3\n",
        (1, 1, 1),
    ),
    "TAP that skips all": ("1..0 # SKIP no database\n", (0, 0, 0)),
    "Surefire: the total, not each class": (
        "[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s - in a.A\n"
        "[INFO] Results:\n[ERROR] Tests run: 5, Failures: 1, Errors: 1, Skipped: 1\n",
        (2, 2, 1),
    ),
    "ctest: tests that skipped themselves did not run": (
        "67% tests passed, 1 tests failed out of 3\n\nThe following tests did not run:\n"
        "\t  3 - c (Skipped)\n\t  4 - d (Disabled)\n",
        (1, 1, 1),
    ),
    "ctest without tests": ("No tests were found!!!\n", (0, 0, 0)),
    "a plain line": ("12 passed, 1 failed", (12, 1, 0)),
    "a plain line with a word before it": ("Result: 3 tests passed, 0 failed.", (3, 0, 0)),
    "of plain lines the last": ("1 passed, 0 failed\n0 passed, 0 failed\n", (0, 0, 0)),
    "two runners are added up": (
        "=== 2 passed in 1s ===\nTests:       3 passed, 3 total\n",
        (5, 0, 0),
    ),
    "Windows line ends and progress that overwrites itself": (
        "50%\r100%\r\n=== 2 passed in 1s ===\r\n",
        (2, 0, 0),
    ),
}


@pytest.mark.parametrize(("output", "ends"), COUNTS.values(), ids=COUNTS)
def test_tests_are_counted(output: str, ends: tuple[int, int, int]) -> None:
    count = runner_output.count_tests(output)

    assert count is not None
    assert (count.passed, count.failed, count.skipped) == ends
    assert count.ran == ends[0] + ends[1]


UNKNOWN = {
    "nothing": "",
    "a build": "built in 2.1s\n✓ 12 modules transformed in 0.5s\n3 files changed in 1s\n",
    "a linter": "Found 3 errors in 2 files (checked 9 source files)\n12 errors\n",
    "prose": "All 12 passed the bar, 3 failed us.\nTests are passing.\nok 1\n",
    "a shell's tests that say nothing": "ok\ndone\n",
}


@pytest.mark.parametrize("output", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_no_summary_counts_nothing(output: str) -> None:
    assert runner_output.count_tests(output) is None


def test_go_without_names_counts_packages() -> None:
    count = runner_output.count_tests("ok  \texample.com/m\t0.1s\n")

    assert count is not None
    assert count.unit == "packages"


@given(st.text(alphabet="=# \t\n\x1b[]()0123456789.,;:|-_okpassedfailTestsRun", max_size=400))
def test_no_output_is_too_strange(output: str) -> None:
    count = runner_output.count_tests(output)

    assert count is None or count.ran >= 0


@pytest.mark.parametrize("piece", ["1 passed, ", "= ", "1 ", "not ok ", "\x1b[1", "_ ", "\x1b]"])
def test_a_megabyte_of_almost_summaries_is_read_to_its_end(piece: str) -> None:
    line = piece * (1_900 // len(piece)) + "\n"

    assert runner_output.count_tests(line * 500) is None
