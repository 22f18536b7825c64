"""The versions of agent programs that were tried, as data."""

from __future__ import annotations

import pytest

from bot.core.catalog import read_data
from bot.core.engine_programs import EngineHere, EngineName, EnginePrograms, engines_here
from bot.errors import UserError
from bot.wiring.engines import engine_programs

SHIPPED = engine_programs()
ENTRY = {
    "name": "codex",
    "package": '"@openai/codex"',
    "version": "1.2.3",
    "integrity": f"sha512-{'A' * 86}==",
    "node": "20",
    "checked_on": "2026-11-21",
}


def read(**changed: str) -> EnginePrograms | str:
    lines = [f"    {key}: {value}" for key, value in (ENTRY | changed).items()]
    text = "version: 1\nengines:\n  -\n" + "\n".join(lines) + "\n"
    found = read_data(EnginePrograms, text.encode())
    return found if isinstance(found, EnginePrograms) else f"{found[0]}. {found[0].fix}"


def test_each_engine_ships_with_one_version() -> None:
    assert [each.name for each in SHIPPED.engines] == list(EngineName)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"name": "codecs"}, "Did you mean 'codex'?", id="a slip in a name"),
        pytest.param({"prepair": "a.js"}, "Did you mean 'prepare'?", id="a slip in a key"),
        pytest.param({"version": "^1.2.3"}, "does not match", id="a range is no version"),
        pytest.param({"version": "latest"}, "does not match", id="a tag is no version"),
        pytest.param({"integrity": "sha1-AAAA"}, "does not match", id="a weak hash"),
        pytest.param({"package": "--registry=x"}, "does not match", id="an option of npm's"),
        pytest.param({"package": "../evil"}, "does not match", id="a folder"),
        pytest.param({"prepare": "../../x.js"}, "does not match", id="a script from elsewhere"),
    ],
)
def test_an_entry_that_is_wrong_is_refused_with_what_would_be_right(
    changed: dict[str, str], expected: str
) -> None:
    said = read(**changed)
    assert isinstance(said, str)
    assert expected in said


def test_an_entry_that_is_right_is_read() -> None:
    found = read(prepare="install.cjs")
    assert isinstance(found, EnginePrograms)
    assert found.named("codex").prepare == "install.cjs"


def test_an_engine_that_nobody_knows_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        SHIPPED.named("cloude")
    assert caught.value.fix == "Did you mean 'claude'?"
    assert SHIPPED.get("cloude") is None


def test_what_is_here_is_compared_with_what_was_tried() -> None:
    tried = SHIPPED.named("codex").version
    here = {"codex": (tried, "/ours/codex"), "claude": ("1.0.0", "/usr/bin/claude")}
    shown = {each.name.value: each for each in engines_here(SHIPPED, here.get)}

    def said(one: EngineHere) -> tuple[str, str]:
        return one.here, one.get_it

    assert said(shown["codex"]) == (tried, "")
    assert said(shown["claude"]) == ("1.0.0", "orchestrate engines install claude")
    assert said(shown["kilo"]) == ("", "orchestrate engines install kilo")
