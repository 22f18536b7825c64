"""An MCP server with one tool, `ping`; what it was told goes to the file that it is given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

PING = {
    "name": "ping",
    "description": "Answers with what it is told.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    },
}


def answer(method: str, params: dict[str, object], told: Path) -> dict[str, object]:
    """Answer a request; what there is nothing of is an empty list."""
    match method:
        case "initialize":
            about = {"serverInfo": {"name": "ping", "version": "1"}, "capabilities": {"tools": {}}}
            return {"protocolVersion": params["protocolVersion"], **about}
        case "tools/list":
            return {"tools": [PING]}
        case "tools/call":
            text = str(params["arguments"]["text"])  # type: ignore[index]
            told.write_text(text)
            return {"content": [{"type": "text", "text": f"pong {text}"}]}
        case "resources/list" | "prompts/list":
            return {method.partition("/")[0]: []}
        case "resources/templates/list":
            return {"resourceTemplates": []}
        case _:
            return {}


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            result = answer(asked["method"], asked.get("params", {}), Path(sys.argv[1]))
            reply = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()
