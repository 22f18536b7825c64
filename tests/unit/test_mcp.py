"""Which MCP servers an attempt gets, and what a plan must say for one that reaches out."""

from __future__ import annotations

import pytest

from bot.core.catalog import read_data
from bot.core.mcp import (
    Machine,
    McpServer,
    McpServers,
    Resolved,
    lacking,
    resolve,
    unknown_servers,
)
from bot.core.plan import Plan, Workstream, read_plan
from bot.core.planning.adopt import refused
from bot.ports import ToolServer

SERVERS = """
version: 1
servers:
  - {name: notes, use_when: Note it., roles: [builder], command: [notes, "{worktree}"],
     env: {FILE: "{folder}/notes"}}
  - {name: hub, use_when: Look there., roles: [builder], command: [hub],
     needs: [HUB_TOKEN], reaches: change everything there}
"""
TOKEN = {"HUB_TOKEN": "t", "OTHER": "o"}
AT_HOME = "{id: a, goal: g}"
REACHING = "{id: a, goal: g, mcp: [hub], approval: true}"


def servers(text: str = SERVERS) -> McpServers:
    found = read_data(McpServers, text.encode())
    assert isinstance(found, McpServers), found
    return found


def workstream(text: str) -> Workstream:
    plan = read_plan(f"version: 1\ntask: t\nworkstreams: [{text}]\n")
    assert isinstance(plan, Plan), plan
    return plan.workstreams[0]


def resolved(
    text: str, *, here: tuple[str, ...] = ("notes", "hub"), engine: str = "claude", **passed: str
) -> Resolved:
    def find(server: McpServer) -> str | None:
        return f"/bin/{server.command[0]}" if server.name in here else None

    return resolve(servers(), workstream(text), engine, Machine(find, passed))


@pytest.mark.parametrize(
    ("text", "more", "given", "left_out"),
    [
        pytest.param(AT_HOME, TOKEN, ["notes"], [], id="one that reaches out is to be named"),
        pytest.param(REACHING, TOKEN, ["notes", "hub"], [], id="one that is named is given"),
        pytest.param(
            REACHING, {}, ["notes"], ["HUB_TOKEN"], id="a variable that nobody lets through"
        ),
        pytest.param(
            "{id: a, goal: g, role: scout}", TOKEN, [], [], id="a role that may not have it"
        ),
        pytest.param(
            "{id: a, goal: g, role: scout, mcp: [hub], approval: true}",
            TOKEN,
            [],
            ["not for the role scout"],
            id="a role that may not have what the plan names",
        ),
    ],
)
def test_an_attempt_gets(
    text: str, more: dict[str, str], given: list[str], left_out: list[str]
) -> None:
    found = resolved(text, **more)
    assert [server.name for server in found.given] == given
    assert len(found.left_out) == len(left_out)
    assert all(why in said for why, said in zip(left_out, found.left_out, strict=True))


def test_a_server_that_is_not_here_is_left_out_and_said_to_be() -> None:
    found = resolved(AT_HOME, here=("hub",))
    assert found == Resolved((), ("notes: not installed",))


def test_our_own_agent_starts_no_servers() -> None:
    found = resolved(REACHING, engine="builtin", **TOKEN)
    assert found.given == ()
    assert found.left_out == ("hub: builtin starts no servers",)


SHIPPED = SERVERS.replace(
    "roles: [builder]",
    "package: {registry: npm, name: x, version: 1.0.0, checked_on: 2026-01-01}, roles: [builder]",
)


@pytest.mark.parametrize(
    ("text", "engine", "more", "here", "expected"),
    [
        pytest.param(AT_HOME, "claude", TOKEN, (), ["notes"], id="what its role may have"),
        pytest.param(REACHING, "claude", TOKEN, ("notes",), ["hub"], id="what its plan names"),
        pytest.param(REACHING, "claude", {}, ("notes",), [], id="not without its variable"),
        pytest.param(REACHING, "builtin", TOKEN, (), [], id="not where nobody starts it"),
    ],
)
def test_a_job_gets_what_the_attempt_would_be_given(
    text: str, engine: str, more: dict[str, str], here: tuple[str, ...], expected: list[str]
) -> None:
    ours = servers(SHIPPED)
    machine = Machine(lambda server: "/bin/it" if server.name in here else None, more)
    found = lacking(ours, ours, workstream(text), engine, machine)
    assert [server.name for server in found] == expected
    assert lacking(servers(), servers(), workstream(text), engine, machine) == ()  # no package


def test_a_server_gets_no_variable_but_those_that_it_needs() -> None:
    hub = resolved(REACHING, **TOKEN).given[1]
    assert hub.env == {"HUB_TOKEN": "t"}


def test_places_are_filled_in_where_the_attempt_works() -> None:
    (notes,) = resolved(AT_HOME).given
    placed = ToolServer(notes.name, notes.argv, notes.env).placed("/w", "/f")
    assert placed == ToolServer("notes", ("/bin/notes", "/w"), {"FILE": "/f/notes"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servers: [{name: a, usewhen: x}]", "Did you mean 'use_when'?"),
        ("servers: [{name: a, use_when: x, roles: [], command: [a]}]", "roles"),
        ("servers: [{name: a, use_when: x, roles: [b], command: [../a]}]", "is a path"),
        (
            'servers: [{name: a, use_when: x, roles: [b], command: [a, "{home}"]}]',
            "unknown placeholder",
        ),
        (
            "servers: [{name: a, use_when: x, roles: [b], command: [a], package: "
            "{registry: npm, name: a, version: latest, checked_on: 2026-01-01}}]",
            "version",
        ),
        (
            "servers: [{name: a, use_when: x, roles: [b], command: [a]}, "
            "{name: a, use_when: x, roles: [b], command: [a]}]",
            "two servers are called 'a'",
        ),
    ],
    ids=["a key", "no roles", "a path", "a placeholder", "no version", "twice"],
)
def test_what_is_wrong_in_the_file_is_said(text: str, said: str) -> None:
    found = read_data(McpServers, text.encode())
    assert isinstance(found, tuple)
    assert said in " ".join(f"{problem} {problem.fix}" for problem in found)


def test_a_plan_that_reaches_out_without_asking_is_refused_with_the_way_to_mend_it() -> None:
    found = read_plan("version: 1\ntask: t\nworkstreams: [{id: a, goal: g, mcp: [hub]}]\n")
    assert isinstance(found, tuple)
    assert "hub" in found[0].message
    assert found[0].fix == "Add approval: true, or remove mcp."


def test_a_server_that_nobody_described_is_named_with_the_nearest() -> None:
    text = f"version: 1\ntask: t\nworkstreams: [{REACHING.replace('hub', 'hubb')}]\n"
    plan = read_plan(text)
    assert isinstance(plan, Plan)
    (problem,) = unknown_servers(plan, text, ["notes", "hub"])
    assert problem.path == "workstreams[0].mcp[0]"
    assert problem.fix == "Did you mean 'hub'?"


def test_a_plan_that_a_model_wrote_may_name_none() -> None:
    plan = Plan(task="t", workstreams=(workstream(REACHING),))
    assert "MCP servers" in refused(plan, ())
