"""Reads a configuration into a dataclass, and says which key is wrong: `` `tokens[0].token`: expected a string, found a
number ``. Never what stands there: a configuration holds tokens and keys, and what is told ends in the operator's log."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from ._error import Error

_T = TypeVar("_T")

_NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}


def read(kind: type[_T], tree: dict[str, Any]) -> _T:
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"config.parse takes a dataclass, not {kind!r}")
    value: _T = _dataclass(kind, tree, "")
    return value


def _dataclass(kind: Any, tree: Any, path: str) -> Any:
    if not isinstance(tree, dict):
        raise _wrong(path, "a table", tree)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    for key in tree:
        if key not in fields:
            known = "`, `".join(fields)
            raise Error(f"in the filter's configuration: unknown key `{_within(path, key)}`: there are `{known}`")
    for name, field in fields.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in tree:
            raise Error(f"in the filter's configuration: `{_within(path, name)}` is missing")
    hints = typing.get_type_hints(kind)
    return kind(**{key: _value(hints[key], part, _within(path, key)) for key, part in tree.items()})


def _value(kind: Any, tree: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return tree
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, tree, path)
    if origin in (typing.Union, types.UnionType):
        if tree is None and type(None) in arguments:
            return None
        # Of several the first that fits; of one beside `None`, its error.
        kinds = [one for one in arguments if one is not type(None)]
        for one in kinds[:-1]:
            try:
                return _value(one, tree, path)
            except Error:
                pass
        return _value(kinds[-1], tree, path)
    if origin is typing.Literal:
        if tree not in arguments:
            raise Error(f"in the filter's configuration, `{path}`: expected one of {', '.join(map(repr, arguments))}")
        return tree
    if origin in (list, tuple) or kind is list:
        if not isinstance(tree, list):
            raise _wrong(path, "a list", tree)
        part = arguments[0] if arguments else Any
        items = [_value(part, item, f"{path}[{place}]") for place, item in enumerate(tree)]
        return tuple(items) if origin is tuple else items
    if origin is dict or kind is dict:
        if not isinstance(tree, dict):
            raise _wrong(path, "a table", tree)
        part = arguments[1] if arguments else Any
        return {key: _value(part, item, _within(path, key)) for key, item in tree.items()}
    # A boolean is an integer to Python, and to nobody who writes a configuration.
    number = not isinstance(tree, bool)
    if kind is float and isinstance(tree, (int, float)) and number:
        return float(tree)
    if kind in (str, bool) and isinstance(tree, kind) or kind is int and isinstance(tree, int) and number:
        return tree
    raise _wrong(path, _NAMES.get(kind, repr(kind)), tree)


def _within(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _wrong(path: str, expected: str, found: Any) -> Error:
    return Error(
        f"in the filter's configuration, `{path}`: expected {expected}, found {_NAMES.get(type(found), 'nothing')}"
    )
