"""Drops messages whose text has a word in it that the operator chose."""

from postern import Drop, Message, Pass, Verdict, config, log

TEXT = "/entry/0/changes/0/value/messages/0/text/body"


def on_message(message: Message) -> Verdict:
    word = config.get("word", "unsubscribe")
    text = message.json(TEXT)
    if text is None or word not in text:
        return Pass()
    log.info("dropped", word=word)
    return Drop(f"it says {word}")
