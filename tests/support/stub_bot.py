#!/usr/bin/env python3
"""Stands in for `orchestrate job …` where only the workflows are looked at.

Writes down how it was called, does what it is told to in script.json ("<command>" → outputs,
exit, dispatch), and puts a file where a job hands something on.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]


def dispatch(workflow: str, inputs: dict[str, str]) -> None:
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
        f"/actions/workflows/{workflow}/dispatches",
        data=json.dumps({"ref": "main", "inputs": inputs}).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['ORCHESTRATE_TOKEN']}",
            "Content-Type": "application/json",
        },
        method="POST",
    )
    urllib.request.urlopen(request).close()


def main(command: str, *args: str) -> int:
    given = dict(zip(args[::2], args[1::2], strict=True))
    script: dict[str, Any] = json.loads((HOME / "script.json").read_text())
    todo = script.get(command, {})
    seen = {
        "command": command,
        "given": given,
        "exists": sorted(name for name, value in given.items() if Path(value).is_file()),
        "event": os.environ["GITHUB_EVENT_NAME"],
        "by": os.environ["GITHUB_TRIGGERING_ACTOR"],
        "attempt": os.environ["GITHUB_RUN_ATTEMPT"],
        "env": {
            name: value
            for name, value in os.environ.items()
            if name.startswith("ORCHESTRATE_") or name.endswith(("_API_KEY", "_TOKEN"))
        },
    }
    with (HOME / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(seen) + "\n")
    for name, value in todo.get("outputs", {}).items():
        with Path(os.environ["GITHUB_OUTPUT"]).open("a") as outputs:
            outputs.write(f"{name}={value}\n")
    if "--out" in given and not todo.get("exit"):
        Path(given["--out"]).mkdir()
        (Path(given["--out"]) / "result.json").write_text("{}")
    dispatched = HOME / "dispatched"  # once is enough
    if "dispatch" in todo and not dispatched.exists():
        dispatched.touch()
        for workflow, inputs in todo["dispatch"].items():
            dispatch(workflow, inputs)
    return int(todo.get("exit", 0))


if __name__ == "__main__":
    assert sys.argv[1] == "job", sys.argv
    sys.exit(main(*sys.argv[2:]))
