"""Which tier serves an agent that only reads."""

from __future__ import annotations

import pytest

from bot.core.github.opinions import REVIEW
from bot.core.github.planning import PLANNING
from bot.core.ledger import Billing
from bot.core.plan import Workstream
from bot.core.reading import can_read, route_reading
from bot.core.routing import Ladder, NoRoute, Route, Rung, Tier

reads = pytest.mark.parametrize("workstream", [REVIEW, PLANNING], ids=lambda one: one.id)


def tier(engine: str, billing: Billing = Billing.FREE) -> Tier:
    return Tier(name=f"{engine}-{billing}", engine=engine, provider="p", billing=billing)


def ladder(*rungs: Rung | Tier) -> Ladder:
    return Ladder(rungs=tuple(one if isinstance(one, Rung) else Rung(tier=one) for one in rungs))


@reads
@pytest.mark.parametrize("engine", ["gemini", "opencode", "kilo", "claude", "copilot", "builtin"])
def test_the_first_free_tier_serves_whatever_its_engine(
    engine: str, workstream: Workstream
) -> None:
    found = route_reading(workstream, ladder(tier(engine), tier("builtin")), {})
    assert isinstance(found, Route)
    assert found.tier.engine == engine


@reads
def test_a_tier_whose_engine_cannot_be_held_to_reading_is_passed_by_and_named(
    workstream: Workstream,
) -> None:
    found = route_reading(workstream, ladder(tier("codex"), tier("cline"), tier("gemini")), {})
    assert isinstance(found, Route)
    assert found.tier.engine == "gemini"
    for engine in ("codex", "cline"):
        assert f"{engine}-free: {engine} cannot be held to reading" in found.because


def test_nobody_reads_where_free_tiers_can_only_act_and_the_reason_says_so() -> None:
    paid, away = tier("gemini", Billing.PAID), Rung(tier=tier("kilo"), why_not="no key: set K")
    found = route_reading(REVIEW, ladder(tier("codex"), paid, away), {})
    assert isinstance(found, NoRoute)
    assert "codex cannot be held to reading" in found.because
    assert "kilo-free: no key: set K" in found.because
    assert "gemini" not in found.because  # it is no free one


def test_what_is_exhausted_or_lacks_its_program_leaves_the_reading_to_the_next() -> None:
    found = route_reading(REVIEW, ladder(tier("gemini"), tier("kilo")), {"gemini-free": "used up"})
    assert isinstance(found, Route)
    assert (found.tier.engine, "gemini-free: used up" in found.because) == ("kilo", True)


@pytest.mark.parametrize(
    ("one", "can"),
    [
        (tier("gemini"), True),
        (tier("gemini", Billing.PAID), False),
        (tier("cline"), False),
        (tier("shell"), False),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_a_tier_must_be_to_have_read(one: Tier, can: bool) -> None:
    assert can_read(one) is can
