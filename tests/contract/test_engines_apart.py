"""What sets single agent programs apart: what they run unasked, who can be held to reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.engines.claude import Claude
from bot.adapters.engines.cline import Cline
from bot.adapters.engines.codex import Codex
from bot.adapters.engines.copilot import Copilot
from bot.adapters.engines.gemini import Gemini
from bot.adapters.engines.program import Speech
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Wire
from tests.support.engine_at_work import TASK, Workplace
from tests.support.provider import say, shell, tool, write

COMMANDS = ("run_shell_command", '"bash"', '"Bash"', "run_commands")


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


@pytest.mark.parametrize("speech", [Gemini(), Copilot(), Claude()], ids=lambda speech: speech.name)
def test_who_only_reads_has_no_commands_and_writes_nothing_outside(
    speech: Speech, tmp_path: Path
) -> None:
    place = Workplace(speech, tmp_path, only_writes=("notes.md",))

    went = place.work(
        write("../outside.md", "x\n"),
        write(str(tmp_path / "absolute.md"), "x\n"),
        write("notes.md", "it is a shop\n"),
        say("All is done."),
    )

    assert went.outcome.outcome is OutcomeClass.DONE, (went.outcome, went.finished)
    assert place.changed() == {"notes.md"}
    assert not (tmp_path / "outside.md").exists()
    assert not (tmp_path / "absolute.md").exists()
    declared = str(went.provider.of(TASK)[0].body["tools"]).replace("'", '"')
    assert not [name for name in COMMANDS if name in declared]


def test_cline_reads_without_commands_and_without_its_editor(tmp_path: Path) -> None:
    place = Workplace(Cline(), tmp_path, only_writes=())

    went = place.work(tool("^read_files$", files=[{"path": "README.md"}]), say("It is a shop."))

    assert went.outcome.outcome is OutcomeClass.DONE, (went.outcome, went.finished)
    declared = str(went.provider.of(TASK)[0].body["tools"])
    assert "read_files" in declared
    assert "run_commands" not in declared
    assert "editor" not in declared
    assert place.changed() == set()


def test_cline_takes_no_task_that_writes_a_few_files_only(tmp_path: Path) -> None:
    went = Workplace(Cline(), tmp_path, only_writes=("notes.md",)).work()

    assert went.outcome.outcome is OutcomeClass.CRASH
    assert "write wherever it likes" in went.outcome.message
    assert went.provider.requests == []


@pytest.mark.parametrize("wire", ["responses", "messages"])
def test_copilot_asks_in_the_protocol_that_its_tier_names(wire: Wire, tmp_path: Path) -> None:
    went = Workplace(Copilot(), tmp_path, wire=wire).work(
        shell("echo here > here.txt"), say("All is done.")
    )

    assert went.outcome.outcome is OutcomeClass.DONE, (went.outcome, went.finished)
    assert {request.path for request in went.provider.requests} == {f"/v1/{wire}"}


@pytest.mark.parametrize("only_writes", [(), ("notes.md",)])
def test_codex_takes_no_task_that_only_reads(tmp_path: Path, only_writes: tuple[str, ...]) -> None:
    went = Workplace(Codex(), tmp_path, only_writes=only_writes).work()

    assert went.outcome.outcome is OutcomeClass.CRASH
    assert "cannot be kept to reading" in went.outcome.message
    assert went.provider.requests == []
