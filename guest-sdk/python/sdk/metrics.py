"""Numbers for the operator, shown as `postern_filter_<name>{filter="…"}`. A name is of lower-case letters, digits and `_`,
and is one kind of number, whichever filter uses it; anything else is an error of the filter. They count at once."""

from __future__ import annotations

from . import _gateway


def count(name: str, by: int = 1) -> None:
    """Adds to a counter."""
    _gateway.current().metrics_count(name, by)


def gauge(name: str, value: float) -> None:
    """Sets a gauge."""
    _gateway.current().metrics_gauge(name, float(value))


def observe(name: str, value: float) -> None:
    """Adds one observation to a histogram."""
    _gateway.current().metrics_observe(name, float(value))
