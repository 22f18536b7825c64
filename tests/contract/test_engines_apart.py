"""What sets single agent programs apart: what they run unasked, who cannot be held to reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.engines.cline import Cline
from bot.adapters.engines.codex import Codex
from bot.adapters.engines.copilot import Copilot
from bot.adapters.engines.program import Speech
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Wire
from tests.support.engine_at_work import Workplace
from tests.support.provider import say, shell


@pytest.mark.parametrize(
    "path",
    [
        ".clinerules/hooks/PreToolUse",
        ".clinerules/hooks/TaskStart.sh",
        ".cline/hooks/PreToolUse",
        ".cline/plugins/evil.js",
    ],
)
def test_cline_is_not_started_where_the_checkout_holds_what_it_would_run(
    path: str, tmp_path: Path
) -> None:
    place = Workplace(Cline(), tmp_path)
    trapped = tmp_path / "trapped"
    trap = f"#!/bin/sh\ntouch '{trapped}'\n"
    if path.endswith(".js"):
        trap = f'require("fs").writeFileSync("{trapped}", "")\n'
    place.put({path: trap})
    place.repo.commit("mean no good")

    went = place.work()

    assert went.outcome.outcome is OutcomeClass.CRASH  # another tier has the next attempt
    assert "cline would run what is in .cline" in went.outcome.message
    assert not trapped.exists()
    assert went.provider.requests == []


@pytest.mark.parametrize(
    ("speech", "said"),
    [(Cline(), "write wherever it likes"), (Codex(), "cannot be kept to reading")],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("only_writes", [(), ("notes.md",)])
def test_who_cannot_be_held_to_reading_takes_no_such_task(
    speech: Speech, said: str, only_writes: tuple[str, ...], tmp_path: Path
) -> None:
    went = Workplace(speech, tmp_path, only_writes=only_writes).work()

    assert went.outcome.outcome is OutcomeClass.CRASH
    assert said in went.outcome.message
    assert went.provider.requests == []


@pytest.mark.parametrize("wire", ["responses", "messages"])
def test_copilot_asks_in_the_protocol_that_its_tier_names(wire: Wire, tmp_path: Path) -> None:
    went = Workplace(Copilot(), tmp_path, wire=wire).work(
        shell("echo here > here.txt"), say("All is done.")
    )

    assert went.outcome.outcome is OutcomeClass.DONE, (went.outcome, went.finished)
    assert {request.path for request in went.provider.requests} == {f"/v1/{wire}"}
