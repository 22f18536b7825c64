"""What an attempt came to, as a job hands it back to whoever records it."""

from __future__ import annotations

from bot.core.github.handback import MAX_EVIDENCE_CHARACTERS, Envelope
from bot.usecases.attempt import Result

_LEFT_OUT = "(left out: all evidence together is too long)\n"


def envelope_of(result: Result) -> Envelope:
    """Put beside the completion what the record needs; evidence that is too much is left out."""
    evidence: dict[str, str] = {}
    room = MAX_EVIDENCE_CHARACTERS - len(_LEFT_OUT) * len(result.evidence)
    for name, content in sorted(result.evidence.items()):
        text = content.decode("utf-8", "replace")
        evidence[name] = text if len(text) <= room else _LEFT_OUT
        room -= len(evidence[name])
    completion = result.completion
    return Envelope(
        run=completion.run,
        workstream=completion.workstream,
        attempt=completion.attempt,
        outcome=result.outcome,
        acknowledgement=result.acknowledgement,
        spend=result.spend,
        evidence=evidence,
        interrupted=result.interrupted,
        back_at=result.back_at,
    )
