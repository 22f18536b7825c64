"""What a repository on GitHub has to require, so that nothing is merged unchecked.

A ruleset that is there already is changed only as far as ours is missing from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.gates import GateName
from bot.core.github.checks import check_name

RULESET = "orchestrate"
ACTIONS_APP = 15368  # GitHub Actions; who may write can post an unbound check under any name
CHECKS = tuple(check_name(gate) for gate in GateName)

_STATUS_CHECKS = "required_status_checks"
_DEFAULT_BRANCH = "~DEFAULT_BRANCH"

Json = Mapping[str, object]


@dataclass(frozen=True)
class RulesetFound:
    """The ruleset of our name as GitHub has it. `rules` are kept word for word."""

    id: int
    enforcement: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    rules: tuple[Json, ...]


@dataclass(frozen=True)
class RulesetWanted:
    """What to send, and in words what is missing without it."""

    body: Json
    lacking: tuple[str, ...]


def ruleset_wanted(found: RulesetFound | None, default_branch: str) -> RulesetWanted | None:
    """Compare what is there with what has to be; None: nothing is missing."""
    if found is None:
        first = (_rule({}, _entries(())),)
        body = _body(first, include=(_DEFAULT_BRANCH,), exclude=())
        return RulesetWanted(body, (f"there is no ruleset {RULESET!r}",))
    covering = {_DEFAULT_BRANCH, "~ALL", f"refs/heads/{default_branch}"}
    ours = next((rule for rule in found.rules if rule.get("type") == _STATUS_CHECKS), None)
    entries = _entries_of(ours)
    lacking = []
    if found.enforcement != "active":
        lacking.append(f"the ruleset is not active but {found.enforcement}")
    if not covering & set(found.include):
        lacking.append(f"it does not cover {default_branch}")
    excluded = covering & set(found.exclude)
    if excluded:
        lacking.append(f"it leaves {', '.join(sorted(excluded))} out")
    bound = {entry.get("context"): entry.get("integration_id") for entry in entries}
    for name in CHECKS:
        if name not in bound:
            lacking.append(f"it does not require {name}")
        elif bound[name] != ACTIONS_APP:
            lacking.append(f"it takes {name} from others than GitHub Actions")
    if not lacking:
        return None
    include = found.include if covering & set(found.include) else (*found.include, _DEFAULT_BRANCH)
    exclude = tuple(name for name in found.exclude if name not in covering)
    rest = tuple(rule for rule in found.rules if rule is not ours)
    rules = (*rest, _rule(ours or {}, _entries(entries)))
    return RulesetWanted(_body(rules, include=include, exclude=exclude), tuple(lacking))


def _body(rules: Sequence[Json], *, include: tuple[str, ...], exclude: tuple[str, ...]) -> Json:
    return {
        "name": RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": list(include), "exclude": list(exclude)}},
        "rules": list(rules),
    }


def _rule(before: Json, entries: Sequence[Json]) -> Json:
    parameters = before.get("parameters")
    kept = parameters if isinstance(parameters, Mapping) else {}
    return {
        **before,
        "type": _STATUS_CHECKS,
        "parameters": {
            "strict_required_status_checks_policy": False,
            **kept,
            _STATUS_CHECKS: list(entries),
        },
    }


def _entries_of(rule: Json | None) -> tuple[Json, ...]:
    parameters = rule.get("parameters") if rule else None
    entries = parameters.get(_STATUS_CHECKS) if isinstance(parameters, Mapping) else None
    return tuple(entry for entry in entries or () if isinstance(entry, Mapping))


def _entries(before: Sequence[Json]) -> tuple[Json, ...]:
    """Return what is required already, with ours among it and bound."""
    others = tuple(entry for entry in before if entry.get("context") not in CHECKS)
    ours = tuple({"context": name, "integration_id": ACTIONS_APP} for name in CHECKS)
    return (*others, *ours)
