"""The demo runs on any machine that has what it needs, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.example import copy_example

DEMO = (sys.executable, "-m", "bot", "demo")


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment with a home, a state folder and a temporary folder of its own, all empty."""
    for name in ("home", "state", "tmp"):
        (tmp_path / name).mkdir()
    return os.environ | {
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TMPDIR": str(tmp_path / "tmp"),
    }


def left_behind(machine: dict[str, str]) -> list[Path]:
    places = (machine["HOME"], machine["XDG_STATE_HOME"], machine["TMPDIR"])
    return [path for place in places for path in Path(place).iterdir()]


def test_the_demo_keeps_its_promises_and_leaves_the_machine_as_it_was(
    machine: dict[str, str],
) -> None:
    machine |= {"NVIDIA_API_KEY": "would be used", "ORCHESTRATE_BASE_URL": "http://127.0.0.1:9/v1"}
    done = subprocess.run(DEMO, env=machine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "answers are recorded" in done.stdout
    _, _, showed = done.stdout.partition("What this run showed\n")
    assert [line.split()[0] for line in showed.splitlines()] == ["yes"] * 6
    assert "release conflicted with docs in CHANGELOG.md and landed later" in showed
    assert "tests failed in iteration 1 and passed in iteration 2" in showed
    assert left_behind(machine) == []


def test_an_interrupted_demo_says_so_and_leaves_nothing(machine: dict[str, str]) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(DEMO, env=machine, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        while "handed out" not in (line := process.stdout.readline()):
            assert line, "it ended before anything was handed out"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "Interrupted.\n")
    assert left_behind(machine) == []


def test_the_example_is_green_before_the_run(tmp_path: Path) -> None:
    repository = copy_example(tmp_path / "copy", "http://127.0.0.1:1/v1", SystemClock().now())
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    done = subprocess.run(tests, cwd=repository.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
