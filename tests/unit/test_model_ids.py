"""Which names are one model's."""

from __future__ import annotations

import pytest

from bot.core.model_ids import same_model

SAME = [
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("o3", "o3-2025-04-16"),
    ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("claude-haiku-4-5", "claude-haiku-4-5@20251001"),
    ("gemini-2.5-pro", "models/gemini-2.5-pro"),
    ("gemini-2.0-flash", "gemini-2.0-flash-001"),
    ("meta/llama-3.3-70b-instruct", "llama-3.3-70b-instruct"),
    ("z-ai/glm4.7", "Z-AI/GLM4.7"),
    ("m:free", "m:free"),
]
OTHERS = [
    ("gpt-4o", "gpt-4o-mini"),
    ("claude-sonnet-4-5", "claude-haiku-4-5-20251001"),
    ("claude-sonnet-4", "claude-sonnet-4-5"),
    ("gemini-2.5-pro", "gemini-2.5-flash"),
    ("llama-3.3-70b", "llama-3.3-8b"),
    ("m:free", "m"),
    ("gpt-5", "gpt-5.5"),
    ("o3", ""),
]


@pytest.mark.parametrize(("asked", "returned"), SAME)
def test_a_snapshot_or_another_place_is_the_same_model(asked: str, returned: str) -> None:
    assert same_model(asked, returned)
    assert same_model(returned, asked)


@pytest.mark.parametrize(("asked", "returned"), OTHERS)
def test_another_size_or_generation_is_another_model(asked: str, returned: str) -> None:
    assert not same_model(asked, returned)
