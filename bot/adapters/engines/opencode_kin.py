"""What opencode and its fork kilo have in common: settings by a variable, events as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

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

_PACKAGES: dict[Wire, str] = {  # all four come with the program
    "chat": "@ai-sdk/openai-compatible",
    "responses": "@ai-sdk/openai",
    "messages": "@ai-sdk/anthropic",
    "gemini": "@ai-sdk/google",
}
_NO_ANSWER_MS = 600_000


@dataclass(frozen=True)
class OpencodeKin:
    """`opencode run`, or what a fork has made of it."""

    name: str
    npm_package: str  # that it would fetch at start for the sake of plugins
    env: Mapping[str, str]  # behind the prefix of its variables
    wires: tuple[Wire, ...] = tuple(_PACKAGES)

    def start(self, job: EngineJob, home: str) -> Start:
        """Give settings by a variable, and switch off what the checkout would add to them."""
        config = f"{home}/config/{self.name}"
        prefix = self.name.upper()
        ours = {
            "CONFIG_CONTENT": json.dumps(self._settings(job)),
            "DISABLE_PROJECT_CONFIG": "1",  # else the checkout's plugins run, and it is rewritten
            "DISABLE_EXTERNAL_SKILLS": "1",
            "DISABLE_CLAUDE_CODE": "1",
            "DISABLE_DEFAULT_PLUGINS": "1",
            "DISABLE_AUTOUPDATE": "1",
            "DISABLE_MODELS_FETCH": "1",
            "DISABLE_LSP_DOWNLOAD": "1",
        }
        return Start(
            argv=(
                *("run", "--format", "json", "--auto"),
                *("--model", f"door/{job.tier.model}"),
                *("--title", job.workstream.id),  # else it asks the model for one
            ),
            env={
                **{f"{prefix}_{name}": value for name, value in {**ours, **self.env}.items()},
                "XDG_CONFIG_HOME": f"{home}/config",
                "XDG_DATA_HOME": f"{home}/data",
                "XDG_STATE_HOME": f"{home}/state",
                "XDG_CACHE_HOME": f"{home}/cache",
            },
            files=(
                GivenFile(
                    f"{config}/plugin/deny.js", _plugin(job, hook_command(self.name, job, home))
                ),
                *self._nothing_to_install(config),
            ),
            stdin=job.whole_prompt,
        )

    def _nothing_to_install(self, config: str) -> tuple[GivenFile, ...]:
        """Say that a package of types for plugins is there, or it waits for npm at every start."""
        wanted = {"dependencies": {self.npm_package: "*"}}
        lock = {"lockfileVersion": 3, "packages": {"": wanted}}
        return (
            GivenFile(f"{config}/package.json", json.dumps(wanted)),
            GivenFile(f"{config}/package-lock.json", json.dumps(lock)),
            GivenFile(f"{config}/node_modules/.keep", ""),
        )

    def _settings(self, job: EngineJob) -> dict[str, object]:
        tier = job.tier
        limit = {"context": tier.context_tokens, "output": tier.max_output_tokens}
        model = f"door/{tier.model}"
        wire = tier.protocol or self.wires[0]
        version = "v1beta" if wire == "gemini" else "v1"
        return {
            "model": model,
            "small_model": model,
            "enabled_providers": ["door"],
            "provider": {
                "door": {
                    "npm": _PACKAGES[wire],
                    "options": {
                        "baseURL": f"{job.model_url}/{version}",
                        "apiKey": DUMMY_KEY,
                        "timeout": _NO_ANSWER_MS,
                    },
                    "models": {tier.model: {"limit": limit}},
                }
            },
            # Nothing may be done until our plugin, which asks the hook, says that it is there.
            "permission": {"*": "deny"},
            "mcp": {server.name: _local(server) for server in job.tool_servers},
            "autoupdate": False,
            "share": "disabled",
            "snapshot": False,
            "lsp": False,
            "formatter": False,
        }

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read an event; a step that ends with "stop" was the last one."""
        event = json_line(line)
        part = event.get("part")
        match event.get("type"):
            case "text":
                return (Said(text_of(inside(part, "text"))),)
            case "tool_use":
                given = inside(part, "state", "input")
                file = inside(given, "filePath")
                return (used(inside(part, "tool"), inside(given, "command"), file),)
            case "step_finish":
                return _step(part)
            case "error":
                return (_failed(event.get("error")),)
            case _:
                return ()


def _plugin(job: EngineJob, hook: str) -> str:
    text = files("bot.adapters.engines").joinpath("opencode_plugin.js").read_text("utf-8")
    return text.replace('"HOOK"', json.dumps(hook)).replace('"ALLOWED"', json.dumps(_allowed(job)))


def _allowed(job: EngineJob) -> dict[str, object]:
    """Allow everything, for the hook has the say; an agent that reads has no use for a command."""
    if job.only_writes is None:
        return {"*": "allow"}
    writes = {"*": "deny", **dict.fromkeys(job.only_writes, "allow")}
    return {"*": "deny", **dict.fromkeys(("read", "glob", "grep", "list"), "allow"), "edit": writes}


def _local(server: ToolServer) -> dict[str, object]:
    return {
        "type": "local",
        "command": list(server.argv),
        "environment": dict(server.env),
        "enabled": True,
    }


def _step(part: object) -> tuple[Heard, ...]:
    """Take a step that no tool's answer follows for the last one."""
    follows = inside(part, "reason") in {"tool-calls", "tool_calls"}
    return () if follows else (Ended(OutcomeClass.DONE),)


def _failed(error: object) -> Ended:
    said = text_of(inside(error, "data", "message")) or text_of(inside(error, "name"))
    if inside(error, "name") == "ContextOverflowError":
        return Ended(OutcomeClass.CONTEXT_TOO_LONG, said)
    return failed(said, inside(error, "data", "statusCode"))
