"""The filter's own section of postern's configuration: `config` of `[filters.NAME]`.

Ask in a handler, in `configure` or in the `__init__` of a `Filter`. The top of a file is run when the filter is built, and
there is no configuration then.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload
import json as _json

from . import _gateway, _settings

_T = TypeVar("_T")


@overload
def get(key: str) -> str | None: ...
@overload
def get(key: str, default: _T) -> str | _T: ...
def get(key: str, default: object = None) -> object:
    """One setting: a string as its text, anything else as JSON. `default` where there is none."""
    value = _gateway.current().config_get(key)
    return default if value is None else value


def json() -> str:
    """All of them, as one JSON object."""
    return _gateway.current().config_json()


def load() -> dict[str, Any]:
    """All of them, as a dictionary."""
    settings: dict[str, Any] = _json.loads(json() or "{}")
    return settings


def parse(kind: type[_T]) -> _T:
    """All of them, as a dataclass of your own.

    A key that is misspelt or missing, or of another type than its field, is an error that names the key and never quotes
    its value, which may be a secret. Fields may be `str`, `int`, `float`, `bool`, `list[…]`, `dict[str, …]`,
    `… | None`, `Literal[…]`, `Any`, and dataclasses of the same.

        @dataclass
        class Settings:
            word: str = "unsubscribe"

        settings = config.parse(Settings)
    """
    return _settings.read(kind, load())
