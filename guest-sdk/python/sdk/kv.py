"""What lasts, restarts and crashes included.

Each filter has a keyspace of its own, unless the operator gave several the same. Every operation is atomic and acts at
once, whatever becomes of the call. A value is bytes; text is kept as UTF-8. A `ttl` is in seconds, or a `timedelta`: the key
goes by itself then.
"""

from __future__ import annotations

import json as _json
from datetime import timedelta
from typing import Any

from . import _gateway
from ._error import Error
from ._handles import parsed

Ttl = float | timedelta | None


class Fault(Error):
    """An operation came to nothing. One of the four below."""


class TooLarge(Fault):
    """The key or the value is longer than the operator allows."""

    def __init__(self) -> None:
        super().__init__("the key or the value is longer than it may be")


class Full(Fault):
    """The keyspace is full."""

    def __init__(self) -> None:
        super().__init__("the keyspace is full")


class NotANumber(Fault):
    """The value there is not a number."""

    def __init__(self) -> None:
        super().__init__("the value there is not a number")


class Unavailable(Fault):
    """The store behind it did not answer."""

    def __init__(self) -> None:
        super().__init__("the store did not answer")


def get(key: str) -> bytes | None:
    """The value of a key; `None` when it is not there, or has gone."""
    return _gateway.current().kv_get(key)


def set(key: str, value: str | bytes, ttl: Ttl = None) -> None:
    """Sets a key."""
    _gateway.current().kv_set(key, _bytes(value), _milliseconds(ttl))


def add(key: str, value: str | bytes = b"", ttl: Ttl = None) -> bool:
    """Sets only what is not there, and says whether it did. The whole of deduplication: `kv.add(id, ttl=60)`."""
    return _gateway.current().kv_add(key, _bytes(value), _milliseconds(ttl))


def increment(key: str, by: int = 1, ttl: Ttl = None) -> int:
    """Adds to a decimal number, from nought, and says what it came to. `ttl` counts from the first. The whole of rate
    limiting: `if kv.increment(f"rate:{sender}", ttl=60) > 10`."""
    return _gateway.current().kv_increment(key, by, _milliseconds(ttl))


def swap(key: str, old: str | bytes | None, new: str | bytes | None) -> bool:
    """Sets a key to `new` if it is `old` (`None` is absent), and says whether it was. What is swapped in goes when what was
    there would have."""
    return _gateway.current().kv_swap(
        key, None if old is None else _bytes(old), None if new is None else _bytes(new)
    )


def delete(key: str) -> None:
    """Takes a key away. One that is not there is no fault."""
    _gateway.current().kv_delete(key)


def keys(prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
    """Keys that begin with `prefix`, in order, after `after`, at most `limit` (and 1000)."""
    return _gateway.current().kv_keys(prefix, after, limit)


def get_text(key: str) -> str | None:
    """A value that was kept as text."""
    value = get(key)
    return None if value is None else value.decode()


def get_json(key: str) -> Any:
    """A value that was kept as JSON; `None` when it is not there."""
    value = get(key)
    return None if value is None else parsed("the value kept there", value)


def set_json(key: str, value: Any, ttl: Ttl = None) -> None:
    """Keeps a value as JSON."""
    set(key, _json.dumps(value, ensure_ascii=False), ttl)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _milliseconds(ttl: Ttl) -> int | None:
    if ttl is None:
        return None
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    return max(0, round(seconds * 1000))
