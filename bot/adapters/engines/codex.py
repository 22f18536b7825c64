"""Codex: OpenAI's responses, JSON lines out. Verified with 0.169.0."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

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
from bot.adapters.engines.program import DUMMY_KEY, Start, hook_command
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Wire
from bot.ports import EngineJob, GivenFile, ToolServer

# What looks things up, leaves processes behind, asks the model for more than the task, or types
# into a running shell, where no hook is asked.
_OFF = ("plugins", "apps", "goals", "daemon_auto_start", "unified_exec_tty")
_KEY = "DUMMY_KEY"
_NOT_HELD = "codex is not started here: its one tool is a shell, so it cannot be kept to reading"


class Codex:
    """`codex exec`, without its own sandbox: ours is around it."""

    name = "codex"
    wires: tuple[Wire, ...] = ("responses",)

    def start(self, job: EngineJob, home: str) -> Start:
        """Put all settings into a home of its own; the checkout's are not trusted."""
        hook = {"type": "command", "command": hook_command("codex", job, home)}
        hooks = {"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [hook]}]}}
        refuse = ("/bin/sh", "-c", f'echo "{_NOT_HELD}"; exit 1', "sh")
        return Start(
            through=() if job.only_writes is None else refuse,
            argv=(
                *("exec", "--json", "--skip-git-repo-check", "--ephemeral"),
                "--dangerously-bypass-approvals-and-sandbox",
                "--dangerously-bypass-hook-trust",  # else it skips our hook without a word
                "-",
            ),
            env={"CODEX_HOME": f"{home}/codex", _KEY: DUMMY_KEY},
            files=(
                GivenFile(f"{home}/codex/config.toml", _settings(job)),
                GivenFile(f"{home}/codex/hooks.json", json.dumps(hooks)),
            ),
            stdin=job.whole_prompt,
        )

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read an event; an item of the kind `error` is only a warning."""
        event = json_line(line)
        match event.get("type"):
            case "item.started" | "item.completed" as kind:
                return tuple(_of_item(event.get("item"), began=kind == "item.started"))
            case "turn.completed":
                return (Ended(OutcomeClass.DONE),)
            case "turn.failed":
                said = text_of(inside(event, "error", "message"))
                return (failed(said.partition(", url: ")[0]),)  # of the door, which is a secret
            case _:
                return ()


def _settings(job: EngineJob) -> str:
    """Write config.toml. A text of JSON is one of TOML, too."""
    provider = {
        "name": "gateway",
        "base_url": f"{job.model_url}/v1",
        "env_key": _KEY,
        "wire_api": "responses",
        "request_max_retries": 0,  # the gateway sends a request again, and knows when
        "stream_max_retries": 0,
    }
    settings = {
        "model": job.tier.model,
        "model_provider": "gateway",
        "model_context_window": job.tier.context_tokens,  # it knows only its maker's models
        "project_doc_max_bytes": 0,  # the prompt has AGENTS.md, as it is in the base
        "web_search": "disabled",
        "check_for_update_on_startup": False,
    }
    return "\n".join(
        (
            *_lines(settings),
            *("[analytics]", "enabled = false"),
            *("[agents]", "enabled = false"),
            *("[features]", *_lines(dict.fromkeys(_OFF, False))),
            *("[model_providers.gateway]", *_lines(provider)),
            *(line for server in job.tool_servers for line in _server(server)),
            "",
        )
    )


def _server(server: ToolServer) -> Iterable[str]:
    table = f"[mcp_servers.{json.dumps(server.name)}"
    yield f"{table}]"
    yield from _lines({"command": server.argv[0], "args": list(server.argv[1:])})
    yield 'default_tools_approval_mode = "approve"'  # nobody is there to be asked
    yield f"{table}.env]"
    yield from _lines(server.env)


def _lines(values: Mapping[str, object]) -> Iterable[str]:
    return (f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items())


def _of_item(item: object, *, began: bool) -> Iterable[Heard]:
    match inside(item, "type"):
        case "agent_message" if not began:
            yield Said(text_of(inside(item, "text")))
        case "command_execution" if began:
            yield used("command", inside(item, "command"))
        case "mcp_tool_call" if began:
            yield used(inside(item, "server"), inside(item, "tool"))
        case "file_change" if not began:
            yield used("file_change")
        case _:
            pass
