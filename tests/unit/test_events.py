"""Events: read as they were written, and named by what happened."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import get_args

import pytest

from bot.core import events as happened
from bot.core.base import RunId
from bot.core.events import EVENT, Event, RunStatus, read_events, write_events
from bot.core.gates import GateName
from tests.support.builders import (
    RUN,
    accepted,
    asked,
    at,
    conflicted,
    ended,
    finding,
    finished,
    gate,
    gates_started,
    granted,
    integrated,
    iteration,
    landed,
    plan,
    proposed,
    requested,
    retried,
    started,
    usage,
    workstream,
)

PLAN = plan(workstream("a"), workstream("b", needs=[{"id": "a", "type": "stack"}], budget_usd="1"))
ABOUT = {"at": at(5), "run": RUN, "workstream": "a", "attempt": 1}
ONE_OF_EACH: tuple[Event, ...] = (
    requested(),
    proposed(PLAN),
    accepted(PLAN),
    started("a", reserved_usd="0.25"),
    happened.WorkstreamAcknowledged(**ABOUT, understood="all", questions=("Which\nport?",)),
    happened.WorkstreamProgressed(**ABOUT, lease_until=at(9), note="\u2028 still \r\n there"),
    finished("a", usage=usage(10, 2, "0.000001"), error="\x00 odd \x85 text"),
    landed("a"),
    retried("a", 2, answer="8080"),
    conflicted("b", ["a"], ["src/a\nb.py"]),
    integrated("a"),
    gates_started("a"),
    gate("tests", "failed", head="a", findings=[finding("boom")]),
    iteration(2, workstream("fix-2", kind="fix")),
    asked("May a start?", "workstream:a", workstream="a"),
    granted(provider="openai", usd="2.5"),
    happened.ApprovalUsed(**ABOUT, provider="openai", usd="0.1"),
    happened.OverrideGranted(at=at(5), run=RUN, gate=GateName.DOCS, because="known"),
    happened.TierExhausted(at=at(5), run=RUN, tier="local", because="429"),
    happened.RunCancelled(at=at(5), run=RUN, because="wrong issue"),
    ended(RunStatus.FAILED),
)


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(Event))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.type)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    data = write_events((event, event))
    assert read_events(data) == (event, event)
    assert write_events(read_events(data)) == data


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.type)
def test_an_event_s_name_does_not_depend_on_when_or_by_whom_it_was_recorded(event: Event) -> None:
    fields = dict(event) | {"at": event.at + timedelta(days=1), "by": "somebody else"}
    del fields["id"]
    assert type(event).model_validate(fields).id == event.id


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.type)
def test_the_same_fact_of_another_run_has_another_name(event: Event) -> None:
    fields = dict(event) | {"run": RunId("other")}
    del fields["id"]
    assert type(event).model_validate(fields).id != event.id


def test_no_two_of_these_have_one_name() -> None:
    assert len({event.id for event in ONE_OF_EACH}) == len(ONE_OF_EACH)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(started("a"), started("a", attempt=2), id="another attempt"),
        pytest.param(started("a"), started("b"), id="another workstream"),
        pytest.param(started("a"), started("a", cause="again after"), id="handed out again"),
        pytest.param(
            granted(provider="openai", usd="1", cause="comment 7"),
            granted(provider="groq", usd="1", cause="comment 7"),
            id="two providers in one comment",
        ),
        pytest.param(
            *(
                happened.OverrideGranted(at=at(1), run=RUN, cause="7", gate=name, because="ok")
                for name in (GateName.TESTS, GateName.DOCS)
            ),
            id="two gates in one comment",
        ),
        pytest.param(integrated("a"), integrated("a", "b"), id="another combined commit"),
        pytest.param(
            gate("tests", head="a", cause="1"), gate("tests", head="a", cause="2"), id="asked again"
        ),
        pytest.param(gate("tests", head="a"), gate("docs", head="a"), id="another gate"),
        pytest.param(gate("tests", head="a"), gate("tests", head="b"), id="of another commit"),
        pytest.param(
            *(
                happened.TierExhausted(at=at(1), run=RUN, cause=who, tier="t", because="429")
                for who in ("a.1", "a.2")
            ),
            id="a tier that ran out again",
        ),
    ],
)
def test_different_facts_have_different_names(one: Event, other: Event) -> None:
    assert one.id != other.id


def test_the_same_commit_with_more_in_it_is_another_fact() -> None:
    head = integrated("a")
    fields = dict(head) | {"included": ("a", "b")}
    del fields["id"]
    assert happened.IntegrationFinished.model_validate(fields).id != head.id


def line(**changed: object) -> bytes:
    value = json.loads(write_events((landed("a"),)))
    return json.dumps(value | changed).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(line(attempt=2), "was changed", id="changed after it was written"),
        pytest.param(line(id="0" * 16), "was changed", id="another name"),
        pytest.param(line(type="workstream.vanished"), "workstream.vanished", id="unknown type"),
        pytest.param(line(cost=3), "extra_forbidden|Extra inputs", id="unknown field"),
        pytest.param(line(at="2026-11-21T10:00:00"), "timezone", id="a moment without a zone"),
        pytest.param(line()[:-9], "Invalid JSON", id="cut off"),
        pytest.param(b"\xff\xfe", "Invalid JSON|utf", id="not text"),
        pytest.param(b"[1]", "dict|object", id="no object"),
    ],
)
def test_what_write_events_did_not_write_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=f"(?i){says}"):
        read_events(write_events((landed("b"),)) + data + b"\n")


def test_a_record_without_events_is_empty() -> None:
    assert read_events(b"") == read_events(b"\n\n") == ()


def test_the_schema_of_an_event_names_every_type() -> None:
    mapping = EVENT.json_schema()["discriminator"]["mapping"]
    assert set(mapping) == {event.type for event in ONE_OF_EACH}
