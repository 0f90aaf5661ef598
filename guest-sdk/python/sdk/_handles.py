"""What comes in: messages, clients and requests, as a filter sees them.

All are handles: nothing is copied into the filter until it is asked for, and each attribute is asked for anew. Keep what
you use twice in a variable.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal, NamedTuple

from . import _gateway
from ._error import Error
from ._selector import Label
from ._verdicts import Body


class Message:
    """A message: a verified webhook delivery, or what a filter earlier in the chain made of it, or what a client sent."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _gateway.Message) -> None:
        """Made by postern; in a test, by `testing.message`."""
        self._handle = handle

    @property
    def id(self) -> int:
        """Identifies the delivery that began this message. The parts of a split message share it. Nought for what a
        client sent: it is not an event yet."""
        return self._handle.id()

    @property
    def source(self) -> str:
        """The name, in postern's configuration, of the webhook it came through, or of the stream of the client."""
        return self._handle.source()

    @property
    def received(self) -> datetime:
        """When postern accepted it, in UTC."""
        return _gateway.moment(self._handle.received())

    @property
    def format(self) -> Literal["text", "binary"]:
        """Text or binary, without copying the data."""
        return "text" if self._handle.format().name == "TEXT" else "binary"

    @property
    def size(self) -> int:
        """How many bytes of data there are, without copying them."""
        return self._handle.size()

    @property
    def data(self) -> bytes:
        """All of it, as bytes."""
        return self._handle.data()

    @property
    def body(self) -> Body:
        """All of it: `str` when it is text, `bytes` when it is binary."""
        data = self.data
        return data.decode() if self.format == "text" else data

    def read(self, offset: int, length: int) -> bytes:
        """A part of it: at most `length` bytes from `offset`, fewer at the end."""
        return self._handle.read(offset, length)

    def json(self, pointer: str) -> str | None:
        """The value at an RFC 6901 JSON Pointer such as `/entry/0/id`: a string as its text, anything else as JSON.

        `None` when there is nothing there or the data is not JSON. postern parses a message once, however many filters
        ask, so this is the cheap way to a value or two; `parse` is the way to all of it.
        """
        return self._handle.json(pointer)

    def parse(self) -> Any:
        """All of it, as JSON. What is not JSON is an error."""
        return parsed("the message", self.data)

    def header(self, name: str) -> str | None:
        """A header of the HTTP request that delivered it, if the operator lets filters see that header."""
        return text_of(self._handle.header(name))


class Client:
    """A connected client, as it was when the call began."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _gateway.Client) -> None:
        """Made by postern; in a test, by `testing.client`."""
        self._handle = handle

    @property
    def id(self) -> int:
        """Names the connection for as long as it lives. Never used again while this postern runs."""
        return self._handle.id()

    @property
    def subject(self) -> str | None:
        """Who it is, as admission said; `None` when admission did not say."""
        return self._handle.subject()

    def label(self, key: str) -> str | None:
        """The first value of the label `key`."""
        return self._handle.label(key)

    @property
    def labels(self) -> list[Label]:
        return [Label(label.key, label.value) for label in self._handle.labels()]

    def has_label(self, key: str, value: str) -> bool:
        """Whether it carries this label."""
        return (key, value) in self.labels

    @property
    def address(self) -> str:
        """The peer's address, `ip:port`, after any trusted proxy headers."""
        return self._handle.address()

    @property
    def since(self) -> datetime:
        """When it connected, in UTC."""
        return _gateway.moment(self._handle.since())


class Header(NamedTuple):
    """One HTTP header. Names are in lower case; values may be any bytes."""

    name: str
    value: bytes


class Request:
    """An HTTP request: one that asks to become a client, or a plain one."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _gateway.Request) -> None:
        """Made by postern; in a test, by `testing.request`."""
        self._handle = handle

    @property
    def method(self) -> str:
        """In upper case: `GET`, `POST`, …"""
        return self._handle.method()

    @property
    def path(self) -> str:
        """Begins with `/` and never includes the query."""
        return self._handle.path()

    @property
    def query(self) -> str | None:
        """What follows `?`, as sent."""
        return self._handle.query()

    def param(self, name: str) -> str | None:
        """The first value of the query parameter `name`, percent-decoded."""
        return self._handle.param(name)

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case. Its bytes, should they matter, are in `headers`."""
        return text_of(self._handle.header(name))

    @property
    def headers(self) -> list[Header]:
        return [Header(header.name, header.value) for header in self._handle.headers()]

    @property
    def bearer(self) -> str | None:
        """What `Authorization: Bearer …` carries."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @property
    def address(self) -> str:
        """The peer's address, `ip:port`, after any trusted proxy headers."""
        return self._handle.address()

    @property
    def body(self) -> bytes:
        """The body, read in full and within the operator's limit. Empty for a request that asks to become a client."""
        return self._handle.body()

    def parse(self) -> Any:
        """The body, as JSON. What is not JSON is an error."""
        return parsed("the request's body", self.body)


def text_of(value: bytes | None) -> str | None:
    """A header as text: UTF-8 where it is that, else Latin-1, of which anything can be."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def parsed(what: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        # Of what was read not a word is told: it may be anyone's.
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Error(f"{what} is not JSON{place}") from None
