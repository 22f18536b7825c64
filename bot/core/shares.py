"""Sharing what a tier's account allows among attempts that run at once.

On machines of their own, attempts cannot see what the others use: each is handed a share of what
is left, and holds it until it ends or its lease is over. On one machine the gateway counts for all
of them; there each holds what it needs at least, so that no more begin than can get anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.core.accounts import Accounts
from bot.core.allowance import Share
from bot.core.handoff import Usage
from bot.core.routing import Ladder, Tier

_SOME_REQUESTS, _SOME_TOKENS = 10, 50_000
_USEFUL = Share(_SOME_REQUESTS, _SOME_TOKENS, 2)  # with less nothing is begun
_OF_A_DAY = 2  # a small account is not refused whole: half of its day is enough, too


@dataclass(frozen=True)
class Held:
    """What an attempt that runs holds of a tier."""

    tier: str
    share: Share


@dataclass(frozen=True)
class Allotment:
    """What the ledger leaves of every tier, and who holds what of it."""

    accounts: Accounts
    held: tuple[Held, ...]
    apart: bool  # attempts run on machines of their own

    def share(self, tier: Tier, among: int) -> Share:
        """Return what one of so many may use; on one machine that is what all may together."""
        if not self.apart:
            return replace(self._left(tier, ()), requests_per_minute=None)
        left, useful = self._left(tier, self.held), _useful_of(tier)
        return Share(
            _part(left.requests, useful.requests, among),
            _part(left.tokens, useful.tokens, among),
            _part(left.requests_per_minute, useful.requests_per_minute, among),
        )

    def having(self, tier: Tier, share: Share) -> Allotment:
        """Let one more attempt hold its share."""
        return replace(self, held=(*self.held, Held(tier.name, share)))

    def too_little(self, ladder: Ladder) -> dict[str, str]:
        """Say of which tiers too little is left to begin with, by name."""
        found = {}
        for tier in (rung.tier for rung in ladder.rungs):
            left, useful = self._left(tier, self.held), _useful_of(tier)
            if _is_less(left.requests, useful.requests):
                found[tier.name] = f"{left.requests} of {tier.requests_per_day} requests left today"
            elif _is_less(left.tokens, useful.tokens):
                found[tier.name] = f"{left.tokens:,} of {tier.tokens_per_day:,} tokens left today"
            elif _is_less(left.requests_per_minute, useful.requests_per_minute):
                found[tier.name] = f"others use its {tier.requests_per_minute} requests a minute"
        return found

    def is_held(self, tiers: Iterable[str]) -> bool:
        """Whether attempts that run hold something of these tiers, which comes back."""
        return not {held.tier for held in self.held}.isdisjoint(tiers)

    def _left(self, tier: Tier, held: tuple[Held, ...]) -> Share:
        used = self.accounts.used_today(tier.name)
        mine = [
            (one.share if self.apart else _useful_of(tier)) for one in held if one.tier == tier.name
        ]
        return Share(
            _less(tier.requests_per_day, used.requests, (one.requests for one in mine)),
            _less(tier.tokens_per_day, used.tokens, (one.tokens for one in mine)),
            _less(tier.requests_per_minute, 0, (one.requests_per_minute for one in mine)),
        )


def _useful_of(tier: Tier) -> Share:
    """Return the least that an attempt on a tier is begun with."""
    return Share(
        _at_most(_USEFUL.requests, tier.requests_per_day, _OF_A_DAY),
        _at_most(_USEFUL.tokens, tier.tokens_per_day, _OF_A_DAY),
        _at_most(_USEFUL.requests_per_minute, tier.requests_per_minute, 1),
    )


def is_used_up(share: Share, usage: Usage) -> bool:
    """Whether an attempt ended with its share of a tier, and not with the tier itself.

    A share that was too small to be of use proves nothing: then the tier counts as exhausted. Of
    tokens half is enough, since the next request may have asked for the other half.
    """
    requests, tokens = share.requests or 0, share.tokens or 0
    used = usage.input_tokens + usage.output_tokens
    return (requests >= _SOME_REQUESTS and usage.requests >= requests) or (
        tokens >= _SOME_TOKENS and used >= tokens // 2
    )


def _at_most(useful: int | None, limit: int | None, parts: int) -> int | None:
    return None if useful is None or limit is None else min(useful, max(limit // parts, 1))


def _less(limit: int | None, used: int, held: Iterable[int | None]) -> int | None:
    return None if limit is None else max(limit - used - sum(one or 0 for one in held), 0)


def _is_less(left: int | None, useful: int | None) -> bool:
    return left is not None and useful is not None and left < useful


def _part(left: int | None, useful: int | None, among: int) -> int | None:
    """Divide what is left, but not into parts that are of no use."""
    return None if left is None else min(max(left // among, useful or 0), left)
