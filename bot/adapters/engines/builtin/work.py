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
        worktree = Worktree(job.worktree)
        commands = CommandTool(job, str(worktree.top), processes, deadline)
        files = FileTools(worktree, processes, job.environment)
        toolbox = Toolbox(worktree, files, commands, job, say)
        toolbox.recall(earlier)
        agent = Agent(job.endpoint, model, toolbox, Outputs(session.add, say))
        ended = agent.run(earlier, job.system, job.prompt)
        return _with_denials(ended, commands.denied)
    except TimeUp:
        message = f"The time was up, after {job.limits.seconds:.0f} s."
        return Ended(outcome=OutcomeClass.TIMEOUT, message=message)
    finally:
        client.close()
        session.close()
        usage.close()


def _with_denials(ended: Ended, count: int) -> Ended:
    """Say at the end how many commands the rules forbade, where there were any."""
    if not count:
        return ended
    many = "1 command was" if count == 1 else f"{count} commands were"
    return ended.model_copy(update={"message": f"{ended.message} {many} denied by rules."})


def without_key(job: BuiltinJob) -> Callable[[str], str]:
    """Return what takes the key out of a text: an endpoint may repeat it in an error.

    A placeholder such as "ollama" is no secret, and is let stand wherever the word occurs.
    """
    key = job.endpoint.api_key.get_secret_value() if job.endpoint.api_key else ""
    return lambda text: text.replace(key, "[key]") if len(key) >= _SHORTEST_KEY else text
