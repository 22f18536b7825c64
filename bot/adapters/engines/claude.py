"""Claude Code: Anthropic's messages, JSON lines out. Verified with 2.1.197."""

from __future__ import annotations

import json

from bot.adapters.engines.failed import failed
from bot.adapters.engines.heard import (
    Ended,
    Heard,
    Said,
    inside,
    json_line,
    objects_in,
    text_of,
    used,
)
from bot.adapters.engines.program import DUMMY_KEY, Start, hook_command, mcp_servers
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Wire
from bot.ports import EngineJob, GivenFile

# Without those that look things up, start further agents or come back later.
_TOOLS = ("Bash", "Edit", "NotebookEdit", "Read", "Write", "TaskOutput", "TaskStop")


class Claude:
    """`claude -p`, with nothing of the repository's own settings."""

    name = "claude"
    wires: tuple[Wire, ...] = ("messages",)

    def start(self, job: EngineJob, home: str) -> Start:
        """Give the prompt on standard input: some options would swallow an argument."""
        hook = {"type": "command", "command": hook_command("claude", job, home)}
        settings = {"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [hook]}]}}
        return Start(
            argv=(
                *("-p", "--output-format", "stream-json", "--verbose"),
                *("--model", job.tier.model, "--no-session-persistence", *_may(job)),
                # Else the checkout's .mcp.json and .claude/settings.json start programs unasked.
                *("--strict-mcp-config", "--setting-sources", "user"),
                *("--mcp-config", f"{home}/mcp.json", "--settings", f"{home}/settings.json"),
            ),
            env={
                "ANTHROPIC_BASE_URL": job.model_url,
                "ANTHROPIC_API_KEY": DUMMY_KEY,
                "CLAUDE_CONFIG_DIR": f"{home}/claude",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "CLAUDE_CODE_MAX_RETRIES": "0",  # the gateway sends a request again, and knows when
                "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
                "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(job.tier.max_output_tokens),
                "API_TIMEOUT_MS": "600000",
                "DISABLE_AUTOUPDATER": "1",
                "DISABLE_TELEMETRY": "1",
                "DISABLE_ERROR_REPORTING": "1",
                "IS_SANDBOX": "1",  # else it refuses to work as root, which a container often is
            },
            files=(
                GivenFile(f"{home}/mcp.json", json.dumps({"mcpServers": mcp_servers(job)})),
                GivenFile(f"{home}/settings.json", json.dumps(settings)),
            ),
            stdin=job.whole_prompt,
        )

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read an event; `subtype` says "success" of API errors too, `is_error` does not."""
        event = json_line(line)
        if event.get("type") == "assistant":
            return tuple(_parts(inside(event, "message", "content")))
        if event.get("type") != "result":
            return ()
        if event.get("is_error") is False:
            return (Ended(OutcomeClass.DONE),)
        return (_failed(event),)


def _may(job: EngineJob) -> tuple[str, ...]:
    """Let it do everything, or read, and write what is named."""
    if job.only_writes is None:
        return ("--permission-mode", "bypassPermissions", "--tools", ",".join(_TOOLS))
    # A path behind two slashes is absolute; what is not named is refused.
    allowed = (f"Edit(/{job.worktree}/{path})" for path in job.only_writes)
    asked = ("--permission-mode", "dontAsk", "--tools", "Read,Edit,Write")
    return (*asked, "--allowedTools", ",".join(("Read", *allowed)))


def _parts(content: object) -> list[Heard]:
    heard: list[Heard] = []
    for part in objects_in(content):
        if part.get("type") == "text":
            heard.append(Said(text_of(part.get("text"))))
        elif part.get("type") == "tool_use":
            given = part.get("input")
            heard.append(
                used(part.get("name"), inside(given, "command"), inside(given, "file_path"))
            )
    return heard


def _failed(event: dict[str, object]) -> Ended:
    said = text_of(event.get("result")) or text_of(event.get("subtype"))
    if event.get("terminal_reason") == "prompt_too_long":
        return Ended(OutcomeClass.CONTEXT_TOO_LONG, said)
    return failed(said, event.get("api_error_status"))
