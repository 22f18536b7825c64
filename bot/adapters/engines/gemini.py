"""Gemini CLI: Google's protocol, JSON lines out. Verified with 0.61.0."""

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

_ITS_WINDOW = 1_048_576  # tokens that it takes every model to hold
_COMPRESSIONS = ("3-pro", "3-flash", "3.1-flash-lite", "2.5-pro", "2.5-flash", "2.5-flash-lite")
# The names of its side calls, which go to other models unless they are told not to.
_SIDE_CALLS = ("base", *(f"chat-compression-{each}" for each in (*_COMPRESSIONS, "default")))
# Look-ups are the provider's, which the gateway refuses; our hook was not tried with the rest.
_NOT_USED = ("google_web_search", "web_fetch", "invoke_agent", "activate_skill", "enter_plan_mode")
_READING = ("read_file", "read_many_files", "list_directory", "glob", "grep_search")


class Gemini:
    """`gemini`, with nothing of the repository's own settings."""

    name = "gemini"
    wires: tuple[Wire, ...] = ("gemini",)

    def start(self, job: EngineJob, home: str) -> Start:
        """Trust the folder only when settings are read: its own come earlier, and are passed by."""
        return Start(
            argv=(
                *("--output-format", "stream-json", "--model", job.tier.model),
                *("--approval-mode", "yolo", "--skip-trust"),
            ),
            env={
                "GOOGLE_GEMINI_BASE_URL": job.model_url,
                "GEMINI_API_KEY": DUMMY_KEY,
                "GEMINI_CLI_HOME": f"{home}/gemini",
                "TMPDIR": f"{home}/scratch",  # after an error it leaves the conversation there
            },
            files=(
                GivenFile(f"{home}/gemini/.gemini/settings.json", json.dumps(_settings(job, home))),
                GivenFile(f"{home}/scratch/README", "Gemini CLI's own temporary files.\n"),
            ),
            stdin=job.whole_prompt,
        )

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read an event; the last one says how it went, also after an error."""
        event = json_line(line)
        match event.get("type"), event.get("role"):
            case "message", "assistant":
                return (Said(text_of(event.get("content"))),)
            case "tool_use", _:
                given = event.get("parameters")
                about = inside(given, "command"), inside(given, "file_path")
                return (used(event.get("tool_name"), *about),)
            case "error", _ if event.get("severity") == "error":
                return (failed(text_of(event.get("message"))),)
            case "result", _:
                return _last(event)
            case _:
                return ()


def _settings(job: EngineJob, home: str) -> dict[str, object]:
    hook = {"type": "command", "name": "deny", "command": hook_command("gemini", job, home)}
    return {
        # An address of one's own would pick a way to sign in that needs a browser.
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {
            "enableAutoUpdate": False,
            "enableAutoUpdateNotification": False,
            "maxAttempts": 1,  # the gateway sends a request again, and knows when
        },
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "advanced": {"ignoreLocalEnv": True},
        "model": {"compressionThreshold": job.tier.context_tokens / 2 / _ITS_WINDOW},
        "modelConfigs": {
            "customOverrides": [
                {"match": {"model": name}, "modelConfig": {"model": job.tier.model}}
                for name in _SIDE_CALLS
            ]
        },
        "hooks": {"BeforeTool": [{"matcher": ".*", "hooks": [hook]}]},
        "mcpServers": mcp_servers(job, trust=True),
        **_may(job),
    }


def _may(job: EngineJob) -> dict[str, object]:
    """Let it do everything, or read all that there is, and write files."""
    if job.only_writes is None:
        return {"tools": {"exclude": _NOT_USED}}
    # Else who wrote the commit says what of it is not to be seen.
    seen = {"respectGitIgnore": False, "respectGeminiIgnore": False}
    return {"tools": {"core": [*_READING, "write_file"]}, "context": {"fileFiltering": seen}}


def _last(event: dict[str, object]) -> tuple[Heard, ...]:
    if event.get("status") == "success":
        return (Ended(OutcomeClass.DONE),)
    said = text_of(inside(event, "error", "message"))
    return (failed(said),) if said else ()  # or an event before it has said why
