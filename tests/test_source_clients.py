"""Clients written for the source documents work unchanged: text, JSON and relay; UTF-8 and GBK; plain and TLS."""

import random
import time
import unittest

from hub import Hub
from source_clients import JsonClient, RelayClient, TextClient
from transcript import meet

COMPATIBLE_VALUE_BYTES_MAX = 1024
# Parts of the wire contract: a message without a newline ends after 200 ms of quiet.
LONGER_THAN_QUIET_S = 0.6
CHINESE_3000 = "".join(chr(0x4E00 + i) for i in range(3000))


def text(hub, name, tls=False, **options):
    return hub.owns(TextClient(hub.address("any"), name, tls=hub.tls() if tls else None, **options))


def visitor(hub, name, tls=False, **options):
    """A JSON client that has not logged in yet."""
    return hub.owns(JsonClient(hub.address("any"), name, tls=hub.tls() if tls else None, **options))


def json_client(hub, name, **options):
    client = visitor(hub, name, **options)
    client.login()
    return client


def relay(hub, scheme, name):
    tls = hub.tls() if scheme == "relays" else None
    return hub.owns(RelayClient(hub.address(scheme), name, tls=tls))


class EveryFormat(unittest.TestCase):
    def test_text_and_json_in_utf8_and_gbk_plain_and_tls_share_one_room(self):
        with Hub("any://127.0.0.1:0") as hub:
            clients = [
                make(hub, f"{word}-{encoding}-{'tls' if tls else 'plain'}", encoding=encoding, tls=tls)
                for make, word in ((json_client, "张三"), (text, "李四"))
                for encoding in ("utf-8", "gbk")
                for tls in (False, True)
            ]
            meet(clients[0], *clients[1:])
            said = {client: f"我是{client.name}，大家好" for client in clients}
            for client in clients:
                client.say(said[client])
                for other in clients:
                    if other is not client:
                        other.expect_message(client.name, said[client])
            self.nobody_heard_itself(clients, said)

    def nobody_heard_itself(self, clients, said):
        """One order for all: who has heard the last word has heard what came before it."""
        first, second, *rest = clients
        first.say("first is done")
        second.expect_message(first.name, "first is done")
        second.say("second is done")
        for client in (first, *rest):
            client.expect_message(second.name, "second is done")
        for client in clients:
            self.assertNotIn(said[client], "\n".join(map(str, client.heard())), client.name)

    def test_a_gbk_character_may_end_in_a_byte_that_json_uses(self):
        # In GBK the second byte of these is 0x5C, 0x7B and 0x7D: backslash and braces.
        tricky = "乗亄亇"
        self.assertEqual([c.encode("gbk")[1:] for c in tricky], [b"\\", b"{", b"}"])
        with Hub("any://127.0.0.1:0") as hub:
            ada = json_client(hub, "阿达", encoding="gbk")
            bob = json_client(hub, "bob")
            ada.say(f"{tricky}好")
            bob.expect_message("阿达", f"{tricky}好")
            bob.say(f"{tricky}也好")
            ada.expect_message("bob", f"{tricky}也好")

    def test_the_printed_fingerprint_is_that_of_the_certificates_key(self):
        with Hub("any://127.0.0.1:0") as hub:
            self.assertEqual(hub.fingerprint, hub.key_digest())


class Text(unittest.TestCase):
    def test_name_and_message_without_newline_end_after_quiet(self):
        with Hub("any://127.0.0.1:0") as hub:
            watcher = json_client(hub, "watcher")
            ada = text(hub, "ada", newline=False)
            time.sleep(LONGER_THAN_QUIET_S)
            ada.say("你好，没有换行")
            watcher.expect_message("ada", "你好，没有换行")
            ada.say("还是没有换行")
            watcher.expect_message("ada", "还是没有换行")

    def test_a_taken_name_gets_a_number_and_its_owner_is_told(self):
        with Hub("any://127.0.0.1:0") as hub:
            first = json_client(hub, "lisi")
            second = text(hub, "lisi")
            second.expect(lambda line: "lisi~2" in line, what="the notice about lisi~2")
            second.say("I am the other one")
            first.expect_message("lisi~2", "I am the other one")

    def test_on_a_paced_listener_each_received_piece_ends_at_a_character(self):
        with Hub("any://127.0.0.1:0?paced=yes") as hub:
            writer, reader = text(hub, "writer"), text(hub, "reader")
            meet(writer, reader)
            writer.say(CHINESE_3000)
            reader.expect_message("writer", CHINESE_3000)


class Json(unittest.TestCase):
    def test_json_client_may_stay_silent_for_20_seconds(self):
        with Hub("any://127.0.0.1:0") as hub:
            silent = visitor(hub, "zhangsan")
            time.sleep(20)
            self.assertEqual(silent.pieces, [], "the hub says nothing first")
            silent.login()

    def test_an_arrival_is_announced_by_system(self):
        with Hub("any://127.0.0.1:0") as hub:
            watcher = json_client(hub, "watcher")
            number = visitor(hub, "zhangsan").login()
            notice = watcher.expect(lambda value: value.get("sender_id") == 0, what="a notice of System")
            self.assertEqual(
                notice,
                {"sender_id": 0, "sender_nickname": "System", "message": f"用户 zhangsan({number})加入聊天室"},
            )

    def test_a_message_has_the_members_of_the_documents_and_no_others(self):
        with Hub("any://127.0.0.1:0") as hub:
            watcher, ada = json_client(hub, "watcher"), visitor(hub, "ada")
            number = ada.login()
            ada.say("hi")
            message = watcher.expect_message("ada", "hi")
            self.assertEqual(message, {"sender_id": number, "sender_nickname": "ada", "message": "hi"})

    def test_what_does_not_parse_gets_an_error_and_the_conn_stays(self):
        with Hub("any://127.0.0.1:0") as hub:
            watcher, ada = json_client(hub, "watcher"), json_client(hub, "ada")
            ada.request({"type": "dance"})
            ada.expect(lambda value: value.get("status") == "error", what="an error")
            ada.say("still here")
            watcher.expect_message("ada", "still here")

    def test_each_received_piece_is_one_value_while_200_lines_come_at_once(self):
        lines = [f"line {i}" for i in range(200)]
        with Hub("any://127.0.0.1:0") as hub:
            reader, writer = json_client(hub, "reader"), text(hub, "writer")
            meet(reader, writer)
            writer.say("\n".join(lines))
            reader.expect_message("writer", lines[-1], timeout=40)
            self.assertEqual(reader.messages_of("writer"), lines)
            self.every_piece_is_small(reader)

    def test_a_long_chinese_message_arrives_in_pieces_that_are_whole_values(self):
        with Hub("any://127.0.0.1:0") as hub:
            reader, writer = json_client(hub, "reader"), json_client(hub, "writer")
            writer.say(CHINESE_3000)
            writer.say("the end")
            reader.expect_message("writer", "the end", timeout=20)
            *parts, _ = reader.messages_of("writer")
            self.assertGreater(len(parts), 1)
            self.assertEqual("".join(parts), CHINESE_3000)
            self.every_piece_is_small(reader)

    def every_piece_is_small(self, client):
        """That each is one value, the client itself has seen to."""
        self.assertLessEqual(max(map(len, client.pieces)), COMPATIBLE_VALUE_BYTES_MAX)


class Relay(unittest.TestCase):
    def test_bytes_of_one_client_reach_all_others_unchanged_and_in_order(self):
        for scheme in ("relay", "relays"):
            with self.subTest(scheme), Hub(f"{scheme}://127.0.0.1:0") as hub:
                sender, *others = (relay(hub, scheme, name) for name in ("sender", "second", "third"))
                meet(sender, *others)
                blob = b"<start>" + random.Random(8).randbytes(256 * 1024) + b"<end>"
                for at in range(0, len(blob), 1000):
                    sender.send(blob[at : at + 1000])
                for other in others:
                    stream = other.expect(lambda got: got.endswith(b"<end>"), what="the last bytes")
                    self.assertEqual(stream[stream.index(b"<start>") :], blob)
                others[0].say("the turn of another")
                self.assertTrue(sender.hears("the turn of another", 10))
                self.assertEqual(sender.stream(), b"the turn of another", "nothing of its own came back")


if __name__ == "__main__":
    unittest.main()
