"""The command `orchestrate`."""

from __future__ import annotations

import gc
import os
import sys

_YOUNG_OBJECTS = 20_000  # loading makes many that stay: to search them more often is a tenth of it


def main() -> None:
    """Run the command line and exit with what it means."""
    gc.set_threshold(_YOUNG_OBJECTS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for some takes long
    from bot.cli.app import run_app

    sys.exit(run_app())


if __name__ == "__main__":
    main()
