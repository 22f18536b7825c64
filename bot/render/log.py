"""What happened in a run, when and why, one line an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, assert_never

from bot.core import events as happened
from bot.core.events import Event
from bot.core.exhaustion import clock_time
from bot.core.fixes import spell
from bot.core.handoff import Completion, CompletionStatus
from bot.core.ledger import Billing
from bot.core.metrics import Cost, cost_of, tiers_in
from bot.core.routing import Tier
from bot.render.words import (
    allowed,
    count,
    defused,
    dollars,
    duration,
    elapsed,
    refused_commands,
    words,
)

if TYPE_CHECKING:
    from rich.console import Console

ABOUT_RUN = "run"
MAX_ABOUT = 24  # columns
MAX_REASON = 400  # characters; the record has the whole text


@dataclass(frozen=True)
class Told:
    """An event in words: who or what it is about, what happened, and why. All of it is safe."""

    about: str
    what: str
    because: str = ""
    style: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.because}" if self.because else self.what


def tell(event: Event, tiers: Mapping[str, Tier]) -> Told:
    """Put an event into words; what a tier's calls cost depends on how it is billed."""
    match event:
        case (
            happened.WorkstreamStarted()
            | happened.WorkstreamAcknowledged()
            | happened.WorkstreamProgressed()
            | happened.WorkstreamFinished()
            | happened.WorkstreamPublished()
            | happened.WorkstreamRetried()
            | happened.ConflictFound()
            | happened.ApprovalUsed()
        ):
            about, (what, because, style) = event.workstream, _workstream(event, tiers)
        case (
            happened.ApprovalRequested()
            | happened.ApprovalGranted()
            | happened.OverrideGranted()
            | happened.RunCancelled()
        ):
            about, (what, because, style) = _person_is_about(event), _person(event)
        case happened.GateFinished():
            about, (what, because, style) = f"{event.result.name} gate", _gate(event)
        case _:
            about, (what, because, style) = ABOUT_RUN, _run(event)
    return Told(defused(about, 80), defused(what, 200), defused(because, MAX_REASON), style)


_Words = tuple[str, str, str]  # what, because, style
_WorkstreamEvent = (
    happened.WorkstreamStarted
    | happened.WorkstreamAcknowledged
    | happened.WorkstreamProgressed
    | happened.WorkstreamFinished
    | happened.WorkstreamPublished
    | happened.WorkstreamRetried
    | happened.ConflictFound
    | happened.ApprovalUsed
)


def _workstream(event: _WorkstreamEvent, tiers: Mapping[str, Tier]) -> _Words:
    match event:
        case happened.WorkstreamStarted():
            again = " again" if event.cause else ""
            what = f"attempt {event.attempt} handed out{again} to {_tier(event)}"
            return what, event.because, "cyan"
        case happened.WorkstreamAcknowledged():
            asks = f" and asks: {'; '.join(event.questions)}" if event.questions else ""
            return f"understood its task{asks}", event.understood, ""
        case happened.WorkstreamProgressed():
            return f"attempt {event.attempt} gave a sign", event.note, "dim"
        case happened.WorkstreamFinished():
            return _finished(event, tiers)
        case happened.WorkstreamPublished():
            return f"landed at {event.head_sha[:8]}", "it merges with all that landed", "green"
        case happened.WorkstreamRetried():
            answer = f" (answer: {event.answer})" if event.answer else ""
            what = f"attempt {event.attempt} ordered by {event.by}"
            return what, f"{event.because}{answer}", ""
        case happened.ConflictFound():
            with_whom = ", ".join(event.others)
            return "left out", f"conflicts with {with_whom} in {', '.join(event.files)}", "red"
        case happened.ApprovalUsed():
            return f"used ${event.usd:.4f} approved for {event.provider}", "", ""
        case _ as never:
            assert_never(never)


def _tier(event: happened.WorkstreamStarted) -> str:
    return event.engine if event.engine == event.tier else f"{event.engine} on {event.tier}"


def _finished(event: happened.WorkstreamFinished, tiers: Mapping[str, Tier]) -> _Words:
    done = event.completion
    facts = [
        f"{count(done.files_changed, 'file')} (+{done.insertions} -{done.deletions})",
        duration((done.finished_at - done.started_at) / timedelta(seconds=1)),
        *([_cost(done, tiers)] if done.usage.requests else []),
    ]
    good = done.status is CompletionStatus.SUCCESS
    reason = done.error or "; ".join(done.questions) or ("" if good else event.outcome.value)
    reason = "; ".join(filter(None, [reason, refused_commands(done.denied)]))
    ended = "handed in a later result, not used" if event.cause else "ended"
    what = f"attempt {event.attempt} {ended}: {words(done.status.value)}, {', '.join(facts)}"
    return what, reason, "" if good else "yellow"


def _cost(done: Completion, tiers: Mapping[str, Tier]) -> str:
    tier = tiers.get(done.tier)
    if tier is None or tier.billing is not Billing.SUBSCRIPTION:
        return dollars(cost_of(done, tiers))
    worth = f"{dollars(Cost(usd=done.usage.cost_usd))} " if done.usage.cost_usd else ""
    return f"{worth}under a subscription"


_PersonEvent = (
    happened.ApprovalRequested
    | happened.ApprovalGranted
    | happened.OverrideGranted
    | happened.RunCancelled
)


def _person_is_about(event: _PersonEvent) -> str:
    if isinstance(event, happened.ApprovalRequested | happened.ApprovalGranted):
        return event.workstream or ABOUT_RUN
    return f"{event.gate} gate" if isinstance(event, happened.OverrideGranted) else ABOUT_RUN


def _person(event: _PersonEvent) -> _Words:
    match event:
        case happened.ApprovalRequested():
            return "asks a person", event.question, "yellow"
        case happened.ApprovalGranted():
            money = f" {allowed(event.usd)} with {event.provider}" if event.provider else ""
            return f"approved{money} by {event.by}", event.because, "green"
        case happened.OverrideGranted():
            return f"overridden by {event.by}", event.because, "yellow"
        case happened.RunCancelled():
            return f"cancelled by {event.by}", event.because, "red"
        case _ as never:
            assert_never(never)


def _gate(event: happened.GateFinished) -> _Words:
    result = event.result
    style = {"passed": "green", "failed": "red", "not_run": "yellow"}.get(result.status, "dim")
    first = f" ({spell(result.findings[0])})" if result.findings else ""
    return words(result.status), f"{result.because}{first}", style


_RunEvent = (
    happened.RunRequested
    | happened.PlanProposed
    | happened.PlanAccepted
    | happened.IntegrationFinished
    | happened.GatesStarted
    | happened.IterationStarted
    | happened.TierExhausted
    | happened.RunFinished
)


def _run(event: _RunEvent) -> _Words:
    match event:
        case happened.RunRequested():
            again = " again" if event.is_again else ""
            base = f"{event.base_ref or 'commit'} at {event.base_sha[:8]}"
            return f"{event.run} asked for{again} on {base}", event.task, ""
        case happened.PlanProposed():
            notes = "; ".join(event.notes)
            size = count(len(event.plan.workstreams), "workstream")
            return f"plan of {size} from {event.source}", notes, ""
        case happened.PlanAccepted():
            return f"plan {event.plan_hash} accepted", "", ""
        case happened.IntegrationFinished(pushed=True):
            return f"a person's push at {event.head_sha[:8]} was taken in", "", ""
        case happened.GatesStarted():
            return f"gates handed out for {event.head_sha[:8]}", "", "cyan"
        case happened.IntegrationFinished():
            held = ", ".join(event.included) or "nothing"
            return f"combined at {event.head_sha[:8]}", f"it holds {held}", ""
        case happened.IterationStarted():
            return f"iteration {event.iteration} begins with {event.fix.id}", event.because, ""
        case happened.TierExhausted():
            until = f"until {clock_time(event.back_at)}" if event.back_at else "any more"
            return f"{event.tier} is not used {until}", event.because, "yellow"
        case happened.RunFinished():
            style = "green" if event.status is happened.RunStatus.PASSED else "red"
            return words(event.status), event.because, style
        case _ as never:
            assert_never(never)


def print_log(console: Console, events: Sequence[Event]) -> None:
    """Print a run's events; times are UTC, and since the run was asked for."""
    from rich.text import Text  # to tell an event needs no terminal

    if not events:
        return
    tiers = tiers_in(events)
    days = {event.at.astimezone(UTC).date() for event in events}
    clock = "%H:%M:%S" if len(days) == 1 else "%m-%d %H:%M:%S"
    head = f"Run {events[0].run}, {min(days)}, times in UTC"
    console.print(Text(head, style="bold"), soft_wrap=True)
    rows = [
        (
            event.at.astimezone(UTC).strftime(clock),
            f"+{elapsed(events[0].at, event.at)}",
            tell(event, tiers),
        )
        for event in events
    ]
    if console.is_terminal:
        _print_table(console, rows)
        return
    wide = min(max(len(told.about) for *_, told in rows), MAX_ABOUT)
    for moment, since, told in rows:
        line = f"{moment}  {since:>8}  {told.about:<{wide}}  {told}"
        console.print(Text(line), soft_wrap=True)


def _print_table(console: Console, rows: Sequence[tuple[str, str, Told]]) -> None:
    """Let long reasons wrap under themselves; a narrow terminal shows one of the two times."""
    from rich.table import Table
    from rich.text import Text

    from bot.render.terminal import NARROW

    table = Table.grid(padding=(0, 2))
    narrow = console.width < NARROW
    table.add_column(style="dim", no_wrap=True)
    if not narrow:
        table.add_column(style="dim", no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=14 if narrow else MAX_ABOUT)
    table.add_column(overflow="fold", ratio=1)
    for moment, since, told in rows:
        text = Text(told.what, style=told.style)
        if told.because:
            text.append(f": {told.because}", style="default not bold")
        times = (moment,) if narrow else (moment, since)
        table.add_row(*times, Text(told.about, style="bold"), text)
    console.print(table)
