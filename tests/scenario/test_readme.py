"""A newcomer pastes the README's first run, and what it says comes true."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README, RUNNING = "README.md", "docs/running.md"


def blocks(page: str, heading: str) -> str:
    """Return the shell text of a section."""
    section = (ROOT / page).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def paste(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    ours = str(Path(sys.executable).parent)
    who = {f"GIT_{r}_{p}": v for r in ("AUTHOR", "COMMITTER") for p, v in WHO.items()}
    environment = {**os.environ, **who, "PATH": f"{ours}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euo", "pipefail", "-c", text]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


WHO = {"NAME": "Ada", "EMAIL": "ada@example.invalid"}


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("newcomer")
    done = paste(blocks(README, "Your first run, without a model"), folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "greet", done.stdout


def test_the_first_run_passes_and_says_how_to_take_it(
    pasted: tuple[Path, str], tmp_path: Path
) -> None:
    greet, printed = pasted
    copy = shutil.copytree(greet, tmp_path / "greet")

    assert re.search(r"^Run \w+ passed", printed, re.MULTILINE)
    assert "2 at once from the start" in printed
    merge = re.search(r"git merge \S+", printed)
    assert merge, printed
    taken = paste(f"{merge[0]} && python -c 'import greet; print(greet.bye(\"Ada\"))'", copy)
    assert taken.stdout.endswith("Bye, Ada!\n"), taken.stderr


def run_in(printed: str) -> str:
    return re.findall(r"^Run (\w+) passed", printed, re.MULTILINE)[-1]


def test_every_command_that_looks_at_the_run_works(pasted: tuple[Path, str]) -> None:
    greet, printed = pasted
    run = run_in(printed)
    looked = paste(re.sub(r"RUN=\w+", f"RUN={run}", blocks(README, "What comes out")), greet)

    assert looked.returncode == 0, looked.stderr
    for said in ("def bye", f"orchestrate/{run}/code", "completions/code.1.json", "task: Say"):
        assert said in looked.stdout


def test_a_run_can_be_read_with_plain_git_and_forgotten(
    pasted: tuple[Path, str], tmp_path: Path
) -> None:
    greet, printed = pasted
    copy = shutil.copytree(greet, tmp_path / "greet")
    read = paste(re.sub(r"RUN=\w+", f"RUN={run_in(printed)}", blocks(RUNNING, "The record")), copy)

    assert read.returncode == 0, read.stderr
    assert "run.finished" in read.stdout
    assert paste("git for-each-ref --format='%(refname)'", copy).stdout == f"{main_of(copy)}\n"


def main_of(repository: Path) -> str:
    return paste("git symbolic-ref HEAD", repository).stdout.strip()
