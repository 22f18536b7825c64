"""What a gate's result is called where GitHub shows and requires it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bot.core.events import Event, OverrideGranted
from bot.core.gates import GateName, GateResult

Conclusion = Literal["success", "failure", "action_required", "neutral"]

_CONCLUSIONS: dict[str, Conclusion] = {
    "passed": "success",
    "failed": "failure",
    "not_run": "action_required",
    "off": "neutral",
}


def check_name(gate: GateName) -> str:
    """Name the check run of a gate, as a ruleset requires it."""
    return f"orchestrate/{gate.value}"


def conclusion_of(result: GateResult, override: OverrideGranted | None = None) -> Conclusion:
    """Conclude a check run; a person's override makes it neutral, never a success."""
    if override and result.status in {"failed", "not_run"}:
        return "neutral"
    return _CONCLUSIONS[result.status]


def overrides_of(events: Iterable[Event]) -> dict[GateName, OverrideGranted]:
    """Return who let which gate pass, and why; of two the later."""
    return {event.gate: event for event in events if isinstance(event, OverrideGranted)}
