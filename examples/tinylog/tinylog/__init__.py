"""Read the logs of services and show them to people."""

from tinylog.logfmt import read_logfmt
from tinylog.record import LEVELS, Record

__all__ = ["LEVELS", "Record", "read_logfmt"]
