"""The state of a run in short, as it lies beside the events for whoever reads only that."""

from __future__ import annotations

import json

from bot.core.report import status_of
from bot.core.state import RunState


def state_file(state: RunState) -> bytes:
    """Write `state.json`: a view that `fold` makes again at any time."""
    view = {
        "version": 1,
        "status": status_of(state).value,
        "iteration": state.iteration,
        "head_sha": state.head_sha,
        "workstreams": {
            name: {"status": standing.status.value, "because": standing.because}
            for name, standing in state.standings.items()
        },
        "gates": {name.value: result.status for name, result in state.results.items()},
    }
    return json.dumps(view, indent=2, ensure_ascii=False).encode() + b"\n"
