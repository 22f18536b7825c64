"""What the test runners of this machine really print is counted, and what failed is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.core.gates import GateResult
from bot.core.judge_tests import SuiteRun, judge_tests
from bot.core.repo_paths import RepoFiles
from tests.support.toolchains import run, write

PYTHON = {
    "test_a.py": "import unittest\n\n\nclass T(unittest.TestCase):\n"
    "    def test_good(self):\n        pass\n\n"
    "    def test_bad(self):\n        self.assertEqual(1, 2)\n\n"
    '    @unittest.skip("later")\n    def test_later(self):\n        pass\n',
}
GO = {
    "go.mod": "module example.com/half\n\ngo 1.20\n",
    "a/a_test.go": 'package a\n\nimport "testing"\n\n'
    "func TestGood(t *testing.T) {}\n"
    'func TestLater(t *testing.T) { t.Skip("later") }\n'
    "func TestBad(t *testing.T) {\n"
    '\tt.Run("one", func(t *testing.T) {\n\t\tt.Error("no")\n\t})\n}\n',
    "b/b_test.go": 'package b\n\nimport "testing"\n\nfunc TestGood(t *testing.T) {}\n',
    "c/c.go": "package c\n",
}
RUST = {
    "Cargo.toml": '[package]\nname = "half"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "#[cfg(test)]\nmod t {\n    #[test]\n    fn good() {}\n"
    "    #[test]\n    fn bad() {\n"
    "        assert_eq!(1, 2);\n    }\n    #[test]\n    #[ignore]\n    fn later() {}\n}\n",
}
NODE = {
    "a.test.js": "const { test } = require('node:test');\nconst assert = require('assert');\n\n"
    "test('good', () => {});\ntest('bad', () => {\n  assert.equal(1, 2);\n});\n"
    "test.skip('later', () => {});\n",
}


def judged(command: str, folder: Path, files: dict[str, str]) -> GateResult:
    paths = write(folder, files)
    done = run(command, folder)
    finished = SuiteRun(command, done.exit_code, done.output, 1.0)
    return judge_tests(finished, RepoFiles(paths, root=str(folder)))


PYTHON_RUNS = {
    "pytest": "python -m pytest -p no:cacheprovider",
    "pytest -q -q": "python -m pytest -q -q -p no:cacheprovider",
    "pytest over two processes, in colours": "python -m pytest -n 2 --color=yes",
    "unittest": "python -m unittest discover",
}


@pytest.mark.parametrize("command", PYTHON_RUNS.values(), ids=PYTHON_RUNS)
def test_python(command: str, tmp_path: Path) -> None:
    result = judged(command, tmp_path, PYTHON)

    assert result.status == "failed"
    assert "1 test passed, 1 failed, 1 skipped" in result.because
    (finding,) = result.findings
    assert (finding.path, finding.line) == ("test_a.py", 9)
    assert "1 != 2" in finding.message


@pytest.mark.parametrize("command", ["python -m pytest -p no:cacheprovider", "python -m unittest"])
def test_python_without_tests(command: str, tmp_path: Path) -> None:
    assert judged(command, tmp_path, {"a.py": ""}).status == "not_run"


def test_a_runner_that_is_not_installed(tmp_path: Path) -> None:
    result = judged("python -m no_such_runner", tmp_path, {})

    assert result.status == "not_run"
    assert "No module named no_such_runner" in result.because


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    assert judged("no-such-command test", tmp_path, {}).status == "not_run"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_make_target_that_lacks_its_command(tmp_path: Path) -> None:
    result = judged("make test", tmp_path, {"Makefile": "test:\n\tno-such-command\n"})

    assert result.status == "not_run"


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
@pytest.mark.parametrize(
    ("command", "counted"),
    {
        "go test ./...": "1 package passed, 1 failed",
        "go test -v ./...": "2 tests passed, 1 failed, 1 skipped",
    }.items(),
)
def test_go(command: str, counted: str, tmp_path: Path) -> None:
    result = judged(command, tmp_path, GO)

    assert counted in result.because
    assert [(found.path, found.line, found.message) for found in result.findings] == [
        ("a/a_test.go", 9, "example.com/half/a TestBad/one: no")
    ]


@pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")
def test_cargo(tmp_path: Path) -> None:
    result = judged("cargo test --no-fail-fast", tmp_path, RUST)

    assert "1 test passed, 1 failed, 1 skipped" in result.because
    (finding,) = result.findings
    assert (finding.path, finding.line) == ("src/lib.rs", 7)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("reporter", ["tap", "spec"])
def test_node(reporter: str, tmp_path: Path) -> None:
    result = judged(f"node --test --test-reporter={reporter}", tmp_path, NODE)

    assert "1 test passed, 1 failed, 1 skipped" in result.because
    assert [(found.path, found.line) for found in result.findings] == [("a.test.js", 5)]
