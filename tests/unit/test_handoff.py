"""What agents hand back: mended where only its form is wrong, never where facts are missing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.handoff import (
    MAX_CLAIM_BYTES,
    Acknowledgement,
    Claim,
    Completion,
    TodoItem,
    Unreadable,
    read_said,
)
from tests.support.builders import completion

WHOLE = {
    "status": "success",
    "outputs": ["src/api.py"],
    "next_steps": "use {page} and ```code```",
    "todo": [{"id": 1, "text": "write", "done": True}, {"id": 2, "text": "test", "done": True}],
    "findings": [{"message": 'say "no"', "severity": "high", "path": "a.py", "line": 3}],
    "score": 8.5,
}
CLAIM = Claim.model_validate(WHOLE)
TEXT = json.dumps(WHOLE)
PRETTY = json.dumps(WHOLE, indent=2)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT, id="as it should be"),
        pytest.param(f"\n\n{PRETTY}\n \n", id="with space around it"),
        pytest.param(f"```json\n{PRETTY}\n```", id="in a fence"),
        pytest.param(f"```\n{TEXT}\n```", id="in a fence without a name"),
        pytest.param(f"```json\r\n{TEXT}```\r\n", id="in a fence that ends on its line"),
        pytest.param(f"```json\n{TEXT}", id="in a fence that does not end"),
        pytest.param(f"Here it is:\n\n```json\n{PRETTY}\n```\nDone.", id="in a fence, with words"),
        pytest.param(PRETTY.replace("\n}", ",\n}"), id="with a trailing comma"),
        pytest.param(PRETTY.replace("\n  ]", ",\n  ]"), id="with trailing commas in lists"),
        pytest.param(TEXT[:-1] + ', "mood": "good"}', id="with words of its own"),
    ],
)
def test_a_completion_is_read_whatever_its_form(text: str) -> None:
    assert read_said(Claim, text.encode()) == CLAIM


@pytest.mark.parametrize("text", [TEXT, PRETTY, PRETTY.replace("\n}", ",\n}")])
def test_a_completion_that_was_cut_off_is_never_mended_into_something(text: str) -> None:
    for end in range(len(text.rstrip().rstrip("}"))):
        for cut in (text[:end], f"```json\n{text[:end]}\n```"):
            assert isinstance(read_said(Claim, cut.encode()), Unreadable), cut


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "no JSON object", id="nothing"),
        pytest.param(b"I am done!", "no JSON object", id="words"),
        pytest.param(b"[]", "no JSON object", id="a list"),
        pytest.param(b"null", "no JSON object", id="null"),
        pytest.param(b'"success"', "no JSON object", id="a string"),
        pytest.param(b"\xff\xfe\x00", "no JSON object", id="bytes"),
        pytest.param(b"{}", "status: Field required", id="an empty object"),
        pytest.param(b'{"outputs": []}', "status: Field required", id="no status"),
        pytest.param(
            b'{"status": "success"} {"status": "failed"}', "no JSON object", id="two of them"
        ),
        pytest.param(
            b'{"status": "success", "next_steps": "and }', "no JSON object", id="an open string"
        ),
        pytest.param(b'{"status": "done"}', "status: Input should be", id="an unknown status"),
        pytest.param(
            b'{"status": "success", "score": NaN}', "score: Input should be", id="a score of NaN"
        ),
        pytest.param(
            b'{"status": "success", "score": Infinity}', "score: ", id="a score without end"
        ),
        pytest.param(b'{"status": "success", "score": 11}', "score: ", id="eleven of ten"),
        pytest.param(
            b'{"status": "success", "score": ' + b"1" * 5_000 + b"}", "score: ", id="a huge score"
        ),
        pytest.param(b'{"status": "success", "outputs": "x"}', "outputs: ", id="a wrong type"),
        pytest.param(
            b'{"status": "success", "todo": [{"id": "one", "text": "x"}]}',
            "todo.0.id: ",
            id="a wrong type inside",
        ),
        pytest.param(
            b'{"status": "success", "findings": [{"message": "x", "path": "../../etc/passwd"}]}',
            "findings.0.path: ",
            id="a path out of the repository",
        ),
        pytest.param(
            b'{"status": "success", "next_steps": "' + b"x" * 20_001 + b'"}',
            "next_steps: ",
            id="too many words",
        ),
        pytest.param(b" " * 2_000_000, "2,000,000 bytes, of at most 1,000,000", id="2 MB"),
        pytest.param(b'{"a":' * 90_000 + b"1" + b"}" * 90_000, "no JSON object", id="deep objects"),
        pytest.param(
            b'{"a":' + b"[" * 400_000 + b"]" * 400_000 + b"}", "no JSON object", id="deep lists"
        ),
        pytest.param(b"{" * 900_000 + b"}", "no JSON object", id="braces only"),
        pytest.param(b'{"a",' * 190_000 + b"}", "no JSON object", id="long and broken"),
        pytest.param(b"```" * 300_000, "no JSON object", id="fences only"),
    ],
)
def test_what_says_nothing_usable_is_unreadable_and_says_why(data: bytes, why: str) -> None:
    found = read_said(Claim, data)
    assert isinstance(found, Unreadable)
    assert found.why.startswith(why)


def test_the_largest_completion_is_read() -> None:
    padded = TEXT.encode().ljust(MAX_CLAIM_BYTES)
    assert read_said(Claim, padded) == CLAIM
    assert isinstance(read_said(Claim, padded + b" "), Unreadable)


def test_half_a_character_in_a_string_can_be_written_again() -> None:
    found = read_said(Claim, rb'{"status": "success", "next_steps": "\ud800!"}')
    assert isinstance(found, Claim)
    assert found.next_steps.encode().endswith(b"!")


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,`\\ \ntrue1a', max_size=60))
def test_reading_never_raises(data: bytes | str) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    for model in (Claim, Acknowledgement):
        assert isinstance(read_said(model, raw), model | Unreadable)


broken = st.integers(0, len(TEXT)).flatmap(
    lambda at: st.text(alphabet='{}[]":,`\\\n\x000', min_size=1, max_size=4).map(
        lambda junk: TEXT[:at] + junk + TEXT[at + len(junk) :]
    )
)


@settings(max_examples=60)
@given(broken)
def test_reading_a_broken_completion_never_raises(text: str) -> None:
    assert isinstance(read_said(Claim, text.encode()), Claim | Unreadable)


def test_an_acknowledgement_with_questions_is_read() -> None:
    said = {"workstream": "a", "understood": "all", "questions": ["Which port?"], "extra": 1}
    found = read_said(Acknowledgement, json.dumps(said).encode())
    assert isinstance(found, Acknowledgement)
    assert found.questions == ("Which port?",)


def test_a_completion_is_read_as_it_was_written() -> None:
    done = completion("a", todo=(TodoItem(id=1, text="x"),), error="it\nfailed")
    assert Completion.model_validate_json(done.model_dump_json()) == done


def test_a_cost_keeps_its_last_digit() -> None:
    done = completion("a", usage={"cost_usd": "0.000001"})
    assert '"cost_usd":"0.000001"' in done.model_dump_json()
