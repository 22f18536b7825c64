"""Which engines can be held to reading: what core says of it is what they do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.engines.program import Installed, ProgramEngine, Speech
from bot.adapters.processes import LocalProcesses
from bot.core.environment import built_environment
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Workstream
from bot.core.reading import CAN_ONLY_READ
from bot.ports import EngineJob
from bot.wiring.tiers import SPEECHES, engines
from tests.support.doorway import tier_at
from tests.support.engine_at_work import TASK, Workplace
from tests.support.provider import say, write
from tests.support.real_engines import slow

COMMANDS = ("run_shell_command", '"bash"', '"Bash"', "run_commands")
held = pytest.mark.parametrize(
    "speech",
    [
        pytest.param(one, marks=slow(one.name), id=one.name)
        for one in SPEECHES
        if one.name in CAN_ONLY_READ
    ],
)


def reading_job(folder: Path, engine: str) -> EngineJob:
    """A job that may write one file."""
    home, tmp = str(folder / "home"), str(folder / "tmp")
    return EngineJob(
        workstream=Workstream(id="a", goal="g"),
        tier=tier_at("http://127.0.0.1:9/v1", engine=engine),
        worktree=str(folder),
        folder=str(folder / "attempt"),
        system="",
        opening=TASK,
        prompt=TASK,
        environment=built_environment(path="/usr/bin:/bin", home=home, tmp=tmp, extra={}),
        seconds=60,
        max_usd=Decimal(0),
        log=str(folder / "log"),
        max_log_bytes=1_000_000,
        only_writes=("notes.md",),
        model_url="http://127.0.0.1:9",
    )


@pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.name)
def test_a_program_is_started_for_reading_if_it_is_one_that_can_be_held_and_only_then(
    speech: Speech, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    program.chmod(0o755)
    engine = ProgramEngine(speech, lambda _: Installed((str(program),), "1.0.0"), lambda _: "key")

    finished = LocalProcesses().run(engine.command(reading_job(tmp_path, speech.name)))

    assert (tmp_path / "started").exists() == (speech.name in CAN_ONLY_READ), finished.output


def test_every_engine_that_can_be_held_is_one_of_ours_and_shell_is_not_among_them() -> None:
    assert set(CAN_ONLY_READ) < set(engines())
    assert "shell" not in CAN_ONLY_READ


@held
def test_who_only_reads_has_no_commands_and_writes_nothing_outside(
    speech: Speech, tmp_path: Path
) -> None:
    place = Workplace(speech, tmp_path, only_writes=("notes.md",))
    place.put({".orchestrate/delegation.json": "{}\n"})  # as in every attempt
    place.repo.commit("hand over")

    went = place.work(
        write("../outside.md", "x\n"),
        write(str(tmp_path / "absolute.md"), "x\n"),
        write("notes.md", "it is a shop\n"),
        write(".orchestrate/completion.json", "{}\n"),
        say("All is done."),
    )

    assert went.outcome.outcome is OutcomeClass.DONE, (went.outcome, went.finished)
    assert place.changed() == {"notes.md", ".orchestrate/completion.json"}
    assert not (tmp_path / "outside.md").exists()
    assert not (tmp_path / "absolute.md").exists()
    declared = str(went.provider.of(TASK)[0].body["tools"]).replace("'", '"')
    assert not [name for name in COMMANDS if name in declared]
