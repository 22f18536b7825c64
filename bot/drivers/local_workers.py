"""What takes time in a local run: attempts and gates, with this machine's tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.adapters.run_folder import RunFolder
from bot.adapters.worktree import GitWorktrees
from bot.core import names
from bot.core.actions import RunGates
from bot.core.base import RunId
from bot.core.config import Settings
from bot.core.constraints import Rules
from bot.core.environment import built_environment
from bot.core.events import WorkstreamStarted
from bot.core.handoff import Context, Delegation, Isolation
from bot.core.mcp import Machine, McpServers, Resolved, resolve
from bot.core.redact import Redactor
from bot.core.roles import Role
from bot.core.routing import SHELL
from bot.core.state import RunState
from bot.drivers.abandoned import calls_of, most_usd
from bot.drivers.settling import Attempting
from bot.ports import Engine, Models, Processes, ToolServer
from bot.usecases.attempt import Handout, Result, Tools
from bot.usecases.brief_agent import Assignment, Briefing, before, brief
from bot.usecases.run_gates import Checked, GateKeeper
from bot.usecases.run_workstream import run_workstream


class StoppableProcesses(Processes, Protocol):
    """Processes that can all be ended at once."""

    def stop_all(self) -> None:
        """End what runs, and start nothing from now on."""
        ...


@dataclass(frozen=True)
class LocalWorkers:
    """Runs attempts in worktrees and gates in a clean checkout."""

    run: RunId
    repository: Repository
    folder: RunFolder
    worktrees: GitWorktrees
    processes: StoppableProcesses
    engines: Mapping[str, Engine]
    models: Models
    roles: Mapping[str, Role]
    rules: Rules
    clock: SystemClock
    settings: Settings
    redactor: Redactor
    gate_keeper: GateKeeper
    path: str  # PATH of everything that is started
    passed: Mapping[str, str]  # variables that settings let through
    servers: McpServers
    machine: Machine  # as those servers find it
    isolation: Isolation = Isolation.NONE  # what keeps the processes apart
    refusal: str = ""  # why nothing of others may run here

    def attempt(self, attempting: Attempting, say: Callable[[str], None]) -> Result:
        """Run one attempt at a workstream to its end."""
        tools = Tools(
            worktrees=self.worktrees,
            processes=self.processes,
            engine=self.engines[attempting.start.tier.engine],
            models=self.models,
            clock=self.clock,
            pause=self.clock.pause,
            redactor=self.redactor,
            isolation=self.isolation,
        )
        try:
            return self._run(attempting, tools, say)
        finally:
            self.folder.forget_engine(f"{attempting.start.id}.{attempting.start.attempt}")

    def _run(self, attempting: Attempting, tools: Tools, say: Callable[[str], None]) -> Result:
        deadline = self._deadline(attempting)
        if attempting.start.tier.engine == SHELL.engine:
            delegation = self._shell_delegation(attempting, deadline)
            return run_workstream(self._handout(attempting, delegation), tools, say)
        servers = self._servers(attempting)
        for why in servers.left_out:
            say(f"without an MCP server: {why}")
        briefing = self._brief(attempting, deadline, servers)
        handout = self._handout(attempting, briefing.delegation)
        handout = replace(
            handout,
            system=briefing.system,
            prompt=briefing.prompt,
            tool_servers=tuple(ToolServer(s.name, s.argv, s.env) for s in servers.given),
        )
        result = run_workstream(handout, tools, say)
        given = briefing.manifest.model_dump_json(indent=2).encode()
        return replace(result, evidence={**result.evidence, f"given/{handout.name}.json": given})

    @property
    def place(self) -> str:
        """Where hand-outs are worked on: the run's folder on this machine."""
        return self.folder.token

    def taken(self, started: WorkstreamStarted) -> Decimal | None:
        """Return what a hand-out took at most whose process was killed; None: nobody knows."""
        calls = calls_of(self.folder, started) if started.reserved_usd else None
        return None if calls is None else most_usd(calls)

    def gates(self, run_gates: RunGates, state: RunState) -> Checked:
        """Check the combined commit."""
        environment = self._environment(names.gates_folder(run_gates.iteration))
        return self.gate_keeper.check(run_gates, state, environment)

    def interrupt(self) -> None:
        """End everything that runs; what is asked from now on ends at once."""
        self.processes.stop_all()
        self.clock.wake()

    def _environment(self, name: str) -> Mapping[str, str]:
        folder = self.folder.attempt(name)
        return built_environment(
            path=self.path, home=str(folder / "home"), tmp=str(folder / "tmp"), extra=self.passed
        )

    def _handout(self, attempting: Attempting, delegation: Delegation) -> Handout:
        start = attempting.start
        workstream = attempting.state.workstreams[start.id]
        name = f"{start.id}.{start.attempt}"
        role = self.roles.get(workstream.role)
        return Handout(
            run=self.run,
            workstream=workstream,
            attempt=start.attempt,
            tier=start.tier,
            base_sha=attempting.base_sha,
            start_from=start.start_from,
            delegation=delegation,
            system="",
            prompt="",
            folder=str(self.folder.path / "attempts" / name),
            environment=self._environment(name),
            max_usd=start.reserved_usd,
            share=start.share,
            max_log_bytes=int(self.settings.agents.max_log_mb * 1e6),
            max_nudges=self.settings.agents.max_nudges,
            protected=self.settings.agents.protected,
            deny=self.rules.also(role.deny if role else ()),
            call_file=str(self.folder.calls(name)),
        )

    def _servers(self, attempting: Attempting) -> Resolved:
        start = attempting.start
        workstream = attempting.state.workstreams[start.id]
        return resolve(self.servers, workstream, start.tier.engine, self.machine)

    def _deadline(self, attempting: Attempting) -> datetime:
        workstream = attempting.state.workstreams[attempting.start.id]
        return self.clock.now() + timedelta(minutes=workstream.timeout_minutes)

    def _brief(self, attempting: Attempting, deadline: datetime, servers: Resolved) -> Briefing:
        """Gather what an agent must know; files come from the run's base, not from other agents."""
        start, state = attempting.start, attempting.state
        assert state.plan is not None, "a plan is being run"
        assert state.request is not None, "somebody asked for it"
        workstream, base = state.workstreams[start.id], state.request.base_sha
        assignment = Assignment(
            run=self.run,
            plan=state.plan,
            workstream=workstream,
            attempt=start.attempt,
            tier=start.tier,
            run_base=base,
            base_sha=attempting.base_sha,
            deadline=deadline,
            context_tokens=self.settings.agents.context_tokens,
            start_from=start.start_from,
            servers=servers.given,
        )
        return brief(
            assignment,
            before(state, workstream),
            self.roles[workstream.role],
            self.repository.paths(base),
            lambda path: self.repository.read(base, path),
        )

    def _shell_delegation(self, attempting: Attempting, deadline: datetime) -> Delegation:
        """Describe commands as what they are: no files are packed for whom nothing reads."""
        workstream = attempting.state.workstreams[attempting.start.id]
        return Delegation(
            run=self.run,
            workstream=workstream.id,
            target_agent=SHELL.engine,
            role=workstream.role,
            task_type=workstream.kind,
            context=Context(
                goal=workstream.goal,
                constraints=workstream.constraints,
                files=workstream.may_change,
            ),
            artifacts=workstream.artifacts,
            acceptance_criteria=workstream.acceptance,
            base_sha=attempting.base_sha,
            deadline=deadline,
        )
