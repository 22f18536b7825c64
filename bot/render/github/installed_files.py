"""Files that `orchestrate init` writes and that no repository has in the same words."""

from __future__ import annotations

from bot.core.github.installation import Pin

_SETTINGS = """\
# What this repository chooses of Orchestrate. Every key has a default; this file may be empty.
# All of them: https://github.com/{repository}/blob/{commit}/docs/settings.md
version: 1

# How the tests run; without it that is detected.
# tests:
#   command: make test

# Per cent of lines, and points of ten.
# coverage:
#   minimum: 85
# review:
#   minimum: 7

# Dollars, and only ever after /approve-paid.
# limits:
#   provider_month_usd: 20

# Who may start and steer runs at least: write, maintain or admin.
# github:
#   may_command: write
"""


def settings_file(pin: Pin) -> bytes:
    """Write the settings that all repositories begin with: none but the defaults."""
    return _SETTINGS.format(repository=pin.repository, commit=pin.commit).encode()


def pin_file(pin: Pin) -> bytes:
    """Write what the set-up action of a repository without the bot's source installs."""
    return (
        "# Which bot the workflows install. orchestrate init --upgrade moves it.\n"
        f"orchestrate-bot @ git+https://github.com/{pin.repository}@{pin.commit}\n"
    ).encode()
