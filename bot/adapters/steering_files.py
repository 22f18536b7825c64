"""The files that steer us: settings, ladder, roles and templates, as their owner has them now.

A repository's own `agents/` files take the place of those that ship with the package.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.adapters.git import Repository
from bot.adapters.package_data import data_file
from bot.core import names
from bot.core.catalog import Catalog, Read, Routing, read_data
from bot.core.config import Settings, read_settings
from bot.core.constraints import Rules, unknown_roles
from bot.core.documents import Problem
from bot.core.mcp import McpServers
from bot.core.mcp import unknown_roles as unknown_server_roles
from bot.core.planning.templates import PlanTemplate, read_template
from bot.core.roles import Role, read_role
from bot.errors import PlanRejected


def load_settings(repository: Repository) -> Settings:
    """Read the settings as they lie in the work tree, or in the last commit of a bare one."""
    data = _own(repository, names.SETTINGS_FILE)
    settings = read_settings(data) if data is not None else Settings()
    if isinstance(settings, Settings):
        return settings
    raise rejected(names.SETTINGS_FILE, settings)


def load_catalog(repository: Repository) -> Catalog:
    """Read the ladder's tiers."""
    return _load_data(repository, Catalog, "catalog.yaml")


def load_routing(repository: Repository) -> Routing:
    """Read which tiers a kind of work asks for first."""
    return _load_data(repository, Routing, "routing.yaml")


def load_rules(repository: Repository) -> Rules:
    """Read the deny rules: the repository's own take the place of all that ship."""
    rules = _load_data(repository, Rules, "constraints.yaml")
    if problems := unknown_roles(rules, tuple(load_roles(repository))):
        raise rejected("agents/constraints.yaml", problems)
    return rules


def load_servers(repository: Repository) -> McpServers:
    """Read the MCP servers: the repository's own take the place of all that ship."""
    servers = _load_data(repository, McpServers, "mcp.yaml")
    if problems := unknown_server_roles(servers, tuple(load_roles(repository))):
        raise rejected("agents/mcp.yaml", problems)
    return servers


def load_shipped(model: type[Read], name: str) -> Read:
    """Read one of the package's `agents/` files, whatever a repository has under that name."""
    return _read_data(model, name, data_file("agents", name).read_bytes())


def _load_data(repository: Repository, model: type[Read], name: str) -> Read:
    own = _own(repository, f"agents/{name}")
    return _read_data(model, name, own) if own else load_shipped(model, name)


def _read_data(model: type[Read], name: str, data: bytes) -> Read:
    found = read_data(model, data)
    if isinstance(found, tuple):
        raise rejected(f"agents/{name}", found)
    return found


def load_roles(repository: Repository) -> dict[str, Role]:
    """Return the roles by name: the package's, and the repository's own in their place."""
    shipped = sorted(data_file("agents", "roles").glob("*.md"))
    files = [(file.name, file.read_bytes()) for file in shipped]
    for path in _own_roles(repository):
        data = _own(repository, path)
        files += [(path.rpartition("/")[2], data)] if data is not None else []
    found: dict[str, Role] = {}
    for name, data in files:
        role = read_role(data)
        if not isinstance(role, Role):
            raise rejected(f"agents/roles/{name}", role)
        found[role.name] = role
    return found


def _own_roles(repository: Repository) -> list[str]:
    if repository.bare:
        listed = repository.paths("HEAD") if repository.resolve("HEAD") else ()
    else:
        folder = Path(repository.path) / "agents" / "roles"
        listed = tuple(f"agents/roles/{file.name}" for file in folder.glob("*.md"))
    return sorted(p for p in listed if p.startswith("agents/roles/") and p.endswith(".md"))


def load_templates() -> list[PlanTemplate]:
    """Read the plan templates that ship with the package."""
    found = []
    for file in sorted(data_file("agents", "plans").glob("*.yaml")):
        template = read_template(file.read_bytes())
        if not isinstance(template, PlanTemplate):
            raise rejected(f"agents/plans/{file.name}", template)
        found.append(template)
    return found


def rejected(name: str, problems: Iterable[Problem]) -> PlanRejected:
    """Make one error of everything that is wrong in a file."""
    lines = [f"  {problem}.{' ' + problem.fix if problem.fix else ''}" for problem in problems]
    many = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return PlanRejected("\n".join([f"{name} has {many}:", *lines]))


def own_file(repository: Repository, path: str) -> bytes | Problem | None:
    """Read a file that steers us, as its owner has it now; None where there is none."""
    if repository.bare:
        return repository.read("HEAD", path)
    file = Path(repository.path) / path
    try:
        return file.read_bytes() if file.is_file() else None
    except OSError as error:
        return Problem(f"cannot be read: {error.strerror}", "Make it readable.")


def _own(repository: Repository, path: str) -> bytes | None:
    data = own_file(repository, path)
    if isinstance(data, Problem):
        raise rejected(path, [data])
    return data
