"""Finding a repository's test command, and the command that measures coverage too."""

from __future__ import annotations

import json

import pytest

from bot.core.suite_detection import detect_suite, texts_needed
from bot.core.suites import NoSuite, Runner, Suite

PACKAGE = json.dumps({"scripts": {"test": "jest", "test:coverage": "jest --coverage"}})
NO_TESTS_YET = json.dumps({"scripts": {"test": 'echo "Error: no test specified" && exit 1'}})
CASES = "import unittest\nclass T(unittest.TestCase): ...\n"

DETECTED = {
    "pytest.ini alone is enough": ({"pytest.ini": ""}, "python -m pytest", "pytest.ini"),
    "pyproject.toml configures pytest": (
        {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\n"},
        "python -m pytest",
        "pyproject.toml",
    ),
    "setup.cfg configures pytest": (
        {"setup.cfg": "[tool:pytest]\n"},
        "python -m pytest",
        "setup.cfg",
    ),
    "tox.ini configures pytest": ({"tox.ini": "[pytest]\n"}, "python -m pytest", "tox.ini"),
    "a conftest.py is pytest's": ({"a/tests/conftest.py": None}, "python -m pytest", "conftest"),
    "test files, and pytest among the requirements": (
        {"tests/test_a.py": "def test_a(): ...", "requirements-dev.txt": "pytest>=8\n"},
        "python -m pytest",
        "requirements-dev.txt",
    ),
    "test files that use pytest": (
        {"tests/test_a.py": "import pytest\n"},
        "python -m pytest",
        "tests/test_a.py",
    ),
    "unittest cases run under pytest where the project names it": (
        {"tests/test_a.py": CASES, "pyproject.toml": "[project]\ndependencies = ['pytest']\n"},
        "python -m pytest",
        "pyproject.toml",
    ),
    "unittest in a folder that is no package": (
        {"tests/test_a.py": CASES},
        "python -m unittest discover -s tests",
        "unittest",
    ),
    "unittest in a package": (
        {"tests/test_a.py": CASES, "tests/__init__.py": None},
        "python -m unittest discover -s tests -t .",
        "unittest",
    ),
    "unittest beside the code": (
        {"test_a.py": CASES, "a.py": None},
        "python -m unittest discover",
        "unittest",
    ),
    "an npm test script": ({"package.json": PACKAGE}, "npm test", "package.json"),
    "pnpm by its lock": (
        {"package.json": PACKAGE, "pnpm-lock.yaml": None},
        "pnpm test",
        "pnpm",
    ),
    "yarn by packageManager, whatever locks lie about": (
        {
            "package.json": '{"packageManager": "yarn@4.1.0", "scripts": {"test": "x"}}',
            "package-lock.json": None,
        },
        "yarn test",
        "yarn",
    ),
    "go": ({"go.mod": None, "a/a_test.go": None}, "go test ./...", "a/a_test.go"),
    "a cargo workspace is tested whole": (
        {"Cargo.toml": "[workspace]\nmembers = ['a']\n"},
        "cargo test --workspace",
        "Cargo.toml",
    ),
    "a cargo package": ({"Cargo.toml": "[package]\nname = 'a'\n"}, "cargo test", "Cargo.toml"),
    "make where nothing else is known": (
        {"Makefile": "all:\n\tcc x.c\ncheck test: all\n\t./x\n"},
        "make test",
        "Makefile",
    ),
    "one language goes before make": (
        {"Makefile": "test:\n\tpytest\n", "pytest.ini": ""},
        "python -m pytest",
        "pytest.ini",
    ),
    "make goes before one of several languages": (
        {"Makefile": "test::\n\tx\n", "pytest.ini": "", "package.json": PACKAGE},
        "make test",
        "all have tests",
    ),
    "without make the other languages are named": (
        {"pytest.ini": "", "package.json": PACKAGE, "Cargo.toml": ""},
        "python -m pytest",
        "tests for package script and cargo test are there too and do not run",
    ),
    "a Python helper script does not hide the package's tests": (
        {"package.json": PACKAGE, "tests/test_a.py": CASES},
        "npm test",
        "unittest",
    ),
}


@pytest.mark.parametrize(("files", "command", "because"), DETECTED.values(), ids=DETECTED)
def test_the_command_and_why(files: dict[str, str | None], command: str, because: str) -> None:
    suite = detect_suite(files)

    assert isinstance(suite, Suite)
    assert suite.command == command
    assert because in suite.because


NOT_FOUND = {
    "an empty repository": ({}, "No test command"),
    "npm's default script is no test": ({"package.json": NO_TESTS_YET}, "No test command"),
    "a go module without tests": ({"go.mod": None, "a.go": None}, "No test command"),
    "a broken package.json is named": ({"package.json": '{"scripts": '}, "package.json is not"),
    "a package.json that is a list": ({"package.json": "[1]"}, "package.json is not"),
    "a broken pyproject.toml configures nothing": ({"pyproject.toml": "[tool.pytest"}, "No test"),
    "a broken setup.cfg configures nothing": ({"setup.cfg": "tool:pytest]\n=\n"}, "No test"),
    "a Makefile that only names test": (
        {"Makefile": "test = 1\ntest := 2\n.PHONY: test\nall:\n\ttest: x\n"},
        "No test command",
    ),
}


@pytest.mark.parametrize(("files", "because"), NOT_FOUND.values(), ids=NOT_FOUND)
def test_nothing_to_run_says_what_to_set(files: dict[str, str | None], because: str) -> None:
    suite = detect_suite(files)

    assert isinstance(suite, NoSuite)
    assert because in suite.because
    assert "tests.command" in suite.fix


def test_only_the_files_that_can_decide_are_read() -> None:
    paths = ["pyproject.toml", "package.json", "src/a.py", "docs/package.json", "tests/test_a.py"]
    many = [f"tests/test_{number:04}.py" for number in range(1_000)]

    assert texts_needed(paths) == ("package.json", "pyproject.toml", "tests/test_a.py")
    assert len(texts_needed(many)) == 50


PYTEST = Suite("python -m pytest", Runner.PYTEST, "")
NPM = Suite("npm test", Runner.NODE, "", coverage_script="npm run coverage")
MEASURES = {
    "pytest-cov first": (
        PYTEST,
        {"pytest-cov", "coverage"},
        "COVERAGE_FILE='/t/my r.data' python -m pytest --cov=."
        " '--cov-report=xml:/t/my r' --cov-fail-under=0",
    ),
    "else coverage": (
        PYTEST,
        {"coverage"},
        "export COVERAGE_FILE='/t/my r.data'; python -m coverage run -p --source=. -m pytest"
        " && python -m coverage combine -q"
        " && python -m coverage xml -q --fail-under=0 -o '/t/my r'",
    ),
    "nothing there measures Python": (PYTEST, set(), None),
    "go measures by itself": (
        Suite("go test ./...", Runner.GO, ""),
        set(),
        "go test -coverprofile='/t/my r' ./...",
    ),
    "cargo with its tool": (
        Suite("cargo test --workspace", Runner.CARGO, ""),
        {"cargo-llvm-cov"},
        "cargo llvm-cov --workspace --lcov --output-path '/t/my r'",
    ),
    "cargo without": (Suite("cargo test", Runner.CARGO, ""), {"coverage"}, None),
    "a package by its own script": (NPM, set(), "npm run coverage"),
    "make is not known to measure": (Suite("make test", Runner.MAKE, ""), {"coverage"}, None),
}


@pytest.mark.parametrize(("suite", "tools", "command"), MEASURES.values(), ids=MEASURES)
def test_the_command_that_measures_too(suite: Suite, tools: set[str], command: str | None) -> None:
    assert suite.coverage_command(frozenset(tools), "/t/my r") == command


def test_the_repositorys_own_choice_of_measured_code_stays() -> None:
    for name, text in {
        "pyproject.toml": "[tool.coverage.run]\nsource = ['src']\n",
        ".coveragerc": "[run]\nsource = src\n",
        "setup.cfg": "[coverage:run]\ninclude = src/*\n",
    }.items():
        suite = detect_suite({"pytest.ini": "", name: text})
        assert isinstance(suite, Suite)
        command = suite.coverage_command(frozenset({"pytest-cov"}), "/t/c.xml")
        assert command is not None
        assert " --cov " in command


def test_a_packages_coverage_script_is_found() -> None:
    suite = detect_suite({"package.json": PACKAGE, "yarn.lock": None})

    assert isinstance(suite, Suite)
    assert suite.coverage_command(frozenset(), "/t/c") == "yarn run test:coverage"
