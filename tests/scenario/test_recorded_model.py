"""A recorded session is played to any client that speaks OpenAI's chat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from bot.adapters.recorded_model import (
    Conversation,
    RecordedCall,
    RecordedModel,
    RecordedTurn,
    Session,
)

READ = RecordedTurn(calls=(RecordedCall(name="read_file", arguments={"path": "a.py"}),))
SESSION = Session(
    model="recorded-1",
    conversations=(
        Conversation(match="workstream implement", turns=(READ, RecordedTurn(text="Done."))),
        Conversation(match="workstream implement-b", turns=(RecordedTurn(text="The other."),)),
    ),
)


@pytest.fixture
def model() -> Iterator[RecordedModel]:
    with RecordedModel(SESSION) as model:
        yield model


def ask(model: RecordedModel, prompt: str, answers: int = 0, stream: bool = False):
    messages = [{"role": "system", "content": "You build."}, {"role": "user", "content": prompt}]
    messages += [{"role": "assistant", "content": "…"}] * answers
    body = {"model": "any", "messages": messages, "stream": stream}
    return requests.post(f"{model.base_url}/chat/completions", json=body, timeout=5)


def test_each_conversation_goes_on_where_the_request_says_it_is(model: RecordedModel) -> None:
    first = ask(model, "You are workstream implement of run 1.").json()["choices"][0]
    again = ask(model, "You are workstream implement of run 2.").json()["choices"][0]
    second = ask(model, "You are workstream implement of run 1.", 1).json()["choices"][0]
    assert first == again
    assert first["message"]["tool_calls"][0]["function"]["name"] == "read_file"
    assert (second["message"]["content"], second["finish_reason"]) == ("Done.", "stop")


def test_the_most_exact_match_is_played(model: RecordedModel) -> None:
    other = ask(model, "You are workstream implement-b.").json()["choices"][0]
    assert other["message"]["content"] == "The other."


def test_a_stream_ends_with_the_usage_and_done(model: RecordedModel) -> None:
    answer = ask(model, "workstream implement", 1, stream=True)
    events = answer.text.strip().split("\n\n")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert '"prompt_tokens": 1000' in events[-2]
    assert events[-1] == "data: [DONE]"


@pytest.mark.parametrize(
    ("prompt", "answers", "code"),
    [("nobody knows this", 0, "no_such_conversation"), ("workstream implement", 2, "recording_is")],
    ids=["an unknown conversation", "one turn more than was recorded"],
)
def test_what_was_not_recorded_is_not_made_up(
    model: RecordedModel, prompt: str, answers: int, code: str
) -> None:
    answer = ask(model, prompt, answers)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"].startswith(code)


def test_what_is_no_chat_request_gets_an_error_and_not_silence(model: RecordedModel) -> None:
    url = f"{model.base_url}/chat/completions"
    assert requests.post(url, data=b"hello", timeout=5).status_code == 400
    assert requests.post(f"{model.base_url}/models", json={}, timeout=5).status_code == 404
