"""MCP servers: which there are, who may have one and for what, and which an attempt gets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from bot.core.base import Strict
from bot.core.documents import Document, Problem, nearest, read_yaml, spell
from bot.core.plan import Line, Name, Plan, VariableName, Workstream
from bot.errors import UserError

_PLACES = ("{worktree}", "{folder}")  # the agent's own, and one beside it for this attempt
WITHOUT_MCP = frozenset({"builtin", "shell"})


class McpPackage(Strict):
    """Where a server comes from, at the version that was tried."""

    registry: Literal["npm", "pypi"]
    name: Annotated[str, Field(pattern=r"^(@[a-z0-9-]+/)?[a-z0-9][a-z0-9.-]*$")]
    version: Annotated[str, Field(pattern=r"^\d+(\.\d+){1,3}$")]
    checked_on: date
    beside: tuple[Line, ...] = ()  # what pip is asked for with it, such as mcp<2


class McpServer(Strict):
    """A program that gives an agent tools, over its standard input and output."""

    name: Name
    use_when: Line  # told to the agent
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    package: McpPackage | None = None  # none: the program is looked for on PATH
    command: Annotated[tuple[Line, ...], Field(min_length=1)]
    env: Mapping[VariableName, Line] = {}
    needs: tuple[VariableName, ...] = ()  # variables that agents.pass_env must let through
    reaches: Line | None = None  # what it may do outside of the worktree; none: nothing

    @field_validator("command")
    @classmethod
    def _is_a_name(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if "/" in command[0]:
            raise ValueError(f"{command[0]!r} is a path; give the name of a program")
        return command

    @model_validator(mode="after")
    def _known_places(self) -> Self:
        for text in (*self.command, *self.env.values()):
            left = text
            for place in _PLACES:
                left = left.replace(place, "")
            if "{" in left or "}" in left:
                raise ValueError(f"{text!r} has an unknown placeholder; there are {_PLACES}")
        return self

    @property
    def pinned(self) -> str:
        """The version that was tried, empty where it comes from no registry."""
        return self.package.version if self.package else ""

    @property
    def get_it(self) -> str:
        """Say how to get it."""
        if self.package is None:
            return f"put {self.command[0]} on PATH"
        return f"orchestrate engines install --server {self.name}"


class McpServers(Strict):
    """`agents/mcp.yaml`."""

    version: Literal[1] = 1
    servers: tuple[McpServer, ...] = ()

    @field_validator("servers")
    @classmethod
    def _named_once(cls, servers: tuple[McpServer, ...]) -> tuple[McpServer, ...]:
        names = [server.name for server in servers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two servers are called {twice!r}; give each its own name")
        return servers

    def named(self, name: str) -> McpServer:
        """Return the server of that name. Raises UserError where nobody described it."""
        if found := next((each for each in self.servers if each.name == name), None):
            return found
        raise UserError(
            f"No MCP server is called {name!r}.",
            fix=nearest(name, [each.name for each in self.servers], "There are"),
        )

    @property
    def reaching(self) -> dict[str, str]:
        """What those may do that act outside of a worktree, by name."""
        return {server.name: server.reaches for server in self.servers if server.reaches}


@dataclass(frozen=True)
class GivenServer:
    """A server that an attempt gets: how it is started, places not filled in, and what for."""

    name: str
    use_when: str
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Resolved:
    """The servers of an attempt, and why it does not get one that was meant for it."""

    given: tuple[GivenServer, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """What servers find where they are started: programs, variables that settings let through."""

    find: Callable[[McpServer], str | None]
    passed: Mapping[str, str]


def resolve(servers: McpServers, workstream: Workstream, engine: str, machine: Machine) -> Resolved:
    """Give a workstream the servers that its role may have and that are here.

    One that acts outside of the worktree is given only where the plan names it; such a workstream
    has waited for a person's yes. What is not here is told in the log, not to the agent.
    """
    if engine in WITHOUT_MCP:
        named = (f"{name}: {engine} starts no servers" for name in workstream.mcp)
        return Resolved(left_out=tuple(named))
    given: list[GivenServer] = []
    left_out: list[str] = []
    for server in servers.servers:
        if server.reaches and server.name not in workstream.mcp:
            continue
        why = _why_not(server, workstream, machine)
        if why is None:
            given.append(_given(server, machine))
        elif why:
            left_out.append(f"{server.name}: {why}")
    return Resolved(tuple(given), tuple(left_out))


def lacking(
    servers: McpServers,
    shipped: McpServers,
    workstream: Workstream,
    engine: str,
    machine: Machine,
) -> tuple[McpServer, ...]:
    """Return the servers of ours that a workstream would be given if they were here.

    A repository's own file can leave one out or give it to other roles. Under a name of ours it
    cannot have another package: that one is nobody's whom we install.
    """
    all_here = replace(machine, find=lambda server: server.command[0])
    given = {each.name for each in resolve(servers, workstream, engine, all_here).given}
    missing = {
        (each.name, each.package)
        for each in servers.servers
        if each.name in given and machine.find(each) is None
    }
    return tuple(
        each for each in shipped.servers if each.package and (each.name, each.package) in missing
    )


def _why_not(server: McpServer, workstream: Workstream, machine: Machine) -> str | None:
    """Say why it is not given; empty: for a reason that nobody needs to hear."""
    if workstream.role not in server.roles:
        wanted = server.name in workstream.mcp
        return f"not for the role {workstream.role}" if wanted else ""
    if missing := [name for name in server.needs if name not in machine.passed]:
        return f"{missing[0]} is not among agents.pass_env, or not set"
    if machine.find(server) is None:
        return "not installed"
    return None


def _given(server: McpServer, machine: Machine) -> GivenServer:
    passed = {name: machine.passed[name] for name in server.needs}
    program = machine.find(server) or server.command[0]
    argv = (program, *server.command[1:])
    return GivenServer(server.name, server.use_when, argv, {**passed, **server.env})


def unknown_servers(plan: Plan, data: bytes | str, known: Collection[str]) -> tuple[Problem, ...]:
    """Name the servers that a plan, read from `data`, asks for and nobody described."""
    document = read_yaml(data)
    found = []
    for at, workstream in enumerate(plan.workstreams):
        for nth, name in enumerate(workstream.mcp):
            if name in known:
                continue
            fix = nearest(name, sorted(known), "MCP servers")
            loc = ("workstreams", at, "mcp", nth)
            line = document.line_of(loc) if isinstance(document, Document) else None
            found.append(Problem(f"no MCP server is called {name!r}", fix, spell(loc), line))
    return tuple(found)


def unknown_roles(servers: McpServers, known: Collection[str]) -> tuple[Problem, ...]:
    """Name the roles of servers that nobody wrote."""
    return tuple(
        Problem(
            f"no role is called {role!r}",
            nearest(role, sorted(known), "Roles"),
            f"servers[{at}].roles[{nth}]",
        )
        for at, server in enumerate(servers.servers)
        for nth, role in enumerate(server.roles)
        if role not in known
    )
