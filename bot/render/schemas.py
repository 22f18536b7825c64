"""JSON Schemas of the contracts, as text that is the same every time."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from bot.core.catalog import Catalog, Routing
from bot.core.config import Settings
from bot.core.constraints import Rules
from bot.core.engine_programs import EnginePrograms
from bot.core.events import EVENT
from bot.core.handoff import Acknowledgement, Claim, Completion, Delegation
from bot.core.ledger import LedgerLine
from bot.core.mcp import McpServers
from bot.core.plan import Plan
from bot.core.report import Report


def all_schemas() -> dict[str, str]:
    """Return the schema of each contract by its name."""
    models: dict[str, TypeAdapter[Any]] = {
        "plan": TypeAdapter(Plan),
        "settings": TypeAdapter(Settings),
        "catalog": TypeAdapter(Catalog),
        "routing": TypeAdapter(Routing),
        "constraints": TypeAdapter(Rules),
        "engines": TypeAdapter(EnginePrograms),
        "mcp": TypeAdapter(McpServers),
        "delegation": TypeAdapter(Delegation),
        "acknowledgement": TypeAdapter(Acknowledgement),
        "claim": TypeAdapter(Claim),
        "completion": TypeAdapter(Completion),
        "event": EVENT,
        "ledger-line": TypeAdapter(LedgerLine),
        "report": TypeAdapter(Report),
    }
    return {name: _text(adapter) for name, adapter in models.items()}


def _text(adapter: TypeAdapter[Any]) -> str:
    schema = adapter.json_schema()
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema, indent=2, ensure_ascii=False) + "\n"
