"""Which tier serves: the first that may, and why not the others."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.catalog import Routing, build_ladder
from bot.core.ledger import Billing, Tokens
from bot.core.plan import Complexity, Kind
from bot.core.routing import (
    SHELL,
    Ladder,
    NeedsApproval,
    NoRoute,
    PaidWish,
    Route,
    Rung,
    Tier,
    paid_wish,
    route,
)
from bot.core.routing_rules import ORDINARY, Demand, RoutingRule
from tests.support.builders import ladder, tier, workstream

WORK = workstream("a")
FREE, OTHER, PAID = tier("free"), tier("other"), tier("openai", usd="10")


def routed(
    steps: Ladder,
    *,
    exhausted: dict[str, str] | None = None,
    tried: tuple[str, ...] = (),
    cover: dict[str, str] | None = None,
    **more: object,
) -> Route | NeedsApproval | NoRoute:
    money = {provider: Decimal(usd) for provider, usd in (cover or {}).items()}
    stream = workstream("a", **more)
    return route(stream, steps, exhausted=exhausted or {}, tried=tried, cover=money)


def served(found: Route | NeedsApproval | NoRoute) -> str:
    assert isinstance(found, Route)
    return found.tier.name


def test_the_first_free_tier_serves() -> None:
    found = routed(ladder(PAID, FREE, OTHER), cover={"openai": "5"})
    assert found == Route(FREE, "the first free tier")


def test_a_subscription_needs_no_approval_and_is_not_called_approved() -> None:
    plus = tier("plus", billing=Billing.SUBSCRIPTION)
    assert routed(ladder(plus)) == Route(plus, "the first subscription tier")


def test_a_preferred_tier_comes_before_the_others_but_paid_never_before_free() -> None:
    rules = (RoutingRule(kinds=(Kind.DOCS,), prefer=("openai", "other")),)
    steps = Ladder(rungs=ladder(FREE, OTHER, PAID).rungs, rules=rules)
    assert served(routed(steps, kind="docs", cover={"openai": "5"})) == "other"
    assert served(routed(steps, cover={"openai": "5"})) == "free"


def test_tiers_that_cannot_serve_are_passed_over_with_their_reasons() -> None:
    rungs = (Rung(tier=FREE, why_not="no key in FREE_KEY"), *ladder(OTHER, PAID).rungs)
    found = routed(Ladder(rungs=rungs), exhausted={"other": "429"})
    assert found == NeedsApproval(
        PAID, "other: 429; openai: paid, and not approved; free: no key in FREE_KEY"
    )
    found = routed(Ladder(rungs=rungs), exhausted={"other": "429"}, cover={"openai": "0.05"})
    assert found == Route(PAID, "approved; other: 429; free: no key in FREE_KEY")


def test_with_less_than_an_answer_may_cost_nothing_is_begun() -> None:
    steps = ladder(PAID)
    least = PAID.least_usd
    assert least == Decimal("10") * 4_096 / 1_000_000
    assert served(routed(steps, cover={"openai": str(least)})) == "openai"
    found = routed(steps, cover={"openai": str(least - Decimal("0.0001"))})
    why = "the $0.0409 that are left are less than an answer may cost ($0.0410)"
    assert found == NeedsApproval(PAID, f"openai: {why}")


def test_of_many_tiers_that_nobody_set_up_a_reason_names_all_and_says_why_of_two() -> None:
    rungs = [Rung(tier=tier(f"t{n}"), why_not=f"no key: set KEY_{n}") for n in range(5)]
    found = routed(Ladder(rungs=tuple(rungs)))
    why = "t0: no key: set KEY_0; t1: no key: set KEY_1"
    assert found == NoRoute(f"{why}; not here either: t2, t3, t4")


def test_a_tier_that_had_its_turn_comes_last_but_comes() -> None:
    assert routed(ladder(FREE, OTHER), tried=("free",)) == Route(OTHER, "the next free tier")
    assert served(routed(ladder(FREE, OTHER), tried=("free", "other"))) == "free"
    assert served(routed(ladder(FREE, PAID), tried=("free",))) == "free"
    assert served(routed(ladder(FREE, PAID), tried=("free",), cover={"openai": "1"})) == "openai"


def test_an_engine_that_the_plan_pins_is_the_only_one() -> None:
    codex = tier("codex", engine="codex")
    assert served(routed(ladder(FREE, codex), engine="codex")) == "codex"
    assert routed(ladder(FREE), engine="codex") == NoRoute("no tier is driven by codex")
    missing = Rung(tier=codex, why_not="no key: set CODEX_KEY")
    only = routed(Ladder(rungs=(*ladder(FREE).rungs, missing)), engine="codex")
    assert only == NoRoute("codex: no key: set CODEX_KEY"), "of the others nothing is to be said"


def test_commands_go_to_the_shell_and_need_no_tier() -> None:
    assert routed(Ladder(), run=["make"]) == Route(SHELL, "the plan gives the commands")
    asked_for = WORK.model_copy(update={"engine": "shell"})
    found = route(asked_for, ladder(FREE), exhausted={}, tried=(), cover={})
    assert isinstance(found, NoRoute), "it has no commands"


def test_without_any_tier_there_is_no_route() -> None:
    assert routed(Ladder()) == NoRoute("no tier is known")


@pytest.mark.parametrize("left", ["0", "-0.5"])
def test_money_that_is_gone_covers_nothing(left: str) -> None:
    assert isinstance(routed(ladder(PAID), cover={"openai": left}), NeedsApproval)
    assert isinstance(routed(ladder(PAID), cover={"groq": "5"}), NeedsApproval)


def test_half_a_price_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="half a price"):
        tier("openai", billing=Billing.PAID, input_usd_per_million="1")


def test_a_paid_tier_of_unknown_price_is_passed_over_and_says_what_is_missing() -> None:
    built = build_ladder(
        [tier("openai", billing=Billing.PAID)], [], Routing(rules=()), lambda _: ""
    )
    found = routed(built, cover={"openai": "5"})
    assert isinstance(found, NoRoute)
    assert "nobody knows its price: add input_usd_per_million" in found.because


def test_an_unknown_price_is_not_nothing() -> None:
    assert tier("free").cost(Tokens(1_000_000, 0)) is None
    assert tier("openai", usd="10").cost(Tokens(1_000_000, 500_000)) == Decimal(15)


def test_what_a_cache_has_costs_less_and_what_it_is_given_costs_more() -> None:
    call = Tokens(1_000, 100, cached=500, written=200, written_for_an_hour=100)
    unsaid = tier("openai", usd="10")
    # 200 as they are, 500 at the full price, 200 at a quarter more, 100 at twice, 100 of output
    assert unsaid.cost(call) == Decimal("0.0125")
    said = unsaid.model_copy(
        update={"cached_usd_per_million": Decimal(1), "cache_write_usd_per_million": Decimal(20)}
    )
    assert said.cost(call) == Decimal("0.0107")


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "localhost:11434", "http://", "https://me:secret@x/v1", "file:///etc"]
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        tier("x", base_url=url)


def test_the_first_tier_of_a_name_wins() -> None:
    own = tier("free", model="mine")
    steps = build_ladder([own], [FREE, OTHER], Routing(rules=()), lambda t: f"no {t.engine}")
    assert [rung.tier for rung in steps.rungs] == [own, OTHER]
    assert steps.rungs[0].why_not == "no builtin"
    assert not steps.can_think


def test_a_repositorys_own_tier_comes_before_what_the_catalog_prefers() -> None:
    rules = Routing(rules=(RoutingRule(kinds=(Kind.TESTS,), prefer=("other",)),))
    steps = build_ladder([tier("mine")], [FREE, OTHER], rules, lambda _: "")
    assert [rung.tier.name for rung in steps.for_kind(Kind.TESTS)] == ["mine", "other", "free"]


CRITICAL = Demand(Complexity.CRITICAL)
ASKS = RoutingRule(
    kinds=(Kind.AUDIT,), prefer=("free", "openai"), ask=True, because="it must be deep"
)


@pytest.mark.parametrize(
    ("rule", "demand", "kind", "first"),
    [
        pytest.param({"kinds": ("docs",)}, ORDINARY, "docs", "other", id="its kind"),
        pytest.param({"kinds": ("docs",)}, ORDINARY, "tests", "free", id="another kind"),
        pytest.param({"larger_than_tokens": 9}, Demand(tokens=10), "docs", "other", id="large"),
        pytest.param({"larger_than_tokens": 9}, Demand(tokens=9), "docs", "free", id="not larger"),
        pytest.param({"complexity": ("critical",)}, CRITICAL, "docs", "other", id="critical"),
        pytest.param({"complexity": ("critical",)}, ORDINARY, "docs", "free", id="not critical"),
        pytest.param(
            {"complexity": ("critical",), "kinds": ("docs",)}, CRITICAL, "tests", "free", id="both"
        ),
    ],
)
def test_a_rule_prefers_where_all_that_it_names_holds(
    rule: dict[str, object], demand: Demand, kind: str, first: str
) -> None:
    rules = (RoutingRule.model_validate({**rule, "prefer": ("other",)}),)
    steps = Ladder(rungs=ladder(FREE, OTHER).rungs, rules=rules)
    found = route(
        workstream("a", kind=kind), steps, exhausted={}, tried=(), cover={}, demand=demand
    )
    assert served(found) == first


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"prefer": ["free"]}, id="one for all work"),
        pytest.param({"kinds": ["audit"], "prefer": ["x"], "ask": True}, id="money without why"),
        pytest.param({"kinds": ["audit"], "ask": True, "because": "so"}, id="money for nobody"),
    ],
)
def test_a_rule_that_says_too_little_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RoutingRule.model_validate(rule)


def test_a_paid_tier_comes_before_free_ones_only_where_a_rule_asks_and_somebody_said_yes() -> None:
    steps = Ladder(rungs=ladder(FREE, PAID).rungs, rules=(ASKS,))
    yes = {"openai": "1"}
    found = routed(steps, kind="audit", cover=yes)
    assert found == Route(PAID, "approved: it must be deep")
    assert served(routed(steps, kind="audit")) == "free"
    assert served(routed(steps, kind="docs", cover=yes)) == "free"
    assert served(routed(steps, kind="audit", cover=yes, tried=("openai",))) == "free"
    assert served(routed(steps, kind="audit", cover=yes, exhausted={"openai": "402"})) == "free"


def test_nobody_is_asked_for_a_tier_that_could_not_serve() -> None:
    audit = workstream("a", kind="audit")
    steps = Ladder(rungs=ladder(FREE, PAID).rungs, rules=(ASKS,))
    no_key = Ladder(rungs=(Rung(tier=PAID, why_not="no key"),), rules=(ASKS,))
    assert paid_wish(audit, steps, ORDINARY, {}) == PaidWish(PAID, "it must be deep")
    assert paid_wish(audit, no_key, ORDINARY, {}) is None
    assert paid_wish(audit, steps, ORDINARY, {"openai": "402"}) is None
    assert paid_wish(workstream("a", kind="audit", engine="codex"), steps, ORDINARY, {}) is None


tiers = st.lists(
    st.builds(
        lambda n, paid, provider: tier(f"t{n}", usd="1" if paid else None, provider=provider),
        st.integers(0, 9),
        st.booleans(),
        st.sampled_from(("acme", "umbrella")),
    ),
    unique_by=lambda one: one.name,
    max_size=6,
)
names = st.sets(st.integers(0, 9).map(lambda n: f"t{n}"))
money = st.dictionaries(st.sampled_from(("acme", "umbrella")), st.decimals(-1, 2, places=1))


@settings(max_examples=150)
@given(tiers, names, names, names, money, st.lists(st.integers(0, 9).map(lambda n: f"t{n}")))
def test_the_first_that_may_serve_is_taken_and_every_other_before_it_has_a_reason(
    known: list[Tier],
    unusable: set[str],
    exhausted: set[str],
    tried: set[str],
    cover: dict[str, Decimal],
    prefer: list[str],
) -> None:
    rungs = tuple(Rung(tier=t, why_not="no key" if t.name in unusable else "") for t in known)
    rules = (RoutingRule(kinds=(Kind.IMPLEMENTATION,), prefer=tuple(prefer)),)
    steps = Ladder(rungs=rungs, rules=rules)
    spent = dict.fromkeys(exhausted, "429")
    found = route(WORK, steps, exhausted=spent, tried=tried, cover=cover)

    def covered(one: Tier) -> bool:
        return one.billing is not Billing.PAID or cover.get(one.provider, 0) > 0

    usable = [t for t in known if t.name not in unusable | exhausted]
    may = [t for t in usable if covered(t)]
    if isinstance(found, Route):
        assert found.tier in may
        fresh = [t for t in may if t.name not in tried]
        assert found.tier in (fresh or may)
        free = [t for t in fresh or may if t.billing is Billing.FREE]
        assert found.tier.billing is Billing.FREE or not free
    else:
        assert not may
        assert isinstance(found, NeedsApproval) == bool(usable)
        assert all(t.name in found.because for t in known)
