"""Answers on an issue or pull request, each given once however often it is asked for."""

from __future__ import annotations

from datetime import datetime

from bot.adapters.github.hub import Hub
from bot.adapters.github.values import Comment
from bot.core.github.payloads import Commented
from bot.render.github.replies import To, reply_marker


def answer_comment(hub: Hub, event: Commented, to: To, text: str) -> None:
    """Answer a command once; where it comes to something else now, that takes its place."""
    since = datetime.fromisoformat(event.comment.created_at)
    said = answer(hub, event.issue.number, to, text, since)
    if said.body.strip() != text.strip():
        hub.comments.edit(said.id, text)


def answer(hub: Hub, issue: int, to: To, text: str, since: datetime | None = None) -> Comment:
    """Return the answer that was given since then, or give it."""
    mark = reply_marker(to)
    return hub.comments.find(issue, mark, since) or hub.comments.create(issue, text, mark)
