"""How a repository's tests are run, found from its files.

A maintainer's order, the same every time:

1. where exactly one ecosystem has tests, its own runner: it counts, names what failed and
   measures coverage, and needs nothing that a Makefile may set up first;
2. where several have, `make test` if there is one, for only that runs them all;
3. else the first of: pytest that is configured, the package's test script, cargo, go, pytest or
   unittest that only the test files show; `because` names what is then not run;
4. `make test` where nothing else is known.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot.core.suites import NoSuite, Runner, Suite

Files = Mapping[str, str | None]

_MAX_TEST_FILES_READ = 50
_PYTEST_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
_PYTEST_SECTIONS = {"setup.cfg": "tool:pytest", "tox.ini": "pytest"}
_COVERAGE_SECTIONS = {".coveragerc": "run", "setup.cfg": "coverage:run", "tox.ini": "coverage:run"}
_PYTHON_NEEDS = re.compile(
    r"(?:[^/]*requirements[^/]*\.(?:txt|in)|requirements/[^/]+\.(?:txt|in)"
    r"|pyproject\.toml|setup\.(?:py|cfg)|tox\.ini|Pipfile|environment\.ya?ml|noxfile\.py)"
)
_PYTEST_TEST = re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")
_UNITTEST_TEST = re.compile(r"(?:.*/)?test[^/]*\.py")
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # make's own order
_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "package-lock.json": "npm"}
_NPM_DEFAULT = "no test specified"
_COVERAGE_SCRIPTS = ("coverage", "test:coverage", "test:cov", "cover", "cov")
_READ = (
    *_PYTEST_FILES,
    ".coveragerc",
    "package.json",
    "Cargo.toml",
    *_MAKEFILES,
)


def texts_needed(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the few files whose text `detect_suite` reads; the others only have to be named."""
    known = sorted(paths)
    wanted = [path for path in known if path in _READ or _PYTHON_NEEDS.fullmatch(path)]
    tests = [
        path for path in known if _PYTEST_TEST.fullmatch(path) or _UNITTEST_TEST.fullmatch(path)
    ]
    return tuple(dict.fromkeys((*wanted, *tests[:_MAX_TEST_FILES_READ])))


def detect_suite(files: Files) -> Suite | NoSuite:
    """Find how the tests are run; `files` maps every path to its text where `texts_needed` says."""
    suites = list(_ecosystems(files))
    make = _make(files)
    if not suites:
        return make or _none(files)
    first, *others = suites
    if not others:
        return first
    if make:
        named = _listed([suite.runner.value for suite in suites])
        return replace(make, because=f"{named} all have tests and {make.because}")
    left = _listed([other.runner.value for other in others])
    return replace(first, because=f"{first.because}; tests for {left} are there too and do not run")


def _ecosystems(files: Files) -> Iterator[Suite]:
    """Yield the suites of the languages at hand, the most explicit first."""
    configured = _pytest_configured(files)
    if configured:
        yield _pytest(files, configured)
    yield from filter(None, (_node(files), _cargo(files), _go(files)))
    if not configured:
        shown = _python_shown_by_tests(files)
        if shown:
            yield shown


def _pytest(files: Files, because: str) -> Suite:
    return Suite("python -m pytest", Runner.PYTEST, because, _measures_on_its_own(files))


def _pytest_configured(files: Files) -> str | None:
    for name in _PYTEST_FILES:
        if name in files:
            return f"{name} configures pytest"
    if "pytest" in _table(_toml(files.get("pyproject.toml")), "tool"):
        return "pyproject.toml configures pytest"
    for name, section in _PYTEST_SECTIONS.items():
        if section in _sections(files.get(name)):
            return f"{name} configures pytest"
    for path in sorted(files):
        if path == "conftest.py" or path.endswith("/conftest.py"):
            return f"{path} is read by pytest"
    return None


def _python_shown_by_tests(files: Files) -> Suite | None:
    tests = [path for path in sorted(files) if _PYTEST_TEST.fullmatch(path)]
    if tests:
        named = [p for p in sorted(files) if _PYTHON_NEEDS.fullmatch(p) and _says_pytest(files[p])]
        using = [path for path in tests if _imports(files[path], "pytest")]
        if named or using:
            return _pytest(files, f"{tests[0]} is a test and {(named or using)[0]} names pytest")
    cases = [
        path
        for path in sorted(files)
        if _UNITTEST_TEST.fullmatch(path) and _imports(files[path], "unittest")
    ]
    if cases:
        command = f"python -m unittest discover{_start_of(cases, files)}"
        because = f"{cases[0]} imports unittest and nothing names pytest"
        return Suite(command, Runner.UNITTEST, because, _measures_on_its_own(files))
    if tests:
        return _pytest(files, f"{tests[0]} is named as pytest expects")
    return None


def _start_of(cases: list[str], files: Files) -> str:
    """Say where discovery starts: it only goes down into packages."""
    tops = {path.split("/")[0] if "/" in path else "" for path in cases}
    if len(tops) != 1 or "" in tops:
        return ""
    top = tops.pop()
    at_the_top = f"{top}/__init__.py" in files
    return f" -s {shlex.quote(top)}" + (" -t ." if at_the_top else "")


def _says_pytest(text: str | None) -> bool:
    return text is not None and re.search(r"\bpytest\b", text) is not None


def _imports(text: str | None, module: str) -> bool:
    pattern = rf"^[ \t]*(?:import|from)[ \t]+(?:\w+, *)*{module}\b"
    return text is not None and re.search(pattern, text, re.MULTILINE) is not None


def _measures_on_its_own(files: Files) -> bool:
    """Whether coverage.py's settings here say which code it measures."""
    run = _table(_table(_table(_toml(files.get("pyproject.toml")), "tool"), "coverage"), "run")
    keys = set(run)
    for name, section in _COVERAGE_SECTIONS.items():
        keys.update(_sections(files.get(name)).get(section, ()))
    return not keys.isdisjoint({"source", "source_pkgs", "source_dirs", "include"})


def _node(files: Files) -> Suite | None:
    package = _json(files.get("package.json"))
    scripts = _table(package, "scripts")
    test = scripts.get("test")
    if not isinstance(test, str) or not test.strip() or _NPM_DEFAULT in test:
        return None
    manager = _package_manager(package, files)
    measured = next((name for name in _COVERAGE_SCRIPTS if scripts.get(name)), None)
    return Suite(
        f"{manager} test",
        Runner.NODE,
        f"package.json has a test script, for {manager}",
        coverage_script=f"{manager} run {measured}" if measured else None,
    )


def _package_manager(package: Mapping[str, object], files: Files) -> str:
    asked = str(package.get("packageManager", "")).partition("@")[0]
    if asked in _LOCKS.values():
        return asked
    return next((manager for lock, manager in _LOCKS.items() if lock in files), "npm")


def _cargo(files: Files) -> Suite | None:
    if "Cargo.toml" not in files:
        return None
    workspace = "workspace" in _toml(files["Cargo.toml"])
    command = "cargo test --workspace" if workspace else "cargo test"
    return Suite(command, Runner.CARGO, "Cargo.toml is at the top")


def _go(files: Files) -> Suite | None:
    tests = sorted(path for path in files if path.endswith("_test.go"))
    if "go.mod" not in files or not tests:
        return None
    return Suite("go test ./...", Runner.GO, f"go.mod is at the top and {tests[0]} is a test")


def _make(files: Files) -> Suite | None:
    for name in _MAKEFILES:
        if name in files:
            found = any(map(_is_test_rule, (files[name] or "").splitlines()))
            return Suite("make test", Runner.MAKE, f"{name} has a test target") if found else None
    return None


def _is_test_rule(line: str) -> bool:
    targets, colon, rest = line.partition(":")
    if not colon or line.startswith(("\t", "#")) or "=" in targets:
        return False
    return "test" in targets.split() and not rest.startswith(("=", ":="))


def _none(files: Files) -> NoSuite:
    if files.get("package.json") is not None and not _json(files["package.json"]):
        return NoSuite("package.json is not a JSON object, so its test script is not known.")
    return NoSuite(
        "No test command was found: no pytest or unittest tests, no test script in package.json,"
        " no go.mod with tests, no Cargo.toml and no test target in a Makefile at the top."
    )


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _toml(text: str | None) -> Mapping[str, object]:
    """Read a table; a broken file configures nothing, as it does for the tools that read it."""
    try:
        return tomllib.loads(text or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(text: str | None) -> Mapping[str, object]:
    try:
        value = json.loads((text or "").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _table(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _sections(text: str | None) -> Mapping[str, tuple[str, ...]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text or "")
        return {name: tuple(parser[name]) for name in parser.sections()}
    except configparser.Error:
        return {}
