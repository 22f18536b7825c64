"""How much of GitHub a run uses, how large it may be, and what its texts may hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.events import RunStatus
from bot.core.graph import reduced
from tests.support.stories import Story, plan, writes

INFO_REFS = ("git", "/acme/widget.git/info/refs")  # one for each fetch
NO_API = {"agent", "tests", "review", "docs"}


def requests_by_job(shop: Story) -> Counter[str]:
    """Count the requests that each kind of job makes, from now on."""
    made: Counter[str] = Counter()

    def run(job: str, step: Callable[[], None]) -> None:
        before = shop.requests_of()
        step()
        made[job] += shop.requests_of() - before

    shop.wrap = run
    return made


SHAPES: dict[int, dict[str, str]] = {
    1: {"a": ""},
    3: {"a": "", "b": "", "c": "a, b"},
    12: {
        **{"a": "", "b": "", "c": "", "d": "a", "e": "a, b", "f": "b, c", "g": "d, e, a"},
        **{"h": "f", "i": "g, h", "j": "i", "k": "i", "l": "j, k, a"},
    },
}


@pytest.mark.parametrize("size", SHAPES)
def test_a_run_stays_within_its_requests_and_agents_make_none(shop: Story, size: int) -> None:
    made = requests_by_job(shop)
    shape = SHAPES[size]
    shop.ask(plan(*(writes(name, needs=needs) for name, needs in shape.items())))
    assert shop.state().status is RunStatus.PASSED
    wanted = {name: tuple(filter(None, needs.split(", "))) for name, needs in shape.items()}
    links = sum(map(len, reduced(wanted).values()))
    print(f"{size} workstreams, {links} dependencies: {made.total()} requests", dict(made))
    assert made.total() <= 15 + 6 * size + 2 * links
    assert {job: made[job] for job in NO_API} == dict.fromkeys(NO_API, 0)
    assert len(shop.repository.issues) == size + 2
    assert shop.errors() == []


def test_a_look_at_more_runs_that_are_over_and_shown_costs_no_more(shop: Story) -> None:
    asked = []
    for name in ("one", "two"):
        shop.ask(plan(writes(name)))
        shop.github.requests.clear()
        shop.sweep()
        asked.append([(each.kind, each.path) for each in shop.github.requests])
    assert {kind for kind, _ in asked[0]}.isdisjoint({"rest", "graphql"})
    assert asked[1].count(INFO_REFS) == asked[0].count(INFO_REFS) > 0
    assert shop.errors() == []


def of(size: int, *, needs: bool) -> str:
    """A plan of workstreams that wait for a person's yes, so that none of them starts."""
    return plan(
        *(
            writes(f"w{n}", needs=f"w{n - 1}" if needs and n else "", more=", approval: true")
            for n in range(size)
        )
    )


def test_above_fifty_workstreams_dependencies_are_left_out_and_that_is_said(shop: Story) -> None:
    shop.variables["ORCHESTRATE_WRITE_SPACING"] = "1"
    shop.ask(of(60, needs=True))
    assert shop.requests_of("dependencies") == 0
    assert len(shop.presence().sub_issues) == 60
    assert "Without dependencies between sub-issues: left out above 50" in shop.live()
    assert shop.errors() == []


def test_more_workstreams_than_an_issue_may_have_sub_issues_are_all_shown(shop: Story) -> None:
    shop.variables["ORCHESTRATE_WRITE_SPACING"] = "1"
    shop.ask(of(101, needs=False))
    assert shop.github.limits.met == []
    assert shop.requests_of("sub_issues") == 100
    assert (
        "Without a sub-issue for every workstream: GitHub takes at most 100 under one issue"
        in shop.live()
    )
    assert all(f"`w{n}`" in shop.live() for n in range(101))
    assert shop.errors() == []


def test_a_comment_as_long_as_github_takes_is_read_and_answered(shop: Story) -> None:
    number = shop.ask(of(2, needs=False))
    longest = 65_536
    [answer] = shop.say(number, "/status\n".ljust(longest, "x"))
    assert "Waiting for you" in answer
    [answer] = shop.say(number, "/cancel because ".ljust(longest, "y"))
    assert "Cancelled run `1`" in answer
    assert shop.errors() == []


def test_an_issue_as_long_as_github_takes_becomes_a_pull_request(shop: Story) -> None:
    shop.ask(plan(writes("one")).ljust(65_536, "字"), title="長" * 256)
    assert shop.state().status is RunStatus.PASSED
    assert shop.repository.issues[shop.pull_number()].title.startswith("長長")
    assert shop.errors() == []


NASTY = (
    "文档 \u202egnol\u200f @everyone @alice closes #1 fixes acme/widget#1 ::set-output name=a::b "
    "${{ secrets.KEY }} `rm` <!-- orchestrate:1:live --> <b> | [x](http://evil.example)"
)
CLOSES = re.compile(r"\b(close[sd]?|fix(e[sd])?|resolve[sd]?):? ([\w/]+)?#\d", re.IGNORECASE)


def test_names_and_words_from_outside_call_nobody_close_nothing_and_command_no_runner(
    shop: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = shop.repository.open_issue("An issue of somebody's", "", by="mallory").number
    summaries = tmp_path / "summaries.md"
    shop.variables["GITHUB_STEP_SUMMARY"] = str(summaries)
    told = NASTY.replace('"', "'")
    failing = (
        f'{{id: two, title: "{told}", kind: implementation, files: ["文.txt"], goal: "{told}", '
        'engine: shell, run: ["echo ::set-output name=a::b; echo @everyone >&2; exit 3"]}'
    )
    working = (
        f'{{id: one, title: "{told}", kind: implementation, files: ["文 字.txt"], goal: "{told}", '
        'engine: shell, run: ["echo 1 > \'文 字.txt\'", "echo ::error::x"]}'
    )
    number = shop.ask(plan(working, failing, task=f'"{told}"'), title=NASTY)
    shop.say(number, f"/retry two because {NASTY}\n/override tests because {NASTY}\n/{NASTY}")
    assert shop.state().landing == ("one",)
    bot = [c.body for c in shop.by_bot(number)]
    ours = [i for i in shop.repository.issues.values() if i.author.login != "mallory"]
    ours = [i for i in ours if i.number != number]
    bot += [text for i in ours for text in (i.title, i.body or "")]
    bot += [f"{c.title} {c.summary} {c.text}" for c in shop.repository.checks]
    bot.append(summaries.read_text())
    for text in bot:
        assert "@everyone" not in text
        assert "@alice" not in text
        assert "\u202e" not in text
        named = {found[0] for found in CLOSES.finditer(text)} - {f"Closes #{number}"}
        assert named == set(), text
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line.lstrip().startswith("::")] == []
    shop.repository.merge_pull(shop.pull_number(), by="alice")
    assert shop.repository.issues[victim].state == "open"
    assert shop.text("main", "文 字.txt") == "1"
    assert shop.errors() == []
