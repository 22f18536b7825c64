"""Every engine against every fault of a provider: its class, the work so far, who goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine_stories import (
    acknowledged,
    counted,
    engine_world,
    every_engine,
    handed_in,
    hurried,
    needed,
    tier,
    told,
    work_of,
)
from tests.support.provider import (
    Cut,
    Fault,
    Provider,
    Script,
    Step,
    Turn,
    Wrong,
    faults,
    shell,
    write,
)
from tests.support.world import Outcome, World, plan, work

SECONDS = 300


@dataclass(frozen=True)
class Lasting:
    """A fault that does not pass, and the class of the attempt that meets it."""

    fault: Step
    outcome: str
    or_else: tuple[str, ...] = ()  # what programs make of it that see something else in it


LASTING: Mapping[str, Lasting] = {
    **{f"quota at {name}": Lasting(fault, "quota") for name, fault in faults.QUOTA.items()},
    "402": Lasting(faults.PAYMENT, "quota"),
    "429 for an hour": Lasting(faults.rate_limit(faults.LONG), "rate_limit"),
    "429 without end": Lasting(faults.rate_limit(None), "rate_limit"),
    "500": Lasting(faults.INTERNAL, "crash"),
    "503": Lasting(faults.UNAVAILABLE, "crash"),
    "529": Lasting(faults.OVERLOADED, "crash"),
    "no answer but a closed connection": Lasting(Cut.BEFORE, "crash"),
    "a cut stream": Lasting(Cut.AMID, "crash"),
    "malformed JSON": Lasting(Wrong.JSON, "crash"),
    "an error after the stream began": Lasting(Wrong.EVENT, "crash"),
    "an empty answer": Lasting(Turn(), "gave_up", or_else=("done", "crash")),
    "never answering": Lasting(Wrong.SILENCE, "crash"),
    "a prompt that is too long": Lasting(faults.TOO_LONG, "context_too_long"),
}
STOPPING: Mapping[str, Lasting] = {
    "401": Lasting(faults.KEY, "authentication"),
    "403": Lasting(faults.FORBIDDEN, "authentication"),
}
PASSING: Mapping[str, tuple[Fault, ...]] = {
    "429 for a moment": (faults.rate_limit(0.1), faults.rate_limit(0.1)),
    "500 once": (faults.INTERNAL,),
    "503 twice": (faults.UNAVAILABLE, faults.UNAVAILABLE),
    "529 once": (faults.OVERLOADED,),
    "a closed connection once": (Cut.BEFORE,),
    "malformed JSON once": (Wrong.JSON,),
    "silence once": (Wrong.SILENCE,),
}

PLAN = plan(
    work(
        "a",
        files=["half.txt", "whole.txt"],
        acceptance=[{"run": "test -s half.txt && test -s whole.txt"}],
    )
)
HALF = write("half.txt", "first half\n")
REST = (
    shell("tr a-z A-Z < half.txt"),
    write("whole.txt", "second half\n"),
)


@every_engine
@pytest.mark.parametrize("fault", LASTING)
def test_the_next_tier_goes_on_where_the_first_one_had_to_stop(
    fault: str, engine: str, tmp_path: Path
) -> None:
    needed(engine)
    with Provider({told("a"): begun(engine, LASTING[fault].fault)}) as first, second() as then:
        world = engine_world(tmp_path, tier(engine, first), tier("builtin", then, "second"))
        done = world.start_run(PLAN, wrap=hurried).end(SECONDS)
        assert done.exit_code == 0, done
    [(one, outcome), *others] = outcomes(world, done)
    assert (one, others) == ("first", [("second", "done")])
    assert outcome in {LASTING[fault].outcome, *LASTING[fault].or_else}
    assert whole(world, done)
    assert "FIRST HALF" in then.requests[-1].text
    assert_counted(world, first, then)


@every_engine
@pytest.mark.parametrize("fault", STOPPING)
def test_a_key_that_is_refused_stops_the_work_and_keeps_it_for_a_retry(
    fault: str, engine: str, tmp_path: Path
) -> None:
    needed(engine)
    with Provider({told("a"): begun(engine, STOPPING[fault].fault)}) as first, second() as then:
        world = engine_world(tmp_path, tier(engine, first), tier("builtin", then, "second"))
        stopped = world.start_run(PLAN, wrap=hurried).end(SECONDS)
        assert outcomes(world, stopped) == [("first", STOPPING[fault].outcome)]
        assert stopped.exit_code == 1, stopped
        assert world.command("retry", stopped.id, "a").exit_code == 0
        done = world.resume(stopped.id)
        assert done.exit_code == 0, done
    assert outcomes(world, done)[1:] == [("second", "done")]
    assert whole(world, done)
    assert_counted(world, first, then)


@every_engine
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_costs_a_moment_and_no_attempt(
    fault: str, engine: str, tmp_path: Path
) -> None:
    needed(engine)
    usual = work_of(engine, "a", HALF, *REST).steps
    script = Script(*usual[:2], *PASSING[fault], *usual[2:])
    with Provider({told("a"): script}) as provider:
        world = engine_world(tmp_path, tier(engine, provider))
        done = world.start_run(PLAN, wrap=hurried).end(SECONDS)
        assert done.exit_code == 0, done
    assert outcomes(world, done) == [("first", "done")]
    assert whole(world, done)
    assert_counted(world, provider)


@every_engine
def test_another_model_that_answers_is_named(engine: str, tmp_path: Path) -> None:
    needed(engine)
    usual = work_of(engine, "a", HALF, *REST).steps
    other = (replace(s, model="another-model") for s in usual if isinstance(s, Turn))
    with Provider({told("a"): Script(*other)}) as provider:
        world = engine_world(tmp_path, tier(engine, provider))
        done = world.start_run(PLAN, wrap=hurried).end(SECONDS)
        assert done.exit_code == 0, done
    [finished] = (e for e in world.events(done.id) if e["type"] == "workstream.finished")
    assert finished["completion"]["model_requested"] == "scripted-1"
    assert finished["completion"]["model_returned"] == "another-model"
    assert_counted(world, provider)


@every_engine
def test_a_paid_variant_that_answers_for_a_free_one_stops_its_tier(
    engine: str, tmp_path: Path
) -> None:
    needed(engine)
    paid = replace(counted(HALF, 1), model="scripted-1")
    with Provider({told("a"): Script(paid)}) as first, second() as then:
        free = tier(engine, first, model="scripted-1:free")
        world = engine_world(tmp_path, free, tier("builtin", then, "second"))
        done = world.start_run(PLAN, wrap=hurried).end(SECONDS)
        assert done.exit_code == 0, done
    assert outcomes(world, done) == [("first", "quota"), ("second", "done")]
    assert whole(world, done)
    assert_counted(world, first, then)


def begun(engine: str, fault: Step) -> Script:
    """Half of the work, and then nothing but the fault."""
    steps = (acknowledged(engine, "a"), HALF)
    return Script(*(counted(step, number) for number, step in enumerate(steps, 1)), ever=fault)


def second() -> Provider:
    """The next tier's provider: its model looks at the first half and makes the second."""
    steps = (acknowledged("builtin", "a"), *REST, *handed_in("builtin"))
    script = Script(*(counted(step, number) for number, step in enumerate(steps, 20)))
    return Provider({told("a"): script})


def outcomes(world: World, done: Outcome) -> list[tuple[str, str]]:
    """The tier and the outcome of each attempt."""
    ended = (e for e in world.events(done.id) if e["type"] == "workstream.finished")
    return [(e["completion"]["tier"], e["outcome"]) for e in ended]


def whole(world: World, done: Outcome) -> bool:
    """Whether the branch holds what both halves came to."""
    files = world.files(done.report["branch"])
    return (files["half.txt"], files["whole.txt"]) == ("first half", "second half")


def assert_counted(world: World, *providers: Provider) -> None:
    """Each answer that was told to its end is in the ledger with its tokens, and once."""
    spent = [line for line in world.ledger_lines() if line["entry"] == "spend"]
    lines: Counter[Any] = Counter(
        (line["input_tokens"], line["cached_tokens"], line["output_tokens"]) for line in spent
    )
    wanted = Counter((u.input, u.cached, u.output) for p in providers for u in p.told)
    assert not wanted - lines, f"told and not in the ledger: {wanted - lines}"
    assert len(spent) == sum(len(provider.requests) for provider in providers)
