"""What a filter answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ._selector import Label, Labels, Selector, pairs

Body = str | bytes
"""A body, and how it travels: `str` is a text message, `bytes` a binary one."""


@dataclass(frozen=True)
class Pass:
    """Leave it as it is. Of a request: not mine; the next filter, then the gateway's own routes."""


@dataclass(frozen=True)
class Drop:
    """Discard the message; later filters never see it. The reason, if any, is logged and counted."""

    reason: str | None = None


@dataclass(frozen=True)
class Rewrite:
    """Replace the body; the audience stays as it was."""

    body: Body


@dataclass(frozen=True)
class Delivery:
    """Who gets what."""

    to: Selector
    body: Body | None = None
    """What they get; `None` means the message in hand, unchanged."""
    excluding: tuple[int, ...] = ()
    """Clients left out even when `to` chooses them."""


@dataclass(frozen=True, init=False)
class Send:
    """Send the message to a selection.

    More than one delivery splits the message, and each part goes on down the chain by itself; none is a drop. A later
    filter can narrow an audience, never widen it. A bare selector stands for the message in hand, unchanged:
    `Send(Selector.label("desk", "night"))`.
    """

    deliveries: tuple[Delivery, ...]

    def __init__(self, *deliveries: Delivery | Selector) -> None:
        whole = (part if isinstance(part, Delivery) else Delivery(part) for part in deliveries)
        object.__setattr__(self, "deliveries", tuple(whole))


Verdict = Pass | Drop | Rewrite | Send
"""What to do with a message.

Filters run in the order configured. Each decides for itself and the next sees the outcome; when none has narrowed the
audience, everyone gets it.
"""


@dataclass(frozen=True, init=False)
class Allow:
    """The client may connect: `Allow("ann", labels={"room": "lobby"})`."""

    subject: str | None
    """Who it is, for other filters and for the logs."""
    labels: tuple[Label, ...]
    """What to know it by."""
    subprotocol: str | None
    """The WebSocket subprotocol to agree on; it must be one the client asked for."""
    greeting: Body | None
    """A first message for this client alone, sent before any other."""

    def __init__(
        self,
        subject: str | None = None,
        *,
        labels: Labels = (),
        subprotocol: str | None = None,
        greeting: Body | None = None,
    ) -> None:
        object.__setattr__(self, "subject", subject)
        object.__setattr__(self, "labels", pairs(labels))
        object.__setattr__(self, "subprotocol", subprotocol)
        object.__setattr__(self, "greeting", greeting)


@dataclass(frozen=True)
class Deny:
    """The client may not connect."""

    status: int = 403
    """400 to 599. Anything else is sent as 403."""
    body: str = ""
    """Told to the client."""
    reason: str | None = None
    """For the log alone. Never put what the client sent as its secret here."""


Admission = Allow | Deny
"""Whether a client may connect.

With several admission filters, every one must allow it: labels add up, the last subject given stands, and the first denial
ends the matter.
"""


@dataclass(frozen=True, init=False)
class Response:
    """An HTTP answer: `Response("taken", status=202)`.

    A body of text is `text/plain` in UTF-8, unless the headers say otherwise. `Response.html` and `Response.json` say so
    by themselves.
    """

    status: int
    """200 to 599."""
    headers: tuple[tuple[str, Body], ...]
    body: bytes

    def __init__(
        self,
        body: Body = b"",
        *,
        status: int = 200,
        headers: Mapping[str, Body] | Iterable[tuple[str, Body]] = (),
    ) -> None:
        given = headers.items() if isinstance(headers, Mapping) else headers
        lower = tuple((name.lower(), value) for name, value in cast("Iterable[tuple[str, Body]]", given))
        if isinstance(body, str):
            body = body.encode()
            if all(name != "content-type" for name, _ in lower):
                lower = (("content-type", "text/plain; charset=utf-8"), *lower)
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "headers", lower)
        object.__setattr__(self, "body", body)

    @staticmethod
    def html(page: str, *, status: int = 200) -> Response:
        return Response(page, status=status, headers={"content-type": "text/html; charset=utf-8"})

    @staticmethod
    def json(value: Any, *, status: int = 200) -> Response:
        text = json.dumps(value, ensure_ascii=False)
        return Response(text, status=status, headers={"content-type": "application/json"})


@dataclass(frozen=True)
class Accept:
    """The request is a webhook in a dialect of your own.

    `body` goes through the message chain of the webhook the operator named, and `response` is the answer once it is on
    disk. It is an event of its own each time: to know it when it is sent again, ask `kv.add` first.
    """

    body: Body
    response: Response = Response()


HttpVerdict = Pass | Response | Accept
"""How to answer a plain HTTP request."""
