"""The real ruff, through a shell, on a real folder: findings on the lines that changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.sarif import read_sarif
from bot.core.analyzers import Analyzer, detect_analyzers
from bot.core.gates import Finding, Severity
from bot.core.review import judge_review, on_changed_lines

CODE = """\
import subprocess


def old():
    unused = 1


def new(command):
    also_unused = 2
    return subprocess.run(command, shell=True)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "a repository"
    folder.mkdir()
    (folder / "ruff.toml").write_text('lint.select = ["F", "S"]\n')
    (folder / "app é.py").write_text(CODE)
    return folder


def run(analyzer: Analyzer, repository: Path, report: Path) -> int:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", analyzer.command(str(report))],
        cwd=repository, env={"PATH": path}, check=False, capture_output=True,
    ).returncode  # fmt: skip


def findings(report: Path, root: Path) -> tuple[Finding, ...]:
    read = read_sarif(report.read_bytes(), root=str(root), tool_hint="ruff")
    assert isinstance(read, tuple), read
    return read


def test_ruff_finds_what_the_change_brings(repository: Path, tmp_path: Path) -> None:
    (ruff,) = detect_analyzers({"app é.py": None, "ruff.toml": None}, frozenset({"ruff"}))
    report = tmp_path / "it's.sarif"
    assert run(ruff, repository, report) in ruff.ok_exit_codes
    everything = findings(report, repository)
    assert {(f.rule, f.line) for f in everything} == {
        ("ruff/F841", 5), ("ruff/F841", 9), ("ruff/S602", 10),
    }  # fmt: skip
    counted = on_changed_lines(everything, {"app é.py": frozenset({8, 9, 10})})
    assert [(f.path, f.line, f.severity) for f in counted] == [
        ("app é.py", 9, Severity.MEDIUM),
        ("app é.py", 10, Severity.HIGH),
    ]
    judged = judge_review(counted, (), ("ruff",), (), 7.0)
    assert (judged.status, judged.value) == ("failed", 6.0)


@pytest.mark.parametrize("sarif", ["out/lint.sarif", None], ids=["to a file", "to stdout"])
def test_an_analyzer_of_the_settings_writes_as_it_likes(
    repository: Path, tmp_path: Path, sarif: str | None
) -> None:
    option = "--output-file out/lint.sarif" if sarif else ""
    line = f"mkdir -p out && ruff check --no-cache --output-format sarif {option} ."
    mine = Analyzer(name="mine", run=line, because="x", sarif=sarif, ok_exit_codes=(0, 1))
    report = tmp_path / "report.sarif"
    assert run(mine, repository, report) == 1
    assert len(findings(report, repository)) == 3


def test_a_report_committed_earlier_is_not_taken_for_a_new_one(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "lint.sarif").write_text('{"version": "2.1.0", "runs": []}')
    mine = Analyzer(name="mine", run="exit 3", because="x", sarif="lint.sarif")
    report = tmp_path / "report.sarif"
    assert run(mine, repository, report) == 3
    assert report.read_bytes() == b""
