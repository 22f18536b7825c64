"""Who may start and steer runs. What is not known for certain is refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from bot.core.github.payloads import (
    GHOST,
    Account,
    Commented,
    Dispatched,
    Labeled,
    Opened,
)

OWN_LOGINS = ("github-actions[bot]",)
Wanted = Literal["write", "maintain", "admin"]


class Role(IntEnum):
    """What somebody may do in a repository, in GitHub's order."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


def role_of(permission: str | None, role_name: str | None) -> Role:
    """Read an answer about a collaborator; None where a field, or the answer, is missing.

    A role of an organization's own making has a name that says nothing; then the older field
    counts, in which maintain is shown as write and triage as read.
    """
    names = {role.name.lower(): role for role in Role}
    if role_name in names:
        return names[role_name]
    older = (Role.ADMIN, Role.WRITE, Role.READ)
    return next((role for role in older if permission == role.name.lower()), Role.NONE)


@dataclass(frozen=True)
class Actor:
    """Somebody on GitHub, and what they may do in this repository."""

    login: str
    is_bot: bool
    role: Role


@dataclass(frozen=True)
class Allowed:
    """They may."""


@dataclass(frozen=True)
class Refused:
    """They may not, and why."""

    because: str


def may(
    actor: Actor, wanted: Wanted, bots: Collection[str], own: Collection[str] = OWN_LOGINS
) -> Allowed | Refused:
    """Judge one actor. `bots` are logins that count as people with the right to write."""
    if actor.login.lower() == GHOST.login:
        return Refused("the account is deleted")
    role = actor.role
    if actor.is_bot:
        if _bot_name(actor.login) in map(_bot_name, own):
            return Refused("it is this bot itself")
        if _bot_name(actor.login) not in map(_bot_name, bots):
            return Refused(f"{actor.login} is a bot that github.bots in the settings does not name")
        role = max(role, Role.WRITE)
    if role < Role[wanted.upper()]:
        has = role.name.lower() if role is not Role.NONE else "no"
        return Refused(f"{actor.login} has {has} access to this repository, and {wanted} is needed")
    return Allowed()


def who_must_hold(
    event: Labeled | Opened | Commented | Dispatched,
    triggering_actor: str = "",
    own: Collection[str] = OWN_LOGINS,
) -> tuple[Account, ...] | Refused:
    """Name everybody who needs the right for what an event asks; nobody: it comes from us.

    `triggering_actor` is who started this run of the workflow; another than the sender pressed
    "re-run", and needs the right too.
    """
    if isinstance(event, Commented) and event.comment.user.login != event.sender.login:
        return Refused("the comment is another's than who sent it")
    accounts = [event.sender]
    if isinstance(event, Opened):
        accounts.append(event.issue.user)
    if isinstance(event, Dispatched) and event.sender.is_bot and _is_ours(event.sender, own):
        accounts = []
    if triggering_actor and triggering_actor.lower() != event.sender.login.lower():
        accounts.append(Account.named(triggering_actor))
    return tuple({account.login.lower(): account for account in accounts}.values())


def _is_ours(account: Account, own: Collection[str]) -> bool:
    return _bot_name(account.login) in map(_bot_name, own)


def _bot_name(login: str) -> str:
    return login.lower().removesuffix("[bot]")
