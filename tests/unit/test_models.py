"""The ladder as people look at it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from rich.console import Console

from bot.core.events import TierExhausted
from bot.core.models import Models, by_tier, models_of, ran_out
from bot.core.plan import Kind
from bot.core.routing import Ladder, Rung
from bot.core.routing_rules import RoutingRule
from bot.render.models import WIDE, print_models
from tests.support.builders import tier

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAID = tier("groq", usd="0.59", requests_per_day=1_000, checked_on=TODAY)
RULES = (RoutingRule(kinds=(Kind.REVIEW,), prefer=("third",)),)


def shown(*rungs: Rung, kind: Kind | None = None) -> Models:
    return models_of(Ladder(rungs=rungs, rules=RULES), kind, TODAY, {})


def printed(found: Models, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    print_models(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


SECOND = Rung(tier=tier("second"))
THIRD = Rung(tier=tier("third"))
NO_KEY = Rung(tier=tier("first"), why_not="no key: set FIRST_KEY")


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        pytest.param(None, ["own", "first", "second", "third", "groq"], id="for all work"),
        pytest.param(Kind.REVIEW, ["own", "third", "first", "second", "groq"], id="for reviews"),
    ],
)
def test_rungs_stand_in_the_order_in_which_they_are_asked(
    kind: Kind | None, order: list[str]
) -> None:
    own = Rung(tier=tier("own"), own=True)
    found = shown(Rung(tier=PAID), NO_KEY, SECOND, THIRD, own, kind=kind)
    assert [rung.tier.name for rung in found.rungs] == order
    assert [rung.order for rung in found.rungs] == [1, 2, 3, 4, 5]


def test_who_is_first_is_who_a_run_would_take() -> None:
    found = shown(NO_KEY, SECOND, THIRD)
    first = {one.kind: one.tier for one in found.first}
    assert set(first) == set(Kind)
    assert (first[Kind.REVIEW], first[Kind.TESTS]) == ("third", "second")
    grouped = {group.tier: kinds for group, kinds in by_tier(found.first).items()}
    assert grouped["third"] == (Kind.REVIEW,)
    [fix] = shown(NO_KEY, SECOND, kind=Kind.FIX).first
    assert fix.because == "the first free tier; first: no key: set FIRST_KEY"


def test_a_paid_rung_is_first_only_after_a_yes_and_without_a_usable_one_nobody_is() -> None:
    [review] = shown(NO_KEY, Rung(tier=PAID), kind=Kind.REVIEW).first
    assert (review.tier, review.needs_approval) == ("groq", True)
    assert "groq, after a yes" in printed(shown(NO_KEY, Rung(tier=PAID)), 80)
    [review] = shown(NO_KEY, kind=Kind.REVIEW).first
    assert (review.tier, review.needs_approval) == (None, False)


@pytest.mark.parametrize(
    ("checked", "outdated"),
    [
        pytest.param(TODAY - timedelta(days=90), False, id="ninety days ago"),
        pytest.param(TODAY - timedelta(days=91), True, id="longer ago"),
        pytest.param(TODAY + timedelta(days=1), False, id="where it is tomorrow already"),
        pytest.param(None, False, id="never: it is somebody's own"),
    ],
)
def test_an_entry_that_nobody_looked_at_for_long_is_named(
    checked: date | None, outdated: bool
) -> None:
    found = shown(Rung(tier=tier("second", checked_on=checked)))
    assert found.outdated == (("second",) if outdated else ())
    assert found.rungs[0].usable, "it serves all the same"
    assert ("(old)" in printed(found, 80)) == outdated


@pytest.mark.parametrize("width", [50, 80, WIDE])
def test_everything_about_a_rung_is_shown_at_any_width_without_colours(width: int) -> None:
    text = printed(shown(NO_KEY, Rung(tier=PAID)), width)
    flat = " ".join(text.split())
    for piece in ("first", "no key: set FIRST_KEY", "first-1", "groq-1", "builtin"):
        assert piece in flat
    for piece in ("1,000 requests a day", "0.59 / 0.59", "2026-11-21", "serves after a yes"):
        assert piece in flat
    assert max(map(len, text.splitlines())) <= width


def test_a_long_reason_goes_on_below_itself() -> None:
    why = "no endpoint: set ORCHESTRATE_BASE_URL and ORCHESTRATE_MODEL, then look again"
    one, two, three, *_ = printed(shown(Rung(tier=tier("first"), why_not=why)), 60).splitlines()
    begins = one.index("no endpoint")
    assert two[:begins].isspace(), "it does not look like the next line"
    assert two[begins:].strip()
    assert three.strip().startswith("builtin, ")


def test_what_a_name_holds_steers_no_terminal() -> None:
    nasty = tier("second", model="m\x1b[2J\u202e[red]x")
    for width in (80, WIDE):
        text = printed(shown(Rung(tier=nasty, why_not="\x1b]0;t\x07no")), width)
        assert "\x1b" not in text
        assert "\u202e" not in text


def out(tier: str, hours: float, back: float | None) -> TierExhausted:
    back_at = None if back is None else NOW + timedelta(hours=back)
    at = NOW + timedelta(hours=hours)
    return TierExhausted(at=at, run="7f3a", tier=tier, because="429", back_at=back_at)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param([out("a", -1, 2)], "7f3a, back at 2026-11-21 14:00 UTC", id="to come"),
        pytest.param([out("a", -3, -1)], None, id="it is back"),
        pytest.param([out("a", -1, None)], "7f3a at 2026-11-21 11:00 UTC", id="nobody knows"),
        pytest.param([out("a", -25, None)], None, id="that was yesterday"),
        pytest.param([out("a", -1, -0.5), out("a", -2, 3)], None, id="the last word counts"),
    ],
)
def test_a_tier_that_ran_out_is_told_of_until_it_is_back(
    found: list[TierExhausted], told: str | None
) -> None:
    assert ran_out(found, NOW).get("a") == (told and f"ran out in run {told}")


@pytest.mark.parametrize("width", [80, WIDE])
def test_a_tier_that_ran_out_stands_so_in_the_list(width: int) -> None:
    told = {"second": "ran out in run 7f3a, back at 14:05"}
    found = models_of(Ladder(rungs=(SECOND, NO_KEY)), None, TODAY, told)
    shown = " ".join(printed(found, width).split())
    assert "ran out in run 7f3a" in shown
    assert "serves" in shown
