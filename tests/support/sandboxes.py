"""Whether this machine has what sandboxes are made with."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.world import World

needs_sandbox = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="no bubblewrap here: apt install bubblewrap"
)


def with_sandbox(world: World) -> World:
    """Let it find bubblewrap, which the other stories' machine has not."""
    there = os.environ["PATH"].split(":")
    world.env["PATH"] = ":".join(each for each in there if not each.endswith("/programs"))
    return world
