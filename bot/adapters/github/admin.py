"""Settings of a repository: what set-up changes and doctor reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.adapters.github.errors import Forbidden, NotFound
from bot.adapters.github.place import Place
from bot.adapters.github.values import RateLimit, Rule, Ruleset, WorkflowPermissions


@dataclass(frozen=True)
class Admin:
    """The settings of one repository. Writing needs administration rights, which no job has."""

    place: Place

    def rulesets(self) -> tuple[Ruleset, ...]:
        """List the repository's own rulesets, without their rules."""
        path = self.place.at("rulesets")
        return self.place.api.pages(path, Ruleset, {"includes_parents": "false"})

    def create_ruleset(self, body: Mapping[str, object]) -> Ruleset:
        """Make a ruleset, once; its name tells it from others."""

        def find() -> Ruleset | None:
            same = (there for there in self.rulesets() if there.name == body["name"])
            return next(same, None)

        return self.place.api.create(self.place.at("rulesets"), Ruleset, body, find)

    def update_ruleset(self, ruleset_id: int, body: Mapping[str, object]) -> Ruleset:
        """Replace what a ruleset says."""
        return self.place.api.send("PUT", self.place.at("rulesets", ruleset_id), Ruleset, body)

    def branch_rules(self, branch: str) -> tuple[Rule, ...]:
        """List the rules that are in force for a branch; a job's token may read them."""
        return self.place.api.pages(self.place.at("rules", "branches", branch), Rule)

    def workflow_permissions(self) -> WorkflowPermissions | None:
        """Read what the settings give workflows; None: this token may not know."""
        path = self.place.at("actions", "permissions", "workflow")
        try:
            return self.place.api.get(path, WorkflowPermissions)
        except (Forbidden, NotFound):
            return None

    def rate_limit(self) -> RateLimit:
        """Read what is left of the token's requests; the question itself is free."""
        return self.place.api.get("/rate_limit", RateLimit)
