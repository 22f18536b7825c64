"""Which protocol a tier may ask for."""

from __future__ import annotations

import pytest

from bot.adapters.engines.builtin_engine import BuiltinEngine
from bot.adapters.engines.claude import Claude
from bot.adapters.engines.program import Installed, ProgramEngine
from bot.ports import Engine
from tests.support.doorway import tier_at

BUILTIN = BuiltinEngine(lambda _: "a-key")
CLAUDE = ProgramEngine(Claude(), lambda _: Installed(("claude",), "1"), lambda _: "a-key")


def test_all_that_a_tier_lacks_is_said_at_once():
    """Who installs a program of 400 MB would rather have known that it needs a key, too."""
    nothing = ProgramEngine(Claude(), lambda _: None, lambda _: None)
    tier = tier_at("http://127.0.0.1:1/v1", key_env="CLAUDE_KEY")
    said = "not installed: orchestrate engines install claude, and no key: set CLAUDE_KEY"
    assert nothing.missing(tier) == said


@pytest.mark.parametrize(
    ("engine", "protocol", "why_not"),
    [
        pytest.param(BUILTIN, None, "", id="builtin is asked in its own"),
        pytest.param(BUILTIN, "chat", "", id="builtin speaks chat"),
        pytest.param(BUILTIN, "gemini", "it speaks chat", id="builtin does not speak gemini"),
        pytest.param(CLAUDE, None, "", id="a program is asked in its first"),
        pytest.param(CLAUDE, "messages", "", id="claude speaks messages"),
        pytest.param(CLAUDE, "chat", "it speaks messages", id="claude does not speak chat"),
    ],
)
def test_a_tier_is_usable_only_in_a_protocol_that_its_engine_speaks(
    engine: Engine, protocol: str | None, why_not: str
):
    missing = engine.missing(tier_at("http://127.0.0.1:1/v1", protocol=protocol))

    assert bool(missing) == bool(why_not)
    assert why_not in missing
