"""What keeps agents and tests apart from us on this machine: found by trying it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from bot.adapters.git import Repository
from bot.adapters.other_user import OtherUser, OtherUserProcesses, why_not_apart
from bot.adapters.processes import LocalProcesses
from bot.adapters.run_folder import RunFolder
from bot.adapters.sandbox.bounds import bounds
from bot.adapters.sandbox.probe import (
    find_bwrap,
    may_close_user_namespaces,
    what_mends_it,
    why_it_gives_way,
)
from bot.adapters.sandbox.processes import SandboxProcesses, Walls, ourselves
from bot.adapters.sandbox.registries import Registries
from bot.adapters.sandbox.view import View, lenders, open_to_all, our_own, tools_on
from bot.core.config import AgentSettings
from bot.core.environment import built_environment
from bot.core.handoff import Isolation
from bot.drivers.local_workers import StoppableProcesses
from bot.wiring.engines import engines_folder
from bot.wiring.environment import search_path, toolchains

_COMMAND_FILES = (
    *("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"),
    "GITHUB_EVENT_PATH",
)


@dataclass(frozen=True)
class Apart:
    """What starts processes, and how far it keeps them from us; `because` says why not further."""

    processes: StoppableProcesses
    isolation: Isolation = Isolation.NONE
    because: str = ""
    fix: str = ""
    refusal: str = ""  # what settings insist on and this machine cannot do: nothing may run


@dataclass(frozen=True)
class Grounds:
    """Where commands are to run."""

    objects: Path | None  # of the repository's store
    folder: Path  # of the run
    environment: Mapping[str, str]

    @property
    def probing(self) -> dict[str, str]:
        """The environment of a command that tries its walls."""
        home = str(self.folder / "attempts" / "probe")
        return built_environment(path=search_path(self.environment), home=home, tmp=home, extra={})


def kept_apart(
    user: str,
    repository: Repository,
    folder: RunFolder,
    environment: Mapping[str, str],
    agents: AgentSettings,
) -> Apart:
    """Run what is not ours in a sandbox, and as another user where there is one, as far as holds.

    Only what was found to hold is said.
    """
    objects = Path(repository.common_dir) / "objects"
    grounds = Grounds(objects, folder.path, environment)
    apart = _as_another_user(user, grounds) if user else Apart(LocalProcesses())
    if agents.sandbox == "off":
        return replace(apart, because=apart.because or "agents.sandbox is off")
    boxed = _sandboxed(apart, grounds, agents)
    if boxed.isolation is Isolation.SANDBOX or agents.sandbox == "auto":
        return boxed
    refusal = f"agents.sandbox is required, and there is none here: {boxed.because}"
    return replace(boxed, refusal=refusal)


@lru_cache(maxsize=1)
def sandbox_here(agents: AgentSettings) -> Apart:
    """Try a sandbox somewhere on this machine, before there is a run."""
    if agents.sandbox == "off":
        return Apart(LocalProcesses(), because="agents.sandbox is off")
    with tempfile.TemporaryDirectory(prefix="orchestrate-") as name:
        grounds = Grounds(None, Path(name) / "run", os.environ)
        return _sandboxed(Apart(LocalProcesses()), grounds, agents)


def _as_another_user(user: str, grounds: Grounds) -> Apart:
    processes = OtherUserProcesses(OtherUser.named(user), grounds.folder)
    guarded = [grounds.environment[name] for name in _COMMAND_FILES if name in grounds.environment]
    why_not = why_not_apart(
        processes,
        grounds.folder,
        readable=[str(grounds.objects)] if grounds.objects else [],
        guarded=[path for path in guarded if Path(path).exists()],
        environment=grounds.probing,
    )
    if why_not:
        return Apart(LocalProcesses(), because=why_not)
    return Apart(processes, Isolation.USER)


def _sandboxed(apart: Apart, grounds: Grounds, agents: AgentSettings) -> Apart:
    """Put a sandbox around what runs; where none holds, say why, and what would mend it."""
    bwrap = find_bwrap(search_path(grounds.environment))
    fix = what_mends_it(bwrap is not None)
    if bwrap is None:
        return replace(apart, because="bubblewrap is not installed", fix=fix)
    walls = _walls(bwrap, apart.processes, grounds, agents)
    processes = SandboxProcesses(apart.processes, grounds.folder, walls)
    why = why_it_gives_way(processes, grounds.folder, grounds.probing)
    if why:
        return replace(apart, because=why, fix=fix)
    return Apart(processes, Isolation.SANDBOX)


def _walls(bwrap: str, inner: StoppableProcesses, grounds: Grounds, agents: AgentSettings) -> Walls:
    environment = grounds.environment
    readable = (
        *our_own(),
        *tools_on(search_path(environment)),
        *map(Path, toolchains(environment).values()),
        engines_folder(environment),
        *(lenders(grounds.objects) if grounds.objects else ()),
    )
    uid, gid = ourselves()
    if isinstance(inner, OtherUserProcesses):
        uid, gid = inner.user.uid, inner.user.gid
        readable = tuple(open_to_all(readable))
    home = Path(environment.get("HOME") or Path.home())
    return Walls(
        bwrap=bwrap,
        may_close_user_namespaces=may_close_user_namespaces(bwrap),
        view=View(readable, hidden=(home, grounds.folder.parent)),
        bounds=bounds(agents.max_memory_mb, agents.max_processes),
        registries=Registries(agents.registries),
        uid=uid,
        gid=gid,
    )
