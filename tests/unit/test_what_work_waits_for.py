"""Work that could start and does not says what it waits for, wherever a person looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bot.core import events as happened
from bot.core.accounts import Accounts
from bot.core.actions import AskHuman
from bot.core.decide import decide
from bot.core.events import Event, Policy
from bot.core.folding import fold
from bot.core.github.links import Links
from bot.core.github.presence import Presence
from bot.core.report import make_report, open_questions
from bot.core.routing import Ladder
from bot.core.routing_rules import RoutingRule
from bot.core.state import RunState, WorkstreamStatus
from bot.core.waiting import waits
from bot.render.github.live_comment import live_comment
from bot.render.github.pull_request import pull_body
from bot.render.github.sub_issue import Page, sub_issue_body
from bot.render.live import LiveScreen
from bot.render.report import print_summary
from tests.support.builders import RUN, at, ladder, plan, run_of, tier, workstream

FREE, GEMINI = tier("local"), tier("gemini")
CLAUDE = tier("claude", usd="3.00", provider="anthropic")
RULE = RoutingRule(kinds=("audit",), prefer=("claude",), ask=True, because="it must miss nothing")
TWO = plan(workstream("a", kind="audit"), workstream("b", kind="docs", files=("d/**",)))
LINKS = Links("https://github.com", "ada/shop")


def out(name: str, back: float | None) -> Event:
    back_at = None if back is None else at(back)
    return happened.TierExhausted(at=at(5), run=RUN, tier=name, because="no", back_at=back_at)


def asking(rungs: Ladder, *events: Event, **policy: object) -> tuple[Event, ...]:
    """Return the events of a run that has just put its questions."""
    found = run_of(TWO, *events, policy=Policy(ladder=rungs, **policy))
    put = [a for a in decide(fold(found), at(10), Accounts()) if isinstance(a, AskHuman)]
    return (
        *found,
        *(
            happened.ApprovalRequested(
                at=at(10),
                run=RUN,
                question=one.question,
                cause=one.cause,
                workstream=one.workstream,
                provider=one.provider,
            )
            for one in put
        ),
    )


def state_of(*given: Event) -> RunState:
    return fold(given)


WISHED = Ladder(rungs=ladder(FREE, CLAUDE).rungs, rules=(RULE,))
WAITS = {
    "for a yes, and goes on free later": (
        asking(WISHED),
        {"a": "waits for a yes to anthropic, goes on free at 11:00 UTC"},
    ),
    "for a yes until another day": (
        asking(WISHED, paid_answer_minutes=24 * 60),
        {"a": "waits for a yes to anthropic, goes on free at 2026-11-22 10:00 UTC"},
    ),
    "for a yes, however long that takes": (
        asking(WISHED, paid_answer_minutes=None),
        {"a": "waits for a yes to anthropic"},
    ),
    "for a yes, since nothing else can do it": (
        asking(ladder(CLAUDE)),
        dict.fromkeys("ab", "waits for a yes to anthropic"),
    ),
    "for a yes or a tier that is back soon": (
        asking(ladder(GEMINI, CLAUDE), out("gemini", 310)),
        dict.fromkeys("ab", "waits for a yes to anthropic, or for gemini, back at 10:05 UTC"),
    ),
    "for a tier that is back soon": (
        asking(ladder(GEMINI), out("gemini", 310)),
        dict.fromkeys("ab", "waits for gemini, back at 10:05 UTC"),
    ),
    "for a tier that nobody knows when it is back": (
        asking(ladder(GEMINI), out("gemini", None)),
        dict.fromkeys("ab", "waits for a model that can take it"),
    ),
}


@pytest.mark.parametrize("what", WAITS)
def test_work_waits(what: str) -> None:
    events, told = WAITS[what]
    state = state_of(*events)
    assert dict(waits(state, open_questions(state))) == told
    report = make_report(state, events, RUN)
    assert {one.id: one.waiting for one in report.workstreams if one.waiting} == told
    assert report.workstreams[0].status is WorkstreamStatus.READY


def test_a_person_reads_it_in_a_terminal_on_a_live_screen_and_on_github() -> None:
    events, _ = WAITS["for a tier that is back soon"]
    state = state_of(*events)
    terminal = Console(file=io.StringIO(), width=80)
    print_summary(terminal, make_report(state, events, RUN), state, at(20))
    screen = Console(file=io.StringIO(), width=100, force_terminal=True)
    with LiveScreen(screen, lambda: at(20)) as live:
        live.show(state)
        drawn = io.StringIO()
        Console(file=drawn, width=100).print(live._draw())
    presence = Presence(issue=42)
    pages = (
        terminal.file.getvalue(),
        drawn.getvalue(),
        live_comment(RUN, state, events, presence, LINKS),
        pull_body(RUN, state, events, presence, LINKS, "ada"),
        sub_issue_body(Page(RUN, state, presence, LINKS, waits(state, open_questions(state))), "a"),
    )
    for page in pages:
        assert "waits for gemini, back at 10:05 UTC" in page
