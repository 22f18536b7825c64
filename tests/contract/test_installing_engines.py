"""Installing agent programs: whole, the one that was tried, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from bot.adapters.engines.finding import Finder, ask_version
from bot.adapters.engines.installing import install
from bot.core.engine_programs import EngineName, EngineProgram, EnginePrograms, Unpacks
from bot.errors import BotError, Unavailable, UserError
from tests.support.npm_registry import PACKAGE, VERSION, integrity, registry, tarball
from tests.support.real_engines import real_engine

INTEGRITY = f"sha512-{'A' * 86}=="
PROGRAM = EngineProgram(
    name=EngineName.CODEX,
    package="@openai/codex",
    version="1.2.3",
    integrity=INTEGRITY,
    node=20,
    checked_on=date(2026, 11, 21),
)
PREPARED = PROGRAM.model_copy(update={"prepare": "install.cjs"})
# What npm leaves behind, as far as anybody looks.
WORKS = """\
mkdir -p node_modules/.bin node_modules/@openai/codex
printf '#!/bin/sh\\necho codex-cli 1.2.3\\n' > node_modules/.bin/codex
chmod +x node_modules/.bin/codex
printf '%s' "$LOCK" > node_modules/.package-lock.json
"""
LOCK = json.dumps({"packages": {"node_modules/@openai/codex": {"integrity": INTEGRITY}}})


@dataclass(frozen=True)
class Machine:
    """A machine whose npm and node do what a test says."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "engines"

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.root / 'bin'}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.root), "OPENAI_API_KEY": "sk-secret"}

    def has(self, name: str, script: str) -> None:
        file = self.root / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def npm(self, script: str, lock: str = LOCK) -> None:
        self.has("npm", f"echo called >> '{self.root}/calls'\nLOCK='{lock}'\n{script}")

    def install(self, program: EngineProgram = PROGRAM) -> Path:
        return install(program, self.folder, self.environment)

    @property
    def found(self) -> bool:
        programs = EnginePrograms(engines=(PROGRAM,))
        return Finder(programs, self.folder, "")(PROGRAM.name) is not None

    @property
    def left_over(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "codex").iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.has("node", f"[ \"$1\" = --version ] && echo v20.1.0 || touch '{tmp_path}/prepared'")
    made.npm(WORKS)
    return made


def test_an_installed_program_is_found_and_others_may_start_it(machine: Machine) -> None:
    place = machine.install()
    assert ask_version(place, "/usr/bin:/bin") == "1.2.3"
    assert machine.found
    assert place.parents[2].stat().st_mode & 0o055 == 0o055


def test_npm_gets_exactly_the_version_runs_no_scripts_and_sees_no_keys(machine: Machine) -> None:
    machine.npm(f"{WORKS}\necho \"$@\" > '{machine.root}/said'; env > '{machine.root}/env'")
    machine.install()
    said = (machine.root / "said").read_text().split()
    assert {"--ignore-scripts", "--prefix=.", "--before=2026-11-22"} < set(said)
    assert said[-1] == "@openai/codex@1.2.3"
    assert "-g" not in said
    assert "sk-secret" not in (machine.root / "env").read_text()


def test_one_that_is_there_is_not_fetched_again(machine: Machine) -> None:
    machine.install()
    machine.npm("exit 1")
    machine.install()
    assert (machine.root / "calls").read_text() == "called\n"


def fails(machine: Machine, kind: type[BotError], program: EngineProgram = PROGRAM) -> str:
    with pytest.raises(kind) as caught:
        machine.install(program)
    assert not machine.found
    assert machine.left_over == [".lock"]
    return f"{caught.value.what} {caught.value.fix}"


@pytest.mark.parametrize(
    ("npm", "expected"),
    [
        pytest.param(
            "echo 'npm error code ENOTFOUND'; echo 'npm error network getaddrinfo failed'; exit 1",
            "network getaddrinfo failed See whether the registry answers",
            id="no network",
        ),
        pytest.param(
            "echo 'npm error code E404'; echo 'npm error 404 Not Found'; exit 1",
            "404 Not Found See whether",
            id="no such version",
        ),
        pytest.param(
            f"{WORKS}\necho 'npm error code ENOSPC'; echo 'npm error no space left'; exit 228",
            "no space left Make room",
            id="a disk that fills up half way",
        ),
        pytest.param(f"{WORKS}\nkill -9 $$", "exit 137", id="npm is killed"),
        pytest.param(
            WORKS.replace("codex-cli 1.2.3", "1.2.4"), "its version is 1.2.4", id="another program"
        ),
        pytest.param(
            WORKS.replace("echo codex-cli", "exec /no/such"), "does not start", id="for another CPU"
        ),
    ],
)
def test_what_fails_leaves_nothing_that_could_be_found(
    machine: Machine, npm: str, expected: str
) -> None:
    machine.npm(npm)
    assert expected in fails(machine, Unavailable)


@pytest.mark.parametrize(
    "lock",
    [
        pytest.param(LOCK.replace("AAA", "BBB"), id="other bytes"),
        pytest.param('{"packages": {}}', id="npm did not note it"),
        pytest.param("[]", id="npm noted it otherwise"),
        pytest.param("not json", id="npm noted nothing"),
    ],
)
def test_another_package_than_the_one_that_was_tried_never_runs(
    machine: Machine, lock: str
) -> None:
    machine.npm(f"{WORKS}\nprintf '#!/bin/sh\\ntouch {machine.root}/ran\\n' > x", lock)
    said = fails(machine, UserError, PREPARED)
    assert "is not the one that was tried" in said
    assert not (machine.root / "prepared").exists()


def test_its_own_script_runs_only_where_the_program_needs_it(machine: Machine) -> None:
    machine.install()
    assert not (machine.root / "prepared").exists()
    shutil.rmtree(machine.folder)
    machine.install(PREPARED)
    assert (machine.root / "prepared").exists()


def test_a_program_that_unpacks_itself_has_done_so_before_it_is_found(machine: Machine) -> None:
    names = Unpacks(only="UNPACK_ONLY", into="UNPACK_INTO")
    unpacking = PROGRAM.model_copy(update={"unpacks": names})
    script = '[ -z "$UNPACK_ONLY" ] || touch "$UNPACK_INTO/unpacked"\\necho codex-cli 1.2.3\\n'
    machine.npm(f"{WORKS}\nprintf '#!/bin/sh\\n{script}' > node_modules/.bin/codex")
    machine.install(unpacking)

    found = Finder(EnginePrograms(engines=(unpacking,)), machine.folder, "")("codex")

    assert found is not None
    assert found.env == {"UNPACK_INTO": str(machine.folder / "codex" / "1.2.3")}
    assert (machine.folder / "codex" / "1.2.3" / "unpacked").exists()


@pytest.mark.parametrize(
    ("node", "npm", "expected"),
    [
        pytest.param(None, True, "Node is missing", id="no node"),
        pytest.param("echo v18.20.1", True, "Node is 18.20.1", id="an old node"),
        pytest.param("echo v22.0.0", False, "npm is missing", id="no npm"),
    ],
)
def test_what_the_machine_lacks_is_said(
    machine: Machine, node: str | None, npm: bool, expected: str
) -> None:
    shutil.rmtree(machine.root / "bin")
    if node:
        machine.has("node", node)
    if npm:
        machine.npm(WORKS)
    environment = {"PATH": str(machine.root / "bin")}
    with pytest.raises(UserError) as caught:
        install(PROGRAM, machine.folder, environment)
    assert expected in caught.value.what
    assert "Install Node 20 or newer" in caught.value.fix
    assert not machine.found


def test_a_folder_that_cannot_be_made_is_named(machine: Machine) -> None:
    machine.folder.write_text("a file")
    with pytest.raises(UserError, match="cannot be written"):
        machine.install()


INSTALLER = """\
import sys
from pathlib import Path
from bot.adapters.engines.installing import install
from bot.core.engine_programs import EngineProgram
program = EngineProgram.model_validate_json(sys.argv[1])
install(program, Path(sys.argv[2]), {"PATH": sys.argv[3]})
"""


def installer(machine: Machine) -> subprocess.Popen[bytes]:
    words = (PROGRAM.model_dump_json(), str(machine.folder), machine.environment["PATH"])
    return subprocess.Popen([sys.executable, "-c", INSTALLER, *words], env=dict(os.environ))


def wait_for(file: Path) -> str:
    for _ in range(600):
        if file.exists() and (text := file.read_text()):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{file} never came")


@pytest.fixture
def slow(machine: Machine) -> Iterator[Machine]:
    """Let npm put everything there, then wait to be told to end."""
    go_on = machine.root / "go-on"
    machine.npm(
        f"{WORKS}\necho $$ > '{machine.root}/pid'\n"
        f"for i in $(seq 600); do [ -e '{go_on}' ] && exit 0; sleep 0.05; done"
    )
    yield machine
    go_on.touch()


def test_one_that_was_killed_in_the_middle_is_not_found_and_the_next_one_clears_up(
    slow: Machine,
) -> None:
    with installer(slow) as process:
        npm = int(wait_for(slow.root / "pid"))
        process.kill()
    os.kill(npm, signal.SIGKILL)
    assert not slow.found
    assert any(name.startswith(".partial-") for name in slow.left_over)
    slow.npm(WORKS)
    slow.install()
    assert slow.found
    assert slow.left_over == [".lock", "1.2.3"]


def test_of_two_at_once_the_second_takes_what_the_first_fetched(slow: Machine) -> None:
    with installer(slow) as first:
        wait_for(slow.root / "pid")
        second = threading.Thread(target=slow.install)
        second.start()
        (slow.root / "go-on").touch()
        second.join()
        assert first.wait() == 0
    assert slow.found
    assert (slow.root / "calls").read_text() == "called\n"


# The real npm, where there is one


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    """A package whose program works, and whose script nobody should run."""
    about = {
        "name": PACKAGE,
        "version": VERSION,
        "bin": {"codex": "codex.js"},
        "scripts": {"postinstall": "node postinstall.js"},
    }
    mark = f"require('fs').writeFileSync({str(tmp_path / 'ran')!r}, '')"
    program = f"#!/usr/bin/env node\nconsole.log('codex-cli {VERSION}')\n"
    files = {"package.json": json.dumps(about), "codex.js": program, "postinstall.js": mark}
    return tarball(files)


def install_really(folder: Path, address: str, tried: bytes) -> Path:
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: install Node 20 or newer")
    program = PROGRAM.model_copy(update={"integrity": integrity(tried)})
    settings = {"npm_config_registry": address, "npm_config_fetch_retries": "0"}
    return install(program, folder / "engines", {**os.environ, **settings})


def test_npm_itself_installs_a_program_and_runs_no_script(tmp_path: Path, packed: bytes) -> None:
    with registry(packed, packed) as address:
        place = install_really(tmp_path, address, tried=packed)
    assert ask_version(place, os.environ["PATH"]) == VERSION
    assert not (tmp_path / "ran").exists()


def test_a_registry_with_another_package_of_that_name_is_refused(
    tmp_path: Path, packed: bytes
) -> None:
    with (
        registry(packed, packed) as address,
        pytest.raises(UserError, match="is not the one that was tried"),
    ):
        install_really(tmp_path, address, tried=b"what was tried")


def test_bytes_that_were_changed_on_the_way_are_refused(tmp_path: Path, packed: bytes) -> None:
    with (
        registry(packed, tarball({"package.json": "{}"})) as address,
        pytest.raises(Unavailable, match=r"could not be installed: .*integrity"),
    ):
        install_really(tmp_path, address, tried=packed)


def test_a_registry_that_does_not_answer_is_said(tmp_path: Path, packed: bytes) -> None:
    with pytest.raises(Unavailable, match="could not be installed: ") as caught:
        install_really(tmp_path, "http://127.0.0.1:9", tried=packed)
    assert "npm ping" in caught.value.fix
    assert [path.name for path in (tmp_path / "engines" / "codex").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", list(EngineName))
def test_a_real_program_is_what_it_says_it_is(name: EngineName) -> None:
    found = real_engine(name)
    assert ask_version(Path(found.argv[0]), os.environ["PATH"]) == found.version
