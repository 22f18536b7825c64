"""One job from its records to its outcome: the parts of the agent put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.adapters.engines.builtin.agent import Agent, Outputs
from bot.adapters.engines.builtin.calls import ModelCalls
from bot.adapters.engines.builtin.client import ChatClient, Deadline, TimeUp
from bot.adapters.engines.builtin.command_tool import CommandTool
from bot.adapters.engines.builtin.file_tools import FileTools
from bot.adapters.engines.builtin.job import BuiltinJob
from bot.adapters.engines.builtin.session import Record, read_session, read_usage
from bot.adapters.engines.builtin.signals import Ended, Signal
from bot.adapters.engines.builtin.toolbox import Toolbox
from bot.adapters.engines.builtin.worktree import Worktree
from bot.core.outcomes import OutcomeClass
from bot.ports import Processes

_SHORTEST_KEY = 8


def work(job: BuiltinJob, processes: Processes, say: Callable[[Signal], None]) -> Ended:
    """Do the job; go on from the session file where there is one.

    Raises OSError where a record cannot be written, or where `say` raises it.
    """
    session_file, usage_file = Path(job.session_file), Path(job.usage_file)
    earlier = read_session(session_file)
    calls_before = read_usage(usage_file)
    redact = without_key(job)
    session, usage = Record(session_file, redact), Record(usage_file, redact)
    deadline = Deadline(job.limits.seconds)
    client = ChatClient(job.endpoint, job.limits.silence_seconds, deadline)
    try:
        model = ModelCalls(job, client, usage.add, say, calls_before)
        toolbox = _toolbox(job, processes, deadline, say)
        toolbox.recall(earlier)
        agent = Agent(job.endpoint, model, toolbox, Outputs(session.add, say))
        return agent.run(earlier, job.system, job.prompt)
    except TimeUp:
        message = f"The time was up, after {job.limits.seconds:.0f} s."
        return Ended(outcome=OutcomeClass.TIMEOUT, message=message)
    finally:
        client.close()
        session.close()
        usage.close()


def _toolbox(
    job: BuiltinJob, processes: Processes, deadline: Deadline, say: Callable[[Signal], None]
) -> Toolbox:
    worktree = Worktree(job.worktree)
    files = FileTools(worktree, processes, job.environment)
    commands = CommandTool(job, str(worktree.top), processes, deadline)
    return Toolbox(worktree, files, commands, job, say)


def without_key(job: BuiltinJob) -> Callable[[str], str]:
    """Return what takes the key out of a text: an endpoint may repeat it in an error.

    A placeholder such as "ollama" is no secret, and is let stand wherever the word occurs.
    """
    key = job.endpoint.api_key.get_secret_value() if job.endpoint.api_key else ""
    return lambda text: text.replace(key, "[key]") if len(key) >= _SHORTEST_KEY else text
