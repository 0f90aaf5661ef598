"""Signatures made and checked with secrets that the operator gave the filter by name (`secrets` of `[filters.NAME]`), and
that it never sees."""

from __future__ import annotations

from enum import IntEnum

from . import _gateway
from ._error import Error


class Algorithm(IntEnum):
    """HMAC (RFC 2104) over one of these."""

    HMAC_SHA1 = 0
    HMAC_SHA256 = 1
    HMAC_SHA512 = 2


class Fault(Error):
    """Nothing was signed or checked."""


class NoSuchSecret(Fault):
    """The operator gave this filter no secret of that name."""

    def __init__(self) -> None:
        super().__init__("the operator gave this filter no secret of that name")


def verify(
    secret: str, data: str | bytes, signature: bytes, algorithm: Algorithm = Algorithm.HMAC_SHA256
) -> bool:
    """Whether `signature`, as raw bytes, is right. Compared in constant time."""
    return _gateway.current().signing_verify(secret, algorithm, _bytes(data), signature)


def sign(secret: str, data: str | bytes, algorithm: Algorithm = Algorithm.HMAC_SHA256) -> bytes:
    """The signature, as raw bytes: `.hex()` of it is what most headers carry."""
    return _gateway.current().signing_sign(secret, algorithm, _bytes(data))


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data
