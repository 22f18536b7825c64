"""Whether an issue starts a run by itself, by the rules in the settings."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.config import AutoRule
from bot.core.github.issue_form import read_form
from bot.core.github.payloads import Issue


def activated_by(rules: Iterable[AutoRule], issue: Issue) -> AutoRule | None:
    """Return the first rule that holds for an open issue. Its author still needs the right."""
    if issue.is_pull_request or issue.state != "open":
        return None
    return next((rule for rule in rules if _holds(rule, issue)), None)


def _holds(rule: AutoRule, issue: Issue) -> bool:
    form = read_form(issue.body) if rule.kinds else None
    kind = [form.kind] if form and form.kind else []
    return (
        _any_of(rule.labels, issue.label_names)
        and _any_of(rule.authors, [issue.user.login])
        and _any_of(rule.kinds, kind)
    )


def _any_of(wanted: Iterable[str], has: Iterable[str]) -> bool:
    """Whether one is there; where none is wanted, anything is right."""
    wanted = {text.casefold() for text in wanted}
    return not wanted or not wanted.isdisjoint(text.casefold() for text in has)
