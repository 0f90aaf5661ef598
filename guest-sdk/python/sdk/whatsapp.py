"""What WhatsApp delivers, as types.

    for item in whatsapp.messages(message):
        log.info("a message", kind=item.get("type"), words=whatsapp.words(item))

They are `TypedDict`s: what is read is plain JSON, of which nothing is lost, so that it can be changed and sent on. Every key may
be missing, so ask by `get`. What Meta adds tomorrow is there for those who know its name; a type of message that does not
exist yet is only a `type` without a body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict, cast

from ._handles import Message

Text = TypedDict("Text", {"body": str}, total=False)


class Profile(TypedDict, total=False):
    """The name a user shows."""

    name: str
    username: str


class Contact(TypedDict, total=False):
    """Someone who wrote. A user with a username may have no `wa_id`."""

    profile: Profile
    wa_id: str
    user_id: str
    parent_user_id: str


class Metadata(TypedDict, total=False):
    """The business phone number concerned."""

    display_phone_number: str
    phone_number_id: str


class Fault(TypedDict, total=False):
    """An error as Meta reports it."""

    code: int
    title: str
    message: str
    href: str


class Context(TypedDict, total=False):
    """What a message answers or forwards. Its `from` is a word of Python's: `context["from"]`."""

    id: str
    forwarded: bool
    frequently_forwarded: bool


class Referral(TypedDict, total=False):
    """The advertisement that led to it."""

    source_url: str
    source_id: str
    source_type: str
    headline: str
    ctwa_clid: str


class Media(TypedDict, total=False):
    """A picture, film, sound, file or sticker."""

    id: str
    mime_type: str
    sha256: str
    caption: str
    filename: str
    """As the sender named it: never a path to write to."""
    url: str
    voice: bool
    animated: bool


class Location(TypedDict, total=False):
    latitude: float
    longitude: float
    name: str
    address: str
    url: str


class Name(TypedDict, total=False):
    formatted_name: str
    first_name: str
    last_name: str


class Phone(TypedDict, total=False):
    phone: str
    wa_id: str


class Card(TypedDict, total=False):
    """A contact card that the user shared."""

    name: Name
    phones: list[Phone]
    vcard: str


class Reply(TypedDict, total=False):
    id: str
    title: str
    description: str
    name: str
    """`flow` or `address_message`, of a form."""
    body: str
    response_json: str
    """What was filled in: JSON within a string."""
    response: str
    """`accept` or `reject`, of a permission to call."""


class Interactive(TypedDict, total=False):
    """What was tapped or filled in."""

    type: str
    """`button_reply`, `list_reply`, `nfm_reply`, `call_permission_reply`, …"""
    button_reply: Reply
    list_reply: Reply
    nfm_reply: Reply
    call_permission_reply: Reply


class Button(TypedDict, total=False):
    """A tap on a template's quick-reply button."""

    payload: str
    text: str


class Reaction(TypedDict, total=False):
    """A reaction. Taking it back is an `emoji` that is empty or missing."""

    message_id: str
    emoji: str


class Product(TypedDict, total=False):
    """A line of an order."""

    product_retailer_id: str
    quantity: float | str
    item_price: float | str
    currency: str


class Order(TypedDict, total=False):
    catalog_id: str
    text: str
    product_items: list[Product]


class System(TypedDict, total=False):
    """Something about the user rather than from them: a changed number or identity."""

    type: str
    body: str
    wa_id: str
    new_wa_id: str
    customer: str


# By this form of it, `from` can be a key.
MessageItem = TypedDict(
    "MessageItem",
    {
        "from": str,
        "from_user_id": str,
        "group_id": str,
        "id": str,
        "timestamp": str,
        "type": str,
        "context": Context,
        "referral": Referral,
        "errors": list[Fault],
        "text": Text,
        "image": Media,
        "video": Media,
        "audio": Media,
        "document": Media,
        "sticker": Media,
        "location": Location,
        "contacts": list[Card],
        "interactive": Interactive,
        "button": Button,
        "reaction": Reaction,
        "order": Order,
        "system": System,
    },
    total=False,
)
"""One message that a user sent. Which of the bodies is there goes by `type`; of a type from the future, none is. `from` is
missing when the user has a username and no number is shown. `timestamp` is in seconds since 1970, as Meta sends it."""


class Conversation(TypedDict, total=False):
    id: str
    expiration_timestamp: str


class Pricing(TypedDict, total=False):
    pricing_model: str
    category: str
    type: str
    billable: bool


class Status(TypedDict, total=False):
    """What became of a message the business sent. The id alone does not tell two apart: in a group one message has a status a
    participant."""

    id: str
    status: str
    """`sent`, `delivered`, `read`, `played`, `failed`, …"""
    timestamp: str
    recipient_id: str
    recipient_user_id: str
    recipient_type: str
    recipient_participant_id: str
    biz_opaque_callback_data: str
    conversation: Conversation
    pricing: Pricing
    errors: list[Fault]
    type: str


class Value(TypedDict, total=False):
    """What changed. Fields other than `messages` have values of many shapes, whose own parts are not shown here."""

    messaging_product: str
    metadata: Metadata
    contacts: list[Contact]
    messages: list[MessageItem]
    statuses: list[Status]
    errors: list[Fault]
    event: str


class Change(TypedDict, total=False):
    field: str
    """`messages`, `account_update`, `message_template_status_update`, …"""
    value: Value


class Entry(TypedDict, total=False):
    """What happened to one WhatsApp Business account."""

    id: str
    changes: list[Change]


class Envelope(TypedDict, total=False):
    """A delivery."""

    object: str
    """`whatsapp_business_account`, or another product's name."""
    entry: list[Entry]


def envelope(message: Message) -> Envelope:
    """A message as a delivery. What is not JSON, or no object, is an error."""
    tree = message.parse()
    if not isinstance(tree, dict):
        raise ValueError("the message is not a delivery: it is no JSON object")
    return cast(Envelope, tree)


def values(delivery: Message | Envelope) -> Iterator[Value]:
    """What changed, in order, of a message or of an envelope that was read before."""
    tree = envelope(delivery) if isinstance(delivery, Message) else delivery
    for entry in _objects(tree, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if isinstance(value, dict):
                yield cast(Value, value)


def messages(delivery: Message | Envelope) -> Iterator[MessageItem]:
    """The messages that users sent."""
    for value in values(delivery):
        yield from cast(Iterator[MessageItem], _objects(value, "messages"))


def statuses(delivery: Message | Envelope) -> Iterator[Status]:
    """What became of messages that the business sent."""
    for value in values(delivery):
        yield from cast(Iterator[Status], _objects(value, "statuses"))


def phone_number_ids(delivery: Message | Envelope) -> list[str]:
    """The business phone numbers concerned, each once, in order."""
    found = ((value.get("metadata") or {}).get("phone_number_id") for value in values(delivery))
    return list(dict.fromkeys(str(one) for one in found if one))


def sender(item: MessageItem) -> str | None:
    """Who sent it: the user id before the number, since either may be missing and the number may change."""
    return item.get("from_user_id") or item.get("from")


def words(item: MessageItem) -> str | None:
    """The words a person would read in it: the text, a caption, the title of what was tapped."""
    interactive = item.get("interactive") or {}
    replies = ("button_reply", "list_reply", "nfm_reply", "call_permission_reply")
    parts: list[tuple[Any, str]] = [
        (item.get("text"), "body"),
        (item.get("button"), "text"),
        *((interactive.get(reply), "title") for reply in replies),
        *((item.get(kind), "caption") for kind in ("image", "video", "document")),
    ]
    for part, key in parts:
        if isinstance(part, dict) and isinstance(part.get(key), str):
            return cast(str, part[key])
    return None


def _objects(parent: Any, key: str) -> Iterator[dict[str, Any]]:
    """The objects in a list; nothing where there is no list."""
    items = parent.get(key)
    if isinstance(items, list):
        for item in items:
            if isinstance(item, dict):
                yield item
