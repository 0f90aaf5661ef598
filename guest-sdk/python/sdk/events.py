"""What becomes of connections, as `on_event` is told of it.

    match what:
        case events.Connect():
            outbox.to_client(who.id, "welcome")
        case events.Disconnect(why):
            log.info("gone", why=why or "by itself")
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Connect:
    """Admitted and upgraded; it can be sent to."""


@dataclass(frozen=True)
class Close:
    """It sent a close frame.

    postern answers it, unless the stream says `close = "manual"`: then `clients.disconnect` is the answer, and postern
    gives one of its own when none has come in time. `Disconnect` follows.
    """

    code: int | None = None
    """`None`: the frame had neither code nor reason."""
    reason: str = ""


@dataclass(frozen=True)
class Disconnect:
    """It is gone, closed or broken off: the last event a client has."""

    why: str | None = None
    """`None`: it closed by itself."""


@dataclass(frozen=True)
class Ping:
    """It sent a ping.

    postern has already answered, unless the stream says `pong = "manual"`: then `clients.pong` is the answer.
    """

    data: bytes = b""


@dataclass(frozen=True)
class Pong:
    """It answered a ping."""

    data: bytes = b""


Event = Connect | Close | Disconnect | Ping | Pong
"""What became of a connection."""
