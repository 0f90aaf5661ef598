"""The steps that a message asks for, and the report of what came of each."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

from postern import Client, Delivery, Error, Message, Selector, clients, clock, config, kv, log, metrics, outbox, signing

FAULTS = {
    kv.TooLarge: "too-large",
    kv.Full: "full",
    kv.NotANumber: "not-a-number",
    kv.Unavailable: "unavailable",
    signing.NoSuchSecret: "no-such-secret",
}
ALGORITHMS = {
    "hmac-sha1": signing.Algorithm.HMAC_SHA1,
    "hmac-sha256": signing.Algorithm.HMAC_SHA256,
    "hmac-sha512": signing.Algorithm.HMAC_SHA512,
}

# Of what these do there is nothing to tell but that it was done.
DONE = {"log", "count", "gauge", "observe", "kv-set", "kv-delete", "label", "unlabel", "disconnect", "pong", "send"}
DONE |= {"send-binary", "grow"}

Outcome = None | bool | int | str | bytes | list[str] | list[int]


class Steps:
    def __init__(self, message: Message, sender: Client | None) -> None:
        self.message = message
        self.sender = sender
        self.step = 0

    def run(self) -> str:
        lines = []
        while (op := self.message.json(f"/do/{self.step}/op")) is not None:
            lines.append(shown(self.outcome(op)))
            self.step += 1
        return "\n".join(lines)

    def outcome(self, op: str) -> Outcome:
        does = getattr(self, op.replace("-", "_") + "_", None)
        if does is None:
            raise Error(f"no such step: {op}")
        try:
            outcome: Outcome = does()
        except (kv.Fault, signing.Fault) as fault:
            return FAULTS[type(fault)]
        return "ok" if op in DONE else outcome

    def given(self, name: str) -> str | None:
        """An argument, if there is one."""
        return self.message.json(f"/do/{self.step}/{name}")

    def text(self, name: str) -> str:
        return self.given(name) or ""

    def number(self, name: str) -> int:
        return int(self.given(name) or 0)

    def ttl(self, name: str) -> timedelta | None:
        milliseconds = self.given(name)
        return None if milliseconds is None else timedelta(milliseconds=int(milliseconds))

    def id_(self) -> Outcome:
        return self.message.id

    def source_(self) -> Outcome:
        return self.message.source

    def received_(self) -> Outcome:
        return round(self.message.received.timestamp() * 1000)

    def format_(self) -> Outcome:
        return self.message.format

    def size_(self) -> Outcome:
        return self.message.size

    def data_(self) -> Outcome:
        return self.message.data

    def read_(self) -> Outcome:
        return self.message.read(self.number("a"), self.number("b"))

    def json_(self) -> Outcome:
        return self.message.json(self.text("a"))

    def header_(self) -> Outcome:
        return self.message.header(self.text("a"))

    def config_(self) -> Outcome:
        return config.get(self.text("a"))

    def config_json_(self) -> Outcome:
        return config.json()

    def enabled_(self) -> Outcome:
        return log.enabled(log.Level[self.text("a").upper()])

    def log_(self) -> None:
        field = self.given("c")
        fields = {} if field is None else {field: self.text("d")}
        log.write(log.Level[self.text("a").upper()], self.text("b"), fields)

    def count_(self) -> None:
        metrics.count(self.text("a"), self.number("b"))

    def gauge_(self) -> None:
        metrics.gauge(self.text("a"), float(self.text("b")))

    def observe_(self) -> None:
        metrics.observe(self.text("a"), float(self.text("b")))

    def now_(self) -> Outcome:
        return clock.now_ms()

    def monotonic_(self) -> Outcome:
        before = clock.monotonic_ns()
        return "ok" if clock.monotonic_ns() >= before else "back"

    def kv_get_(self) -> Outcome:
        return kv.get(self.text("a"))

    def kv_set_(self) -> None:
        kv.set(self.text("a"), self.text("b"), self.ttl("c"))

    def kv_add_(self) -> Outcome:
        return kv.add(self.text("a"), self.text("b"), self.ttl("c"))

    def kv_increment_(self) -> Outcome:
        return kv.increment(self.text("a"), self.number("b"), self.ttl("c"))

    def kv_swap_(self) -> Outcome:
        return kv.swap(self.text("a"), self.given("b"), self.given("c"))

    def kv_delete_(self) -> None:
        kv.delete(self.text("a"))

    def kv_keys_(self) -> Outcome:
        return kv.keys(self.text("a"), self.given("b"), self.number("c"))

    def sign_(self) -> Outcome:
        return signing.sign(self.text("a"), self.text("c"), ALGORITHMS[self.text("b")]).hex()

    def verify_(self) -> Outcome:
        signature = bytes.fromhex(self.text("d"))
        return signing.verify(self.text("a"), self.text("c"), signature, ALGORITHMS[self.text("b")])

    def clients_count_(self) -> Outcome:
        return clients.count(selector(self.text("a")))

    def clients_find_(self) -> Outcome:
        return clients.find(selector(self.text("a")), self.number("b"))

    def client_(self) -> Outcome:
        return described(clients.get(self.number("a")))

    def sender_(self) -> Outcome:
        return described(self.sender)

    def label_(self) -> None:
        clients.add_label(self.number("a"), self.text("b"), self.text("c"))

    def unlabel_(self) -> None:
        clients.remove_label(self.number("a"), self.text("b"), self.text("c"))

    def disconnect_(self) -> None:
        clients.disconnect(self.number("a"), self.number("b"), self.text("c"))

    def pong_(self) -> None:
        clients.pong(self.number("a"), self.text("b").encode())

    def send_(self) -> None:
        outbox.send(selector(self.text("a")), self.text("b"), excluding=ids(self.given("c")))

    def send_binary_(self) -> None:
        outbox.send(selector(self.text("a")), self.text("b").encode(), excluding=ids(self.given("c")))

    def loop_(self) -> Outcome:
        while True:
            pass

    def trap_(self) -> Outcome:
        os.abort()

    def grow_(self) -> None:
        grown = bytearray(self.number("a") << 20)
        grown[:: 64 << 10] = b"\1" * len(grown[:: 64 << 10])

    def recurse_(self) -> Outcome:
        return self.recurse_()


def shown(outcome: Outcome) -> str:
    match outcome:
        case None:
            return "none"
        case bool():
            return str(outcome).lower()
        case bytes():
            return outcome.decode()
        case list():
            return ",".join(map(str, outcome))
    return str(outcome)


def described(client: Client | None) -> str:
    if client is None:
        return "none"
    labels = ",".join(f"{key}={value}" for key, value in client.labels)
    since = round(client.since.timestamp() * 1000)
    parts = (client.subject or "none", client.label("room") or "none", labels, client.address, str(since))
    return "|".join(parts)


def selector(text: str) -> Selector:
    kind, _, rest = text.partition(":")
    if kind == "everyone":
        return Selector.everyone()
    if kind == "clients":
        return Selector.clients(*ids(rest))
    pairs = [(key, value) for key, _, value in (part.partition("=") for part in rest.split(",")) if key]
    make: dict[str, Callable[[list[tuple[str, str]]], Selector]] = {
        "any": Selector.any_label,
        "all": Selector.all_labels,
    }
    if kind not in make:
        raise Error(f"no such selector: {text}")
    return make[kind](pairs)


def ids(text: str | None) -> list[int]:
    return [int(part) for part in (text or "").split(",") if part]


def delivery(message: Message, place: int, to: str) -> Delivery:
    except_ = tuple(ids(message.json(f"/to/{place}/except")))
    return Delivery(selector(to), message.json(f"/to/{place}/text"), except_)
