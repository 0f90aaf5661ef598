"""Words for the operator. Lines carry the filter's name and the id of the message or client already.

The text is best a constant, and what differs from call to call a field: operators search by the one and count by the
other. `log.info("dropped", word=word)`.

In a component `print` writes lines of level `info` here, what goes to `sys.stderr` of level `warn`, and what the standard
library's `logging` has to say comes here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from . import _gateway


class Level(IntEnum):
    """How much an operator should care."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


def enabled(level: Level) -> bool:
    """Whether a line at this level would go anywhere. Ask before building a costly one."""
    return _gateway.current().log_enabled(level)


def write(level: Level, text: str, fields: Mapping[str, object] | None = None) -> None:
    """Writes a line, with fields of any name."""
    pairs = [(key, str(value)) for key, value in (fields or {}).items()]
    _gateway.current().log_write(level, str(text), pairs)


def trace(text: str, /, **fields: object) -> None:
    write(Level.TRACE, text, fields)


def debug(text: str, /, **fields: object) -> None:
    write(Level.DEBUG, text, fields)


def info(text: str, /, **fields: object) -> None:
    write(Level.INFO, text, fields)


def warn(text: str, /, **fields: object) -> None:
    write(Level.WARN, text, fields)


def error(text: str, /, **fields: object) -> None:
    write(Level.ERROR, text, fields)
