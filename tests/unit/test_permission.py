"""Who may command the bot, and who only looks as if they might."""

from __future__ import annotations

import pytest

from bot.core.github.payloads import (
    GHOST,
    Account,
    Comment,
    Commented,
    Dispatched,
    Issue,
    Label,
    Labeled,
    Opened,
    Repository,
)
from bot.core.github.permission import (
    Actor,
    Allowed,
    Refused,
    Role,
    may,
    role_of,
    who_must_hold,
)

ANN, BEN = Account(login="Ann"), Account(login="ben")
US = Account(login="github-actions[bot]", type="Bot")
REPOSITORY = Repository(id=1, full_name="o/r", default_branch="main", private=False)
ISSUE = Issue(number=1, id=2, title="t", user=BEN)


@pytest.mark.parametrize(
    ("permission", "role_name", "role"),
    [
        ("admin", "admin", Role.ADMIN),
        ("write", "maintain", Role.MAINTAIN),
        ("write", "write", Role.WRITE),
        ("read", "triage", Role.TRIAGE),
        ("read", "read", Role.READ),
        ("none", "none", Role.NONE),
        ("write", "release-team", Role.WRITE),
        ("read", "Admin", Role.READ),
        ("write", None, Role.WRITE),
        ("maintain", None, Role.NONE),
        ("owner", "owner", Role.NONE),
        ("", "", Role.NONE),
        (None, None, Role.NONE),
    ],
)
def test_a_role_is_what_github_says_and_nothing_where_it_says_something_else(
    permission, role_name, role
):
    assert role_of(permission, role_name) is role


def person(role, login="ann"):
    return Actor(login, is_bot=False, role=role)


@pytest.mark.parametrize("wanted", ["write", "maintain", "admin"])
@pytest.mark.parametrize("role", list(Role))
def test_a_person_may_with_the_role_that_is_wanted_or_a_higher_one(role, wanted):
    verdict = may(person(role), wanted, bots=())
    assert isinstance(verdict, Allowed) == (role >= Role[wanted.upper()])


@pytest.mark.parametrize(
    ("actor", "bots", "because"),
    [
        pytest.param(person(Role.TRIAGE), (), "triage access", id="who may only label"),
        pytest.param(person(Role.NONE), (), "no access", id="an outsider"),
        pytest.param(
            person(Role.READ, "helper"), ("helper[bot]",), "read access", id="a bot's namesake"
        ),
        pytest.param(
            person(Role.READ, "helper"), ("helper",), "read access", id="a namesake without [bot]"
        ),
        pytest.param(
            Actor("helper[bot]", is_bot=True, role=Role.ADMIN), (), "is a bot", id="a bot unlisted"
        ),
        pytest.param(
            Actor("helper[bot]", is_bot=True, role=Role.ADMIN), ("*",), "is a bot", id="any bot"
        ),
        pytest.param(
            Actor("github-actions[bot]", is_bot=True, role=Role.WRITE),
            ("github-actions",),
            "itself",
            id="our own comments, even listed",
        ),
        pytest.param(person(Role.ADMIN, "Ghost"), (), "deleted", id="a deleted account"),
    ],
)
def test_who_may_not_is_told_why(actor, bots, because):
    verdict = may(actor, "write", bots)
    assert isinstance(verdict, Refused)
    assert because in verdict.because


@pytest.mark.parametrize("listed", ["helper", "helper[bot]", "Helper[bot]"])
def test_a_listed_bot_counts_as_a_writer_and_as_no_more(listed):
    bot = Actor("helper[bot]", is_bot=True, role=Role.NONE)
    assert may(bot, "write", [listed]) == Allowed()
    assert isinstance(may(bot, "maintain", [listed]), Refused)


def labeled(sender):
    return Labeled(repository=REPOSITORY, sender=sender, issue=ISSUE, label=Label(name="x"))


def commented(user, sender):
    comment = Comment(id=1, body="/retry", user=user, created_at="2026-01-01T00:00:00Z")
    return Commented(repository=REPOSITORY, sender=sender, issue=ISSUE, comment=comment)


def dispatched(sender):
    return Dispatched(repository=REPOSITORY, sender=sender)


@pytest.mark.parametrize(
    ("event", "triggering", "logins"),
    [
        pytest.param(labeled(ANN), "", ["Ann"], id="the labeller, not the author"),
        pytest.param(labeled(ANN), "ann", ["Ann"], id="the same person re-runs"),
        pytest.param(labeled(ANN), "eve", ["Ann", "eve"], id="another re-runs"),
        pytest.param(
            Opened(repository=REPOSITORY, sender=BEN, issue=ISSUE), "", ["ben"], id="the author"
        ),
        pytest.param(
            Opened(repository=REPOSITORY, sender=ANN, issue=ISSUE),
            "",
            ["Ann", "ben"],
            id="an issue opened in another's name",
        ),
        pytest.param(commented(ANN, ANN), "", ["Ann"], id="who commented"),
        pytest.param(dispatched(ANN), "", ["Ann"], id="who started it by hand"),
        pytest.param(dispatched(US), "", [], id="ourselves"),
        pytest.param(dispatched(US), "eve", ["eve"], id="a re-run of what we started"),
        pytest.param(
            dispatched(Account(login="github-actions")),
            "",
            ["github-actions"],
            id="a person named like us",
        ),
        pytest.param(labeled(ANN), "no one", ["Ann", "ghost"], id="a name that is nobody's"),
        pytest.param(labeled(GHOST), "", ["ghost"], id="a deleted labeller"),
    ],
)
def test_the_right_is_asked_of_everybody_behind_an_event(event, triggering, logins):
    found = who_must_hold(event, triggering)
    assert [account.login for account in found] == logins


def test_a_comment_that_another_sent_is_refused():
    assert isinstance(who_must_hold(commented(ANN, BEN)), Refused)
