"""Finding agent programs: those that we installed first, then those on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bot.adapters.engines.program import Installed
from bot.core.engine_programs import EngineProgram, EnginePrograms

_VERSION = re.compile(r"\d+\.\d+\.\d+(?:[-+][\w.+-]*\w)?")
_ANSWERS_WITHIN = 60  # seconds


class Finder:
    """Knows where programs are; each is looked for once, so what comes later is not seen."""

    def __init__(self, programs: EnginePrograms, folder: Path, search_path: str) -> None:
        """Look in the folder that `orchestrate engines install` fills, then along `search_path`."""
        self._programs = programs
        self._folder = folder
        # A place such as "." would find programs that lie in the repository.
        places = (place for place in search_path.split(os.pathsep) if Path(place).is_absolute())
        self._search_path = os.pathsep.join(places)
        self._found: dict[str, Installed | None] = {}

    def __call__(self, name: str) -> Installed | None:
        """Return the program of that name, None where it is not here."""
        if name not in self._found:
            self._found[name] = self._look(name)
        return self._found[name]

    def _look(self, name: str) -> Installed | None:
        program = self._programs.get(name)
        if program is None:
            return None
        folder = self._folder / name / program.version
        ours = program_in(folder, name)
        if ours.exists():
            unpacked = {program.unpacks.into: str(folder)} if program.unpacks else {}
            return Installed((str(ours),), program.version, unpacked)
        there = shutil.which(name, path=self._search_path)
        if there is None:
            return None
        return Installed((there,), _version_of(Path(there), program, self._search_path))


def program_in(folder: Path, name: str) -> Path:
    """Return where npm puts a program below the folder that it installs into."""
    return folder / "node_modules" / ".bin" / name


def _version_of(found: Path, program: EngineProgram, search_path: str) -> str:
    """Read the version in the package that a program is part of, or else ask the program."""
    for folder in found.resolve().parents:
        for package in (folder, folder / "node_modules" / program.package):
            try:
                said = json.loads((package / "package.json").read_bytes())
            except (OSError, ValueError):
                continue
            if isinstance(said, dict) and said.get("name") == program.package:
                return str(said.get("version", ""))
    return ask_version(found, search_path)


def ask_version(program: Path, search_path: str) -> str:
    """Start a program to hear its version, in a home that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-") as home:
        try:
            said = subprocess.run(
                [program, "--version"],
                cwd=home,
                env={"PATH": search_path, "HOME": home},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ANSWERS_WITHIN,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return "unknown"
    version = _VERSION.search(said.stdout.decode(errors="replace"))
    return version.group() if version else "unknown"
