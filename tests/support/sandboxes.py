"""Whether this machine has what sandboxes are made with."""

from __future__ import annotations

import shutil

import pytest

needs_sandbox = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="no bubblewrap here: apt install bubblewrap"
)
