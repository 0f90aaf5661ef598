"""postern as a component meets it: the imports of `postern:filter@0.1.0`, by the modules that componentize-py makes of them.

Loaded only while a component is built and within one. Nothing else of this package knows those modules.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from . import _gateway, kv, signing
from ._selector import Label, Selector
from ._verdicts import Body

# By name, so that those who check types need none of what is made for the build.
types, config, log, metrics, clock, outbox, clients, kept, signatures = (
    import_module(f"wit_world.imports.{name}")
    for name in ("types", "config", "log", "metrics", "clock", "outbox", "clients", "kv", "signing")
)
Err: Any = import_module("componentize_py_types").Err

_LEVELS = list(log.Level)
_ALGORITHMS = list(signatures.Algorithm)
_FAULTS = {
    kept.Fault.TOO_LARGE: kv.TooLarge,
    kept.Fault.FULL: kv.Full,
    kept.Fault.NOT_A_NUMBER: kv.NotANumber,
    kept.Fault.UNAVAILABLE: kv.Unavailable,
    signatures.Fault.NO_SUCH_SECRET: signing.NoSuchSecret,
}


def payload(body: Body) -> Any:
    if isinstance(body, str):
        return types.Payload(types.Format.TEXT, body.encode())
    if isinstance(body, (bytes, bytearray, memoryview)):
        return types.Payload(types.Format.BINARY, bytes(body))
    raise TypeError(f"a body is str or bytes, not {type(body).__name__}")


def lowered(label: tuple[str, str]) -> Any:
    key, value = label
    return types.Label(key, value)


def selector(given: Selector) -> Any:
    match given.kind:
        case "everyone":
            return types.Selector_Everyone()
        case "clients":
            return types.Selector_Clients(list(given.ids))
        case "any_label":
            return types.Selector_AnyLabel([lowered(one) for one in given.labels])
        case "all_labels":
            return types.Selector_AllLabels([lowered(one) for one in given.labels])


def asked(function: Any, *arguments: Any) -> Any:
    """Asks what may answer with a fault."""
    try:
        return function(*arguments)
    except Err as error:
        raise _FAULTS[error.value]() from None


class Component:
    """`_gateway.Gateway`, of imports."""

    def config_get(self, key: str) -> str | None:
        return config.get(key)

    def config_json(self) -> str:
        return config.json()

    def log_enabled(self, level: int) -> bool:
        return log.enabled(_LEVELS[level])

    def log_write(self, level: int, text: str, fields: Sequence[tuple[str, str]]) -> None:
        log.write(_LEVELS[level], text, [log.Field(key, value) for key, value in fields])

    def metrics_count(self, name: str, by: int) -> None:
        metrics.count(name, by)

    def metrics_gauge(self, name: str, value: float) -> None:
        metrics.gauge(name, value)

    def metrics_observe(self, name: str, value: float) -> None:
        metrics.observe(name, value)

    def clock_now(self) -> int:
        return clock.now()

    def clock_monotonic(self) -> int:
        return clock.monotonic()

    def outbox_send(self, to: Selector, excluding: Sequence[int], body: Body) -> None:
        outbox.send(selector(to), list(excluding), payload(body))

    def clients_count(self, among: Selector) -> int:
        return clients.count(selector(among))

    def clients_find(self, among: Selector, limit: int) -> list[int]:
        return list(clients.find(selector(among), limit))

    def clients_get(self, client: int) -> _gateway.Client | None:
        return clients.get(client)

    def clients_add_label(self, client: int, label: Label) -> None:
        clients.add_label(client, lowered(label))

    def clients_remove_label(self, client: int, label: Label) -> None:
        clients.remove_label(client, lowered(label))

    def clients_disconnect(self, client: int, code: int, reason: str) -> None:
        clients.disconnect(client, types.Close(code, reason))

    def clients_pong(self, client: int, data: bytes) -> None:
        clients.pong(client, data)

    def kv_get(self, key: str) -> bytes | None:
        return asked(kept.get, key)

    def kv_set(self, key: str, value: bytes, ttl: int | None) -> None:
        asked(kept.set, key, value, ttl)

    def kv_add(self, key: str, value: bytes, ttl: int | None) -> bool:
        return asked(kept.add, key, value, ttl)

    def kv_increment(self, key: str, by: int, ttl: int | None) -> int:
        return asked(kept.increment, key, by, ttl)

    def kv_swap(self, key: str, old: bytes | None, new: bytes | None) -> bool:
        return asked(kept.swap, key, old, new)

    def kv_delete(self, key: str) -> None:
        asked(kept.delete, key)

    def kv_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        return list(asked(kept.keys, prefix, after, limit))

    def signing_verify(self, secret: str, algorithm: int, data: bytes, signature: bytes) -> bool:
        return asked(signatures.verify, secret, _ALGORITHMS[algorithm], data, signature)

    def signing_sign(self, secret: str, algorithm: int, data: bytes) -> bytes:
        return asked(signatures.sign, secret, _ALGORITHMS[algorithm], data)
