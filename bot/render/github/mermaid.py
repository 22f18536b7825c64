"""The graph of a run's workstreams, coloured by where each of them stands."""

from __future__ import annotations

from bot.core.github.defuse import mermaid_label
from bot.core.state import RunState, WorkstreamStatus
from bot.render.plan import edges_of
from bot.render.words import words

MAX_NODES, MAX_EDGES = 100, 500  # more cannot be read; Mermaid itself stops at 500 edges
MAX_CHARACTERS = 50_000  # Mermaid's own limit

_DONE, _BUSY, _ASKS, _WRONG, _REST = "done", "busy", "asks", "wrong", "rest"
_CLASSES = {
    WorkstreamStatus.PENDING: _REST,
    WorkstreamStatus.READY: _REST,
    WorkstreamStatus.RUNNING: _BUSY,
    WorkstreamStatus.WAITING: _ASKS,
    WorkstreamStatus.BLOCKED: _ASKS,
    WorkstreamStatus.LANDED: _DONE,
    WorkstreamStatus.LEFT_OUT: _WRONG,
    WorkstreamStatus.FAILED: _WRONG,
    WorkstreamStatus.CANCELLED: _REST,
}
_COLOURS = {  # readable on GitHub's light and dark pages
    _DONE: "fill:#dafbe1,stroke:#1a7f37",
    _BUSY: "fill:#ddf4ff,stroke:#0969da",
    _ASKS: "fill:#fff8c5,stroke:#9a6700",
    _WRONG: "fill:#ffebe9,stroke:#cf222e",
    _REST: "fill:#f6f8fa,stroke:#8c959f",
}


def graph(state: RunState) -> str:
    """Draw the workstreams, or say why they are not drawn."""
    names = {name: f"w{number}" for number, name in enumerate(state.workstreams)}
    edges = [edge for w in state.workstreams.values() for edge in edges_of(w, names)]
    if len(names) > MAX_NODES or len(edges) > MAX_EDGES:
        return f"The graph is left out: {len(names)} workstreams and {len(edges)} needs."
    nodes = [_node(state, name, names[name]) for name in names]
    used = sorted({_CLASSES[standing.status] for standing in state.standings.values()})
    colours = [f"classDef {name} {_COLOURS[name]},color:#1f2328" for name in used]
    drawn = "\n".join(["flowchart LR", *(f"  {line}" for line in (*nodes, *edges, *colours))])
    if len(drawn) > MAX_CHARACTERS:
        return f"The graph is left out: it would take {len(drawn):,} characters."
    return f"```mermaid\n{drawn}\n```"


def _node(state: RunState, name: str, node: str) -> str:
    """Write the word for the state too: colour alone does not reach everybody."""
    status = state.standings[name].status
    label = f"{mermaid_label(name)}<br/>{words(status.value)}"
    return f'{node}["{label}"]:::{_CLASSES[status]}'
