"""The page on models shows the ladder as it is, and what our rules prefer is on it."""

from __future__ import annotations

from pathlib import Path

from bot.core.catalog import Catalog, Routing, read_data
from bot.core.ledger import Billing
from bot.core.routing import Tier

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text()


def catalog() -> Catalog:
    found = read_data(Catalog, (ROOT / "agents" / "catalog.yaml").read_bytes())
    assert isinstance(found, Catalog)
    return found


def routing() -> Routing:
    found = read_data(Routing, (ROOT / "agents" / "routing.yaml").read_bytes())
    assert isinstance(found, Routing)
    return found


def row_of(number: int, tier: Tier) -> str:
    limits = (
        (tier.requests_per_minute, "requests a minute"),
        (tier.requests_per_day, "requests a day"),
        (tier.tokens_per_day, "tokens a day"),
    )
    known = ", ".join(f"{most:,} {what}" for most, what in limits if most) or "–"
    paid = tier.billing is Billing.PAID
    price = f"{tier.input_usd_per_million} / {tier.output_usd_per_million}" if paid else "free"
    cells = (
        *(str(number), f"`{tier.name}`", tier.engine, f"`{tier.model}`", price, known),
        *(f"`{tier.key_env}`", str(tier.checked_on or "–")),
    )
    return f"| {' | '.join(cells)} |"


def test_the_ladder_is_the_catalog() -> None:
    rows = "\n".join(row_of(n, tier) for n, tier in enumerate(catalog().tiers, 1))
    shown = PAGE.split("<!-- ladder -->\n")[1].split("\n\n")[0].split("\n", 2)[2]

    assert shown == rows, f"should be:\n{rows}"


def test_the_readme_has_the_same_ladder_in_short() -> None:
    rows = "\n".join(
        f"| `{tier.name}` | {tier.billing} | `{tier.engine}` | {tier.provider} | `{tier.key_env}` |"
        for tier in catalog().tiers
    )
    page = (ROOT / "README.md").read_text()
    shown = page.split("<!-- ladder -->\n")[1].split("\n\n")[0].split("\n", 2)[2]

    assert shown == rows, f"should be:\n{rows}"


def test_the_quick_start_names_every_key_under_what_it_costs() -> None:
    page = (ROOT / "docs" / "quickstart.md").read_text()
    free, paid = page.split("| free | paid")[1].split("\n")[2].strip("|").split(" | ")

    for tier in catalog().tiers:
        assert f"`{tier.key_env}`" in (paid if tier.billing is Billing.PAID else free)


def test_the_ladder_has_every_engine_of_the_design_free_before_paid() -> None:
    tiers = catalog().tiers
    paid = [tier.billing is Billing.PAID for tier in tiers]

    assert paid == sorted(paid)
    assert [tier.engine for tier in tiers] == [
        *("gemini", "opencode", "kilo", "cline", "builtin", "builtin"),
        *("codex", "builtin", "claude", "gemini"),
    ]
    assert all(tier.base_url and tier.key_env for tier in tiers)


def test_what_rules_prefer_is_on_the_ladder() -> None:
    known = {"local", *(tier.name for tier in catalog().tiers)}

    assert [name for rule in routing().rules for name in rule.prefer if name not in known] == []
