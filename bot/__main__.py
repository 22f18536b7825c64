"""The command `orchestrate`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with what it means."""
    from bot.cli.app import run_app

    sys.exit(run_app())


if __name__ == "__main__":
    main()
