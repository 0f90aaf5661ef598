"""What a filter is, for those who write it as a class."""

from __future__ import annotations

from collections.abc import Sequence

from ._handles import Client, Message, Request
from ._verdicts import Admission, HttpVerdict, Verdict
from .events import Event


class Filter:
    """A filter as a class: derive one from this in `filter.py`, and give it the handlers that `filter.toml` names.

    Made once for each instance, without arguments, before its first call: `__init__` is the place to read the
    configuration. With `setup` among the handlers, it is made at load as well, and an exception keeps the filter out: the
    one it would have replaced stays in place.
    """

    def on_message(self, message: Message) -> Verdict:
        """What to do with a message bound for clients."""
        raise NotImplementedError

    def on_connect(self, request: Request) -> Admission:
        """Whether a client may connect, and as whom. An exception denies it, whatever the operator's policy."""
        raise NotImplementedError

    def on_client_message(self, sender: Client, message: Message) -> Verdict:
        """What to do with a message that a client sent.

        Its `source` is the stream's name, and its `id` is nought: it is not an event yet. What `Send` and `Rewrite` make of
        it goes to clients of the same stream, and is durable before it is sent: those who were away get it when they come
        back. `Pass` and `Rewrite` leave the message to the stream's `relay`, which is to ignore it unless configured; to
        answer the sender alone, put the answer into the `outbox`.

        A client's messages are judged one after the other, in the order it sent them. A failure closes that client, unless
        `on_error` says `pass` or `drop`: answer what makes no sense, and raise only at what is your own fault.
        """
        raise NotImplementedError

    def on_event(self, who: Client, what: Event) -> None:
        """Hears what becomes of a client, of the kinds the operator turned on: `Connect` and `Disconnect` unless told
        otherwise."""
        raise NotImplementedError

    def wants(self, message: Message, client: Client) -> bool:
        """Whether a client gets a message that is for it.

        It can leave clients out, not bring any in. Asked again on replay, and when the client's labels have changed, so
        answer by what the message and the client are, not by when you are asked.
        """
        raise NotImplementedError

    def choose(self, message: Message, among: Sequence[Client]) -> list[bool]:
        """Which clients get a message: an answer for each, in their order. In the place of `wants`, where they are better
        asked about together."""
        return [self.wants(message, client) for client in among]

    def on_request(self, request: Request) -> HttpVerdict:
        """How to answer a plain HTTP request."""
        raise NotImplementedError
