"""What the bot does on GitHub, by what it does it to."""

from __future__ import annotations

from dataclasses import dataclass

from bot.adapters.github.actions import Actions
from bot.adapters.github.admin import Admin
from bot.adapters.github.api import Api
from bot.adapters.github.checks import Checks
from bot.adapters.github.comments import Comments
from bot.adapters.github.errors import Refusal
from bot.adapters.github.issues import Issues
from bot.adapters.github.labels import Labels
from bot.adapters.github.place import Place
from bot.adapters.github.pulls import Pulls
from bot.adapters.github.values import Permission, Repository
from bot.core.github.permission import Role, role_of


@dataclass(frozen=True)
class Hub:
    """One repository (owner/name). `own_logins`: github-actions[bot], or the app's slug[bot]."""

    api: Api
    repository: str
    own_logins: frozenset[str]
    checks_api: Api | None = None  # where checks must be another app's than all else

    def role(self, login: str) -> Role:
        """Return what somebody may do here; nothing where GitHub refuses to say."""
        if not login.strip("."):
            return Role.NONE
        try:
            found = self.api.get(self._place.at("collaborators", login, "permission"), Permission)
        except Refusal:
            return Role.NONE
        return role_of(found.permission, found.role_name)

    def repository_facts(self) -> Repository:
        """Return what GitHub says of the repository."""
        return self.api.get(self._place.at(), Repository)

    @property
    def issues(self) -> Issues:
        """Issues, sub-issues and what blocks them."""
        return Issues(self._place)

    @property
    def comments(self) -> Comments:
        """Comments and reactions."""
        return Comments(self._place)

    @property
    def labels(self) -> Labels:
        """Labels, and which issue has them."""
        return Labels(self._place)

    @property
    def pulls(self) -> Pulls:
        """Pull requests."""
        return Pulls(self._place)

    @property
    def checks(self) -> Checks:
        """Check runs."""
        return Checks(Place(self.checks_api or self.api, self.repository, self.own_logins))

    @property
    def actions(self) -> Actions:
        """Workflow runs and artifacts."""
        return Actions(self._place)

    @property
    def admin(self) -> Admin:
        """Settings of the repository."""
        return Admin(self._place)

    @property
    def _place(self) -> Place:
        return Place(self.api, self.repository, self.own_logins)
