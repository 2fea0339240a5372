"""A small client of the native protocol (`"v": 1`), as `docs/protocol.md` describes it."""

import codecs
import itertools
import json
import re
import threading

from source_clients import connect, shut
from transcript import WAIT_S, Transcript

HISTORY_EVENTS_MAX = 500
RECV_BYTES = 65536
WHITE_SPACE = re.compile(r"[ \t\r\n]*")


class Values:
    """JSON values out of a stream of bytes, wherever the stream is cut."""

    def __init__(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parser = json.JSONDecoder()
        self._rest = ""

    def feed(self, data):
        text = self._rest + self._decoder.decode(data)
        values, at = [], 0
        while (at := WHITE_SPACE.match(text, at).end()) < len(text):
            try:
                value, at = self._parser.raw_decode(text, at)
            except json.JSONDecodeError:
                break
            values.append(value)
        self._rest = text[at:]
        return values


def encode(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def login_request(nickname, client, rooms):
    return {"type": "login", "v": 1, "nickname": nickname, "client": client, "rooms": rooms}


class NativeClient:
    """Logs in at once; `login` has more members of the request. Requests wait for their answers; events are items of
    the transcript."""

    def __init__(self, address, name, rooms=(), **login):
        self.name = name
        self.transcript = Transcript(name)
        self._rids = itertools.count(1)
        self._sock = connect(address)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()
        welcome = self.ask({**login_request(name, f"client-of-{name}", list(rooms)), **login})
        assert welcome["status"] == "ok", welcome

    def send(self, value):
        self.transcript.note("->", value)
        self._sock.sendall(encode(value))

    def ask(self, value, rid=None):
        """Sends a request and gives its answer; a refusal fails the test."""
        rid = rid or next(self._rids)
        self.send({**value, "rid": rid})
        answer = self.expect(lambda got: got.get("rid") == rid, what=f"the answer to {value}")
        if answer.get("status") == "error" or answer.get("type") == "error":
            raise AssertionError(f"{self.name} was refused: {answer}\n{self.transcript}")
        return answer

    def join(self, room):
        return self.ask({"type": "join", "room": room})

    def say(self, text, room="lobby"):
        return self.ask({"type": "say", "room": room, "text": text})

    def history(self, room, after=0):
        """Every event behind a place, page by page."""
        events, more = [], True
        while more:
            request = {"type": "history", "room": room, "after": {"seq": after}, "limit": HISTORY_EVENTS_MAX}
            page = self.ask(request)
            events += page["events"]
            more = page["more"]
            assert page["events"] or not more, "a page without events says that there are more"
            after = events[-1]["seq"] if events else after
        return events

    def hears(self, text, timeout):
        return self.transcript.wait(lambda value: value.get("message") == text, timeout)

    def expect(self, predicate, timeout=WAIT_S, what="what was expected"):
        return self.transcript.expect(predicate, timeout, what)

    def close(self):
        shut(self._sock)
        self._thread.join(WAIT_S)

    def _receive(self):
        values = Values()
        try:
            while data := self._sock.recv(RECV_BYTES):
                got = values.feed(data)
                for value in got:
                    self.transcript.note("<-", value)
                self.transcript.add(got)
            self.transcript.end("the hub closed the conn")
        except (OSError, ValueError) as fault:
            self.transcript.end(f"the conn broke: {fault}")
