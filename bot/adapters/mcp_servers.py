"""MCP servers on this machine: where they are, and installing one at the version that was tried."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from bot.adapters.engines.installing import only_one, run_apart
from bot.core.mcp import McpPackage, McpServer
from bot.errors import Unavailable, UserError

_WHOLE = ".whole"  # a venv cannot be made in one place and moved to another: this comes last


class ServerFinder:
    """Knows where the programs of servers are: those that we installed, then those on PATH."""

    def __init__(self, folder: Path, search_path: str) -> None:
        self._folder = folder
        places = (place for place in search_path.split(os.pathsep) if Path(place).is_absolute())
        self._search_path = os.pathsep.join(places)

    def __call__(self, server: McpServer) -> str | None:
        """Return the program of a server, None where it is not here."""
        if server.package and (self.place(server) / _WHOLE).exists():
            return str(self._program(server, server.package))
        return shutil.which(server.command[0], path=self._search_path)

    def place(self, server: McpServer) -> Path:
        """Return the folder that a server which comes from a registry is installed into."""
        return self._folder / "mcp" / server.name / server.pinned

    def install(self, server: McpServer, environment: Mapping[str, str]) -> Path:
        """Install a server for this bot alone; one that is there whole is kept.

        Raises UserError for one without a package, Unavailable where it could not be had.
        """
        package = server.package
        if package is None:
            raise UserError(
                f"{server.name} comes from no registry that we install from.",
                fix=f"Put {server.command[0]} on PATH.",
            )
        place = self.place(server)
        with only_one(place.parent):
            if not (place / _WHOLE).exists():
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                for argv in _steps(package):
                    finished = run_apart(place, argv, environment)
                    if finished.exit_code != 0:
                        words = finished.output.strip().splitlines() or ["it printed nothing"]
                        raise Unavailable(
                            f"{package.name} {package.version} could not be installed: "
                            f"{finished.stopped_because or words[-1][:300]}",
                            fix="See whether the registry answers, then run the command again.",
                        )
                (place / _WHOLE).touch()
        return self._program(server, package)

    def _program(self, server: McpServer, package: McpPackage) -> Path:
        programs = "node_modules/.bin" if package.registry == "npm" else "bin"
        return self.place(server) / programs / server.command[0]


def _steps(package: McpPackage) -> tuple[tuple[str, ...], ...]:
    """Run nobody's scripts while installing: of Python packages only built ones are taken."""
    if package.registry == "npm":
        until = package.checked_on + timedelta(days=1)
        options = ("--location=project", "--prefix=.", "--no-save", "--ignore-scripts")
        quiet = ("--no-audit", "--no-fund", f"--before={until}")
        return (("npm", "install", *options, *quiet, f"{package.name}@{package.version}"),)
    pip = ("bin/python", "-m", "pip", "install", "--quiet", "--only-binary=:all:")
    return (
        (sys.executable, "-m", "venv", "."),
        (*pip, f"{package.name}=={package.version}", *package.beside),
    )
