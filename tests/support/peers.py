"""Programs from outside that judge the workflows: found, or the test is skipped and says why."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ACTIONS = ROOT / "tests" / "support" / "actions"  # stand-ins, which also say what inputs there are
_SCRIPTS = Path(__file__).parent / "node"


def dev_tool(name: str) -> str:
    """Return a program of the virtual environment that runs the tests."""
    return str(Path(sys.executable).parent / name)


def shellcheck() -> str:
    """Return the program, or skip."""
    return shutil.which("shellcheck") or pytest.skip("shellcheck is missing: install it")


def node() -> tuple[str, ...]:
    """Return how a script of ours over GitHub's own packages is started, or skip."""
    program = shutil.which("node")
    if program is None or not (ROOT / ".tools" / "node_modules").exists():
        pytest.skip("GitHub's own parser is missing: install Node 20 or newer and run make peers")
    return (program, "--import", str(_SCRIPTS / "packages.mjs"))


def lint(files: Iterable[Path]) -> str:
    """Return what GitHub's own workflow parser finds, a line each."""
    done = subprocess.run(
        (*node(), _SCRIPTS / "lint.mjs", ACTIONS, *files),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """Return what GitHub makes of an expression: `if` texts may lack their `${{ }}`."""
    inner = expression.strip().removeprefix("${{").removesuffix("}}")
    evaluator = _evaluator()
    assert evaluator.stdin
    assert evaluator.stdout
    evaluator.stdin.write(json.dumps({"contexts": contexts, "expression": inner}) + "\n")
    evaluator.stdin.flush()
    answer = evaluator.stdout.readline()
    assert answer, f"GitHub does not understand {inner!r}"
    return json.loads(answer)


@cache
def _evaluator() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        (*node(), str(_SCRIPTS / "evaluate.mjs")),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(started.communicate)
    return started
