"""A small MCP server: one tool, `ping`, that answers with `pong` and what it was given."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

_PING = {
    "name": "ping",
    "description": "Answers with pong.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
}


def _answer(method: str, params: Mapping[str, object]) -> dict[str, object]:
    match method:
        case "initialize":
            return {
                "protocolVersion": params.get("protocolVersion"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "demo", "version": "1"},
            }
        case "tools/list":
            return {"tools": [_PING]}
        case "tools/call":
            given = params.get("arguments")
            text = given.get("text") if isinstance(given, dict) else ""
            return {"content": [{"type": "text", "text": f"pong {text}"}]}
        case _:
            return {}


def main() -> None:
    """Answer each request on standard input; what has no id wants no answer."""
    for line in sys.stdin:
        said = json.loads(line)
        if "id" in said:
            result = _answer(said["method"], said.get("params") or {})
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": result}))
            sys.stdout.write("\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
