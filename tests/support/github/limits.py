"""GitHub's limits on requests, counted by the fake's clock."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.support.github.clock import Clock
from tests.support.github.rest import DOCUMENTATION, Answer
from tests.support.github.state import Token

HOUR, MINUTE = 3600.0, 60.0
JOB_TOKENS_AN_HOUR = 1_000  # for all jobs of a repository together
OTHERS_AN_HOUR = 5_000
POINTS_A_MINUTE = 900  # a read is 1, a write 5
CREATED_A_MINUTE, CREATED_AN_HOUR = 80, 500
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
_CREATES = re.compile(
    r"/repos/[^/]+/[^/]+/"
    r"(issues|pulls|issues/\d+/(comments|sub_issues|dependencies/blocked_by)|labels)"
)


@dataclass
class _Pool:
    ends: float = 0.0
    used: int = 0
    points: deque[tuple[float, int]] = field(default_factory=deque)
    created: deque[float] = field(default_factory=deque)


@dataclass
class Limits:
    """What is used up, by token; `secondary` switches the abuse limits off or on."""

    clock: Clock
    secondary: bool = True
    met: list[str] = field(default_factory=list)  # what was refused, and by which limit
    _pools: defaultdict[str, _Pool] = field(default_factory=lambda: defaultdict(_Pool))

    def count(self, token: Token, method: str, path: str) -> Answer | None:
        """Count a request, and refuse it when that is one too many."""
        pool, now = self._pool(token), self.clock.timestamp()
        pool.used += 1
        if pool.used > _limit(token):
            said = f"API rate limit exceeded for installation ID {token.user.id}."
            return self._refuse(f"primary: {method} {path}", Answer(403, _message(said)))
        if not self.secondary:
            return None
        _forget(pool, now)
        pool.points.append((now, 1 if method == "GET" else 5))
        if sum(points for _, points in pool.points) > POINTS_A_MINUTE:
            return self._refuse(f"points: {method} {path}", secondary_limit(60))
        if method != "POST" or not _CREATES.fullmatch(path):
            return None
        lately = sum(at > now - MINUTE for at in pool.created)
        if lately >= CREATED_A_MINUTE or len(pool.created) >= CREATED_AN_HOUR:
            return self._refuse(f"created: {method} {path}", secondary_limit(60))
        pool.created.append(now)
        return None

    def headers(self, token: Token) -> dict[str, str]:
        """Return the headers that every answer carries."""
        drawn = {f"x-ratelimit-{name}": str(value) for name, value in self.draw(token).items()}
        return drawn | {"x-ratelimit-resource": "core"}

    def draw(self, token: Token) -> dict[str, int]:
        """Return the numbers as GET /rate_limit shows them."""
        pool, limit = self._pool(token), _limit(token)
        left = max(limit - pool.used, 0)
        return {"limit": limit, "remaining": left, "used": pool.used, "reset": int(pool.ends)}

    def _pool(self, token: Token) -> _Pool:
        name = token.repository if token.is_job else token.value
        pool, now = self._pools[name], self.clock.timestamp()
        if now >= pool.ends:
            pool.ends, pool.used = now + HOUR, 0
        return pool

    def _refuse(self, limit: str, answer: Answer) -> Answer:
        self.met.append(limit)
        return answer


def secondary_limit(seconds: int) -> Answer:
    """Return what GitHub says to who asks too much at once."""
    return Answer(403, _message(SECONDARY), {"Retry-After": str(seconds)})


def _limit(token: Token) -> int:
    return JOB_TOKENS_AN_HOUR if token.is_job else OTHERS_AN_HOUR


def _forget(pool: _Pool, now: float) -> None:
    while pool.points and pool.points[0][0] <= now - MINUTE:
        pool.points.popleft()
    while pool.created and pool.created[0] <= now - HOUR:
        pool.created.popleft()


def _message(said: str) -> dict[str, str]:
    return {"message": said, "documentation_url": DOCUMENTATION}
