"""Whose `agents/mcp.yaml` is read, and which servers of it are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.mcp_servers import ServerFinder
from bot.adapters.package_data import data_file
from bot.adapters.steering_files import load_servers
from bot.core.catalog import read_data
from bot.core.mcp import McpServer, McpServers
from bot.core.names import ALWAYS_PROTECTED
from bot.core.patterns import owns
from bot.errors import PlanRejected, UserError
from bot.wiring.store import open_repository
from tests.support.repos import make_repo

OWN = """
version: 1
servers:
  - {name: own, use_when: Always., roles: [builder], command: [own-server]}
"""


def shipped() -> McpServers:
    found = read_data(McpServers, data_file("agents", "mcp.yaml").read_bytes())
    assert isinstance(found, McpServers), found
    return found


def named(servers: McpServers) -> list[str]:
    return [server.name for server in servers.servers]


def test_the_seven_that_ship_are_there_and_their_roles_are_known(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "r", {"a.txt": "a"})
    found = load_servers(open_repository(str(repo.path)))
    assert set(named(found)) == {
        *("memory", "redis", "bmad", "git", "github", "fetch", "filesystem")
    }
    assert set(found.reaching) == {"fetch", "redis", "github"}


def test_what_agents_wrote_on_their_branch_is_not_read_before_it_is_merged(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "r", {"a.txt": "a"})
    main = repo.git("symbolic-ref", "--short", "HEAD").strip()
    repo.git("checkout", "-qb", "orchestrate/1/combined")
    repo.write("agents/mcp.yaml", OWN)
    repo.commit("Give us another server")
    repo.git("checkout", "-q", main)
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    for place in (repo.path, tmp_path / "bare"):
        assert "own" not in named(load_servers(open_repository(str(place))))
    repo.git("merge", "-q", "orchestrate/1/combined")
    assert named(load_servers(open_repository(str(repo.path)))) == ["own"]
    assert owns(ALWAYS_PROTECTED, "agents/mcp.yaml")


def test_a_role_that_nobody_wrote_is_named_with_the_nearest(tmp_path: Path) -> None:
    own = OWN.replace("builder", "bilder")
    repo = make_repo(tmp_path / "r", {"agents/mcp.yaml": own})
    with pytest.raises(PlanRejected, match="Did you mean 'builder'"):
        load_servers(open_repository(str(repo.path)))


def server(name: str) -> McpServer:
    return next(server for server in shipped().servers if server.name == name)


def program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_a_server_of_ours_comes_before_one_on_path_and_only_if_it_is_whole(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin", "mcp-server-git")
    find = ServerFinder(tmp_path / "engines", str(tmp_path / "bin"))
    place = tmp_path / "engines" / "mcp" / "git" / server("git").package.version  # type: ignore[union-attr]
    ours = program(place / "bin", "mcp-server-git")
    assert find(server("git")) == str(on_path)
    (place / ".whole").touch()
    assert find(server("git")) == str(ours)
    assert find(server("memory")) is None


def test_a_program_that_lies_in_the_repository_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "github-mcp-server")
    monkeypatch.chdir(tmp_path)
    assert ServerFinder(tmp_path / "engines", ".:")(server("github")) is None


def test_a_server_without_a_package_is_not_installed_but_said_how_to_get(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        ServerFinder(tmp_path, "").install(server("github"), {})
    assert raised.value.fix == "Put github-mcp-server on PATH."
