"""Which rung of the model ladder serves a workstream, and why not the ones before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from bot.core.base import MICRO_USD, ZERO_USD, Strict, Usd
from bot.core.ledger import Billing, Tokens
from bot.core.plan import Kind, Name, VariableName, Workstream
from bot.core.routing_rules import ORDINARY, Demand, RoutingRule

MILLION = Decimal(1_000_000)
# Ways to ask a model: two of OpenAI's, Anthropic's, Google's.
Wire = Literal["chat", "responses", "messages", "gemini"]
_WRITING = Decimal("1.25")  # times the price of input, where one pays for writing to a cache
_FOR_AN_HOUR = Decimal("1.6")  # times that, for twice the price of input


def _plain_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{text!r} is no http(s) address; write it like http://127.0.0.1:11434/v1")
    if parts.username or parts.password:
        raise ValueError("an address with a password in it; put the key into key_env's variable")
    return text.rstrip("/")


class Tier(Strict):
    """One rung: an engine, a provider's model, its limits, and who pays."""

    name: Name
    engine: Name
    provider: Name
    model: str = ""
    billing: Billing
    base_url: Annotated[str, AfterValidator(_plain_url)] | None = None
    key_env: VariableName | None = None
    protocol: Wire | None = None  # none: what its engine speaks first
    context_tokens: Annotated[int, Field(ge=2_000)] = 32_000
    max_output_tokens: Annotated[int, Field(ge=256)] = 4_096
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    requests_per_day: Annotated[int, Field(ge=1)] | None = None
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    input_usd_per_million: Usd | None = None
    output_usd_per_million: Usd | None = None
    cached_usd_per_million: Usd | None = None  # of input that a cache had; none: as other input
    cache_write_usd_per_million: Usd | None = None  # none: a quarter more than other input
    checked_on: date | None = None  # when somebody last compared this with the provider's page

    @model_validator(mode="after")
    def _half_a_price_is_none(self) -> Self:
        if (self.input_usd_per_million is None) != (self.output_usd_per_million is None):
            raise ValueError("half a price; add both, input_ and output_usd_per_million")
        return self

    @property
    def is_free(self) -> bool:
        """Whether nobody pays for its calls."""
        return self.billing is Billing.FREE

    @property
    def has_price(self) -> bool:
        """Whether somebody said what its calls cost."""
        return self.input_usd_per_million is not None

    @property
    def least_usd(self) -> Decimal:
        """Return what its longest answer costs: with less no call is let through.

        In dollars; 0 where nobody is paid for each call, or the price is not known here.
        """
        most = Tokens(input=0, output=self.max_output_tokens)
        return (self.cost(most) or ZERO_USD) if self.billing is Billing.PAID else ZERO_USD

    def cost(self, tokens: Tokens) -> Decimal | None:
        """Price a call in dollars; None where nobody knows the price."""
        price, out = self.input_usd_per_million, self.output_usd_per_million
        if price is None or out is None:
            return None
        cached, write = self.cached_usd_per_million, self.cache_write_usd_per_million
        write = price * _WRITING if write is None else write
        total = price * tokens.plain + out * tokens.output
        total += (price if cached is None else cached) * tokens.cached
        total += write * tokens.written + write * _FOR_AN_HOUR * tokens.written_for_an_hour
        return total / MILLION

    def charge(self, tokens: Tokens) -> tuple[Decimal, bool]:
        """Price a call as the ledger writes it, and say whether that is known; free costs 0."""
        price = ZERO_USD if self.is_free else self.cost(tokens)
        return (price or ZERO_USD).quantize(MICRO_USD), price is not None


SHELL = Tier(name="shell", engine="shell", provider="local", billing=Billing.FREE)


class Rung(Strict):
    """A tier as this machine finds it: usable, or why not."""

    tier: Tier
    own: bool = False  # from the repository's settings: it comes before the catalog's
    why_not: str = ""  # empty: usable


class Ladder(Strict):
    """Every tier that is known, in order, and which kind of work prefers which."""

    rungs: tuple[Rung, ...] = ()
    rules: tuple[RoutingRule, ...] = ()

    def for_kind(self, kind: Kind, demand: Demand = ORDINARY) -> tuple[Rung, ...]:
        """Order the rungs for work: free first, then the repository's own, then preferred."""
        rules = (rule for rule in self.rules if rule.holds(kind, demand))
        preferred = [name for rule in rules for name in rule.prefer]
        place = {name: at for at, name in reversed(list(enumerate(preferred)))}
        return tuple(
            sorted(
                self.rungs,
                key=lambda rung: (
                    rung.tier.billing is Billing.PAID,
                    not rung.own,
                    place.get(rung.tier.name, len(place)),
                ),
            )
        )

    @property
    def can_think(self) -> bool:
        """Whether any usable tier drives a model."""
        return any(not rung.why_not and rung.tier.engine != "shell" for rung in self.rungs)


@dataclass(frozen=True)
class Route:
    """The tier that serves, and why it does and those before it do not."""

    tier: Tier
    because: str


@dataclass(frozen=True)
class NeedsApproval:
    """Only a paid tier is left, and nobody has said yes to its provider."""

    tier: Tier
    because: str


@dataclass(frozen=True)
class NoRoute:
    """No tier can serve."""

    because: str


MAX_ABSENT = 2  # of which a reason says why they do not serve here

Cover = Mapping[str, Decimal]  # dollars that approvals still cover, by provider


@dataclass(frozen=True)
class PaidWish:
    """The paid tier that a rule wants for some work, and the rule's reason."""

    tier: Tier
    because: str


def paid_wish(
    workstream: Workstream, ladder: Ladder, demand: Demand, exhausted: Mapping[str, str]
) -> PaidWish | None:
    """Find the first paid tier that a rule asks for and that could serve; None: no rule does."""
    if workstream.engine == SHELL.engine:
        return None
    rungs = {rung.tier.name: rung for rung in ladder.rungs}
    for rule in ladder.rules:
        wanted = rule.prefer if rule.ask and rule.holds(workstream.kind, demand) else ()
        for rung in filter(None, map(rungs.get, wanted)):
            is_paid = rung.tier.billing is Billing.PAID and _is_driven_by(workstream.engine, rung)
            if is_paid and not _why_not(rung, exhausted):
                return PaidWish(rung.tier, rule.because or "")
    return None


def route(
    workstream: Workstream,
    ladder: Ladder,
    *,
    exhausted: Mapping[str, str],
    tried: Collection[str],
    cover: Cover,
    demand: Demand = ORDINARY,
) -> Route | NeedsApproval | NoRoute:
    """Pick the first tier that may serve.

    `exhausted` says why, by tier; a tier in `tried` has had its turn at this workstream and
    comes last. A paid tier serves only where `cover` has money left for its provider; free ones
    come before it, but where a rule asks for it.
    """
    if workstream.engine == SHELL.engine:
        if not workstream.run:
            return NoRoute("the shell engine was asked for, and the plan gives no commands")
        return Route(SHELL, "the plan gives the commands")
    out: list[str] = []  # who could serve, and does not now
    absent: list[Rung] = []
    wanting: Tier | None = None
    wish = paid_wish(workstream, ladder, demand, exhausted)
    if wish and is_covered(wish.tier, cover) and wish.tier.name not in tried:
        return Route(wish.tier, f"approved: {wish.because}")
    kind, engine = workstream.kind, workstream.engine
    ordered = [rung for rung in ladder.for_kind(kind, demand) if _is_driven_by(engine, rung)]
    for rung in sorted(ordered, key=lambda rung: rung.tier.name in tried):
        tier = rung.tier
        if why := _why_not(rung, exhausted):
            if rung.why_not == why:
                absent.append(rung)
            else:
                out.append(f"{tier.name}: {why}")
        elif tier.billing is Billing.PAID and not is_covered(tier, cover):
            wanting = wanting or tier
            out.append(f"{tier.name}: {why_not_covered(tier, cover)}")
        else:
            nth = "next" if tried else "first"
            first = "approved" if tier.billing is Billing.PAID else f"the {nth} {tier.billing} tier"
            return Route(tier, "; ".join([first, *out, *_not_here(absent)]))
    none = f"no tier is driven by {engine}" if engine else "no tier is known"
    because = "; ".join([*out, *_not_here(absent)]) or none
    return NeedsApproval(wanting, because) if wanting else NoRoute(because)


def is_covered(tier: Tier, cover: Cover) -> bool:
    """Whether approvals leave enough of its provider's money for a call of a paid tier."""
    left = cover.get(tier.provider, ZERO_USD)
    return left > 0 and left >= tier.least_usd


def why_not_covered(tier: Tier, cover: Cover) -> str:
    """Say what a paid tier lacks that is not covered."""
    left = cover.get(tier.provider, ZERO_USD)
    if left <= 0:
        return "paid, and not approved"
    return f"the ${left:.4f} that are left are less than an answer may cost (${tier.least_usd:.4f})"


def _not_here(rungs: Sequence[Rung]) -> Iterator[str]:
    """Say why tiers do not serve on this machine; of many, only the names of those that follow."""
    named = len(rungs) if len(rungs) <= MAX_ABSENT + 1 else MAX_ABSENT
    for rung in rungs[:named]:
        yield f"{rung.tier.name}: {rung.why_not}"
    if rungs[named:]:
        yield f"not here either: {', '.join(rung.tier.name for rung in rungs[named:])}"


def route_free(
    workstream: Workstream,
    ladder: Ladder,
    exhausted: Mapping[str, str],
    demand: Demand = ORDINARY,
) -> Route | NoRoute:
    """Pick the first free tier that may serve: for work that nobody was asked to pay for."""
    rungs = tuple(rung for rung in ladder.rungs if rung.tier.billing is Billing.FREE)
    free = ladder.model_copy(update={"rungs": rungs})
    found = route(workstream, free, exhausted=exhausted, tried=(), cover={}, demand=demand)
    return NoRoute(found.because) if isinstance(found, NeedsApproval) else found


def _is_driven_by(engine: str | None, rung: Rung) -> bool:
    """Whether a tier has the engine that was asked for; None: any will do."""
    return engine in {None, rung.tier.engine}


def _why_not(rung: Rung, exhausted: Mapping[str, str]) -> str:
    return rung.why_not or exhausted.get(rung.tier.name, "")
