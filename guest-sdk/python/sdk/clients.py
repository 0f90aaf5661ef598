"""The clients connected now, to the streams the filter works for.

What is done to them takes effect when the call has returned; if it raises, none of it does. What is asked before the first
send of the `outbox` is done before it, the rest after the last: whoever you give a label hears what you say to that label
then, and whoever you disconnect has heard your farewell.
"""

from __future__ import annotations

from . import _gateway
from ._handles import Client
from ._selector import Label, Selector

_EVERYONE = Selector.everyone()


def count(among: Selector = _EVERYONE) -> int:
    """How many there are."""
    return _gateway.current().clients_count(among)


def find(among: Selector = _EVERYONE, limit: int = 10_000) -> list[int]:
    """The ids of at most `limit` of them (and 10 000), longest connected first."""
    return _gateway.current().clients_find(among, limit)


def get(client: int) -> Client | None:
    """One of them, by its id; `None` when it is gone."""
    handle = _gateway.current().clients_get(client)
    return None if handle is None else Client(handle)


def add_label(client: int, key: str, value: str) -> None:
    """Gives one a label, beside any it has."""
    _gateway.current().clients_add_label(client, Label(key, value))


def remove_label(client: int, key: str, value: str) -> None:
    """Takes a label away."""
    _gateway.current().clients_remove_label(client, Label(key, value))


def disconnect(client: int, code: int = 1000, reason: str = "") -> None:
    """Closes one.

    The code is one that RFC 6455 lets a server send: 1000 to 1003, 1007 to 1014, 3000 to 4999; any other is an error of the
    filter.
    """
    _gateway.current().clients_disconnect(client, code, reason)


def pong(client: int, data: bytes) -> None:
    """Answers a ping, on a stream with `pong = "manual"`. At most 125 bytes."""
    _gateway.current().clients_pong(client, data)
