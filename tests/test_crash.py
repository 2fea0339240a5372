"""Kill the hub at any moment: nothing that anyone saw is lost, and nothing appears twice.

Twenty clients talk; the hub is killed at a random moment and started again on the same folder; the clients come
back, say where they were, and send again what was not acknowledged. CRASH_ROUNDS and CRASH_SEED repeat a run.
"""

import contextlib
import os
import random
import selectors
import sys
import time
import unittest

from hub import Hub
from native_client import NativeClient, Values, encode, login_request
from source_clients import connect, shut

# It is there from the start, it is durable, and guests may speak in it.
ROOM = "lobby"
CLIENTS = 20
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "50"))
SEED = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1 << 32))
LOAD_S = (0.1, 0.4)
# Each client says something this often, with at most so many unanswered.
SAY_EVERY_S = 0.01
PENDING_MAX = 8
WAIT_S = 20
RECV_BYTES = 65536


class Talker:
    """A client that remembers what it saw and what was acknowledged, through all crashes."""

    def __init__(self, number, epoch, head):
        self.name = f"talker-{number}"
        self.epoch = epoch
        self.last_seq = head
        # Place -> (id, text) of what was delivered since the last look at the log.
        self.seen = {}
        # Text -> (place, id) of what was acknowledged since then.
        self.acknowledged = {}
        # Mark -> text of what was not, in the order of saying.
        self.pending = {}
        self.is_in = False
        self._said = 0
        self._sock = None
        self._values = None
        self._say_next_at = 0

    def connect(self, address):
        after = {"epoch": self.epoch, "seq": self.last_seq}
        request = login_request(self.name, f"client-of-{self.name}", [{"room": ROOM, "after": after}])
        self.is_in, self._values = False, Values()
        self._sock = connect(address)
        self._sock.sendall(encode({**request, "rid": "login"}))
        return self._sock

    def disconnect(self):
        shut(self._sock)

    def say_if_due(self, now):
        if self.is_in and now >= self._say_next_at and len(self.pending) < PENDING_MAX:
            self._said += 1
            mark = f"{self.name}-{self._said}"
            self.pending[mark] = f"{mark} 说的话"
            self._say_next_at = now + SAY_EVERY_S
            self._send(mark)

    def receive(self):
        """Takes what has arrived; False at the end of the conn."""
        try:
            data = self._sock.recv(RECV_BYTES)
        except ConnectionError:
            return False
        for value in self._values.feed(data):
            self._on_value(value)
        return bool(data)

    def _send(self, mark):
        request = {"type": "say", "room": ROOM, "text": self.pending[mark], "txn": mark, "rid": mark}
        try:
            self._sock.sendall(encode(request))
        except ConnectionError:
            pass  # The hub is dead; receive() finds out.

    def _on_value(self, value):
        kind = value.get("type")
        if value.get("status") == "error" or kind in ("error", "gap", "closed", "bye"):
            raise AssertionError(f"{self.name} got {value}")
        if kind == "joined":
            self._on_joined(value)
        elif kind == "sent":
            self._on_sent(value)
        elif value.get("room") == ROOM and "id" in value and "seq" in value:
            self._on_event(value)

    def _on_joined(self, value):
        place = (value["epoch"], value["next"], value["missing"])
        expected = (self.epoch, self.last_seq + 1, 0)
        assert place == expected, f"{self.name} resumed at {place}, not at {expected}"
        self.is_in = True
        for mark in self.pending:
            self._send(mark)

    def _on_sent(self, value):
        text = self.pending.pop(value["rid"])
        self.acknowledged[text] = (value["seq"], value["id"])

    def _on_event(self, value):
        seq = value["seq"]
        assert seq == self.last_seq + 1, f"{self.name} was at {self.last_seq} and got {seq}"
        self.last_seq = seq
        self.seen[seq] = (value["id"], value.get("message"))


class Log:
    """What the hub's history says, checked page by page: contiguous, and no text twice."""

    def __init__(self):
        self.events = {}
        self._places = {}

    def head(self):
        return max(self.events, default=0)

    def take(self, events):
        for event in events:
            seq, text = event["seq"], event.get("message")
            assert seq == self.head_and_one(), f"history has {seq} where {self.head_and_one()} is due"
            assert text is None or text not in self._places, f"{text!r} is at {self._places[text]} and {seq}"
            self.events[seq] = (event["id"], text)
            self._places[text] = seq

    def head_and_one(self):
        return next(reversed(self.events), 0) + 1

    def check(self, talker):
        for text, (seq, public_id) in talker.acknowledged.items():
            kept = self.events.get(seq)
            assert kept == (public_id, text), f"{text!r} was acknowledged at {seq}, where {kept} is"
        for seq, seen in talker.seen.items():
            kept = self.events.get(seq)
            assert kept == seen, f"{talker.name} saw {seen} at {seq}, where {kept} is"
        talker.acknowledged, talker.seen = {}, {}


class Crash(unittest.TestCase):
    def test_nothing_seen_is_lost_and_nothing_appears_twice(self):
        print(f"\nCRASH_SEED={SEED} CRASH_ROUNDS={ROUNDS}", file=sys.stderr, flush=True)
        chance, log = random.Random(SEED), Log()
        with Hub("any://127.0.0.1:0") as hub:
            talkers = self.first_comers(hub)
            for number in range(ROUNDS):
                with told(number):
                    run_until_killed(hub, talkers, chance.uniform(*LOAD_S))
                    hub.restart()
                    look_at_the_log(hub, log, talkers)
            run_until_quiet(hub, talkers)
            look_at_the_log(hub, log, talkers)
            self.everything_is_still_there(hub, log)
            self.assertEqual({talker.last_seq for talker in talkers}, {log.head()})
            self.assertGreater(log.head(), CLIENTS * ROUNDS, "the clients have hardly said anything")

    def first_comers(self, hub):
        scout = NativeClient(hub.address("any"), "scout")
        joined = scout.join(ROOM)
        scout.close()
        return [Talker(number, joined["epoch"], 0) for number in range(CLIENTS)]

    def everything_is_still_there(self, hub, log):
        """Earlier rounds looked at new events only; this one reads the whole log again."""
        again = Log()
        again.take(history(hub, after=0))
        self.assertEqual(again.events, log.events)


@contextlib.contextmanager
def told(number):
    """Says in which round something went wrong."""
    try:
        yield
    except AssertionError as fault:
        raise AssertionError(f"round {number + 1} of {ROUNDS}, CRASH_SEED={SEED}: {fault}") from fault


def run_until_killed(hub, talkers, load_s):
    """Lets all come back, then talk for a while; what is on the wire when the hub dies still counts as seen."""
    with Attendance(hub, talkers) as attendance:
        attendance.run_until(lambda: all(talker.is_in for talker in talkers))
        end = time.monotonic() + load_s
        attendance.run_until(lambda: time.monotonic() >= end, talk=True)
        hub.kill()
        attendance.drain()


def run_until_quiet(hub, talkers):
    """Lets all come back and waits until nothing is owed to anyone."""

    def is_quiet():
        heads = {talker.last_seq for talker in talkers}
        return all(talker.is_in and not talker.pending for talker in talkers) and len(heads) == 1

    with Attendance(hub, talkers) as attendance:
        attendance.run_until(is_quiet)


def look_at_the_log(hub, log, talkers):
    log.take(history(hub, after=log.head_and_one() - 1))
    for talker in talkers:
        log.check(talker)


def history(hub, after):
    reader = NativeClient(hub.address("any"), "reader")
    try:
        return reader.history(ROOM, after)
    finally:
        reader.close()


class Attendance:
    """The conns of all talkers, in one loop."""

    def __init__(self, hub, talkers):
        self._talkers = talkers
        self._address = hub.address("any")
        self._ready = selectors.DefaultSelector()

    def __enter__(self):
        for talker in self._talkers:
            self._ready.register(talker.connect(self._address), selectors.EVENT_READ, talker)
        return self

    def __exit__(self, *_):
        self._ready.close()
        for talker in self._talkers:
            talker.disconnect()

    def run_until(self, done, talk=False):
        deadline = time.monotonic() + WAIT_S
        while not done():
            now = time.monotonic()
            waiting = [talker.name for talker in self._talkers if talker.pending or not talker.is_in]
            assert now < deadline, f"nothing more came for {WAIT_S} s; still waiting: {waiting}"
            if talk:
                for talker in self._talkers:
                    talker.say_if_due(now)
            for key, _ in self._ready.select(timeout=0.002):
                assert key.data.receive(), f"the hub closed the conn of {key.data.name}"

    def drain(self):
        """Reads every conn to its end."""
        while self._ready.get_map():
            ready = self._ready.select(timeout=WAIT_S)
            assert ready, "conns of a dead hub are still open"
            for key, _ in ready:
                if not key.data.receive():
                    self._ready.unregister(key.fileobj)


if __name__ == "__main__":
    unittest.main()
