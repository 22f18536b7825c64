"""Looking at a repository on GitHub, for `doctor --github`; nothing is changed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from pydantic import Field, TypeAdapter

from bot.adapters.github.errors import Forbidden, NotFound
from bot.adapters.github.hub import Hub
from bot.adapters.github.place import Place
from bot.adapters.github.values import Part
from bot.core import names
from bot.core.config import Settings, read_settings
from bot.core.documents import Problem
from bot.core.github.health import GithubFacts, Hosted, HostedFiles
from bot.core.github.installation import RECORD, WORKFLOWS, Installed, read_installed
from bot.core.health import Trouble
from bot.errors import BotError

_FOLDERS = (".github/workflows", ".github/actions/orchestrate", ".github/orchestrate")
_RIGHTS = ("admin", "maintain", "push", "triage", "pull")


class _Repository(Part):
    full_name: str
    default_branch: str
    private: bool
    fork: bool = False
    archived: bool = False
    has_issues: bool = True
    permissions: dict[str, bool] = Field(default_factory=dict)


class _Entry(Part):
    type: str
    path: str
    sha: str
    content: str = ""  # base64, of a single file


class _Workflow(Part):
    path: str
    state: str


class _Actions(Part):
    enabled: bool


def examine_github(
    hub: Hub,
    shipped: Callable[[Installed | None], Mapping[str, str]],
    secrets: tuple[str, ...],
) -> GithubFacts | Trouble:
    """Look at all that a run on GitHub depends on. Trouble: nothing of it can be reached.

    `shipped` tells git's ids of what this version writes, for the bot that a record names.
    """
    place = hub.admin.place
    try:
        repository = place.api.get(place.at(), _Repository)
        files = _files(place, repository.default_branch)
        record = files.installed if isinstance(files.installed, Installed) else None
        label = _label(files.settings)
        return GithubFacts(
            repository=_hosted(repository),
            files=files,
            shipped=shipped(record),
            switched_off=_switched_off(place),
            actions_enabled=_actions_enabled(place),
            label=label,
            label_exists=_exists(place, "labels", label),
            required=_required(hub, repository.default_branch),
            may_open_pulls=_may_open_pulls(hub),
            requests_left=_requests_left(hub),
            secrets=secrets,
            in_the_way=_exists(place, "git", "ref", "heads", "orchestrate"),
        )
    except BotError as error:
        return Trouble(error.what, error.fix)


def label_of(hub: Hub, default_branch: str) -> str:
    """Return the label that starts runs, as the default branch's settings say."""
    return _label(_settings(hub.admin.place, default_branch))


def _label(settings: Settings | tuple[Problem, ...]) -> str:
    return (settings if isinstance(settings, Settings) else Settings()).github.label


def _hosted(found: _Repository) -> Hosted:
    right = next((name for name in _RIGHTS if found.permissions.get(name)), "")
    return Hosted(
        name=found.full_name,
        default_branch=found.default_branch,
        private=found.private,
        fork=found.fork,
        archived=found.archived,
        has_issues=found.has_issues,
        right=right,
    )


def _files(place: Place, branch: str) -> HostedFiles:
    blobs = {
        entry.path: entry.sha for folder in _FOLDERS for entry in _entries(place, folder, branch)
    }
    record = _content(place, RECORD, branch) if RECORD in blobs else None
    return HostedFiles(
        blobs=blobs,
        installed=None if record is None else read_installed(record),
        settings=_settings(place, branch),
    )


def _settings(place: Place, branch: str) -> Settings | tuple[Problem, ...]:
    text = _content(place, names.SETTINGS_FILE, branch)
    return Settings() if text is None else read_settings(text)


def _entries(place: Place, folder: str, branch: str) -> tuple[_Entry, ...]:
    try:
        listed = place.api.get(_path(place, folder), object, {"ref": branch})
    except NotFound:
        return ()
    entries = listed if isinstance(listed, list) else []
    return TypeAdapter(tuple[_Entry, ...]).validate_python(entries)


def _content(place: Place, path: str, branch: str) -> bytes | None:
    try:
        return base64.b64decode(place.api.get(_path(place, path), _Entry, {"ref": branch}).content)
    except NotFound:
        return None


def _path(place: Place, path: str) -> str:
    return place.at("contents", *path.split("/"))


def _switched_off(place: Place) -> dict[str, str] | None:
    try:
        listed = place.api.pages(place.at("actions", "workflows"), _Workflow, key="workflows")
    except Forbidden:
        return None
    return {
        found.path: found.state.replace("_", " ")
        for found in listed
        if found.path.startswith(WORKFLOWS) and found.state != "active"
    }


def _actions_enabled(place: Place) -> bool | None:
    try:
        return place.api.get(place.at("actions", "permissions"), _Actions).enabled
    except (Forbidden, NotFound):
        return None


def _exists(place: Place, *parts: str) -> bool:
    try:
        place.api.get(place.at(*parts), object)
    except NotFound:
        return False
    return True


def _required(hub: Hub, branch: str) -> dict[str, int | None]:
    rules = hub.admin.branch_rules(branch)
    return {each.context: each.integration_id for rule in rules for each in rule.required_checks}


def _may_open_pulls(hub: Hub) -> bool | None:
    found = hub.admin.workflow_permissions()
    return None if found is None else found.can_approve_pull_request_reviews


def _requests_left(hub: Hub) -> tuple[int, int]:
    rate = hub.admin.rate_limit()
    return rate.remaining, rate.limit
