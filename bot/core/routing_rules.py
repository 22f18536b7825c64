"""Which tiers a kind of work asks for first, and for which somebody is asked to pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.core.base import Strict
from bot.core.plan import Complexity, Kind, Line, Name


@dataclass(frozen=True)
class Demand:
    """What a rule looks at beside the kind of work."""

    complexity: Complexity = Complexity.STANDARD
    tokens: int = 0  # of the files that the workstream owns


ORDINARY = Demand()


class RoutingRule(Strict):
    """Which tiers work asks for first, where all that is given holds."""

    kinds: tuple[Kind, ...] = ()  # any of these; none: all
    complexity: tuple[Complexity, ...] = ()  # of the plan; the same
    larger_than_tokens: Annotated[int, Field(ge=1)] | None = None  # all owned files together
    prefer: tuple[Name, ...] = ()
    ask: bool = False  # for the first of them that is paid, before the work starts
    because: Line | None = None  # why money may be worth it

    @model_validator(mode="after")
    def _says_for_what_and_why(self) -> Self:
        if not (self.kinds or self.complexity or self.larger_than_tokens):
            raise ValueError("a rule for all work; give kinds, complexity or larger_than_tokens")
        if self.ask and not (self.because and self.prefer):
            raise ValueError("a rule that asks for money; say because of what, and whom to prefer")
        return self

    def holds(self, kind: Kind, demand: Demand) -> bool:
        """Whether it is about such work."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.complexity or demand.complexity in self.complexity)
            and (self.larger_than_tokens is None or demand.tokens > self.larger_than_tokens)
        )
