"""Cline: two protocols, JSON lines out. Verified with 3.0.65."""

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

_REFUSED = "refused: cline would "
# It runs what it finds there, unasked and before anything of ours; no setting stops it.
_CAREFULLY = f"""for path in .clinerules/hooks .cline; do
  if [ -e "$path" ] || [ -L "$path" ]; then
    echo "{_REFUSED}run what is in $path"; exit 1
  fi
done
exec "$@"
"""
_NOT_HELD = f'echo "{_REFUSED}write wherever it likes"; exit 1'  # its editor does
# Nobody answers questions, nothing is looked up, and our hook was not tried with further agents.
_NOT_USED = (
    *(
        "ask_question",
        "fetch_web_content",
        "spawn_agent",
        "team_spawn_teammate",
        "team_shutdown_teammate",
    ),
    *("team_status", "team_task", "team_run_task", "team_cancel_run", "team_list_runs"),
    *("team_await_runs", "team_send_message", "team_broadcast", "team_read_mailbox"),
    *("team_mission_log", "team_cleanup", "team_create_outcome", "team_review_outcome_fragment"),
    *("team_attach_outcome_fragment", "team_finalize_outcome", "team_list_outcomes"),
)


class Cline:
    """`cline`, where the repository holds nothing that it would run."""

    name = "cline"
    wires: tuple[Wire, ...] = ("chat", "messages")

    def start(self, job: EngineJob, home: str) -> Start:
        """Give it a short prompt beside the whole one: of an input alone it takes no notice."""
        config, hook = f"{home}/cline", hook_command("cline", job, home)
        provider = "anthropic" if job.tier.protocol == "messages" else "openai-compatible"
        settings = f"{config}/data/settings"
        servers = {"mcpServers": mcp_servers(job)}
        return Start(
            through=("/bin/sh", "-c", _CAREFULLY if job.only_writes is None else _NOT_HELD, "sh"),
            argv=(
                *("--json", "--auto-approve", "true", "--provider", provider),
                *("--key", DUMMY_KEY, "--model", job.tier.model),
                *("--config", config, "--data-dir", f"{config}/data"),
                "Do what is said on standard input.",
            ),
            env={"CLINE_DIR": config, "CLINE_NO_AUTO_UPDATE": "1"},
            files=(
                GivenFile(f"{settings}/providers.json", _providers(job, provider)),
                GivenFile(f"{settings}/global-settings.json", _settings()),
                GivenFile(f"{settings}/cline_mcp_settings.json", json.dumps(servers)),
                GivenFile(f"{config}/hooks/PreToolUse", f"#!/bin/sh\n{hook}\n", is_program=True),
            ),
            stdin=job.whole_prompt,
        )

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read an event; how it failed is told in words only."""
        if line.startswith(_REFUSED):
            return (Ended(OutcomeClass.CRASH, line.strip()),)
        event = json_line(line)
        match event.get("type"):
            case "agent_event":
                return _part(event.get("event"))
            case "error":
                return (failed(text_of(event.get("message"))),)
            case "run_result":
                return (_last(event),)
            case _:
                return ()


def _providers(job: EngineJob, provider: str) -> str:
    """Say where the model is: no option and no variable does."""
    settings = {
        "provider": provider,
        "apiKey": DUMMY_KEY,
        "model": job.tier.model,
        "baseUrl": f"{job.model_url}/v1",
    }
    own = {
        "settings": settings,
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "tokenSource": "manual",
    }
    known = {"lastUsedProvider": provider, "modes": {}, "providers": {provider: own}}
    return json.dumps({"version": 1, **known})


def _settings() -> str:
    return json.dumps(
        {
            "telemetryOptOut": True,
            "autoUpdateEnabled": False,
            "disabledTools": _NOT_USED,
            "tools": {"web_search": {"enabled": False}},  # the provider would search
        }
    )


def _part(event: object) -> tuple[Heard, ...]:
    match inside(event, "type"), inside(event, "contentType"):
        case "content_end", "text":
            return (Said(text_of(inside(event, "text"))),)
        case "content_start", "tool":
            given = inside(event, "input")
            commands = inside(given, "commands")
            first = commands[0] if isinstance(commands, list) and commands else None
            return (used(inside(event, "toolName"), first, inside(given, "path")),)
        case _:
            return ()


def _last(event: dict[str, object]) -> Ended:
    reason = text_of(event.get("finishReason"))
    if reason == "completed":
        return Ended(OutcomeClass.DONE)
    return failed(text_of(event.get("text")) or f"it ended with {reason}")
