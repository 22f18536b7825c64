"""The command line: commands by name, and errors as people read them."""

from __future__ import annotations

import errno
import sys
import traceback

import typer

from bot.cli.approve import approve
from bot.cli.approve_paid import approve_paid
from bot.cli.clean import clean
from bot.cli.costs import costs
from bot.cli.demo import demo
from bot.cli.doctor import doctor
from bot.cli.engines import engines
from bot.cli.init import init
from bot.cli.job import job
from bot.cli.log import log
from bot.cli.models import models
from bot.cli.plan import plan
from bot.cli.retry import retry
from bot.cli.run import run
from bot.cli.schemas import schemas
from bot.cli.setup import setup
from bot.cli.status import status
from bot.errors import BotError, Exit

NAME = "orchestrate"
_LONGEST_LINE = 2_000

app = typer.Typer(
    name=NAME,
    help="Several coding agents side by side, one checked branch.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    run,
    plan,
    status,
    log,
    approve,
    approve_paid,
    retry,
    costs,
    models,
    doctor,
    init,
    setup,
    clean,
    demo,
    schemas,
):
    app.command()(command)
app.add_typer(engines, name="engines")
app.add_typer(job, name="job")


def run_app() -> int:
    """Run a command; turn what it raises into one line, the next step, and an exit code."""
    try:
        result = app(args=sys.argv[1:] or ["--help"], prog_name=NAME, standalone_mode=False)
    except BotError as error:
        _say(error.what, error.fix)
        return error.exit_code
    except typer.Abort:
        return Exit.INTERRUPTED
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)  # of the command that it is about
        command = context.command_path if context else NAME
        said = error.format_message().replace(" Value error,", "")  # pydantic's, of any choice
        _say(said, f"{command} --help says what it takes.")
        return Exit.BAD_INPUT
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: a bug gets a short message
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _say("The disk is full.", "Make room, then run the same command again.")
            return Exit.TRY_AGAIN
        traceback.print_exc()
        _say(f"This is a bug: {error!r}", "Please report it with the lines above.")
        return Exit.BUG
    return result if isinstance(result, int) else Exit.OK


def _say(what: str, fix: str) -> None:
    from bot.render.words import defused

    # text from a damaged record may hold what steers a terminal
    for line in [*f"orchestrate: {what}".splitlines(), *([f"  {fix}"] if fix else [])]:
        indent = "  " if line.startswith("  ") else ""
        sys.stderr.write(f"{indent}{defused(line, _LONGEST_LINE)}\n")
