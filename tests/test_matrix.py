"""What is said through each format and each kind of socket arrives through each other one, in the documented bytes."""

import json
import threading
import unittest

from hub import Hub
from source_clients import PlainConn, TlsConn
from transcript import WAIT_S
from web_client import Browser, trusting

ROOM = "/api/v1/rooms/lobby/messages"
TOLD_BY_THE_HUB = ("seq", "id", "ts", "session", "sender_id", "via")


class Member:
    """One client in the lobby."""

    def __init__(self, conn, name, encoding="utf-8"):
        self.conn, self.name, self.encoding = conn, name, encoding
        self.rest = b""

    def send(self, text):
        self.conn.send(text.encode(self.encoding))

    def line(self):
        while b"\n" not in self.rest:
            data = self.conn.recv()
            if not data:
                raise AssertionError(f"the conn of {self.name} ended; {self.rest!r} came last")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode(self.encoding)

    def until(self, part):
        while part not in (line := self.line()):
            pass
        return line

    def last_line(self):
        """Reads to the end; gives the last line."""
        while data := self.conn.recv():
            self.rest += data
        assert self.rest.endswith(b"\n"), self.rest
        return self.rest[:-1].rpartition(b"\n")[2].decode(self.encoding)

    def close(self):
        self.conn.close()


class Text(Member):
    def come(self):
        self.send(f"{self.name}\n/who\n")
        self.until(" in all" if self.name.isascii() and self.encoding == "utf-8" else "* 共 ")

    def say(self, words):
        self.send(f"{words}\n")

    def hears(self, test, name, words):
        test.assertEqual(self.until(words), f"{name}: {words}", self.name)


class Native(Member):
    def come(self):
        self.send(json.dumps({"type": "login", "nickname": self.name, "v": 1}, ensure_ascii=False))
        self.until('"type":"joined"')

    def say(self, words):
        self.send(json.dumps({"type": "say", "text": words}, ensure_ascii=False))

    def hears(self, test, name, words):
        value = json.loads(self.until(words))
        for member in TOLD_BY_THE_HUB[:5]:
            test.assertTrue(value.pop(member), member)
        value.pop("via", None)
        wanted = {"type": "message", "room": "lobby", "sender_nickname": name, "sender_kind": "guest", "message": words}
        test.assertEqual(value, wanted, self.name)


class Compatible(Member):
    def come(self):
        self.send(json.dumps({"type": "login", "nickname": self.name}, ensure_ascii=False))
        self.until('{"status":"ok","id":')

    def say(self, words):
        self.send(json.dumps({"type": "broadcast", "sender_id": 1, "message": words}, ensure_ascii=False))

    def hears(self, test, name, words):
        line = self.until(words)
        number = json.loads(line)["sender_id"]
        test.assertEqual(line, f'{{"sender_id":{number},"sender_nickname":"{name}","message":"{words}"}}', self.name)


class Web(Native):
    """The native protocol in a WebSocket; the cookie says who it is."""


class Rest(Member):
    """Requests alone: it reads the room when it is asked what it hears."""

    def come(self):
        self.conn.does("POST", "/api/v1/session", {"guest": self.name})

    def say(self, words):
        self.conn.does("POST", ROOM, {"text": words}, status=201)

    def hears(self, test, name, words):
        last = self.conn.does("GET", ROOM)["events"][-1]
        test.assertEqual((last["sender_nickname"], last["message"]), (name, words), self.name)

    def close(self):
        pass


class Matrix(unittest.TestCase):
    def test_each_says_something_to_each_other(self):
        with Hub("any://127.0.0.1:0", "chat://127.0.0.1:0", "chat+unix://{dir}/hub.sock") as hub:
            members = []
            for kind in (Text, Native, Compatible):
                for way in ("any", "tls", "chat", "unix"):
                    encoding = "gbk" if way == "chat" else "utf-8"
                    name = f"{kind.__name__}-{way}" + ("-国标" if encoding == "gbk" else "")
                    member = hub.owns(kind(conn(hub, way), name, encoding))
                    member.come()
                    members.append(member)
            for way in ("any", "tls"):
                member = hub.owns(Web(web_conn(hub, way, f"Web-{way}"), f"Web-{way}"))
                member.come()
                members.append(member)
            # It reads what is committed by now: so it comes last, behind those who hear it.
            rest = hub.owns(Rest(Browser(hub.address("any")), "Rest"))
            rest.come()
            members.append(rest)
            # A compatible login is answered before its room is open: who hears this is in.
            for member in members:
                if isinstance(member, Compatible):
                    member.say(f"{member.name} 到了")
                    members[0].until(f"{member.name} 到了")
            for speaker in members:
                words = f"大家好 from {speaker.name}"
                speaker.say(words)
                for member in members:
                    if member is not speaker:
                        member.hears(self, speaker.name, words)

    def test_a_hub_that_stops_says_goodbye_to_each(self):
        with Hub("any://127.0.0.1:0") as hub:
            members = [hub.owns(kind(conn(hub, "any"), kind.__name__)) for kind in (Text, Native, Compatible)]
            for member in members:
                member.come()
            stopping = threading.Thread(target=hub.stop)
            stopping.start()
            self.assertEqual(members[0].last_line(), "* the hub is stopping")
            self.assertEqual(members[1].last_line(), '{"type":"bye","reason":"stopping"}')
            goodbye = '{"sender_id":0,"sender_nickname":"System","message":"服务器正在停止"}'
            self.assertEqual(members[2].last_line(), goodbye)
            stopping.join()


def web_conn(hub, way, name):
    browser = Browser(hub.address("any"), trusting(hub) if way == "tls" else None)
    browser.does("POST", "/api/v1/session", {"guest": name})
    return browser.socket()


def conn(hub, way):
    if way == "tls":
        made = TlsConn(hub.address("any"), hub.tls())
    else:
        made = PlainConn(hub.address("chat+unix" if way == "unix" else way))
        made._sock.settimeout(WAIT_S)
    return made


if __name__ == "__main__":
    unittest.main()
