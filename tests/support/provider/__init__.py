"""A scripted provider of models over real HTTP, in the four protocols that agent programs speak.

    scripts = {"`one`": Script(write("one.txt", "1\\n"), faults.INTERNAL, say("Done."))}
    with Provider(scripts) as provider:
        …  # provider.url; afterwards provider.requests and provider.told

A script is found by a text that stands in what its conversation was told, so that many may be
played at once. Each request with tools takes its next step; one without tools asks for a title or
the like, and gets a few words. What is to be done is said without the name of a tool: each
program's own tools are found among those that it declares.
"""

from tests.support.provider.script import (
    SIDE_WORDS,
    Cut,
    Fault,
    Refused,
    Script,
    Step,
    Turn,
    Usage,
    Wrong,
    say,
    shell,
    tool,
    turn,
    write,
)
from tests.support.provider.server import Provider, Request

__all__ = [
    "SIDE_WORDS",
    "Cut",
    "Fault",
    "Provider",
    "Refused",
    "Request",
    "Script",
    "Step",
    "Turn",
    "Usage",
    "Wrong",
    "say",
    "shell",
    "tool",
    "turn",
    "write",
]
