"""How a run goes while it goes: a table that is drawn over, or one line an event."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bot.core.events import Event, RunStatus
from bot.core.metrics import Cost, cost_of, sum_of, tiers_of
from bot.core.report import awaited, open_questions
from bot.core.state import RunState, Standing, WorkstreamStatus
from bot.core.waiting import waits
from bot.render.log import ABOUT_RUN, tell
from bot.render.terminal import NARROW, STATE_STYLES, Now, console_for, plain
from bot.render.words import URGENCY, count, defused, dollars, elapsed, engine_name, words

REFRESH_PER_SECOND = 4
WIDE = 100  # there is room for roles
MAX_ROWS = 20
MAX_COMMANDS = 3  # that are waited for
MAX_LINE = 400  # characters kept of what an engine says
QUIET_SECONDS = 5.0  # between two progress lines of one workstream where lines pile up

ELSEWHERE = "Type in another terminal:"

_PHASES = {
    RunStatus.PLANNING: "planning",
    RunStatus.INTEGRATING: "combining",
    RunStatus.GATING: "checking the combined branch",
    RunStatus.WAITING: "waiting for a person",
}


def screen_for(console: Console, now: Now, *, json: bool) -> LiveScreen | PlainScreen:
    """Pick the screen that fits; with `json` stdout is the report's, and progress goes beside."""
    if json:
        return PlainScreen(console_for(sys.stderr), now)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveScreen(console, now)
    return PlainScreen(console, now)


class LiveScreen:
    """One row a workstream, drawn over a few times a second, gone when the run ends."""

    def __init__(self, console: Console, now: Now) -> None:
        self._console = console
        self._now = now
        self._state = RunState()
        self._lines: dict[str, str] = {}
        self._waits: Mapping[str, str] = {}
        self._awaited: tuple[str, ...] = ()
        self._guard = threading.Lock()
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, state: RunState) -> None:
        """Show where the run stands, at the next refresh."""
        held_back = waits(state, open_questions(state))
        commands = awaited(state, state.request.run) if state.request else ()
        with self._guard:
            self._state, self._waits, self._awaited = state, held_back, commands[:MAX_COMMANDS]

    def line(self, workstream: str, text: str) -> None:
        """Show what a workstream's engine says, at the next refresh; the last line counts.

        What is said before there is a run holds for all of it, and stays above.
        """
        if not text.strip():
            return
        if self._state.request is None:
            self._console.print(plain(f"{workstream}: {text}", "yellow"))
            return
        with self._guard:
            self._lines[workstream] = text[:MAX_LINE]

    def _draw(self) -> RenderableType:
        with self._guard:
            state, lines, commands = self._state, {**self._lines, **self._waits}, self._awaited
        size = self._console.size
        asks = [f"  {defused(command, MAX_LINE)}" for command in commands]
        asks[:0] = [ELSEWHERE] if asks else []
        room = size.height - 3 - len(asks)  # with the head, "and more", the footer
        drawn = progress(state, lines, self._now(), size.width, max(min(MAX_ROWS, room), 1))
        return Group(drawn, *(Text(line, style="yellow") for line in asks))


def progress(
    state: RunState, lines: dict[str, str], now: datetime, width: int, rows: int
) -> RenderableType:
    """Draw a run: its most urgent workstreams in the plan's order, and the totals."""
    shown = _most_urgent(state, rows)
    narrow, has_roles = width < NARROW, width >= WIDE
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=18 if narrow else 24)
    if has_roles:
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=18, style="dim")
    if not narrow:
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=20, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    if not narrow:
        table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
    for name in shown:
        standing = state.standings[name]
        status = Text(words(standing.status.value), style=STATE_STYLES[standing.status])
        said = Text(_said(state, name, standing, lines))
        time = _elapsed(state, name, now)
        if narrow:
            table.add_row(name, status, time, said)
        else:
            role = [Text(defused(state.workstreams[name].role))] if has_roles else []
            cost = _cost(state, name)
            table.add_row(name, *role, _engine(state, name), status, time, cost, said)
    below = [Text(line, style="dim") for line in _below(state, shown)]
    footer = Text(_footer(state, now), no_wrap=True, overflow="ellipsis")
    return Group(table, *below, footer)


def _most_urgent(state: RunState, rows: int) -> list[str]:
    standings = state.standings
    urgent = sorted(standings, key=lambda name: URGENCY.index(standings[name].status))
    kept = set(urgent[:rows])
    return [name for name in standings if name in kept]


def _said(state: RunState, name: str, standing: Standing, lines: dict[str, str]) -> str:
    if standing.status in {WorkstreamStatus.RUNNING, WorkstreamStatus.READY}:
        return defused(standing.because or lines.get(name, ""), MAX_LINE)
    if standing.status is WorkstreamStatus.LANDED:
        last = state.track(name).last
        return count(last.completion.files_changed, "file") if last and last.completion else ""
    return defused(standing.because, MAX_LINE)


def _engine(state: RunState, name: str) -> Text:
    last = state.track(name).last
    return Text(defused(engine_name(last.started.engine, last.started.tier))) if last else Text("")


def _elapsed(state: RunState, name: str, now: datetime) -> str:
    attempts = state.track(name).attempts
    if not attempts:
        return ""
    done = attempts[-1].completion
    return elapsed(attempts[0].started.at, done.finished_at if done else now)


def _cost_of(state: RunState, name: str) -> Cost:
    tiers = tiers_of(state.policy.ladder)
    ended = (attempt.completion for attempt in state.track(name).attempts)
    return sum_of(cost_of(completion, tiers) for completion in ended if completion)


def _cost(state: RunState, name: str) -> str:
    cost = _cost_of(state, name)
    return dollars(cost) if cost != Cost() else ""


def _below(state: RunState, shown: list[str]) -> Iterator[str]:
    hidden = Counter(s.status for name, s in state.standings.items() if name not in set(shown))
    if hidden:
        kinds = ", ".join(f"{n} {words(status.value)}" for status, n in hidden.items())
        yield f"… and {sum(hidden.values())} more: {kinds}"


def _footer(state: RunState, now: datetime) -> str:
    counted = Counter(standing.status for standing in state.standings.values())
    parts = [f"run {state.request.run}"] if state.request else []
    if state.standings:
        parts.append(f"{counted[WorkstreamStatus.LANDED]} of {len(state.standings)} landed")
    if counted[WorkstreamStatus.RUNNING]:
        parts.append(f"{counted[WorkstreamStatus.RUNNING]} running")
    if phase := _PHASES.get(state.status):
        parts.append(phase)
    if state.iteration > 1:
        parts.append(f"iteration {state.iteration}")
    if state.request:
        parts.append(elapsed(state.request.at, now))
    spent = sum_of(_cost_of(state, name) for name in state.standings)
    if spent != Cost():
        parts.append(dollars(spent))
    return " · ".join(parts)


class PlainScreen:
    """One line an event, for logs and pipes; what engines say comes every few seconds at most."""

    def __init__(self, console: Console, now: Now) -> None:
        self._console = console
        self._now = now
        self._since = datetime.min.replace(tzinfo=UTC)
        self._told: set[str] = set()
        self._said: dict[str, datetime] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        self._since = self._now()  # what happened before is in the log
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, state: RunState) -> None:
        """Tell what has happened since the last time, and which command is waited for."""
        commands = awaited(state, state.request.run) if state.request else ()
        with self._guard:
            fresh = [
                event
                for event in _events_of(state)
                if event.id not in self._told
                and (event.at >= self._since or event is state.request)  # it names the run
            ]
            self._told |= {event.id for event in fresh}
            tiers = tiers_of(state.policy.ladder)
            for event in sorted(fresh, key=lambda event: event.at):
                told = tell(event, tiers)
                self._print(told.about, str(told))
            fresh_commands = [each for each in commands if each not in self._told]
            self._told |= set(commands)
            for command in fresh_commands:
                self._print(ABOUT_RUN, f"waits for: {command}")

    def line(self, workstream: str, text: str) -> None:
        """Tell what a workstream's engine says, unless it said something just now."""
        said = defused(text[: 4 * MAX_LINE], MAX_LINE)
        with self._guard:
            now, before = self._now(), self._said.get(workstream)
            quiet = before is not None and (now - before).total_seconds() < QUIET_SECONDS
            if said and not quiet:
                self._said[workstream] = now
                self._print(workstream, said)

    def _print(self, about: str, text: str) -> None:
        self._console.print(Text(f"[{about}] {text}"), soft_wrap=True)


def _events_of(state: RunState) -> Iterator[Event]:
    """Return the events that a state still shows, in an order in which they can follow."""
    tracks = tuple(state.tracks.values())
    attempts = tuple(attempt for track in tracks for attempt in track.attempts)
    found: tuple[Event | None, ...] = (
        *(state.request, state.proposed, state.accepted),
        *(attempt.finished for attempt in attempts),
        *(track.conflict for track in tracks),
        *(track.landed for track in tracks),
        *(state.integration, *state.gates, *state.iterations, *state.asked, *state.granted),
        *(track.retried for track in tracks),
        *(attempt.started for attempt in attempts),
        *(state.cancelled, state.finished),
    )
    yield from (event for event in found if event is not None)
