"""The builtin engine: our own small agent, a process that reaches its model by a door of ours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from bot.adapters.engines.builtin.job import BuiltinJob, Endpoint, Limits
from bot.adapters.engines.builtin.session import read_usage
from bot.adapters.engines.builtin.signals import (
    Ended,
    Say,
    TodoState,
    ToolUsed,
    read_signal,
)
from bot.adapters.engines.denials import noted
from bot.core.denials import NOTES_FILE, Denial
from bot.core.ledger import Billing
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Tier
from bot.ports import Command, EngineJob, EngineOutcome, Finished, ModelCall

MAX_REQUESTS = 200  # of one go; a todo list that needs more is no list for one agent
MAX_INPUT_TOKENS = 10_000_000
MAX_OUTPUT_TOKENS = 1_000_000


class BuiltinEngine:
    """Any OpenAI-compatible endpoint, driven by `bot.adapters.engines.builtin`."""

    def __init__(self, key: Callable[[str], str | None]) -> None:
        self._key = key

    def missing(self, tier: Tier) -> str:
        """Say what a tier lacks: an address, a model, its protocol, or the key's variable."""
        if not tier.base_url or not tier.model:
            return "no endpoint: set ORCHESTRATE_BASE_URL and ORCHESTRATE_MODEL"
        if tier.protocol not in {None, "chat"}:
            return f"builtin does not speak {tier.protocol}: it speaks chat"
        if tier.key_env and not self._key(tier.key_env):
            return f"no key: set {tier.key_env}"
        return ""

    def command(self, job: EngineJob) -> Command:
        """Start the agent where nothing of the worktree can be imported into it."""
        return Command(
            argv=(sys.executable, "-I", "-m", "bot.adapters.engines.builtin"),
            cwd=job.folder,
            env={"PATH": job.environment.get("PATH", ""), "LANG": "C.UTF-8"},
            timeout_seconds=job.seconds + 5,  # it keeps its own time; this ends it if it does not
            stdin=self._job(job).as_stdin(),
            log=job.log,
            max_log_bytes=job.max_log_bytes,
        )

    def progress(self, line: str) -> str | None:
        """Show what the agent says and which tool it uses."""
        match read_signal(line):
            case Say(text=text):
                return text
            case ToolUsed(summary=summary):  # it begins with the tool's name
                return summary
            case TodoState(items=items):
                return f"todo: {sum(item.done for item in items)} of {len(items)}"
            case _:
                return None

    def outcome(self, job: EngineJob, finished: Finished) -> EngineOutcome:
        """Believe the agent's last signal, and only together with how its process ended."""
        del job
        if finished.stopped_because == "timeout":
            return EngineOutcome(OutcomeClass.TIMEOUT, "its time ran out")
        if finished.stopped_because:
            return EngineOutcome(OutcomeClass.CRASH, finished.stopped_because)
        signals = [read_signal(line) for line in finished.output.splitlines()]
        ended = next((s for s in reversed(signals) if isinstance(s, Ended)), None)
        if ended is None:
            words = finished.output.strip().splitlines()[-1:] or ["it printed nothing"]
            return EngineOutcome(OutcomeClass.CRASH, f"exit {finished.exit_code}: {words[0][:300]}")
        if ended.outcome is OutcomeClass.DONE and finished.exit_code != 0:
            return EngineOutcome(OutcomeClass.CRASH, f"exit {finished.exit_code} after its end")
        return EngineOutcome(ended.outcome, ended.message)

    def calls(self, job: EngineJob) -> tuple[ModelCall, ...]:
        """Read what the agent counted, also where it was killed."""
        return tuple(
            ModelCall(
                n=call.n,
                input_tokens=call.input_tokens,
                cached_tokens=call.cached_tokens,
                output_tokens=call.output_tokens,
                model_requested=call.model_requested,
                model_returned=call.model_returned,
                counted=call.cost_known,
            )
            for call in read_usage(Path(job.folder) / "usage.jsonl")
        )

    def denied(self, job: EngineJob) -> tuple[Denial, ...]:
        """Read what its own tool noted."""
        return noted(Path(job.folder) / NOTES_FILE)

    def _job(self, job: EngineJob) -> BuiltinJob:
        tier = job.tier
        return BuiltinJob.model_validate(
            {
                "endpoint": Endpoint.model_validate(
                    {
                        "base_url": f"{job.model_url}/v1",
                        "model": tier.model,
                        "context_tokens": tier.context_tokens,
                        "max_output_tokens": tier.max_output_tokens,
                    }
                ),
                "worktree": job.worktree,
                "system": job.system,
                "prompt": job.prompt,
                "session_file": f"{job.folder}/session.jsonl",
                "usage_file": f"{job.folder}/usage.jsonl",
                "limits": Limits(
                    max_requests=MAX_REQUESTS,
                    max_input_tokens=MAX_INPUT_TOKENS,
                    max_output_tokens=MAX_OUTPUT_TOKENS,
                    max_usd=job.max_usd if tier.billing is Billing.PAID else None,
                    input_usd_per_million=tier.input_usd_per_million,
                    output_usd_per_million=tier.output_usd_per_million,
                    paid=tier.billing is Billing.PAID,
                    seconds=job.seconds,
                ),
                "environment": dict(job.environment),
                "only_writes": job.only_writes,
                "deny": job.deny,
                "role": job.workstream.role,
            }
        )
