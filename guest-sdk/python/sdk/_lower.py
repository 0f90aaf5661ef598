"""What a filter answers, as the component model has it; and what it cannot mean, in words."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import events
from ._component import lowered, payload, selector, types
from ._error import Error
from ._verdicts import Accept, Allow, Body, Delivery, Deny, Drop, Pass, Response, Rewrite, Send


def verdict(answer: object) -> Any:
    match answer:
        case Pass():
            return types.Verdict_Pass()
        case Drop(reason):
            return types.Verdict_Drop(reason)
        case Rewrite(body):
            return types.Verdict_Rewrite(payload(body))
        case Send(deliveries=deliveries):
            return types.Verdict_Send([_delivery(one) for one in deliveries])
    raise _no_answer(answer, "Pass(), Drop(…), Rewrite(…) or Send(…)")


def admission(answer: object) -> Any:
    match answer:
        case Allow(subject=subject, labels=labels, subprotocol=subprotocol, greeting=greeting):
            given = [lowered(one) for one in labels]
            return types.Admission_Allow(types.Grant(subject, given, subprotocol, _optional(greeting)))
        case Deny(status, body, reason):
            return types.Admission_Deny(types.Denial(status, body, reason))
    raise _no_answer(answer, "Allow(…) or Deny(…)")


def http_verdict(answer: object) -> Any:
    match answer:
        case Pass():
            return types.HttpVerdict_Pass()
        case Response():
            return types.HttpVerdict_Respond(_response(answer))
        case Accept(body, response):
            return types.HttpVerdict_Accept((payload(body), _response(response)))
    raise _no_answer(answer, "Pass(), Response(…) or Accept(…)")


def chosen(answer: object, among: Sequence[Any]) -> list[bool]:
    if not isinstance(answer, (list, tuple)):
        raise _no_answer(answer, "a list of booleans")
    if len(answer) != len(among):
        raise Error(f"`choose` gave {len(answer)} answers about {len(among)} clients")
    return [bool(one) for one in answer]


def event(what: Any) -> events.Event:
    match what:
        case types.Event_Connect():
            return events.Connect()
        case types.Event_Close(value=None):
            return events.Close()
        case types.Event_Close(value=close):
            return events.Close(close.code, close.reason)
        case types.Event_Disconnect(value=why):
            return events.Disconnect(why)
        case types.Event_Ping(value=data):
            return events.Ping(data)
    return events.Pong(what.value)


def _delivery(given: Delivery) -> Any:
    return types.Delivery(selector(given.to), list(given.excluding), _optional(given.body))


def _optional(body: Body | None) -> Any:
    return None if body is None else payload(body)


def _response(given: Response) -> Any:
    values = ((name, value.encode() if isinstance(value, str) else value) for name, value in given.headers)
    return types.Response(given.status, [types.Header(name, value) for name, value in values], given.body)


def _no_answer(answer: object, wanted: str) -> Error:
    return Error(f"the handler returned {answer!r:.100}, and postern wants {wanted}")
