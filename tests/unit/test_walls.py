"""What a failed command's output says of the sandbox that it ran in."""

from __future__ import annotations

import pytest

from bot.core.config import Settings, read_settings
from bot.core.walls import wall_met


def hidden(path: str) -> bool:
    return path.startswith("/home/ann/") and not path.startswith("/home/ann/bin/")


@pytest.mark.parametrize(
    "output",
    [
        "sh: 1: /home/ann/venvs/shop/bin/python: not found",
        "sh: 1: /home/ann/bin/t: /home/ann/x: bad interpreter: No such file or directory",
        "cp: cannot stat '/home/ann/data/big.csv': No such file or directory",
        "Error: Cannot find module '/home/ann/shared/index.js'",
        'open("/home/ann/key"): ENOENT',
    ],
)
def test_a_file_that_is_not_shown_is_named_with_what_helps(output: str) -> None:
    said = wall_met(output, hidden)
    assert "agents.sandbox: off" in said
    assert "Not shown: /home/ann/" in said


@pytest.mark.parametrize("written", ["off", "'off'", "false"])
def test_what_helps_can_be_typed_into_the_settings_as_it_is_said(written: str) -> None:
    settings = read_settings(f"agents: {{sandbox: {written}}}\n")
    assert isinstance(settings, Settings), settings
    assert settings.agents.sandbox == "off"


@pytest.mark.parametrize(
    "output",
    [
        "NewConnectionError: [Errno -3] Temporary failure in name resolution",
        "fatal: unable to access: Could not resolve host: example.org",
        "npm error code ENOTFOUND",
        "go: x@v1.0.0: dial tcp: lookup proxy.example on 10.0.0.1:53: network is unreachable",
    ],
)
def test_a_network_that_is_not_there_is_named_with_what_helps(output: str) -> None:
    assert "agents.registries" in wall_met(output, hidden)


def test_what_cannot_be_written_is_named() -> None:
    assert "$TMPDIR" in wall_met("touch: /opt/x: Read-only file system", hidden)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "AssertionError: 1 != 2",
        "sh: 1: pytest: not found",
        "/home/ann/bin/t: not found",  # it is shown, so the sandbox is not why
        "File /home/ann/src/x.py, line 3: TypeError",
        "see https://example.org/home/ann/x: not found",
        "src/home/ann/x.py: No such file or directory",
    ],
)
def test_other_failures_are_not_put_down_to_the_sandbox(output: str) -> None:
    assert wall_met(output, hidden) == ""
