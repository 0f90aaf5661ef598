"""Tags messages by the words in them: `"tags": ["refund"]` beside what Meta sent, for whoever reads them."""

import json
import re
from dataclasses import dataclass, field

from postern import Error, Filter, Message, Pass, Rewrite, Verdict, config, metrics, whatsapp


@dataclass
class Settings:
    #: The words of each tag: `refund = ["refund", "money back"]`. They are found in any case, as whole words.
    tags: dict[str, list[str]] = field(default_factory=dict)
    #: The key that is added to the body.
    key: str = "tags"


class KeywordTag(Filter):
    def __init__(self) -> None:
        settings = config.parse(Settings)
        if not settings.tags:
            raise Error("`tags` names no tag: write tags = { refund = [\"refund\"] }")
        self.key = settings.key
        self.tags = {tag: pattern(tag, words) for tag, words in settings.tags.items()}

    def on_message(self, message: Message) -> Verdict:
        if message.json("/entry") is None:
            return Pass()  # Not what Meta sends; perhaps no JSON at all.
        text = " ".join(whatsapp.words(item) or "" for item in whatsapp.messages(message))
        found = [tag for tag, words in self.tags.items() if words.search(text)]
        if not found:
            return Pass()
        for tag in found:
            metrics.count(f"tagged_{re.sub('[^a-z0-9_]', '_', tag.lower())}")
        body = message.parse()
        body[self.key] = found
        return Rewrite(json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def pattern(tag: str, words: list[str]) -> re.Pattern[str]:
    if not words:
        raise Error(f"tag `{tag}` has no words")
    return re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b", re.IGNORECASE)
