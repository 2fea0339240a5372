"""Search, as people use it: Chinese words of one and two characters, filters, and nothing that one may not read."""

import subprocess
import time
import unittest

from hub import BINARY, Hub
from native_client import NativeClient
from source_clients import TextClient
from transcript import WAIT_S, meet

LAB = "lab"


class Searcher(NativeClient):
    """Asks until what was just said is indexed, which comes behind delivery."""

    def found(self, words, **filters):
        return [event["message"] for event in self.events(words, **filters)]

    def events(self, words, **filters):
        return self.ask({"type": "search", "words": words, **filters})["events"]

    def finds(self, words, expected, **filters):
        deadline = time.monotonic() + WAIT_S
        while (found := self.found(words, **filters)) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(f"{words} {filters} found {found}, not {expected}\n{self.transcript}")


class Search(unittest.TestCase):
    def setUp(self):
        self.hub = self.enterContext(Hub())

    def account(self, name):
        """An account of this name, logged in."""
        self.command("user", "add", name, "--password-stdin", stdin="correct horse battery\n")
        token = self.command("token", "add", name, "--label", "test").split()[-1]
        return self.hub.owns(Searcher(self.hub.address("any"), name, token=token))

    def command(self, *words, stdin=""):
        command = [str(BINARY), *words, "--data", str(self.hub.data)]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout

    def guest(self, name, *rooms):
        return self.hub.owns(Searcher(self.hub.address("any"), name, rooms))

    def test_what_was_just_said_is_found_by_words_of_one_and_two_characters(self):
        ada = self.guest("ada", "lobby")
        ada.say("今天天气不错，一起聊天吗？")
        ada.finds("聊天", ["今天天气不错，一起聊天吗？"])
        ada.say("Weather report: 延迟 42ms")
        ada.finds("wea", ["Weather report: 延迟 42ms"])
        for words, count in [("聊", 1), ("天", 1), ("天聊", 0), ("天气 聊天", 1), ("迟42", 1), ("eather", 0)]:
            self.assertEqual(len(ada.found(words)), count, words)

    def test_filters_narrow_by_room_sender_and_time(self):
        ada, bob = self.account("ada"), self.guest("bob", "lobby")
        ada.ask({"type": "create", "room": LAB})
        for person, room in ((ada, LAB), (bob, LAB)):
            person.join(room)
        ada.join("lobby")
        first = ada.say("焊接 one", LAB)
        bob.say("焊接 two", LAB)
        bob.say("焊接 three")
        last = ada.say("焊接 four")
        every = ["焊接 four", "焊接 three", "焊接 two", "焊接 one"]
        ada.finds("焊接", every)
        ada.finds("焊接", every[2:], room=LAB)
        ada.finds("焊接", ["焊接 three", "焊接 two"], sender="BOB")
        ada.finds("焊接", ["焊接 two"], sender="bob", room=LAB)
        ada.finds("焊接", every[:2], limit=2)
        ada.finds("焊接", [], until_ms=first["ts"] - 1)
        ada.finds("焊接", [], since_ms=last["ts"] + 1)
        ada.finds("焊接", every, since_ms=first["ts"], until_ms=last["ts"])

    def test_a_room_that_one_may_not_read_is_never_searched(self):
        ada, bob = self.account("ada"), self.account("bob")
        for room, visibility in (("closed", "private"), ("unseen", "hidden")):
            ada.ask({"type": "create", "room": room, "visibility": visibility})
            ada.join(room)
            ada.say(f"secret of {room}", room)
        ada.join("lobby")
        ada.say("secret of all")
        ada.finds("secret", ["secret of all", "secret of unseen", "secret of closed"])
        self.assertEqual(bob.found("secret"), ["secret of all"])
        for room in ("closed", "unseen"):
            with self.assertRaisesRegex(AssertionError, "was refused"):
                bob.found("secret", room=room)
        ada.ask({"type": "invite", "room": "closed", "who": "bob"})
        bob.join("closed")
        bob.finds("secret", ["secret of all", "secret of closed"])
        ada.ask({"type": "kick", "room": "closed", "who": "bob", "reason": ""})
        self.assertEqual(bob.found("secret"), ["secret of all"], "at once")

    def test_what_is_taken_back_or_trimmed_vanishes_and_an_edit_is_found_by_its_new_words(self):
        ada = self.account("ada")
        ada.ask({"type": "create", "room": LAB})
        ada.join(LAB)
        said = {word: ada.say(f"{word} 词", LAB) for word in ("alpha", "beta", "gamma")}
        ada.finds("词", ["gamma 词", "beta 词", "alpha 词"])
        ada.ask({"type": "edit", "room": LAB, "target": said["beta"]["id"], "text": "delta 词"})
        ada.finds("delta", ["delta 词"])
        self.assertEqual(ada.found("beta"), [])
        ada.ask({"type": "redact", "room": LAB, "target": said["alpha"]["id"], "reason": ""})
        ada.finds("alpha", [])
        ada.finds("词", ["gamma 词", "delta 词"])
        ada.ask({"type": "set", "room": LAB, "retention": {"events": 2}})
        ada.finds("词", [])

    def test_the_text_format_searches_too(self):
        ada = self.hub.owns(TextClient(self.hub.address("any"), "ada"))
        bob = self.hub.owns(TextClient(self.hub.address("any"), "bob"))
        meet(ada, bob)
        ada.say("电路 图")
        bob.expect_message("ada", "电路 图")
        searcher = self.guest("searcher")
        searcher.finds("电路", ["电路 图"])
        bob.say("/search 路")
        bob.expect(lambda line: line.startswith("[lobby] ") and line.endswith("ada: 电路 图"), what="the hit")
        bob.say("/search 没有的")
        bob.expect(lambda line: line.startswith("* "), what="that nothing was found")


if __name__ == "__main__":
    unittest.main()
