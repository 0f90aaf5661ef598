"""Write a filter for the postern gateway in Python.

A filter is a file `filter.py` with one function for each thing that it is asked, or a class derived from `Filter` with the
same as methods:

    from postern import Drop, Message, Pass, Verdict

    def on_message(message: Message) -> Verdict:
        if message.json("/entry/0/changes/0/value/messages/0/type") == "sticker":
            return Drop("a sticker")
        return Pass()

| function            | `filter.toml` | it is asked                                           | it returns   |
| ------------------- | ------------- | ----------------------------------------------------- | ------------ |
| `configure`         | `setup`       | to check its configuration before any traffic         | nothing      |
| `on_message`        | `message`     | what to do with each message that a webhook delivers  | `Verdict`    |
| `on_connect`        | `admission`   | whether a client may connect, and as whom             | `Admission`  |
| `on_client_message` | `client`      | what to do with each message that a client sends      | `Verdict`    |
| `on_event`          | `event`       | nothing: it is told of connects, closes, pings, …     | nothing      |
| `wants`, `choose`   | `audience`    | which of the clients a message is for get it          | `bool`, list |
| `on_request`        | `http`        | how to answer a plain HTTP request                    | `HttpVerdict`|

Three rules hold everywhere:

1. What comes in is a handle: nothing is copied into the filter until it is asked for. A handle is good until the call that
   it came with returns.
2. A call happens whole or not at all. What is put into the `outbox` or asked of `clients` takes effect only if the call
   returns. If it raises, or runs out of time or memory, none of it does. (`kv`, `metrics` and `log` act at once.)
3. Do not count on memory between calls: each may meet a fresh instance. What must last is kept in `kv`, or in labels of
   clients.

An exception is a failure of the filter, told to the operator in its words, and met with their `on_error`: the message is
held, unless they chose otherwise.

This is `postern:filter@0.1.0`. Run by plain Python, as in a test, all that postern provides is a double in memory: see
`postern.testing`.
"""

from . import clients, clock, config, events, kv, log, metrics, outbox, signing, whatsapp
from ._error import Error
from ._filter import Filter
from ._handles import Client, Header, Message, Request
from ._selector import Label, Selector
from ._verdicts import (
    Accept,
    Admission,
    Allow,
    Body,
    Delivery,
    Deny,
    Drop,
    HttpVerdict,
    Pass,
    Response,
    Rewrite,
    Send,
    Verdict,
)
from .events import Event

__version__ = "0.1.0"

__all__ = [
    "Accept",
    "Admission",
    "Allow",
    "Body",
    "Client",
    "Delivery",
    "Deny",
    "Drop",
    "Error",
    "Event",
    "Filter",
    "Header",
    "HttpVerdict",
    "Label",
    "Message",
    "Pass",
    "Request",
    "Response",
    "Rewrite",
    "Selector",
    "Send",
    "Verdict",
    "clients",
    "clock",
    "config",
    "events",
    "kv",
    "log",
    "metrics",
    "outbox",
    "signing",
    "whatsapp",
]
