"""Who gets what: labels, and what chooses clients by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast


class Label(NamedTuple):
    """Something known of a client, such as `room=lobby`.

    Labels are given at admission, changed through `clients`, and matched by a `Selector`. A client may carry one key with
    many values. Equal to the plain tuple `("room", "lobby")`, which may stand wherever a label is wanted.
    """

    key: str
    value: str


Labels = Mapping[str, str] | Iterable[tuple[str, str]]
"""`{"room": "lobby"}`, or pairs where a key has several values."""


def pairs(given: Labels) -> tuple[Label, ...]:
    items = given.items() if isinstance(given, Mapping) else given
    return tuple(Label(*cast("tuple[str, str]", item)) for item in items)


@dataclass(frozen=True)
class Selector:
    """Chooses clients. Made by one of `everyone`, `clients`, `label`, `any_label` and `all_labels`."""

    kind: Literal["everyone", "clients", "any_label", "all_labels"]
    ids: tuple[int, ...] = ()
    labels: tuple[Label, ...] = ()

    @staticmethod
    def everyone() -> Selector:
        return Selector("everyone")

    @staticmethod
    def clients(*ids: int) -> Selector:
        """Those with these ids. Ids that are gone are passed over."""
        return Selector("clients", ids=ids)

    @staticmethod
    def label(key: str, value: str) -> Selector:
        """Those that carry this label."""
        return Selector("all_labels", labels=(Label(key, value),))

    @staticmethod
    def any_label(wanted: Labels) -> Selector:
        """Those that carry at least one of these labels."""
        return Selector("any_label", labels=pairs(wanted))

    @staticmethod
    def all_labels(wanted: Labels) -> Selector:
        """Those that carry every one of these labels."""
        return Selector("all_labels", labels=pairs(wanted))
