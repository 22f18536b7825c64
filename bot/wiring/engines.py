"""Agent programs on this machine, and those that jobs on others will have."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from bot.adapters.engines.finding import Finder
from bot.adapters.engines.installing import install
from bot.adapters.engines.program import Installed
from bot.adapters.mcp_servers import ServerFinder
from bot.adapters.steering_files import load_shipped
from bot.core.engine_programs import (
    EngineHere,
    EngineProgram,
    EnginePrograms,
    ServerHere,
    engines_here,
)
from bot.core.mcp import McpServer, McpServers

Find = Callable[[str], Installed | None]


@lru_cache(maxsize=1)
def engine_programs() -> EnginePrograms:
    """Read which version of each was tried. It ships: a repository's own would name any package."""
    return load_shipped(EnginePrograms, "engines.yaml")


def engines_folder(environment: Mapping[str, str]) -> Path:
    """Return where `orchestrate engines install` puts programs, in folders NAME/VERSION."""
    if own := environment.get("ORCHESTRATE_ENGINES"):
        return Path(own).absolute()
    home = Path(environment.get("HOME") or Path.home())
    cache = environment.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(cache) / "orchestrate" / "engines"


def find_here(environment: Mapping[str, str]) -> Finder:
    """Look for programs on this machine."""
    search_path = environment.get("PATH", os.defpath)
    return Finder(engine_programs(), engines_folder(environment), search_path)


def find_elsewhere(name: str) -> Installed | None:
    """Take every known program for there: the job that needs one installs it."""
    program = engine_programs().get(name)
    return Installed((name,), program.version) if program else None


def engines_on(environment: Mapping[str, str]) -> tuple[EngineHere, ...]:
    """Compare what is on this machine with what was tried."""
    find = find_here(environment)

    def version_and_place(name: str) -> tuple[str, str] | None:
        found = find(name)
        return (found.version, found.argv[0]) if found else None

    return engines_here(engine_programs(), version_and_place)


def find_servers(environment: Mapping[str, str]) -> ServerFinder:
    """Look for MCP servers on this machine."""
    return ServerFinder(engines_folder(environment), environment.get("PATH", os.defpath))


@lru_cache(maxsize=1)
def known_servers() -> McpServers:
    """Read the MCP servers that ship: a repository's own would have any package installed."""
    return load_shipped(McpServers, "mcp.yaml")


def servers_on(environment: Mapping[str, str]) -> tuple[ServerHere, ...]:
    """Say of each MCP server that ships whether it is on this machine."""
    find = find_servers(environment)
    here = ((server, find(server) or "") for server in known_servers().servers)
    return tuple(
        ServerHere(name=server.name, program=place, get_it="" if place else server.get_it)
        for server, place in here
    )


def install_server(server: McpServer, environment: Mapping[str, str]) -> Path:
    """Install an MCP server where it is looked for first, and return where it is."""
    return find_servers(environment).install(server, environment)


def install_engine(program: EngineProgram, environment: Mapping[str, str]) -> Path:
    """Install a program where it is looked for first, and return where it is."""
    return install(program, engines_folder(environment), environment)
