"""Runs on the ladder of models in the workflows: tiers that end, and money that does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot.core.events import RunStatus
from bot.core.handoff import CompletionStatus
from bot.core.state import WorkstreamStatus
from tests.support.act_story import acted
from tests.support.scripted_model import ScriptedModel, call, cut, finish, refusal
from tests.support.stories import paid_tier, plan, writes
from tests.workflows.test_end_to_end import expect_ready_to_merge

THINKS = plan("{id: one, title: Write one, kind: implementation, files: [one.txt], goal: Have it}")


def test_work_goes_on_where_three_tiers_in_a_row_have_nothing_left(tmp_path: Path) -> None:
    work = [
        call("write_file", path="one.txt", content="one\n"),
        refusal(402, "Insufficient credits"),
        refusal(429, "You exceeded your current quota", code="insufficient_quota"),
        refusal(429, "Rate limit reached: tokens per day (TPD)"),
        call("read_file", path="one.txt"),
        call("todo", done=[1]),
        finish(),
    ]
    with ScriptedModel(work) as model:
        free = paid_tier(model) | {"billing": "free", "key_env": None}
        tiers = [free | {"name": f"tier-{n}", "provider": f"provider-{n}"} for n in range(1, 5)]
        with acted(tmp_path / "shop", tiers=tiers) as shop:
            number = shop.ask(THINKS)
            assert shop.failed == ""
            expect_ready_to_merge(shop, number, children=1)
            assert shop.text(shop.pull().head_sha, "one.txt") == "one"
            state = shop.state()
            assert state.status is RunStatus.PASSED
            tried = [attempt.started.tier for attempt in state.track("one").attempts]
            assert tried == ["tier-1", "tier-2", "tier-3", "tier-4"]
            assert sorted(state.outages) == ["tier-1", "tier-2", "tier-3"]
            told = str(model.requests[4].body)  # what the fourth finds is what the first wrote
            assert "an earlier attempt" in told
            by_tier = [line["tier"] for line in shop.ledger()]
            assert sorted(by_tier) == ["tier-1"] * 2 + ["tier-2", "tier-3"] + ["tier-4"] * 3


BOTH = plan(
    writes("one"),
    "{id: two, title: Write two, kind: implementation, files: [two.txt], goal: Have it}",
)


def test_money_that_ends_in_the_middle_of_an_answer_leaves_what_is_done_in_the_pull_request(
    tmp_path: Path,
) -> None:
    # Of $0.50, a tenth is kept for fixes.
    work = [
        call("write_file", path="two.txt", content="half of two\n"),
        cut(call("write_file", path="two.txt", content="all of two\n")),
    ]
    with ScriptedModel(work) as model:
        tier = paid_tier(model) | {"name": "groq", "provider": "groq", "key_env": "GROQ_API_KEY"}
        more = {"agents": {"paid_without_sandbox": True}, "secrets": {"GROQ_API_KEY": "sk-1"}}
        with acted(tmp_path / "shop", tiers=[tier], **more) as shop:
            number = shop.ask(BOTH)
            shop.say(number, "/approve-paid groq 0.50 because it is worth a try")
            assert shop.failed == ""
            state = shop.state()
            last = state.track("two").last
            assert last
            assert last.completion
            assert last.completion.status is CompletionStatus.PARTIAL
            assert "of $0.45 is left" in (last.completion.error or "")
            assert state.standings["two"].status is WorkstreamStatus.READY  # for more money

            pull = shop.pull()
            assert pull.draft
            assert shop.text(pull.head_sha, "one.txt") == "one"
            assert "two" in (shop.repository.issues[shop.pull_number()].body or "")
            rescued = f"refs/orchestrate/rescue/{state.request.run}/two.1" if state.request else ""
            assert shop.text(rescued, "two.txt") == "half of two"
            assert "/approve-paid groq" in shop.live()
            spent = [line for line in shop.ledger() if line["entry"] == "spend"]
            assert [line["cost_known"] for line in spent] == [True, False]
            assert sum(Decimal(str(line["cost_usd"])) for line in spent) <= Decimal("0.50")
