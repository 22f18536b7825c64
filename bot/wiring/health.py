"""What `doctor` looks at."""

from __future__ import annotations

import os
from dataclasses import replace

from bot.adapters.examination import examine
from bot.adapters.git import Repository
from bot.adapters.steering_files import load_settings
from bot.core.config import Settings
from bot.core.handoff import Isolation
from bot.core.health import Facts, Trouble
from bot.core.routing import Ladder
from bot.errors import PlanRejected, UserError
from bot.wiring.isolation import sandbox_here
from bot.wiring.tiers import load_ladder


def examination(path: str) -> tuple[Facts, Ladder | Trouble]:
    """Look at all that a run depends on; files that cannot be read are among the facts."""
    facts = examine(path, os.environ)
    if isinstance(facts.repository, Trouble):
        return facts, Ladder()
    repository = Repository.open(path)
    try:
        settings = load_settings(repository)
    except PlanRejected:
        settings = Settings()
    apart = sandbox_here(settings.agents)
    if apart.isolation is not Isolation.SANDBOX:
        facts = replace(facts, sandbox=Trouble(apart.because, apart.fix))
    try:
        return facts, load_ladder(repository, settings)
    except PlanRejected:
        return facts, Ladder()
    except UserError as error:
        return facts, Trouble(error.what, error.fix)
