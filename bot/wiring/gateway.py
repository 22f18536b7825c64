"""The way to models, as the environment asks for it: recorded, or played from a recording."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.gateway.gateway import Gateway
from bot.core.redact import Redactor


def gateway(environment: Mapping[str, str], known: Redactor) -> Gateway:
    """Build what leads to models with this process's keys, or to what they said before."""
    record, replay = environment.get("ORCHESTRATE_RECORD"), environment.get("ORCHESTRATE_REPLAY")
    if not record and not replay:
        return Gateway(os.environ.get, SystemClock().now)
    from bot.adapters.gateway.recording import Recording, Replay, read_recording  # with a server

    instead = ""
    if replay:
        said = Replay(read_recording(Path(replay)))
        said.start()
        instead = said.base_url
    recording = Recording(Path(record).absolute(), known.text) if record else None
    return Gateway(os.environ.get, SystemClock().now, recording=recording, instead=instead)
