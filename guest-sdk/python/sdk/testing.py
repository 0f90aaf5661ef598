"""What stands in for the gateway when a filter is tested by plain Python.

    with testing.gateway(config={"word": "stop"}) as gateway:
        verdict = filter.on_message(testing.message({"text": "stop"}))
    assert verdict == Drop("it says stop")
    assert gateway.logs == [("info", "dropped", {"word": "stop"})]

Whatever a filter asks of postern within the `with` is answered by the double, which keeps what it was told. It is small, and
kinder than the gateway: it has no limits, and does at once what the gateway does when the call has returned. What is really so,
`postern filter test` says.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from . import _gateway, kv, log, signing
from ._handles import Client, Header, Message, Request
from ._selector import Label, Labels, Selector, pairs
from ._verdicts import Body

_START = _gateway.moment(1_767_225_600_000)  # 2026-01-01T00:00:00Z


def message(
    body: Body | Mapping[str, Any] | Sequence[Any],
    *,
    id: int = 1,
    source: str = "test",
    received: datetime = _START,
    headers: Mapping[str, str] | None = None,
) -> Message:
    """A message made by hand: text, bytes, or what its JSON is."""
    if not isinstance(body, (str, bytes)):
        body = json.dumps(body, ensure_ascii=False)
    return Message(_Message(id, source, received, body, _lower((headers or {}).items())))


def client(
    id: int = 1,
    *,
    subject: str | None = None,
    labels: Labels = (),
    address: str = "127.0.0.1:50000",
    since: datetime = _START,
) -> Client:
    """A client made by hand. `Gateway.connect` is one that others can find."""
    return Client(_Client(id, subject, list(pairs(labels)), address, since))


def request(
    target: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | bytes = b"",
    address: str = "127.0.0.1:50000",
) -> Request:
    """A request made by hand: `testing.request("/ws?token=x")`."""
    data = body.encode() if isinstance(body, str) else body
    return Request(_Request(method.upper(), target, _lower((headers or {}).items()), data, address))


@dataclass(frozen=True)
class Sent:
    """What the filter put into the outbox."""

    to: Selector
    body: Body
    excluding: tuple[int, ...] = ()


@dataclass
class Gateway:
    """The double. Arrange it before, look at it afterwards."""

    config: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    now: datetime | None = None
    """Where the clock stands still; `None`: it is the machine's."""
    level: log.Level = log.Level.TRACE
    """Lines below it go nowhere."""
    logs: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Level, text and fields of each line."""
    sent: list[Sent] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    """What was asked of clients, in order: `("add_label", 1, "room", "lobby")`, `("disconnect", 1, 1000, "bye")`, …"""
    metrics: dict[str, float | list[float]] = field(default_factory=dict)
    """What counters and gauges came to, and what was observed."""
    kept: dict[str, bytes] = field(default_factory=dict)
    """What is in `kv`."""
    ttls: dict[str, int] = field(default_factory=dict)
    """In how many milliseconds a key would have gone by itself. Here none does."""
    clients: dict[int, Client] = field(default_factory=dict)

    def connect(self, id: int = 1, *, subject: str | None = None, labels: Labels = ()) -> Client:
        """A client that is there."""
        self.clients[id] = client(id, subject=subject, labels=labels)
        return self.clients[id]

    def config_get(self, key: str) -> str | None:
        return _text_of(self.config[key]) if key in self.config else None

    def config_json(self) -> str:
        return json.dumps(self.config)

    def log_enabled(self, level: int) -> bool:
        return level >= self.level

    def log_write(self, level: int, text: str, fields: Sequence[tuple[str, str]]) -> None:
        if level >= self.level:
            self.logs.append((log.Level(level).name.lower(), text, dict(fields)))

    def metrics_count(self, name: str, by: int) -> None:
        self.metrics[name] = float(self.metrics.get(name, 0)) + by  # type: ignore[arg-type]

    def metrics_gauge(self, name: str, value: float) -> None:
        self.metrics[name] = value

    def metrics_observe(self, name: str, value: float) -> None:
        self.metrics.setdefault(name, []).append(value)  # type: ignore[union-attr]

    def clock_now(self) -> int:
        return int((self.now.timestamp() if self.now else time.time()) * 1000)

    def clock_monotonic(self) -> int:
        return time.monotonic_ns()

    def outbox_send(self, to: Selector, excluding: Sequence[int], body: Body) -> None:
        self.sent.append(Sent(to, body, tuple(excluding)))

    def clients_count(self, among: Selector) -> int:
        return len(self.clients_find(among, len(self.clients)))

    def clients_find(self, among: Selector, limit: int) -> list[int]:
        return [id for id, one in self.clients.items() if _chooses(among, one)][:limit]

    def clients_get(self, client: int) -> _gateway.Client | None:
        return self.clients[client]._handle if client in self.clients else None

    def clients_add_label(self, client: int, label: Label) -> None:
        self.asked.append(("add_label", client, *label))
        labels = self._labels(client)
        if label not in labels:
            labels.append(label)

    def clients_remove_label(self, client: int, label: Label) -> None:
        self.asked.append(("remove_label", client, *label))
        labels = self._labels(client)
        labels[:] = [one for one in labels if one != label]

    def clients_disconnect(self, client: int, code: int, reason: str) -> None:
        self.asked.append(("disconnect", client, code, reason))
        self.clients.pop(client, None)

    def clients_pong(self, client: int, data: bytes) -> None:
        self.asked.append(("pong", client, data))

    def kv_get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def kv_set(self, key: str, value: bytes, ttl: int | None) -> None:
        self.kv_delete(key)
        self.kept[key] = value
        if ttl is not None:
            self.ttls[key] = ttl

    def kv_add(self, key: str, value: bytes, ttl: int | None) -> bool:
        if key in self.kept:
            return False
        self.kv_set(key, value, ttl)
        return True

    def kv_increment(self, key: str, by: int, ttl: int | None) -> int:
        try:
            number = int(self.kept.get(key, b"0")) + by
        except ValueError:
            raise kv.NotANumber from None
        self.kv_set(key, str(number).encode(), self.ttls.get(key) if key in self.kept else ttl)
        return number

    def kv_swap(self, key: str, old: bytes | None, new: bytes | None) -> bool:
        if self.kept.get(key) != old:
            return False
        if new is None:
            self.kv_delete(key)
        else:
            self.kept[key] = new
        return True

    def kv_delete(self, key: str) -> None:
        self.kept.pop(key, None)
        self.ttls.pop(key, None)

    def kv_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        return [key for key in sorted(self.kept) if key.startswith(prefix) and key > (after or "")][:limit]

    def signing_verify(self, secret: str, algorithm: int, data: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.signing_sign(secret, algorithm, data), signature)

    def signing_sign(self, secret: str, algorithm: int, data: bytes) -> bytes:
        if secret not in self.secrets:
            raise signing.NoSuchSecret
        digest = (hashlib.sha1, hashlib.sha256, hashlib.sha512)[algorithm]
        return hmac.new(self.secrets[secret].encode(), data, digest).digest()

    def _labels(self, client: int) -> list[Label]:
        handle = self.clients[client]._handle if client in self.clients else None
        return handle.all if isinstance(handle, _Client) else []


@contextmanager
def gateway(
    *,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    now: datetime | None = None,
    kept: Mapping[str, str | bytes] | None = None,
) -> Iterator[Gateway]:
    """Puts a new double in the gateway's place."""
    bytes_of = {key: value.encode() if isinstance(value, str) else value for key, value in (kept or {}).items()}
    double = Gateway(config=dict(config or {}), secrets=dict(secrets or {}), now=now, kept=bytes_of)
    before = _gateway.use(double)
    try:
        yield double
    finally:
        _gateway.use(before)


class _Format(Enum):
    TEXT = 0
    BINARY = 1


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _lower(headers: Iterable[tuple[str, str]]) -> list[Header]:
    return [Header(name.lower(), value.encode()) for name, value in headers]


def _first(headers: Iterable[Header], name: str) -> bytes | None:
    return next((header.value for header in headers if header.name == name.lower()), None)


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _chooses(among: Selector, one: Client) -> bool:
    match among.kind:
        case "everyone":
            return True
        case "clients":
            return one.id in among.ids
        case "any_label":
            return any(label in one.labels for label in among.labels)
        case "all_labels":
            return all(label in one.labels for label in among.labels)


class _Message:
    def __init__(self, id: int, source: str, received: datetime, body: Body, headers: list[Header]) -> None:
        self.the_id, self.the_source, self.at, self.headers = id, source, received, headers
        self.body = body

    def id(self) -> int:
        return self.the_id

    def source(self) -> str:
        return self.the_source

    def received(self) -> int:
        return _milliseconds(self.at)

    def format(self) -> _Format:
        return _Format.TEXT if isinstance(self.body, str) else _Format.BINARY

    def size(self) -> int:
        return len(self.data())

    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body

    def read(self, offset: int, length: int) -> bytes:
        return self.data()[offset : offset + length]

    def json(self, pointer: str) -> str | None:
        if pointer and not pointer.startswith("/"):
            return None
        try:
            node = json.loads(self.data())
            for step in pointer.split("/")[1:]:
                step = step.replace("~1", "/").replace("~0", "~")
                if isinstance(node, list) and not (step == "0" or step.isdecimal() and step[0] != "0"):
                    return None
                node = node[int(step)] if isinstance(node, list) else node[step]
        except (ValueError, LookupError, TypeError):
            return None
        return _text_of(node)

    def header(self, name: str) -> bytes | None:
        return _first(self.headers, name)


class _Client:
    def __init__(self, id: int, subject: str | None, labels: list[Label], address: str, since: datetime) -> None:
        self.the_id, self.the_subject, self.all, self.the_address, self.at = id, subject, labels, address, since

    def id(self) -> int:
        return self.the_id

    def subject(self) -> str | None:
        return self.the_subject

    def label(self, key: str) -> str | None:
        return next((label.value for label in self.all if label.key == key), None)

    def labels(self) -> list[Label]:
        return list(self.all)

    def address(self) -> str:
        return self.the_address

    def since(self) -> int:
        return _milliseconds(self.at)


class _Request:
    def __init__(self, method: str, target: str, headers: list[Header], body: bytes, address: str) -> None:
        self.the_method, self.all, self.data, self.the_address = method, headers, body, address
        self.the_path, mark, query = target.partition("?")
        self.the_query = query if mark else None

    def method(self) -> str:
        return self.the_method

    def path(self) -> str:
        return self.the_path

    def query(self) -> str | None:
        return self.the_query

    def param(self, name: str) -> str | None:
        found = parse_qsl(self.the_query or "", keep_blank_values=True)
        return next((value for key, value in found if key == name), None)

    def header(self, name: str) -> bytes | None:
        return _first(self.all, name)

    def headers(self) -> list[Header]:
        return self.all

    def address(self) -> str:
        return self.the_address

    def body(self) -> bytes:
        return self.data
