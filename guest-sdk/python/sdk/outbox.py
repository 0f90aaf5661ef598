"""Messages a filter sends on its own account.

They go straight to clients, not through the chain, after the call has returned, in the order sent; if it raises, none of
them goes. They are durable as events are, and are resumed and replayed like them. They reach the clients of the streams the
filter works for: those that carry the webhook of the message, or the stream of the client or of the request.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import _gateway
from ._selector import Selector
from ._verdicts import Body


def send(to: Selector, body: Body, *, excluding: Iterable[int] = ()) -> None:
    """Sends to everyone `to` chooses, less `excluding`."""
    _gateway.current().outbox_send(to, list(excluding), body)


def to_client(client: int, body: Body) -> None:
    """Sends to one client, by its id."""
    send(Selector.clients(client), body)


def to_label(key: str, value: str, body: Body) -> None:
    """Sends to those that carry a label."""
    send(Selector.label(key, value), body)


def broadcast(body: Body) -> None:
    """Sends to everyone."""
    send(Selector.everyone(), body)
