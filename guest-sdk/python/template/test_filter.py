"""Tests of the filter by plain Python: python3 -m unittest"""

import unittest

import filter
from postern import Drop, Pass, testing


def says(text: str) -> dict[str, object]:
    return {"entry": [{"changes": [{"value": {"messages": [{"type": "text", "text": {"body": text}}]}}]}]}


class Filter(unittest.TestCase):
    def test_what_says_the_word_is_dropped(self) -> None:
        with testing.gateway(config={"word": "stop"}) as gateway:
            verdict = filter.on_message(testing.message(says("please stop")))
        self.assertEqual(verdict, Drop("it says stop"))
        self.assertEqual(gateway.logs, [("info", "dropped", {"word": "stop"})])

    def test_all_else_passes(self) -> None:
        with testing.gateway():
            self.assertEqual(filter.on_message(testing.message(says("hello"))), Pass())
            self.assertEqual(filter.on_message(testing.message(b"\xff")), Pass())


if __name__ == "__main__":
    unittest.main()
