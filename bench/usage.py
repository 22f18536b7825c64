"""Whether the gateway counts what the provider sent: to the token, however the answer came."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal

import requests

from bench.figures import Figure
from bot.adapters.gateway.dialects import Dialect
from bot.adapters.recorded_model import RecordedTurn
from bot.ports import ModelCall
from tests.support.dialects import answer, cut_answer
from tests.support.doorway import ask, door_to
from tests.support.scripted_model import Fault, ScriptedModel, refusal

TURNS = 25
_CHARACTERS_A_TOKEN = 4


def bench_usage() -> Iterable[Figure]:
    """Ask in four protocols, plain, streamed, cut off and after failures; compare the tokens."""
    chance = random.Random(4)
    for dialect in Dialect:
        turns = [_turn(chance) for _ in range(TURNS)]
        for kind in ("plain", "streamed", "after failures", "cut off"):
            wrong = sum(_wrong(dialect, kind, turn) for turn in turns)
            name = f"usage: {dialect}, {kind}, tokens off"
            yield Figure(name, wrong, "tokens", 0, f"{TURNS} answers")


def _turn(chance: random.Random) -> RecordedTurn:
    input_tokens = chance.randint(10, 200_000)
    return RecordedTurn(
        text="word " * chance.randint(1, 200),
        input_tokens=input_tokens,
        cached_tokens=chance.randint(0, input_tokens - 5),
        output_tokens=chance.randint(2, 30_000),
    )


def _wrong(dialect: Dialect, kind: str, turn: RecordedTurn) -> int:
    """Return by how many tokens the counts of one answer are off."""
    streamed = kind != "plain"
    last = (
        cut_answer(dialect, turn) if kind == "cut off" else answer(dialect, turn, stream=streamed)
    )
    failures: list[Fault] = []
    if kind == "after failures":
        failures = [refusal(503, "later"), refusal(429, "slow", retry_after="0")]
    with ScriptedModel([*failures, last]) as model, door_to(model.base_url) as door:
        try:
            ask(door, dialect, stream=streamed)
        except requests.RequestException:
            assert kind == "cut off", "an answer did not come"
        *before, call = door.calls()
    assert len(before) == len(failures), "a sending was not counted"
    assert sum(one.input_tokens + one.output_tokens for one in before) == 0, "a failure costs"
    return _off(turn, call, is_whole=kind != "cut off")


def _off(turn: RecordedTurn, call: ModelCall, *, is_whole: bool) -> int:
    assert call.counted is is_whole, "what broke off is marked, and nothing else"
    assert call.usd is None or call.usd == Decimal(0), "free"
    if not is_whole:  # nobody said how many they were: what was seen of it, and not more
        return abs(call.output_tokens - -(-len(turn.text) // _CHARACTERS_A_TOKEN))
    said = (turn.input_tokens, turn.cached_tokens, turn.output_tokens)
    ours = (call.input_tokens, call.cached_tokens, call.output_tokens)
    return sum(abs(one - other) for one, other in zip(said, ours, strict=True))
