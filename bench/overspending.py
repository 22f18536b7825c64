"""Whether anything makes an attempt spend more than it was given: 32 clients, kills, one cap."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import requests

from bench.figures import Figure
from bot.adapters.gateway.call_file import CallFile
from bot.adapters.gateway.dialects import Asked, Dialect
from bot.adapters.gateway.doors import Entry, OpenDoor
from bot.adapters.recorded_model import RecordedTurn
from bot.core.allowance import Purse, TierAllowance
from bot.core.routing import Tier
from bot.ports import KeptCalls, ModelCall
from tests.support.dialects import answer, request
from tests.support.doorway import PAID, gateway, tier_at
from tests.support.scripted_model import Fault, Request, ScriptedModel

SCHEDULES, STEPS, CLIENTS, OVER_HTTP = 1_000, 150, 32, 8
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def bench_overspending() -> Iterable[Figure]:
    """Let clients and gateways be killed at random; return what went over the cap at most."""
    with tempfile.TemporaryDirectory() as folder:
        schedules = [_Schedule(Path(folder), seed) for seed in range(SCHEDULES)]
        over = max(schedule.run() for schedule in schedules)
        sent = sum(schedule.sent for schedule in schedules)
        kills = sum(schedule.kills for schedule in schedules)
        note = f"{SCHEDULES:,} schedules, {sent:,} calls, the gateway killed {kills:,} times"
        yield Figure("overspending: most beyond the cap", float(over), "$", 0, note)
        real = [_over_http(Path(folder), seed) for seed in range(OVER_HTTP)]
        note = f"{OVER_HTTP} times {CLIENTS} clients, {sum(n for _, n in real):,} calls"
        most = float(max(over for over, _ in real))
        yield Figure("overspending: the same over HTTP", most, "$", 0, note)


class _Schedule:
    """One random order of what clients, the provider and the gateway's death do."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._file = str(folder / f"{seed}.jsonl")
        self._tier = tier_at("http://127.0.0.1:9/v1", **PAID)
        self._cap = Decimal(self._chance.randint(1, 2_000)) / 100
        self._charged = Decimal(0)  # by the provider, whoever heard of it
        self._over = Decimal(0)
        self._used: dict[int, tuple[int, int]] = {}  # tokens of what is under way
        self.sent = self.kills = 0

    def run(self) -> Decimal:
        """Return by how many dollars the cap was passed at most, at any moment."""
        door, held = self._open(), dict[int, Entry]()
        for _ in range(STEPS):
            if self._chance.random() < 0.02:
                door.call_file.close()
                door, held = self._open(), {}
                self.kills += 1
            client = self._chance.randrange(CLIENTS)
            if client in held:
                self._end(door, held.pop(client))
            elif isinstance(entry := door.begin(self._asked()), Entry):
                held[client] = entry
                self.sent += 1
                self._charge(entry)
            taken = door.purse.spent + door.purse.reserved
            self._over = max(self._over, taken - self._cap, self._charged - self._cap)
        door.call_file.close()
        return self._over

    def _open(self) -> OpenDoor:
        purse, allowance = Purse(self._cap), TierAllowance(self._tier)
        return OpenDoor(
            self._tier, None, allowance, purse, lambda: NOW, CallFile(KeptCalls(self._file, NOW))
        )

    def _asked(self) -> Asked:
        said = "x" * self._chance.randint(0, 400)
        body = {"model": self._tier.model, "messages": [{"role": "user", "content": said}]}
        return Asked(
            Dialect.CHAT, "chat/completions", body, True, self._chance.randint(1, 300), True
        )

    def _charge(self, entry: Entry) -> None:
        """Let the provider charge what it likes, up to what the request allowed."""
        used = self._used[entry.n] = (
            self._chance.randint(1, entry.asked.most_input),
            self._chance.randint(1, entry.asked.most_output),
        )
        self._charged += (1_000 * used[0] + Decimal(10_000) * used[1]) / 1_000_000

    def _end(self, door: OpenDoor, entry: Entry) -> None:
        """Count an answer, unless its client left or its connection broke."""
        used = self._used.pop(entry.n)
        if self._chance.random() < 0.7:
            usage = {"prompt_tokens": used[0], "completion_tokens": used[1]}
            entry.count.read({"choices": [{"finish_reason": "stop"}], "usage": usage})
        door.end(entry)


class _Provider(ScriptedModel):
    """Answers everybody, with a count that is no more than what was asked for."""

    def __init__(self) -> None:
        super().__init__([])
        self.charged = Decimal(0)
        self._lock = threading.Lock()

    def take(self, request: Request) -> Fault:
        most = request.body["max_tokens"]
        assert isinstance(most, int), "we asked so"
        used = random.randint(1, most)
        with self._lock:
            self.charged += (1_000 * 20 + Decimal(10_000) * used) / 1_000_000
        turn = RecordedTurn(text="ok", input_tokens=20, output_tokens=used)
        return answer(Dialect.CHAT, turn, stream=True)


def _over_http(folder: Path, seed: int) -> tuple[Decimal, int]:
    """Let real clients ask, some of them leave, and the gateway end half-way."""
    cap, file = Decimal(10 + seed), str(folder / f"http-{seed}.jsonl")
    with _Provider() as provider:
        tier: Tier = tier_at(provider.base_url, **PAID)
        calls: tuple[ModelCall, ...] = ()
        for half in range(2):
            with gateway().open(tier, cap, kept=KeptCalls(file, NOW)) as door:
                pool = ThreadPoolExecutor(CLIENTS)
                url, seeds = door.url, range(half * CLIENTS, (half + 1) * CLIENTS)
                futures = [pool.submit(_client, url, seed * 1_000 + one) for one in seeds]
                if half == 1:
                    for future in futures:
                        future.result()
            pool.shutdown()
            calls = door.calls()
        return provider.charged - cap, len(calls)


def _client(url: str, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(3):
        path, body = request(Dialect.CHAT, stream=True, max_tokens=chance.randint(1, 300))
        with requests.Session() as session:
            session.trust_env = False
            try:
                got = session.post(url + path, json=body, stream=True, timeout=5)
                if chance.random() < 0.3:
                    next(got.iter_content(10), None)  # and away
                else:
                    got.content  # noqa: B018 - to its end
            except requests.RequestException:
                return  # the gateway is gone
