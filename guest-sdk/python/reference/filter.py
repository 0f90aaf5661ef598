"""Does what it is told to, by all seven handlers: the behaviour suite in `tests/behaviour` asks every language's SDK the same.

What each step and answer means is written there. Nothing here is how a filter should look; `../template` is.
"""

import os

from postern import (
    Accept,
    Admission,
    Allow,
    Client,
    Delivery,
    Deny,
    Drop,
    Error,
    Event,
    HttpVerdict,
    Message,
    Pass,
    Request,
    Response,
    Rewrite,
    Selector,
    Send,
    Verdict,
    clients,
    config,
    events,
    kv,
    outbox,
)
from steps import Steps, delivery, selector


def configure() -> None:
    fail = config.get("fail")
    if fail is not None:
        raise Error(fail)
    if config.get("trap") is not None:
        os.abort()


def on_message(message: Message) -> Verdict:
    return judge(message, None)


def on_client_message(sender: Client, message: Message) -> Verdict:
    return judge(message, sender)


def judge(message: Message, sender: Client | None) -> Verdict:
    report = Steps(message, sender).run()
    match message.json("/answer"):
        case None | "report":
            return Rewrite(report)
        case "report-binary":
            return Rewrite(report.encode())
        case "pass":
            return Pass()
        case "drop":
            return Drop(message.json("/reason"))
        case "rewrite":
            return Rewrite(message.json("/text") or "")
        case "send":
            deliveries: list[Delivery] = []
            while (to := message.json(f"/to/{len(deliveries)}/to")) is not None:
                deliveries.append(delivery(message, len(deliveries), to))
            return Send(*deliveries)
        case "error":
            raise Error(message.json("/reason") or "")
        case other:
            raise Error(f"no such answer: {other}")


def on_connect(request: Request) -> Admission:
    denied = request.param("deny")
    if denied is not None:
        return Deny(int(request.param("status") or 403), denied, request.param("reason"))
    error = request.param("error")
    if error is not None:
        raise Error(error)
    return Allow(
        request.param("subject"),
        labels=selector("any:" + (request.param("label") or "")).labels,
        subprotocol=request.param("subprotocol"),
        greeting=request.param("greeting"),
    )


def on_request(request: Request) -> HttpVerdict:
    match request.param("do"):
        case "echo":
            lines = [
                request.method,
                request.path,
                request.query or "none",
                request.header("x-test") or "none",
                str(len(request.headers)),
                request.address,
            ]
            body = "\n".join(lines).encode() + b"\n" + request.body
            return Response(body, headers={"content-type": "text/plain"})
        case "accept":
            return Accept(request.body.decode(), Response("taken", status=202))
        case "error":
            raise Error("told to")
    return Pass()


def on_event(who: Client, what: Event) -> None:
    match what:
        case events.Connect():
            kind, detail = "connect", ""
        case events.Disconnect(why):
            kind, detail = "disconnect", why or ""
        case events.Close(None):
            kind, detail = "close", "none"
        case events.Close(code, reason):
            kind, detail = "close", f"{code} {reason}"
        case events.Ping(data):
            kind, detail = "ping", data.decode()
        case events.Pong(data):
            kind, detail = "pong", data.decode()
    text = f"{kind}:{detail}"
    kv.set("event", text)
    clients.add_label(who.id, "seen", kind)
    outbox.send(Selector.everyone(), text)


def wants(message: Message, client: Client) -> bool:
    fail = message.json("/fail")
    if fail is not None:
        raise Error(fail)
    room = message.json("/room")
    return room is not None and client.label("room") == room
