"""The time. In a component `time.time()`, `time.monotonic()` and `datetime.now()` are these as well."""

from __future__ import annotations

from datetime import datetime

from . import _gateway


def now() -> datetime:
    """The time, in UTC."""
    return _gateway.moment(_gateway.current().clock_now())


def now_ms() -> int:
    """The time, in milliseconds since 1970."""
    return _gateway.current().clock_now()


def monotonic_ns() -> int:
    """Nanoseconds from some fixed point; it never goes back."""
    return _gateway.current().clock_monotonic()
