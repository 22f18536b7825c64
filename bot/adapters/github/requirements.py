"""The ruleset that requires our checks, as it is on GitHub, with all that others put into it."""

from __future__ import annotations

from pydantic import Field

from bot.adapters.github.admin import Admin
from bot.adapters.github.values import Part
from bot.core.github.requirements import RULESET, RulesetFound


class _RefNames(Part):
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _Conditions(Part):
    ref_name: _RefNames = _RefNames()


class _Ruleset(Part):
    id: int
    enforcement: str
    conditions: _Conditions | None = None
    rules: tuple[dict[str, object], ...] = Field(default=())


def find_ruleset(admin: Admin) -> RulesetFound | None:
    """Read the repository's own ruleset of our name, if there is one."""
    there = next((one for one in admin.rulesets() if one.name == RULESET), None)
    if there is None:
        return None
    found = admin.place.api.get(admin.place.at("rulesets", there.id), _Ruleset)
    refs = (found.conditions or _Conditions()).ref_name
    return RulesetFound(found.id, found.enforcement, refs.include, refs.exclude, found.rules)
