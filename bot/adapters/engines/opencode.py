"""opencode: any of the four protocols. Verified with 1.18.33."""

from __future__ import annotations

from bot.adapters.engines.opencode_kin import OpencodeKin

OPENCODE = OpencodeKin(name="opencode", npm_package="@opencode-ai/plugin", env={})
