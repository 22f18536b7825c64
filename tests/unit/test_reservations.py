"""Money that is set aside before it is spent: in the ledger, and across runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.accounts import Use, accounts_of
from bot.core.actions import StartWorkstream
from bot.core.base import RunId
from bot.core.decide import decide
from bot.core.events import Event, Policy, RunStatus
from bot.core.folding import fold
from bot.core.journal import Journal
from bot.core.ledger import LedgerLine
from bot.core.metrics import measure
from bot.core.money import cover_left
from bot.core.paying import covered, reservation_lines
from bot.core.reservations import reservations, taken
from bot.core.routing import Ladder, Rung
from bot.core.state import RunState
from tests.support.builders import (
    RUN,
    at,
    ended,
    finished,
    granted,
    ladder,
    plan,
    run_of,
    started,
    tier,
    usage,
    workstream,
)
from tests.support.simulate import World, play_together, random_plan, random_world

ONE = plan(workstream("a"))
POLICY = Policy(ladder=ladder(tier("openai", usd="10")), month_caps={"openai": Decimal(20)})
YES = granted(provider="openai", usd="4", because="it matters")
DOLLAR = Decimal(1)


def hand_out(seconds: float = 0, usd: str = "2", **more: object) -> Event:
    return started("a", seconds, tier="openai", provider="openai", reserved_usd=usd, **more)


def again(seconds: float) -> Event:
    return hand_out(seconds, cause="again after its lease")


def result(begin: float = 0, usd: str = "0.5", **more: object) -> Event:
    known = bool(more.pop("known", True))
    used = usage(usd=usd, known=known)
    return finished("a", begin, begin + 60, tier="openai", usage=used, **more)


def state_of(*events: Event) -> RunState:
    return fold(run_of(ONE, YES, *events, policy=POLICY))


def lines_of(*events: Event) -> list[LedgerLine]:
    """What the ledger has once events were written one by one."""
    state, lines = state_of(), []
    for event in events:
        after = fold([event], state)
        done = getattr(event, "completion", None)
        if done is not None:
            lines += covered([call(done.usage.cost_usd)], after, done)
        lines += reservation_lines(state, after, event.at)
        state = after
    return lines


def call(usd: Decimal, **more: object) -> LedgerLine:
    fields = {
        **{"id": f"call {usd} {more}", "at": at(60), "run": RUN, "workstream": "a", "attempt": 1},
        **{"tier": "openai", "provider": "openai", "billing": "paid", "cost_usd": usd},
    }
    return LedgerLine.model_validate(fields | more)


def test_a_reservation_says_for_whom_how_much_and_under_which_approval() -> None:
    [reserve] = lines_of(hand_out())
    assert (reserve.entry, reserve.cost_usd, reserve.provider) == ("reserve", 2, "openai")
    assert (reserve.workstream, reserve.attempt, reserve.tier) == ("a", 1, "openai")
    assert (reserve.approval, reserve.justification) == (YES.id, "it matters")


def test_what_was_not_spent_is_given_back_at_the_end_and_the_call_names_its_reservation() -> None:
    reserve, spend, release = lines_of(hand_out(), result())
    assert spend.reservation == release.reservation == reserve.id
    assert (release.entry, release.cost_usd) == ("release", Decimal("1.5"))
    assert reservations([reserve, spend, release]) == ()


@pytest.mark.parametrize(
    ("events", "counted"),
    [
        pytest.param((hand_out(),), "2", id="it runs"),
        pytest.param((hand_out(), result()), "0.5", id="it ended"),
        pytest.param((hand_out(), result(known=False)), "2", id="nobody counted"),
        pytest.param((hand_out(), again(2_000)), "4", id="lost, and handed out again"),
        pytest.param((hand_out(), again(2_000), result()), "2.5", id="the lost one came back"),
        pytest.param((hand_out(), again(2_000), result(2_001)), "2.5", id="the second came back"),
        pytest.param((hand_out(), ended(RunStatus.CANCELLED)), "2", id="the run is over"),
    ],
)
def test_the_ledger_and_the_run_count_the_same(events: tuple[Event, ...], counted: str) -> None:
    assert taken(lines_of(*events), "2026-11") == {"openai": Decimal(counted)}
    left = cover_left(state_of(*events), at(3_000), accounts_of([], RUN, at(0)))
    assert left == {"openai": 4 - Decimal(counted)}


def test_a_lost_reservation_weighs_on_later_months_until_somebody_ends_it() -> None:
    lost = lines_of(hand_out())
    assert taken(lost, "2027-01") == {"openai": 2}
    over = lines_of(hand_out(), ended(RunStatus.CANCELLED))
    assert (taken(over, "2026-11"), taken(over, "2026-12")) == ({"openai": 2}, {})


def test_an_attempt_is_counted_for_the_run_alone_and_a_day_for_all_runs() -> None:
    other = {"run": RunId("other"), "input_tokens": 7, "output_tokens": 2}
    lines = [call(DOLLAR, input_tokens=1), call(DOLLAR, id="b", **other)]
    lines += [call(DOLLAR, id="c", at=at(0) - timedelta(days=1), **other)]
    accounts = accounts_of(lines, RUN, at(99))
    assert accounts.others("openai") == 2
    assert accounts.used_today("openai") == Use(requests=2, tokens=10)


def test_writing_the_same_step_twice_is_writing_it_once() -> None:
    assert [line.id for line in lines_of(hand_out())] == [line.id for line in lines_of(hand_out())]


CAP = Decimal(3)
PAID = Ladder(
    rungs=(
        Rung(tier=tier("best", usd="2.50", provider="acme")),
        Rung(tier=tier("next", usd="2.50", provider="umbrella")),
    )
)


@settings(max_examples=25)
@given(st.integers(0, 10**9), st.sets(st.integers(0, 30), max_size=5))
def test_runs_on_one_ledger_never_pass_a_cap_together_whoever_is_killed(
    seed: int, killed: set[int]
) -> None:
    policy = Policy(ladder=PAID, month_caps={"acme": CAP, "umbrella": CAP})
    world = random_world(seed)

    def person(state: RunState, turn: int) -> tuple[Event, ...]:
        asked = {q.provider for q in state.asked if q.provider} if turn < 2 else ()
        run, now = state.asked[-1].run if state.asked else RUN, state.asked[-1:]
        usd = Random(f"{seed} {run} {turn}").choice(("0.40", "1.50", "9"))
        return tuple(
            type(YES).model_validate(
                {"at": now[0].at, "by": "ada", "run": run, "cause": f"{turn}", "usd": usd}
                | {"provider": provider}
            )
            for provider in sorted(asked)
        )

    def look(ledger: list[LedgerLine], really: Mapping[str, Decimal]) -> None:
        for provider, usd in taken(ledger, "2026-11").items():
            assert really.get(provider, Decimal(0)) <= usd <= CAP

    plans = {RunId(f"run{n}"): random_plan(seed + n, 5) for n in range(3)}
    play_together(plans, World(world.attempt, world.gate, person), policy, killed, look)


def test_a_subscription_needs_no_yes_reserves_nothing_and_is_in_no_sum() -> None:
    plus = tier("plus", provider="openai", billing="subscription")
    policy = Policy(ladder=ladder(plus), month_caps={"openai": Decimal(20)})
    state = fold(run_of(ONE, policy=policy))
    [start] = decide(state, at(1), accounts_of([], RUN, at(1)))
    assert isinstance(start, StartWorkstream)
    assert (start.tier, start.reserved_usd) == (plus, 0)
    begun = started("a", 1, tier="plus", provider="openai")
    done = finished("a", 1, 60, tier="plus", usage=usage(usd="7"))
    notional = call(Decimal(7), tier="plus", billing="subscription")
    events = run_of(ONE, begun, done, policy=policy)
    after = fold(events)
    assert reservation_lines(state, after, at(60)) == ()
    assert taken([notional], "2026-11") == {}
    assert cover_left(fold([YES], after), at(99), accounts_of([notional], RUN, at(99))) == {
        "openai": 4
    }
    assert measure(events, ONE, 1).cost_by_provider["openai"].usd == 0
    assert list(Journal(RUN, at(60)).paid(done.completion, [notional])) == []


@pytest.mark.parametrize(
    ("ended", "left"),
    [
        pytest.param((), "1", id="it may spend still"),
        pytest.param((result(usd="2"),), "2", id="what it took fell in the month before"),
        pytest.param((result(known=False),), "2", id="nobody knows what it took then"),
    ],
)
def test_a_months_cap_is_not_used_up_by_what_the_same_run_took_in_an_earlier_month(
    ended: tuple[Event, ...], left: str
) -> None:
    policy = POLICY.model_copy(update={"month_caps": {"openai": Decimal(3)}})
    state = fold(run_of(ONE, YES, hand_out(), *ended, policy=policy))
    nothing = accounts_of([], RUN, at(0))
    assert cover_left(state, at(99), nothing) == {"openai": Decimal(1)}
    assert cover_left(state, at(99) + timedelta(days=31), nothing) == {"openai": Decimal(left)}
