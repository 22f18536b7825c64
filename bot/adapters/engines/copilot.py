"""GitHub Copilot CLI on a model of ours: three protocols, JSON lines out. Verified with 1.0.102."""

from __future__ import annotations

import json

from bot.adapters.engines.failed import failed
from bot.adapters.engines.heard import (
    Ended,
    Heard,
    Said,
    inside,
    json_line,
    text_of,
    used,
)
from bot.adapters.engines.program import DUMMY_KEY, Start, hook_command, mcp_servers
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Wire
from bot.ports import EngineJob, GivenFile

# Agents of its own, which our hook was not tried with, and what is about itself.
_NOT_USED = (
    *("task", "read_agent", "list_agents", "write_agent", "skill", "sql", "session_store_sql"),
    "fetch_copilot_cli_documentation",
)
_READING = ("view", "grep", "glob")
_HOOK_SECONDS = 60


class Copilot:
    """`copilot`, with nothing of the repository's own settings."""

    name = "copilot"
    wires: tuple[Wire, ...] = ("chat", "responses", "messages")

    def start(self, job: EngineJob, home: str) -> Start:
        """Give it a home and a cache of its own; what it unpacks is where it is installed."""
        servers = mcp_servers(job, type="local", tools=["*"])
        hook = {
            "type": "command",
            "bash": hook_command("copilot", job, home),
            "timeoutSec": _HOOK_SECONDS,
        }
        hooks = {"version": 1, "hooks": {"preToolUse": [hook]}}
        return Start(
            argv=(
                *("--output-format", "json", "--no-color", "--log-level", "none"),
                *("--no-ask-user", "--no-custom-instructions", "--disable-builtin-mcps"),
                *("--additional-mcp-config", f"@{home}/mcp.json", *_allowed(job)),
            ),
            env={
                **_model(job),
                "COPILOT_HOME": f"{home}/copilot",
                "XDG_CACHE_HOME": f"{home}/cache",
                "COPILOT_OFFLINE": "true",
                "COPILOT_AUTO_UPDATE": "false",
            },
            files=(
                GivenFile(f"{home}/mcp.json", json.dumps({"mcpServers": servers})),
                GivenFile(f"{home}/copilot/hooks/deny.json", json.dumps(hooks)),
            ),
            stdin=job.whole_prompt,
        )

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read an event; why it failed comes before the last one, what it used not at all."""
        event = json_line(line)
        data = event.get("data")
        match event.get("type"):
            case "assistant.message":
                return (Said(text_of(inside(data, "content"))),)
            case "tool.execution_start":
                given = inside(data, "arguments")
                about = inside(given, "command"), inside(given, "path")
                return (used(inside(data, "toolName"), *about),)
            case "session.error":
                said = text_of(inside(data, "message"))
                return (failed(said, inside(data, "statusCode")),)
            case "result" if event.get("exitCode") == 0:
                return (Ended(OutcomeClass.DONE),)
            case _:
                return ()


def _allowed(job: EngineJob) -> tuple[str, ...]:
    """Allow everything, or what reads and what writes a file in the worktree."""
    if job.only_writes is None:
        return ("--allow-all", f"--excluded-tools={','.join(_NOT_USED)}")
    return (
        "--allow-all-tools",
        "--disallow-temp-dir",
        f"--available-tools={','.join(_READING)},create",
    )


def _model(job: EngineJob) -> dict[str, str]:
    wire = job.tier.protocol or "chat"
    kind = "anthropic" if wire == "messages" else "openai"
    return {
        "COPILOT_PROVIDER_TYPE": kind,
        "COPILOT_PROVIDER_BASE_URL": job.model_url + ("" if kind == "anthropic" else "/v1"),
        "COPILOT_PROVIDER_WIRE_API": "responses" if wire == "responses" else "completions",
        "COPILOT_PROVIDER_API_KEY": DUMMY_KEY,
        "COPILOT_MODEL": job.tier.model,
        "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS": str(job.tier.max_output_tokens),
        "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": str(job.tier.context_tokens),
    }
