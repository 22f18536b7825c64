"""Lines of logfmt."""

import pytest

from tinylog import Record, read_logfmt


def test_a_line_becomes_a_record() -> None:
    read = read_logfmt('time=09:30 level=info msg="listening on all" port=8080')
    assert read == Record("listening on all", "info", "09:30", {"port": "8080"})


def test_levels_are_in_lower_case() -> None:
    read = read_logfmt("level=WARN msg=slow")
    assert read is not None
    assert read.level == "warn"


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", 'msg="open'])
def test_other_lines_are_not_read(line: str) -> None:
    assert read_logfmt(line) is None
