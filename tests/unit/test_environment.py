"""The environment of agents and commands holds what it says and nothing of the caller's."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environment import built_environment
from bot.wiring.environment import redactor

NAMES = st.sampled_from(["PATH", "CI", "LANG", "LC_ALL", "MODEL", "TOKEN"])
VALUES = st.text(max_size=5)


def build(extra: dict[str, str]) -> dict[str, str]:
    return built_environment(path="/bin", home="/h", tmp="/t", extra=extra)


def test_no_variable_of_the_caller_appears():
    secret = "ORCHESTRATE_TEST_SECRET"
    os.environ[secret] = "hunter2"
    try:
        built = build({})
    finally:
        del os.environ[secret]
    assert secret not in built
    assert "hunter2" not in built.values()
    assert set(built) == {
        *("PATH", "HOME", "TMPDIR", "LANG", "TZ", "TERM", "CI", "NO_COLOR"),
        *("GIT_TERMINAL_PROMPT", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL"),
        *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
        *("PYTHONDONTWRITEBYTECODE", "PIP_DISABLE_PIP_VERSION_CHECK"),
    }


def test_the_three_places_are_the_ones_given():
    built = build({})
    assert (built["PATH"], built["HOME"], built["TMPDIR"]) == ("/bin", "/h", "/t")


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_passed_wins_and_nothing_else_is_lost(extra):
    built = build(extra)
    assert built == {**build({}), **extra}


def test_two_environments_share_nothing():
    first = build({})
    first["PATH"] = "/evil"
    assert build({})["PATH"] == "/bin"


@pytest.mark.parametrize(
    "name",
    [
        *("GITHUB_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"),
        *("DEPLOY_PRIVATE_KEY", "SIGNING_KEY", "SSH_KEY", "GPG_PASSPHRASE", "DB_PASS"),
    ],
)
def test_the_value_of_a_variable_that_is_named_like_a_secret_is_taken_out(monkeypatch, name):
    monkeypatch.setenv(name, "9f8e7d6c5b4a")
    assert redactor().text("it is 9f8e7d6c5b4a") == "it is [redacted:value]"


@pytest.mark.parametrize("name", ["KEYBOARD", "CACHE_KEY", "BYPASS", "PASSED"])
def test_the_value_of_another_variable_stays(monkeypatch, name):
    monkeypatch.setenv(name, "created_at")
    assert redactor().text("order by created_at") == "order by created_at"
