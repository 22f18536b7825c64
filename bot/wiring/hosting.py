"""A repository on GitHub as a person sets it up: with their own token, from their own machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.adapters.github.api import Api
from bot.adapters.github.errors import Forbidden, NotFound
from bot.adapters.github.examination import examine_github, label_of
from bot.adapters.github.hub import Hub
from bot.adapters.github.pace import Pace
from bot.adapters.github.requirements import find_ruleset
from bot.core.github.health import GithubFacts
from bot.core.github.installation import BOT_PIN, Installed, Keeper, Pin, blob_id, repository_of
from bot.core.github.requirements import RulesetWanted, ruleset_wanted
from bot.core.health import Trouble
from bot.errors import UserError
from bot.wiring.installing import secret_names, shipped_files

_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
_LABEL_COLOR = "5319e7"
_LABEL_TEXT = "Agents work on it and hand in one pull request"
_NO_PIN = Pin(repository="-/-", commit="0" * 40)


@dataclass(frozen=True)
class SettingUp:
    """What set-up is about to do to a repository."""

    repository: str
    private: bool
    label: str
    ruleset_id: int | None  # None: there is none yet
    wanted: RulesetWanted | None  # None: nothing is missing
    may_open_pulls: bool | None  # None: this token may not see it


@dataclass(frozen=True)
class SetUp:
    """What came of it. A refusal is GitHub's reason; "" where it was done."""

    label_is_new: bool
    label_refused: str
    ruleset_refused: str


@contextmanager
def hub_for(repository: str | None, folder: str, token_env: str | None) -> Iterator[Hub]:
    """Open a repository with a person's token; without a name, the one that `origin` is."""
    token = _token(os.environ, token_env)
    name = repository or _origin(folder)
    clock = SystemClock()
    url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    api = Api(url, token, Pace(clock.pause, clock.now))
    try:
        yield Hub(api, name, frozenset())
    finally:
        api.close()


def plan_setup(hub: Hub) -> SettingUp:
    """Look at what is there, and say what set-up would do. Changes nothing."""
    facts = hub.repository_facts()
    found = find_ruleset(hub.admin)
    permissions = hub.admin.workflow_permissions()
    return SettingUp(
        repository=facts.full_name,
        private=facts.private,
        label=label_of(hub, facts.default_branch),
        ruleset_id=found.id if found else None,
        wanted=ruleset_wanted(found, facts.default_branch),
        may_open_pulls=permissions.can_approve_pull_request_reviews if permissions else None,
    )


def set_up(hub: Hub, plan: SettingUp) -> SetUp:
    """Make the label and the ruleset, as far as the token may; each for itself."""
    is_new, label_refused, ruleset_refused = False, "", ""
    try:
        is_new = hub.labels.ensure(plan.label, _LABEL_COLOR, _LABEL_TEXT)
    except (Forbidden, NotFound) as error:
        label_refused = error.what
    try:
        if plan.wanted is not None and plan.ruleset_id is None:
            hub.admin.create_ruleset(plan.wanted.body)
        elif plan.wanted is not None and plan.ruleset_id is not None:
            hub.admin.update_ruleset(plan.ruleset_id, plan.wanted.body)
    except (Forbidden, NotFound) as error:
        ruleset_refused = error.what
    return SetUp(is_new, label_refused, ruleset_refused)


def github_examination(hub: Hub) -> GithubFacts | Trouble:
    """Look at all that a run on GitHub depends on."""
    return examine_github(hub, _shipped, secret_names())


def _shipped(record: Installed | None) -> Mapping[str, str]:
    """Return git's ids of what this version writes; without a record, of what needs no pin."""
    pin, thin = (record.pin, record.thin) if record else (_NO_PIN, False)
    files = (file for file in shipped_files(pin, thin=thin) if file.keeper is Keeper.BOT)
    return {file.path: blob_id(file.content) for file in files if record or file.path != BOT_PIN}


def _token(environment: Mapping[str, str], named: str | None) -> str:
    wanted = (named,) if named else _TOKENS
    token = next((environment[name] for name in wanted if environment.get(name)), None)
    if token is None:
        raise UserError(
            f"{' and '.join(wanted)} {'are' if len(wanted) > 1 else 'is'} not set.",
            fix="Give a token of yours: export GH_TOKEN=$(gh auth token)",
        )
    return token.strip()


def _origin(folder: str) -> str:
    config = Repository.open(folder).git("config", "--get", "remote.origin.url", ok=(0, 1))
    found = repository_of(config.decode("utf-8", "replace").strip())
    if found is None:
        raise UserError("origin names no repository on GitHub.", fix="Give it as OWNER/REPO.")
    return found[1]
