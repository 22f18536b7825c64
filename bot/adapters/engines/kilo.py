"""kilo, a fork of opencode that calls home more often. Verified with 7.7.7."""

from __future__ import annotations

from bot.adapters.engines.opencode_kin import OpencodeKin

KILO = OpencodeKin(
    name="kilo",
    npm_package="@kilocode/plugin",
    env={
        "TELEMETRY_LEVEL": "off",
        "SESSION_RETRY_LIMIT": "1",
        "DISABLE_SESSION_INGEST": "1",
        "DISABLE_PRESENCE": "1",
        "DISABLE_CODEBASE_INDEXING": "1",
        "NO_DAEMON": "1",
    },
)
