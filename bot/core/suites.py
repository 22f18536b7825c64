"""A repository's test command, and the command that also measures what the tests cover."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# What `Suite.coverage_command` may use: name, and the command that exits 0 where it is there.
COVERAGE_TOOLS: Mapping[str, str] = {
    "pytest-cov": 'python -c "import pytest_cov"',
    "coverage": 'python -c "import coverage"',
    "cargo-llvm-cov": "cargo llvm-cov --version",
}


class Runner(StrEnum):
    """The programs that run tests."""

    PYTEST = "pytest"
    UNITTEST = "unittest"
    NODE = "package script"
    GO = "go test"
    CARGO = "cargo test"
    MAKE = "make test"
    OTHER = "a command of the settings"


@dataclass(frozen=True)
class Suite:
    """A repository's test command, as shell text for the top of the repository."""

    command: str
    runner: Runner
    because: str
    measured_paths: bool = False  # the repository says itself which code coverage.py measures
    coverage_script: str | None = None  # the package's own script, with its manager

    def coverage_command(self, available: frozenset[str], report: str) -> str | None:
        """Return shell text that runs the tests and measures them, or None where nothing can.

        `available` are names of COVERAGE_TOOLS; `report` is an absolute path outside the tree.
        It is written in all cases but a package's script, which leaves its report where it
        likes. The exit code is that of the tests: a limit in the repository's coverage settings
        is taken out, for the gate has one of its own.
        """
        path = shlex.quote(report)
        match self.runner:
            case Runner.PYTEST if "pytest-cov" in available:
                source = "--cov" if self.measured_paths else "--cov=."
                return (
                    f"COVERAGE_FILE={shlex.quote(report + '.data')} {self.command} {source}"
                    f" {shlex.quote('--cov-report=xml:' + report)} --cov-fail-under=0"
                )
            case Runner.PYTEST | Runner.UNITTEST if "coverage" in available:
                return self._with_coverage_py(path, shlex.quote(report + ".data"))
            case Runner.GO:
                return self.command.replace("go test", f"go test -coverprofile={path}", 1)
            case Runner.CARGO if "cargo-llvm-cov" in available:
                options = self.command.removeprefix("cargo test")
                return f"cargo llvm-cov{options} --lcov --output-path {path}"
            case _:
                return self.coverage_script

    def _with_coverage_py(self, report: str, data: str) -> str:
        source = "" if self.measured_paths else " --source=."
        module = self.command.removeprefix("python -m ")
        # -p and combine work whether or not the repository's settings say `parallel`.
        return (
            f"export COVERAGE_FILE={data}; python -m coverage run -p{source} -m {module}"
            f" && python -m coverage combine -q"
            f" && python -m coverage xml -q --fail-under=0 -o {report}"
        )


@dataclass(frozen=True)
class NoSuite:
    """Why no test command was found, and what a person can do."""

    because: str
    fix: str = "Set tests.command in .github/orchestrate.yml to the command that runs them."
