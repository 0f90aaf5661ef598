"""Makes what Python programs take for granted do what it can in a component, where there is no WASI: no clock, no files, no
standard output, no entropy. Left alone, the first of them that is touched traps, without a word of Python.

Before the filter is imported, `prepare` puts the gateway's clock in the place of the system's. When it has been imported,
`seal` takes away what would trap: what is asked for after that is refused by an ordinary exception that says what to do.
"""

from __future__ import annotations

import builtins
import datetime
import io
import linecache
import os
import random
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from . import _gateway, log

# What the standard library imports only when it is first used.
_USED_LATE = ("_strptime", "hashlib", *(f"encodings.{name}" for name in ("ascii", "idna", "latin_1", "utf_16", "utf_8_sig")))

_REAL = datetime.datetime

_sealed = False
_seeded = False


class _Kind(type):
    """Lets what was made by the one pass for the other."""

    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, _REAL)


class _DateTime(datetime.datetime, metaclass=_Kind):
    """`datetime` with the gateway's clock. The one it stands for cannot be told of another."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _DateTime:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> _DateTime:
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls) -> _DateTime:
        return cls.fromtimestamp(time.time())


def prepare() -> None:
    """Before the filter is imported, so that `from time import time` gets the right one."""
    for name in _USED_LATE:
        import_module(name)
    real = {name: getattr(time, name) for name in ("time_ns", "monotonic_ns", "gmtime", "localtime", "strftime")}

    def time_ns() -> int:
        return _gateway.current().clock_now() * 1_000_000 if _sealed else real["time_ns"]()

    def monotonic_ns() -> int:
        return _gateway.current().clock_monotonic() if _sealed else real["monotonic_ns"]()

    def seconds(nanoseconds: Any) -> Any:
        return lambda: nanoseconds() / 1_000_000_000

    def sleep(_: float) -> NoReturn:
        raise RuntimeError("a filter cannot sleep: it has its deadline, and others wait for it")

    time.time_ns, time.time = time_ns, seconds(time_ns)
    time.monotonic_ns = time.perf_counter_ns = time.process_time_ns = monotonic_ns
    time.monotonic = time.perf_counter = time.process_time = seconds(monotonic_ns)
    time.gmtime = lambda at=None: real["gmtime"](time.time() if at is None else at)
    time.localtime = lambda at=None: real["localtime"](time.time() if at is None else at)
    time.strftime = lambda form, at=None: real["strftime"](form, time.localtime() if at is None else at)
    time.sleep = sleep  # type: ignore[assignment]
    _DateTime.__name__ = _DateTime.__qualname__ = "datetime"
    _DateTime.__module__ = "datetime"
    datetime.datetime = _DateTime  # type: ignore[misc]
    os.urandom = _refusal("a filter has no entropy: what is secret, the gateway makes", os.urandom)
    setattr(random, "_urandom", os.urandom)


def seal(sources: Sequence[str]) -> None:
    """When all of the filter is imported, just before its memory is frozen."""
    global _sealed
    _sealed = True
    for file in sources:
        if lines := linecache.getlines(file):
            # Without a time it is never looked for on disk again.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    linecache.updatecache = lambda *_: []
    # It parses parts of lines, and of one that does not parse CPython itself looks for the file.
    setattr(traceback, "_extract_caret_anchors_from_line_segment", lambda *_: None)
    files = "a filter has no files: read what it needs at the top of its code, which is run when it is built"
    builtins.open = io.open = os.open = _refusal(files, open)
    os.stat = os.lstat = os.listdir = os.scandir = _refusal(files, os.stat)
    sys.meta_path.append(_Late)
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    sys.stdout, sys.stderr = _Lines(log.Level.INFO), _Lines(log.Level.WARN)
    if logging := sys.modules.get("logging"):
        logging.root.handlers[:] = [_handler(logging)]


def begin() -> None:
    """Before each call."""
    global _seeded
    if not _seeded:
        _seeded = True
        # The state frozen into the component is the same each time. This is no secret, and the best there is.
        gateway = _gateway.current()
        random.seed(gateway.clock_now() ^ gateway.clock_monotonic() << 64)


def end() -> None:
    """After each call: what was printed without an end of line."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _refusal(words: str, before: Any) -> Any:
    def refuse(*arguments: Any, **named: Any) -> Any:
        if _sealed:
            raise OSError(words)
        return before(*arguments, **named)

    return refuse


class _Late:
    """Finds no module, in words."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> NoReturn:
        words = f"`{name}` is imported too late: a component has no files; import it at the top of your filter"
        raise ModuleNotFoundError(words, name=name)


class _Lines(io.TextIOBase):
    """A stream whose lines go to the log."""

    def __init__(self, level: log.Level) -> None:
        self.level = level
        self.rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in filter(None, lines):
            log.write(self.level, line)
        return len(text)

    def flush(self) -> None:
        rest, self.rest = self.rest, ""
        if rest:
            log.write(self.level, rest)


def _handler(logging: Any) -> Any:
    levels = {logging.DEBUG: log.Level.DEBUG, logging.INFO: log.Level.INFO, logging.WARNING: log.Level.WARN}

    class Handler(logging.Handler):  # type: ignore[misc]
        """Hands what `logging` has to say to the gateway."""

        def emit(self, record: Any) -> None:
            level = levels.get(record.levelno // 10 * 10, log.Level.ERROR if record.levelno >= 40 else log.Level.TRACE)
            log.write(level, self.format(record), {"logger": record.name})

    return Handler()
