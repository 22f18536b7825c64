"""The command line, as people use it."""

from pathlib import Path

import pytest

from tinylog.cli import main


def test_what_is_not_serious_enough_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "app.log"
    log.write_text("level=info msg=started\nlevel=error msg=stopped\nTraceback:\n")
    assert main(["--level", "warn", str(log)]) == 0
    assert capsys.readouterr().out == "- error stopped\nTraceback:\n"


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such.log"]) == 2
    assert "no-such.log" in capsys.readouterr().err
