"""Asks the model: limits first, then the request and its record."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from bot.adapters.engines.builtin.budget import Spent, Stop, may_send
from bot.adapters.engines.builtin.client import ChatClient, Incomplete
from bot.adapters.engines.builtin.job import BuiltinJob
from bot.adapters.engines.builtin.messages import Message, on_the_wire, tokens_in
from bot.adapters.engines.builtin.signals import ModelCall, Say, Used
from bot.adapters.engines.builtin.stream import Answer
from bot.core.provider_failures import Failure

_AGAIN = 2  # times, for an answer that broke off: whatever else passes the gateway waits out
_CALIBRATION = (0.5, 4.0)  # how far a tokenizer may be from four characters a token


class ModelCalls:
    """The model of one job; limits hold for the attempt, earlier processes of it included."""

    def __init__(
        self,
        job: BuiltinJob,
        client: ChatClient,
        record: Callable[[ModelCall], None],
        say: Callable[[Say | Used], None],
        before: Sequence[ModelCall],
    ) -> None:
        self._job = job
        self._client = client
        self._record = record
        self._say = say
        self._spent = functools.reduce(Spent.plus, before, Spent())
        self._calibration = 1.0
        self._next_number = max((call.n for call in before), default=0) + 1

    def size_of(self, messages: Sequence[Message], tool_tokens: int) -> int:
        """Estimate the tokens of a request, by what the endpoint counted for earlier ones."""
        return int((tokens_in(messages) + tool_tokens) * self._calibration)

    def uncalibrated(self, tokens: int) -> int:
        """Return which estimate by characters alone corresponds to so many tokens."""
        return int(tokens / self._calibration)

    def ask(
        self, messages: Sequence[Message], tools: list[dict[str, object]], tool_tokens: int
    ) -> Answer | Failure | Stop:
        """Ask for the next message, never beyond a limit.

        Raises TimeUp when the job's time is over.
        """
        wire, again = on_the_wire(messages), 0
        while True:
            prompt_tokens = self.size_of(messages, tool_tokens)
            limits, most = self._job.limits, self._job.endpoint.max_output_tokens
            stop = may_send(limits, self._spent, prompt_tokens, most)
            if stop is not None:
                return stop
            answer = self._send(wire, tools, prompt_tokens)
            if isinstance(answer, Answer):
                self._calibrate(answer, tokens_in(messages) + tool_tokens)
                return answer
            if not answer.maybe_billed or again == _AGAIN:
                return answer
            again += 1
            self._say(Say(text=f"{answer.message}; asking again"))

    def _send(
        self, wire: list[dict[str, object]], tools: list[dict[str, object]], prompt_tokens: int
    ) -> Answer | Failure:
        """Send one request; it is in the record before it leaves and again when it is over."""
        begun = ModelCall(
            n=self._next_number,
            input_tokens=prompt_tokens,
            model_requested=self._job.endpoint.model,
            cost_known=False,
            finished=False,
        )
        self._next_number += 1
        self._record(begun)
        got = self._client.ask(wire, tools)
        match got:
            case Answer():
                ended = _with_counts(begun, got, finished=True)
            case Incomplete(answer=answer):
                ended = _with_counts(begun, answer, finished=False)
            case Failure(maybe_billed=True):
                ended = begun
            case _:  # refused before the model saw it
                ended = begun.model_copy(update={"input_tokens": 0, "cost_known": True})
        self._record(ended)
        self._say(Used(call=ended))
        self._spent = self._spent.plus(ended)
        return got.failure if isinstance(got, Incomplete) else got

    def _calibrate(self, answer: Answer, estimate: int) -> None:
        if answer.input_tokens:
            low, high = _CALIBRATION
            self._calibration = min(max(answer.input_tokens / max(estimate, 1), low), high)


def _with_counts(begun: ModelCall, answer: Answer, *, finished: bool) -> ModelCall:
    """Fill in what the endpoint counted; what it did not is estimated, and the cost not known."""
    known = answer.input_tokens is not None and answer.output_tokens is not None
    given = answer.input_tokens, answer.output_tokens
    return begun.model_copy(
        update={
            "input_tokens": begun.input_tokens if given[0] is None else given[0],
            "cached_tokens": answer.cached_tokens,
            "output_tokens": answer.output_estimate if given[1] is None else given[1],
            "model_returned": answer.model,
            "cost_known": known,
            "finished": finished,
        }
    )
