"""COSTS.md, as a person reads it who pays."""

from __future__ import annotations

from decimal import Decimal

from bot.core.config import LimitSettings
from bot.core.github.links import Links
from bot.core.ledger import LedgerLine
from bot.render.costs import CostsPage
from tests.support.builders import at

WIDGET = CostsPage(
    LimitSettings(provider_month={"groq": Decimal(50)}),
    Links("https://github.example", "acme/widget"),
)
ISSUE = "https://github.example/acme/widget/issues"

WHERE_STOPPED = (
    "held until its attempt ends; where that was stopped: `orchestrate run --resume {}` or "
    "`orchestrate clean`, on GitHub `/cancel`"
)


def line(nth: int, usd: str = "0.25", **more: object) -> LedgerLine:
    fields = {
        **{"id": str(nth), "at": at(nth), "run": "42", "workstream": "a", "attempt": 1},
        **{"tier": "t", "provider": "openai", "billing": "paid"},
        **{"input_tokens": 12_000, "output_tokens": 300, "cost_usd": usd},
    }
    return LedgerLine.model_validate(fields | more)


def rows(page: str, head: str) -> dict[str, list[str]]:
    """The rows of one section's table by their first cell."""
    body = page.split(f"## {head}\n\n")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in body]
    return {first: rest for first, *rest in cells}


def test_each_provider_is_held_against_the_cap_with_what_was_really_spent() -> None:
    lines = [
        *(line(1), line(2, "19.50"), line(3, "0", cost_known=False)),
        line(4, "9", billing="subscription"),
        line(5, "30", provider="groq"),
        line(6, "5", provider="asked", entry="approve"),
        line(7, "0", provider="local", billing="free"),
    ]
    found = rows(WIDGET.page(lines, "2026-11"), "By provider")
    assert {name: row[-2:] for name, row in found.items()} == {
        "asked": ["$0.0000", "$20.0000 of $20.00"],
        "groq": ["$30.0000", "$20.0000 of $50.00"],
        "local": ["$0.0000", "–"],
        "openai": ["$19.7500 + 1 unknown", "$0.2500 of $20.00"],
    }


def test_free_calls_are_counted_beside_paid_ones_and_a_subscription_costs_nothing_here() -> None:
    lines = [line(1), line(2, "0", billing="free"), line(3, "0", billing="free")]
    lines += [line(4, "1.5", billing="subscription")]
    page = WIDGET.page(lines, "2026-11")
    assert "**$0.2500** really spent" in page
    assert rows(page, "Free and paid") == {
        "free": ["2", "24,000", "600", "nothing"],
        "paid": ["1", "12,000", "300", "$0.2500"],
        "subscription (paid for elsewhere)": ["1", "12,000", "300", "would be $1.5000"],
    }


def test_runs_lead_to_their_issues_where_the_repository_is_known() -> None:
    lines = [line(1), line(2, run="43-2"), line(3, run="7f3a")]
    assert list(rows(WIDGET.page(lines, "2026-11"), "By run")) == [
        f"[42]({ISSUE}/42)",
        f"[43-2]({ISSUE}/43)",
        "7f3a",
    ]
    assert "](http" not in CostsPage().page(lines, "2026-11")


def test_approvals_say_who_how_much_and_why_and_call_nobody() -> None:
    why = "@everyone it is <img src=x> hard | really\n# Costs"
    approved = line(1, "2", entry="approve", by="alice", justification=why)
    [[run, provider, usd, who, until, because]] = rows(
        WIDGET.page([approved], "2026-11"), "Approved"
    ).values()
    assert (run, provider, usd, who, until) == (
        *(f"[42]({ISSUE}/42)", "openai", "$2.00", "alice", "the run's end"),
    )
    assert "@everyone" not in because
    assert "<img" not in because
    assert because.endswith("# Costs")  # still in its cell


def test_what_is_reserved_is_no_more_left_and_the_page_says_whose_it_is() -> None:
    lines = [
        line(1, "2", id="r1", entry="reserve"),
        line(2, "0.5", reservation="r1"),
        line(3, "3", id="r2", entry="reserve", run="43", workstream="b"),
        line(64, "0", entry="release", reservation="r2"),
        line(5, "4", id="r3", entry="reserve"),
        line(6, "4", entry="release", reservation="r3"),
    ]
    page = WIDGET.page(lines, "2026-11")
    assert rows(page, "By provider")["openai"][-2:] == ["$0.5000", "$15.0000 of $20.00"]
    held = [row.split("|")[3:-1] for row in page.split("## Reserved")[1].splitlines()[4:6]]
    assert [[cell.strip() for cell in row] for row in held] == [
        ["a, attempt 1", "openai", "$1.5000", WHERE_STOPPED.format(42)],
        ["b, attempt 1", "openai", "$3.0000", "nobody knows what it cost"],
    ]
    assert "**$0.5000** really spent" in page


def test_another_month_is_another_page_and_an_unknown_cap_is_not_made_up() -> None:
    lines = [line(1), line(2, "7", at=at(0).replace(month=10))]
    page = CostsPage().page(lines, "2026-11")
    assert "$7" not in page
    assert "left of" not in page
