"""What the job of an attempt on GitHub installs, whatever the repository's own file says."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from bot.core.plan import Plan, read_plan
from bot.wiring.engines import engine_programs, known_servers
from bot.wiring.getting import servers_to_get, to_get
from bot.wiring.store import open_repository
from tests.support.repos import make_repo

ALONE = "{id: a, goal: g}"
REACHING = "{id: a, goal: g, mcp: [fetch, redis, github], approval: true}"
CODEX = engine_programs().named("codex")


def wanted(folder: Path, own: str | None = None, workstream: str = ALONE) -> dict[str, str]:
    """Ask for a workstream on codex, in a repository as it is cloned in a job."""
    files = {"a.txt": "a"} | ({"agents/mcp.yaml": own} if own else {})
    repo = make_repo(folder / "r", files)
    repo.git("clone", "-q", "--bare", ".", str(folder / "bare"))
    plan = read_plan(f"version: 1\ntask: t\nworkstreams: [{workstream}]\n")
    assert isinstance(plan, Plan), plan
    environment = {"ORCHESTRATE_ENGINES": f"{folder}/engines", "PATH": f"{folder}/bin"}
    here = open_repository(str(folder / "bare"))
    servers = servers_to_get(here, plan.workstreams[0], CODEX, environment)
    return to_get(CODEX, environment, servers)


def pinned(name: str) -> str:
    return known_servers().named(name).pinned


def test_servers_of_its_role_are_installed_with_the_program_and_kept_with_it(
    tmp_path: Path,
) -> None:
    """Those that reach out are not: nobody named them in the plan and said yes."""
    memory, git = pinned("memory"), pinned("git")
    assert wanted(tmp_path) == {
        "wanted": "codex --server=memory --server=git",
        "key": f"codex-{CODEX.version}-memory-{memory}-git-{git}"
        f"-python-{platform.python_version()}",
        "folders": "\n".join(
            f"{tmp_path}/engines/{place}"
            for place in (f"codex/{CODEX.version}", f"mcp/memory/{memory}", f"mcp/git/{git}")
        ),
    }


def test_of_those_that_reach_out_the_ones_that_a_plan_names_and_that_have_their_variables(
    tmp_path: Path,
) -> None:
    said = wanted(tmp_path, workstream=REACHING)
    assert said["wanted"] == "codex --server=memory --server=git --server=fetch"


def test_a_server_that_is_on_path_is_not_installed_as_well(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "mcp-server-git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert wanted(tmp_path)["wanted"] == "codex --server=memory"


def described(name: str, package: str, *, more: str = "", role: str = "builder") -> str:
    """Write a repository's own file with one server in it, at the version of our `git`."""
    return f"""
version: 1
servers:
  - name: {name}
    use_when: Always.
    roles: [{role}]
    command: [run-me]
    package:
      {{registry: pypi, name: {package}, version: {pinned("git")}, checked_on: 2026-11-21{more}}}
"""


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(described("own", "evil"), id="a server that is not ours"),
        pytest.param(described("git", "evil"), id="another package under a name of ours"),
        pytest.param(
            described("git", "mcp-server-git", more=", beside: [evil]"), id="another one beside it"
        ),
        pytest.param(described("memory", "mcp-server-git"), id="ours under another name of ours"),
    ],
)
def test_a_repository_has_no_package_installed_that_does_not_ship(own: str, tmp_path: Path) -> None:
    assert wanted(tmp_path, own)["wanted"] == "codex"


@pytest.mark.parametrize(("role", "more"), [("builder", " --server=git"), ("scout", "")])
def test_a_repository_may_give_ours_to_other_roles(role: str, more: str, tmp_path: Path) -> None:
    own = described("git", "mcp-server-git", role=role)
    assert wanted(tmp_path, own)["wanted"] == f"codex{more}"
