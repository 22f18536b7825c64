"""Whether those who caused an event may, as GitHub says of each of them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.github.payloads import Account, Commented, Dispatched, Labeled, Opened
from bot.core.github.permission import Actor, Refused, Wanted, may, who_must_hold
from bot.drivers.github.run import Desk


@dataclass(frozen=True)
class Rights:
    """Asks for rights; `triggering_actor` is who started this run of the workflow."""

    desk: Desk
    triggering_actor: str

    def refused(self, event: Labeled | Opened | Commented | Dispatched, wanted: Wanted) -> str:
        """Say why somebody who must have the right has not got it; empty: all have."""
        own, bots = self.desk.hub.own_logins, self.desk.settings.github.bots
        accounts = who_must_hold(event, self.triggering_actor, own)
        if isinstance(accounts, Refused):
            return accounts.because
        for account in accounts:
            verdict = may(self._actor(account), wanted, bots, own)
            if isinstance(verdict, Refused):
                return verdict.because
        return ""

    def _actor(self, account: Account) -> Actor:
        return Actor(account.login, account.is_bot, self.desk.hub.role(account.login))
