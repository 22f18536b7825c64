"""Who may ask what of the bot, in which words, how often, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.events import RunStatus
from bot.core.github.issue_form import task_of
from bot.core.github.task_text import text_hash
from bot.core.state import WorkstreamStatus
from tests.support.scripted_model import ScriptedModel, Step, call, finish
from tests.support.stories import LABEL, Opens, Story, paid_tier, plan, writes

TWO = plan(writes("one"), writes("two", needs="one"))
WAITING = plan(writes("one"), writes("two", more=", approval: true"))


def once_allowed(tmp_path: Path, name: str) -> tuple[str, Path]:
    """A workstream that fails until a file of the machine's is there."""
    flag = tmp_path / name
    return writes(name, run=f'"test -e {flag}", "echo {name} > {name}.txt"'), flag


# Who


@pytest.mark.parametrize("who", ["mallory", "trish", "oscar"])
def test_a_label_from_somebody_without_the_right_starts_nothing_and_is_answered_politely(
    shop: Story, who: str
) -> None:
    number = shop.ask(TWO, by=who)
    assert shop.run_ids() == []
    [answer] = shop.answers(number)
    assert "when someone with write access puts it on" in answer
    assert shop.repository.dispatches == []


def test_an_issue_form_that_labels_an_outsiders_issue_starts_nothing(shop: Story) -> None:
    issue = shop.repository.open_issue("Task", TWO, by="mallory", labels=(LABEL,))
    for event in list(shop.github.events):
        shop.deliver(event.name, event.payload)
    assert shop.run_ids() == []
    assert len(shop.answers(issue.number)) == 1
    shop.say(issue.number, "/orchestrate")
    assert shop.state().status is RunStatus.PASSED


def test_an_outsiders_commands_get_one_polite_refusal_a_comment_and_change_nothing(
    shop: Story,
) -> None:
    number = shop.ask(WAITING)
    before = shop.events()
    answers = shop.say(number, "/approve two\n/cancel\n/orchestrate", by="mallory")
    assert len(answers) == 1
    assert "only people with write access" in answers[0]
    assert shop.say(number, "/nonsense", by="mallory") == []
    assert shop.events() == before
    assert shop.errors() == []


@pytest.mark.parametrize(("listed", "runs"), [((), []), (("renovate[bot]",), ["1"])])
def test_a_bot_counts_only_when_the_settings_name_it(
    opens: Opens, listed: tuple[str, ...], runs: list[str]
) -> None:
    with opens(github={"bots": list(listed)}) as shop:
        shop.github.add_user("renovate[bot]", "Bot")
        shop.ask(TWO, by="renovate[bot]")
        assert shop.run_ids() == runs


def test_a_deleted_account_starts_and_steers_nothing(shop: Story) -> None:
    issue = shop.repository.open_issue("Task", TWO, by="alice")
    labeled = shop.repository.label(issue.number, LABEL, by="alice")
    shop.deliver("issues", {**labeled, "sender": None})
    said = shop.repository.comment(issue.number, "/orchestrate", by="alice")
    nobody = {**said, "sender": None, "comment": {**said["comment"], "user": None}}
    shop.deliver("issue_comment", nobody)
    assert shop.run_ids() == []


def test_a_re_run_by_somebody_without_the_right_starts_nothing(shop: Story) -> None:
    issue = shop.repository.open_issue("Task", TWO, by="alice")
    labeled = shop.repository.label(issue.number, LABEL, by="alice")
    shop.variables["GITHUB_TRIGGERING_ACTOR"] = "oscar"
    shop.deliver("issues", labeled, attempt=2)
    assert shop.run_ids() == []
    shop.variables["GITHUB_TRIGGERING_ACTOR"] = "alice"
    shop.deliver("issues", labeled, attempt=3)
    assert shop.run_ids() == ["1"]


# What


def test_what_is_written_into_the_issue_after_the_label_is_ignored(shop: Story) -> None:
    issue = shop.repository.open_issue("Write files", TWO, by="mallory")
    labeled = shop.repository.label(issue.number, LABEL, by="alice")
    evil = plan(writes("evil"))
    shop.repository.edit_issue(issue.number, title="Evil", body=evil, by="mallory")
    shop.deliver("issues", labeled)
    made = shop.state().plan
    assert made is not None
    assert set(made.by_id) == {"one", "two"}
    assert made.text_sha256 == text_hash(task_of("Write files", TWO))


FORM = """\
### Task

Write one

### What done means

one.txt is there

### Files

../secrets
one.txt

### Budget

a lot

### Plan

```yaml
version: 1
task: Write one
workstreams:
  - {id: one, title: One, kind: implementation, files: [one.txt], goal: One, engine: shell,
     run: ["echo 1 > one.txt"]}
```
"""


def test_answers_of_the_form_that_could_not_be_used_are_shown(shop: Story) -> None:
    number = shop.ask(FORM)
    assert shop.state().status is RunStatus.PASSED
    for shown in (shop.live(), shop.say(number, "/plan")[0]):
        assert "../secrets" in shown
        assert "Budget" in shown


# Once


def test_a_label_taken_off_and_put_on_again_starts_no_second_run(shop: Story) -> None:
    number = shop.ask(TWO)
    before = shop.events()
    shop.repository.unlabel(number, LABEL, by="alice")
    shop.deliver("issues", shop.repository.label(number, LABEL, by="alice"))
    assert (shop.run_ids(), shop.events("1")) == (["1"], before)


def test_asked_for_again_after_its_end_the_issue_gets_a_second_run(shop: Story) -> None:
    number = shop.ask(WAITING)
    [under_way] = shop.say(number, "/orchestrate")
    assert "under way already" in under_way
    shop.say(number, "/cancel because of a typo")
    said = shop.repository.comment(number, "/orchestrate", by="alice")
    shop.deliver("issue_comment", said)
    shop.deliver("issue_comment", said)
    assert shop.run_ids() == ["1", "1-2"]
    assert shop.errors() == []


def test_a_command_that_is_delivered_twice_is_obeyed_and_answered_once(shop: Story) -> None:
    number = shop.ask(WAITING)
    said = shop.repository.comment(number, "/approve two\n/status", by="alice")
    shop.deliver("issue_comment", said)
    events = shop.events()
    shop.deliver("issue_comment", said)
    assert shop.events() == events
    assert len(shop.answers(number)) == 2
    assert shop.state().status is RunStatus.PASSED


# Every command


def test_every_command_is_acknowledged_and_answered(shop: Story) -> None:
    number = shop.ask(WAITING)
    table: Mapping[str, str] = {
        "/help": "`/override GATE because …`",
        "/plan": "Nothing was started",
        "/status": "**Waiting for you:** 1 question",
        "/retri two": "Did you mean '/retry'?",
        "/retry nobody": "nobody cannot be retried",
        "/approve nobody": "no workstream 'nobody'",
        "/approve-paid 2.00": "because",
        "/approve-paid because I can": "does not ask for money",
        "/override tests because I can": "not run yet",
        "/orchestrate": "under way already",
        "/replan": "because",
        "/cancel now": "stops the whole run",
    }
    for line, said in table.items():
        [answer] = shop.say(number, line)
        assert said in answer, line
        mine = [c for c in shop.repository.issues[number].comments if c.body == line]
        assert [r.content for r in mine[0].reactions] == ["eyes"], line
    assert shop.say(number, "/approve two")[0].count("may start") == 1
    assert shop.state().status is RunStatus.PASSED
    [over] = shop.say(number, "/cancel")
    assert "is over: passed" in over
    assert shop.errors() == []


def test_commands_in_code_and_quotes_are_talk_and_several_lines_are_several_commands(
    shop: Story,
) -> None:
    number = shop.ask(WAITING)
    talk = "Try this:\n\n```\n/cancel\n```\n\n> /cancel\n\n    /cancel\n\n`/cancel`"
    assert shop.say(number, talk) == []
    answers = shop.say(number, "Both, please.\n\n/status\n/approve two\r\n/help\n\nThanks")
    assert [answer.split("`")[1] for answer in answers] == ["/status", "/approve two", "/help"]
    assert shop.state().status is RunStatus.PASSED


def test_a_command_may_be_given_on_the_pull_request_too(shop: Story, tmp_path: Path) -> None:
    failing, flag = once_allowed(tmp_path, "two")
    shop.ask(plan(writes("one"), failing))
    flag.touch()
    [answer] = shop.say(shop.pull_number(), "/retry two because it may now")
    assert "Retrying `two`" in answer
    assert shop.state().status is RunStatus.PASSED
    assert shop.errors() == []


def test_a_retry_of_what_failed_brings_the_run_to_its_end(shop: Story, tmp_path: Path) -> None:
    failing = [once_allowed(tmp_path, name) for name in ("two", "three")]
    last = writes("four", needs="two, three")
    number = shop.ask(plan(writes("one"), *(text for text, _ in failing), last))
    assert shop.state().status is RunStatus.FAILED
    assert "/retry" in shop.live()
    for _, flag in failing:
        flag.touch()
    shop.say(number, "/retry two three")
    state = shop.state()
    assert state.status is RunStatus.PASSED
    assert {s.status for s in state.standings.values()} == {WorkstreamStatus.LANDED}
    assert shop.repository.issues[shop.pull_number()].body.count(f"Closes #{number}.") == 1
    assert not shop.pull().draft
    assert shop.errors() == []


def test_another_plan_takes_the_place_of_a_run_that_goes_on(shop: Story) -> None:
    number = shop.ask(WAITING)
    shop.say(number, "/replan because one file is enough")
    assert shop.run_ids() == ["1", "1-2"]
    assert shop.state("1").status is RunStatus.CANCELLED
    assert "one file is enough" in shop.live("1")
    assert shop.state("1-2").status is RunStatus.WAITING
    assert shop.state("1-2").request is not None


# Rules


@pytest.mark.parametrize(
    ("author", "labels", "runs"),
    [("alice", ("bug",), ["1"]), ("alice", (), []), ("mallory", ("bug",), [])],
)
def test_an_issue_starts_by_itself_where_a_rule_says_so_and_its_author_may(
    opens: Opens, author: str, labels: tuple[str, ...], runs: list[str]
) -> None:
    with opens(github={"auto": [{"labels": ["bug"]}]}) as shop:
        shop.repository.open_issue("Task", TWO, by=author, labels=labels)
        shop.deliver("issues", next(e.payload for e in shop.github.events if e.name == "issues"))
        assert shop.run_ids() == runs


# Models and money

THINKS = plan(
    "{id: one, title: Write one, kind: implementation, files: [one.txt], goal: Have one.txt}"
)
WORK: tuple[Step, ...] = (
    call("write_file", path="one.txt", content="one\n"),
    call("todo", done=[1]),
    finish(),
)


@pytest.mark.parametrize("said", ["acme 2.00", ""])
def test_a_run_that_stops_for_money_goes_on_after_a_yes_and_the_ledger_says_who(
    opens: Opens, said: str
) -> None:
    with ScriptedModel(WORK) as model:
        agents = {"paid_without_sandbox": True}
        with opens(tiers=[paid_tier(model)], agents=agents) as shop:
            shop.variables |= {"ORCHESTRATE_KEYS": "ACME_API_KEY", "ACME_API_KEY": "k-0123456789"}
            number = shop.ask(THINKS)
            assert model.requests == []
            assert "/approve-paid acme 2.00 because …" in shop.live()
            [no] = shop.say(number, f"/approve-paid {said}".strip())
            assert "**Not done:**" in no
            assert model.requests == []
            shop.say(number, f"/approve-paid {said} because it is worth it")
            assert shop.errors() == []
            state = shop.state()
            assert state.status is RunStatus.PASSED
            [grant] = state.granted
            assert (grant.by, grant.provider, grant.usd) == ("alice", "acme", Decimal(2))
            ledger = "refs/heads/orchestrate/ledger"
            month = f"{state.granted[0].at:%Y-%m}"
            lines = shop.text(ledger, f"ledger/{month}.jsonl").splitlines()
            spent = [line for line in lines if '"entry":"spend"' in line]
            assert len(spent) == len(model.requests)
            assert all(f'"approval":"{grant.id}"' in line for line in spent)
            costs = shop.text(ledger, "COSTS.md")
            assert "| acme | 3 | 3,000 | 150 | $0.0360 | $19.9640 of $20.00 |" in costs
            assert "| acme | $2.00 | alice | the run's end | it is worth it |" in costs


def test_a_yes_reaches_no_further_than_the_cap_of_the_month(opens: Opens) -> None:
    with ScriptedModel(()) as model:
        agents, limits = {"paid_without_sandbox": True}, {"provider_month_usd": "0.01"}
        with opens(tiers=[paid_tier(model)], agents=agents, limits=limits) as shop:
            shop.variables |= {"ORCHESTRATE_KEYS": "ACME_API_KEY", "ACME_API_KEY": "k-0123456789"}
            number = shop.ask(THINKS)
            shop.say(number, "/approve-paid acme 5.00 because I want it")
            assert model.requests == []
            why = "the monthly cap for acme leaves $0.0100, less than an answer may cost"
            assert why in shop.live()
            assert "/approve-paid" not in shop.live()  # no yes would help
            assert shop.errors() == []


def test_no_bot_lets_money_be_spent_even_where_it_may_command(opens: Opens) -> None:
    with ScriptedModel(()) as model:
        rules = {"agents": {"paid_without_sandbox": True}, "github": {"bots": ["renovate[bot]"]}}
        with opens(tiers=[paid_tier(model)], **rules) as shop:
            shop.github.add_user("renovate[bot]", "Bot")
            shop.variables |= {"ORCHESTRATE_KEYS": "ACME_API_KEY", "ACME_API_KEY": "k-0123456789"}
            number = shop.ask(THINKS)
            [answer] = shop.say(number, "/approve-paid because I can", by="renovate[bot]")
            assert "only people" in answer
            assert shop.state().granted == ()
            assert model.requests == []


def test_a_model_that_comes_back_takes_its_work_after_a_retry(opens: Opens) -> None:
    with ScriptedModel(WORK) as model:
        free = {**paid_tier(model), "name": "acme-free", "billing": "free"}
        with opens(tiers=[free]) as shop:
            number = shop.ask(THINKS)
            assert "No model can take one" in shop.live()
            assert "**Waiting for you:** 1 question" in shop.live()
            shop.variables |= {"ORCHESTRATE_KEYS": "ACME_API_KEY", "ACME_API_KEY": "k-0123456789"}
            shop.say(number, "/retry")
            assert shop.state().status is RunStatus.PASSED
            assert shop.errors() == []
