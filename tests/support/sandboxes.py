"""Whether this machine has what sandboxes are made with."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.world import World

needs_sandbox = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="no bubblewrap here: apt install bubblewrap"
)


def path_with_sandbox() -> str:
    """Return PATH without the bubblewrap of other stories' machine, which makes no sandbox."""
    there = os.environ["PATH"].split(":")
    return ":".join(each for each in there if not each.endswith("/programs"))


def with_sandbox(world: World) -> World:
    """Let a world find bubblewrap."""
    world.env["PATH"] = path_with_sandbox()
    return world
