"""What a job of an agent on GitHub gets before it starts: its agent program and MCP servers."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from bot.adapters.git import Repository
from bot.adapters.steering_files import load_servers, load_settings
from bot.core.engine_programs import EngineProgram
from bot.core.mcp import Machine, McpServer, lacking
from bot.core.plan import Workstream
from bot.wiring.engines import engines_folder, find_servers, known_servers
from bot.wiring.environment import passed_variables


def servers_to_get(
    repository: Repository,
    workstream: Workstream,
    program: EngineProgram,
    environment: Mapping[str, str],
) -> tuple[McpServer, ...]:
    """Return the servers that an attempt is to be given and that are not here."""
    passed = passed_variables(load_settings(repository), environment)
    machine = Machine(find_servers(environment), passed)
    return lacking(load_servers(repository), known_servers(), workstream, program.name, machine)


def to_get(
    program: EngineProgram, environment: Mapping[str, str], servers: tuple[McpServer, ...] = ()
) -> dict[str, str]:
    """Say it as `engines install` is told it, and say which folders are kept under which key."""
    find = find_servers(environment)
    folders = (
        engines_folder(environment) / program.name / program.version,
        *map(find.place, servers),
    )
    versions = [f"{each.name}-{each.pinned}" for each in servers]
    # A server's venv is a link to the Python that made it.
    python = f"python-{platform.python_version()}"
    return {
        "wanted": " ".join([program.name, *(f"--server={each.name}" for each in servers)]),
        "folders": "\n".join(map(str, folders)),
        "key": "-".join([program.name, program.version, *versions, python]),
    }
