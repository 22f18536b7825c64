"""What a job did, for people who open its page under Actions."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.base import RunId
from bot.core.events import Event
from bot.core.gates import GateResult
from bot.core.github.defuse import inline
from bot.core.github.links import Links
from bot.core.github.presence import Presence
from bot.core.handoff import Completion, CompletionStatus
from bot.core.metrics import tiers_of
from bot.core.state import RunState
from bot.render.github.headline import headline
from bot.render.github.markdown import GATE_SYMBOLS, bullets, code, link, paragraphs, quoted, table
from bot.render.github.sections import changed
from bot.render.log import tell
from bot.render.words import count, elapsed, engine_name, measured, words

MAX_EVENTS = 200  # a page has room for 1 MiB


def recorded_summary(
    run: RunId, state: RunState, new: Sequence[Event], presence: Presence, links: Links
) -> str:
    """Tell what a job that may write has recorded, and where the run now stands."""
    tiers = tiers_of(state.policy.ladder)
    told = [tell(event, tiers) for event in new]
    lines = [f"{inline(one.about, 80)}: {inline(str(one), 600)}" for one in told]
    return paragraphs(
        f"### Run {run} of {link(f'#{presence.issue}', links.issue(presence.issue))}",
        headline(run, state, presence),
        "Recorded by this job:" if lines else "This job recorded nothing: all was done already.",
        bullets(lines, MAX_EVENTS),
    )


def agent_summary(done: Completion) -> str:
    """Tell how an attempt went: what was measured, then the agent's words."""
    rows = (
        ("Engine", inline(engine_name(done.engine, done.tier), 80)),
        ("Model", inline(done.model_returned or done.model_requested or "", 80)),
        ("Time", elapsed(done.started_at, done.finished_at)),
        ("Change", changed(done.files_changed, done.insertions, done.deletions)),
        ("Requests", f"{done.usage.requests:,}"),
        ("Tokens", f"{done.usage.input_tokens:,} in, {done.usage.output_tokens:,} out"),
    )
    checks = [
        (
            code(v.criterion, 200),
            _verdict(v.passed),
            "" if v.exit_code is None else str(v.exit_code),
        )
        for v in done.verification
    ]
    refused = [(code(one.command, 300), inline(one.rule, 80)) for one in done.denied]
    succeeded = done.status is CompletionStatus.SUCCESS
    reason = "\n".join(done.questions) or done.error or ("" if succeeded else done.next_steps)
    said = "\n".join([*done.outputs, done.verification_result])
    return paragraphs(
        f"### {done.workstream}, attempt {done.attempt}: {words(done.status.value)}",
        quoted(reason, 2_000) if reason else "",
        table(("", ""), (row for row in rows if row[1])),
        table(("Criterion", "Result", "Exit code"), checks) if checks else "",
        table(("Command that was refused", "Rule"), refused) if refused else "",
        "The agent's own words:" if said.strip() else "",
        quoted(said, 4_000) if said.strip() else "",
    )


def _verdict(passed: bool | None) -> str:
    return {True: "passed ✅", False: "failed ❌", None: "not run by us"}[passed]


def gates_summary(results: Sequence[GateResult]) -> str:
    """Tell what the gates said of a commit."""
    rows = [
        (
            result.name.value,
            f"{words(result.status)} {GATE_SYMBOLS[result.status]}",
            *measured(result),
            count(len(result.findings), "finding"),
            inline(result.because, 300),
        )
        for result in results
    ]
    return paragraphs(
        "### Gates", table(("Gate", "Result", "Value", "Needed", "Findings", "Why"), rows)
    )


def nothing_summary(because: str) -> str:
    """Say why a job had nothing to do: a skipped event is no error."""
    return paragraphs("### Nothing to do", inline(because, 1_000))
