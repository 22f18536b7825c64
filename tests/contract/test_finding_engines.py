"""Finding agent programs, as npm and others put them on a machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.adapters.engines.finding import Finder, program_in
from bot.wiring.engines import engine_programs, engines_folder

PROGRAMS = engine_programs()
CODEX = PROGRAMS.named("codex")


def put_program(file: Path, says: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{says or 'echo it was started >&2; exit 1'}\n")
    file.chmod(0o755)
    return file


def put_package(modules: Path, version: str, link: Path) -> None:
    """Lay out a package as npm does, its program linked from elsewhere."""
    package = modules / CODEX.package
    program = put_program(package / "bin" / "codex.js")
    (package / "package.json").write_text(json.dumps({"name": CODEX.package, "version": version}))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(program)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "engines"


def test_ours_comes_before_the_one_on_path(tmp_path: Path, folder: Path) -> None:
    ours = put_program(program_in(folder / "codex" / CODEX.version, "codex"))
    put_program(tmp_path / "bin" / "codex", "echo codex-cli 9.9.9")
    found = Finder(PROGRAMS, folder, str(tmp_path / "bin"))("codex")
    assert found is not None
    assert (found.argv, found.version) == ((str(ours),), CODEX.version)


@pytest.mark.parametrize("there", ["0.1.0", f".partial-{CODEX.version}"])
def test_another_version_of_ours_and_half_of_one_are_not_found(folder: Path, there: str) -> None:
    put_program(program_in(folder / "codex" / there, "codex"))
    assert Finder(PROGRAMS, folder, "")("codex") is None


def test_a_global_package_tells_its_version_without_being_started(
    tmp_path: Path, folder: Path
) -> None:
    put_package(tmp_path / "lib" / "node_modules", "0.150.0", tmp_path / "bin" / "codex")
    found = Finder(PROGRAMS, folder, str(tmp_path / "bin"))("codex")
    assert found is not None
    assert found.version == "0.150.0"


@pytest.mark.parametrize(
    ("says", "version"),
    [
        pytest.param("echo 'codex-cli 0.140.0-beta.1'", "0.140.0-beta.1", id="it says so"),
        pytest.param("echo 'A CLI 1.0.102.'", "1.0.102", id="in a sentence"),
        pytest.param("echo hello", "unknown", id="it says no version"),
        pytest.param("echo 1.2.3; exit 3", "unknown", id="it fails"),
    ],
)
def test_a_program_of_its_own_is_asked(
    tmp_path: Path, folder: Path, says: str, version: str
) -> None:
    put_program(tmp_path / "bin" / "codex", says)
    found = Finder(PROGRAMS, folder, str(tmp_path / "bin"))("codex")
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize("place", ["", ".", "bin"])
def test_a_program_of_the_repository_is_never_found(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    put_program(tmp_path / place / "codex", "touch started")
    monkeypatch.chdir(tmp_path)
    assert Finder(PROGRAMS, folder, f"/nowhere:{place}")("codex") is None
    assert not (tmp_path / "started").exists()


def test_programs_that_are_no_engines_are_not_looked_for(tmp_path: Path, folder: Path) -> None:
    put_program(tmp_path / "bin" / "ls")
    assert Finder(PROGRAMS, folder, str(tmp_path / "bin"))("ls") is None


def test_the_folder_is_in_the_users_cache_unless_it_is_named() -> None:
    assert engines_folder({"HOME": "/home/u"}) == Path("/home/u/.cache/orchestrate/engines")
    assert engines_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/orchestrate/engines")
    assert engines_folder({"ORCHESTRATE_ENGINES": "/e", "XDG_CACHE_HOME": "/c"}) == Path("/e")
