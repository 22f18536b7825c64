"""Makes what an agent is handed: delegation, prompts, and a record of what it was given to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.base import Moment, RunId, Sha
from bot.core.context import Manifest, Packed, estimated_tokens, manifest, pack, shortened
from bot.core.context_sources import ReadBase, gather, shared_context
from bot.core.handoff import Completion, Context, Delegation, TodoItem, Upstream
from bot.core.mcp import GivenServer
from bot.core.plan import Plan, Workstream
from bot.core.roles import Role
from bot.core.routing import Tier
from bot.core.state import RunState
from bot.render.prompt import Story, agent_prompt, system_prompt

PROMPT_SHARE = 3  # the first prompt takes at most a third of what a model can read
MOST_ERRORS = 3
LONGEST_ERROR = 1_500
LONGEST_ANSWER = 8_000
LONGEST_ITEM = 400


@dataclass(frozen=True)
class Assignment:
    """One attempt that is about to be handed out."""

    run: RunId
    plan: Plan
    workstream: Workstream
    attempt: int
    tier: Tier
    run_base: Sha  # before anything had landed
    base_sha: Sha
    deadline: Moment
    context_tokens: int  # at most, of files given along with the task
    start_from: Sha | None = None  # an earlier attempt's work, to go on from
    servers: tuple[GivenServer, ...] = ()


@dataclass(frozen=True)
class Before:
    """What happened before it, oldest first."""

    upstream: tuple[Completion, ...] = ()  # of the workstreams that it needs
    errors: tuple[str, ...] = ()  # of its earlier attempts
    answer: str = ""  # a person's, to its questions


def before(state: RunState, workstream: Workstream) -> Before:
    """Read from the run what an agent should know of what happened before it."""
    track = state.track(workstream.id)
    last_tries = (state.track(need).last for need in workstream.waits_for)
    return Before(
        upstream=tuple(try_.completion for try_ in last_tries if try_ and try_.completion),
        errors=tuple(
            f"Attempt {try_.number}: {try_.completion.error or try_.completion.status.value}"
            for try_ in track.attempts
            if try_.completion
        ),
        answer=track.retried.answer if track.retried else "",
    )


@dataclass(frozen=True)
class Briefing:
    """What an agent is handed, and what of the repository that holds."""

    delegation: Delegation
    system: str
    prompt: str
    manifest: Manifest


def brief(
    assignment: Assignment,
    earlier: Before,
    role: Role,
    paths: Sequence[str],
    read: ReadBase,
) -> Briefing:
    """Brief an agent. `paths` are all files of the run's base commit, `read` gives one of them.

    The base is the run's own: what another workstream wrote must not become a guide.
    """
    delegation = _delegation(assignment, earlier, role)
    story = Story(
        attempt=assignment.attempt,
        goes_on=assignment.start_from is not None,
        errors=tuple(shortened(e, LONGEST_ERROR) for e in earlier.errors[-MOST_ERRORS:]),
        answer=shortened(earlier.answer, LONGEST_ANSWER),
        run_base=assignment.run_base if assignment.run_base != assignment.base_sha else None,
        servers=assignment.servers,
    )
    system = system_prompt(role.prompt, role.deny)
    gathered = gather(assignment.workstream, paths, read)
    without = agent_prompt(delegation, Packed(left_out=gathered.left_out), story)
    room = assignment.tier.context_tokens // PROMPT_SHARE
    room -= estimated_tokens(system) + estimated_tokens(without)
    packed = pack(gathered.sources, max(0, min(room, assignment.context_tokens)))
    packed = replace(packed, left_out=gathered.left_out + packed.left_out)
    prompt = agent_prompt(delegation, packed, story)
    return Briefing(delegation, system, prompt, manifest(packed))


def _delegation(assignment: Assignment, earlier: Before, role: Role) -> Delegation:
    workstream = assignment.workstream
    upstream = tuple(
        Upstream(workstream=c.workstream, outputs=c.outputs, next_steps=c.next_steps)
        for c in earlier.upstream
    )
    return Delegation(
        run=assignment.run,
        workstream=workstream.id,
        target_agent=assignment.tier.engine,
        role=role.name,
        task_type=workstream.kind,
        context=Context(
            goal=workstream.goal,
            constraints=workstream.constraints,
            files=workstream.may_change,
            shared=shared_context(assignment.plan, workstream, upstream),
            upstream=upstream,
        ),
        artifacts=workstream.artifacts,
        acceptance_criteria=workstream.acceptance,
        todo=todo_for(workstream),
        base_sha=assignment.base_sha,
        deadline=assignment.deadline,
        budget_usd=workstream.budget_usd,
    )


def todo_for(workstream: Workstream) -> tuple[TodoItem, ...]:
    """List what the agent can tick: the goal, then each acceptance criterion, from 1."""
    wanted = [
        f"Reach the goal: {workstream.goal}",
        *(f"Make this exit with 0: {c.run}" if c.run else str(c) for c in workstream.acceptance),
    ]
    return tuple(
        TodoItem(id=n, text=shortened(" ".join(text.split()), LONGEST_ITEM))
        for n, text in enumerate(wanted, 1)
    )
