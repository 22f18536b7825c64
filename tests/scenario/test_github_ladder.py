"""Runs on a ladder of models on GitHub: tiers that end and come back, shares, and questions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from bot.core.allowance import Share
from bot.core.events import RunStatus, TierExhausted
from tests.support.scripted_model import ScriptedModel, call, finish, refusal
from tests.support.stories import Opens, Story, paid_tier, plan, writes

THINKS = "{{id: {0}, title: Write {0}, kind: {1}, files: [{0}.txt], goal: Have {0}}}"
ONE = plan(THINKS.format("one", "implementation"))
DONE = (call("todo", done=[1]), finish())


def free(model: ScriptedModel, name: str, **more: object) -> dict[str, object]:
    about = {"name": name, "provider": f"{name}-inc", "billing": "free", "key_env": None}
    return paid_tier(model) | about | more


def sub_issue(shop: Story, name: str) -> str:
    """Where a workstream's issue says that it stands."""
    body = shop.repository.issues[shop.presence().sub_issues[name].number].body or ""
    return body.partition("---")[2].strip()


def edits_of(shop: Story, name: str) -> int:
    """How often a workstream's issue was written again."""
    page = f"/issues/{shop.presence().sub_issues[name].number}"
    return sum(r.method == "PATCH" and r.path.endswith(page) for r in shop.github.requests)


def seen_at_work(shop: Story, name: str) -> list[str]:
    """What a workstream's issue says whenever an agent begins, from now on."""
    seen: list[str] = []

    def run(job: str, step: Callable[[], None]) -> None:
        if job == "agent":
            seen.append(sub_issue(shop, name))
        step()

    shop.wrap = run
    return seen


def test_three_tiers_have_nothing_left_and_the_fourth_goes_on_with_the_work(opens: Opens) -> None:
    script = [
        call("write_file", path="one.txt", content="one\n"),
        refusal(402, "Insufficient credits"),
        refusal(429, "You exceeded your current quota", code="insufficient_quota"),
        refusal(429, "limit exhausted", retry_after="90000"),
        call("read_file", path="one.txt"),
        *DONE,
    ]
    with ScriptedModel(script) as model:
        tiers = [free(model, f"tier-{n}") for n in range(1, 5)]
        with opens(tiers=tiers) as shop:
            shop.ask(ONE)
            state = shop.state()
            assert state.status is RunStatus.PASSED
            tried = [attempt.started.tier for attempt in state.track("one").attempts]
            assert tried == ["tier-1", "tier-2", "tier-3", "tier-4"]
            out = {e.tier: e for e in shop.events() if isinstance(e, TierExhausted)}
            assert [out[tier].back_at is not None for tier in tried[:3]] == [False, False, True]
            assert shop.text(shop.pull().head_sha, "one.txt") == "one"
            by_tier = [line["tier"] for line in shop.ledger()]
            assert by_tier == ["tier-1"] * 2 + ["tier-2", "tier-3"] + ["tier-4"] * 3


def test_where_no_tier_is_left_people_are_told_when_one_is_back_and_the_schedule_goes_on(
    opens: Opens,
) -> None:
    script = [
        refusal(429, "limit exhausted", retry_after="7200"),
        call("write_file", path="one.txt", content="one\n"),
        *DONE,
    ]
    with ScriptedModel(script) as model, opens(tiers=[free(model, "only")]) as shop:
        number = shop.ask(ONE)
        assert shop.state().status is not RunStatus.PASSED
        assert "back at" in shop.live()
        assert re.fullmatch(
            r"\*\*Ready\*\* ⏳, waits for only, back at .+ UTC", sub_issue(shop, "one")
        )
        edited = edits_of(shop, "one")
        [said] = shop.say(number, "/retry")
        assert edits_of(shop, "one") == edited == 1, "nothing has changed"
        assert len(model.requests) == 1, "a retry does not take the tier before its time"
        shop.time.ahead += timedelta(hours=2)
        shop.github.clock.advance(seconds=7_200)
        seen = seen_at_work(shop, "one")
        shop.sweep()
        assert shop.state().status is RunStatus.PASSED, said
        assert seen == ["**Running** 🔵"]


def test_attempts_that_run_at_once_are_handed_shares_of_a_days_requests(opens: Opens) -> None:
    names = ("one", "two", "three")
    script = [
        turn
        for name in names
        for turn in (call("write_file", path=f"{name}.txt", content="x\n"), *DONE)
    ]
    with ScriptedModel(script) as model:
        tier = free(model, "small", requests_per_day=31, requests_per_minute=9)
        with opens(tiers=[tier]) as shop:
            shop.ask(plan(*(THINKS.format(name, "implementation") for name in names)))
            state = shop.state()
            assert state.status is RunStatus.PASSED
            first = [state.track(name).attempts[0].started.share for name in names]
            assert first == [Share(10, None, 3), Share(10, None, 3), Share(11, None, 3)]


ROUTING = """\
version: 1
rules:
  - {kinds: [audit], prefer: [acme-paid], ask: true, because: it must miss nothing}
"""
AUDIT = plan(THINKS.format("two", "audit"), writes("one"))


def test_work_worth_money_waits_an_hour_for_a_yes_and_then_goes_on_free(opens: Opens) -> None:
    with ScriptedModel([]) as dear, ScriptedModel([*DONE]) as model:
        tiers = [free(model, "free"), paid_tier(dear) | {"key_env": None}]
        files = {"agents/routing.yaml": ROUTING}
        with opens(files=files, tiers=tiers, agents={"paid_without_sandbox": True}) as shop:
            shop.ask(AUDIT)
            live = shop.live()
            assert "/approve-paid acme" in live
            assert "without a yes in 60 minutes free does it" in live
            assert shop.state().track("one").landed, "all else goes on"
            shop.sweep()
            assert model.requests == []
            waits = r"\*\*Ready\*\* ⏳, waits for a yes to acme, goes on free at .+ UTC"
            assert re.fullmatch(waits, sub_issue(shop, "two"))
            assert edits_of(shop, "two") == 0, "it was made with these words"
            shop.time.ahead += timedelta(minutes=61)
            shop.github.clock.advance(seconds=3_660)
            shop.sweep()
            [attempt] = shop.state().track("two").attempts
            assert attempt.started.tier == "free"
            assert "nobody said yes to acme in 60 minutes" in attempt.started.because
            assert shop.errors() == []
