"""Bad input costs the conn that sends it: a clear message or a close, and two witnesses talk on as if nothing was."""

import contextlib
import itertools
import json
import os
import random
import resource
import select
import socket
import struct
import time
import unittest
from pathlib import Path

from hub import Hub
from source_clients import TextClient, connect
from transcript import meet

LINE_BYTES_MAX = 64 * 1024
NESTED = 10_000
SILENT_CONNS = 5_000
# More than that many descriptors are open at once in the test with silent conns, here and in the hub.
DESCRIPTORS = SILENT_CONNS + 500
SILENT_BYTES_MAX = 8 * 1024
FLOOD = 50_000
WAIT_S = 10
FLOOD_WAIT_S = 40
# Part of the wire contract: the protocol is known after this long at the latest.
DETECT_S = 1.5
SEED = int(os.environ.get("HOSTILE_SEED") or random.SystemRandom().randrange(1 << 32))
NATIVE_LOGIN = b'{"type":"login","nickname":"mallory","v":1}'


class Raw:
    """A socket that sends bytes and gathers what comes."""

    def __init__(self, address, receive_buffer=None):
        if receive_buffer is None:
            self.sock = connect(address)
        else:
            self.sock = socket.socket()
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.sock.connect(address)
        self.sock.settimeout(WAIT_S)
        self.got = b""

    def send(self, data):
        """Sends; the hub may have closed the conn already."""
        with contextlib.suppress(ConnectionError):
            self.sock.sendall(data)

    def until(self, part):
        """Receives until this has come; gives all that came."""
        deadline = time.monotonic() + WAIT_S
        while part not in self.got:
            if time.monotonic() > deadline or not (data := self._recv()):
                raise AssertionError(f"{part!r} did not come, but {self.got[-300:]!r}")
            self.got += data
        return self.got

    def closed(self):
        """Receives until the hub closes; gives all that came."""
        while data := self._recv():
            self.got += data
        return self.got

    def close(self):
        self.sock.close()

    def _recv(self):
        try:
            return self.sock.recv(65536)
        except ConnectionError:
            return b""
        except TimeoutError:
            raise AssertionError(f"nothing comes and the conn is open; {self.got[-300:]!r} came") from None


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_descriptor_limit()
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.hub = cls.stack.enter_context(Hub("any://127.0.0.1:0"))
        cls.address = cls.hub.address("any")
        cls.witnesses = [cls.hub.owns(TextClient(cls.address, name)) for name in ("ada", "bob")]
        cls.words = (f"word {count}" for count in itertools.count())
        meet(*cls.witnesses)
        meet(*reversed(cls.witnesses))

    def tearDown(self):
        self.witnesses_talk()

    def witnesses_talk(self):
        for speaker, listener in (self.witnesses, self.witnesses[::-1]):
            words = next(self.words)
            speaker.say(words)
            listener.expect_message(speaker.name, words)

    def raw(self, first=b"", **options):
        raw = Raw(self.address, **options)
        self.addCleanup(raw.close)
        raw.send(first)
        return raw

    def native(self):
        raw = self.raw(NATIVE_LOGIN)
        raw.until(b'"type":"joined"')
        return raw

    def test_a_line_that_is_too_long_is_told_and_closed(self):
        raw = self.raw(b"mallory\n" + b"x" * (LINE_BYTES_MAX + 1))
        self.assertIn(b"* a line has more than 65536 bytes\n", raw.closed())
        raw = self.raw(b"x" * (LINE_BYTES_MAX + 1) + b"\n")
        self.assertIn(b"* a line has more than 65536 bytes\n", raw.closed())

    def test_a_message_that_is_too_long_is_told_and_the_conn_stays(self):
        raw = self.raw(b"mallory\n" + b"x" * (LINE_BYTES_MAX - 1) + b"\n/who\n")
        self.assertIn(b"16384", raw.until(b" in all\n"))

    def test_a_value_that_is_too_long_is_told_and_closed(self):
        for first in (b"", NATIVE_LOGIN):
            raw = self.raw(first + b'{"type":"say","text":"' + b"x" * (LINE_BYTES_MAX + 1))
            self.assertIn(b"a value has more than 65536 bytes", raw.closed())

    def test_deep_nesting_is_told_and_closed(self):
        opened = b'{"a":' * NESTED
        nested = b'{"type":"say","text":' + b"[" * NESTED + b"]" * NESTED + b"}"
        for values in (opened, nested, NATIVE_LOGIN + opened, NATIVE_LOGIN + nested, NATIVE_LOGIN + b"[" * NESTED):
            self.assertIn(b"nested more than 64 deep", self.raw(values).closed())

    def test_binary_noise_ends_or_is_told(self):
        print(f"HOSTILE_SEED={SEED}", flush=True)
        noise = random.Random(SEED)
        for first in (b"", b"mallory\n", NATIVE_LOGIN, b"{", b"\xff\xfb\x1f", b"\x16\x03\x01", b"\x10\x0c\x00\x04MQTT"):
            for size in (1, 7, 200, 5_000):
                raw = self.raw(first + noise.randbytes(size))
                raw.send(noise.randbytes(size))
                with contextlib.suppress(OSError):
                    raw.sock.shutdown(socket.SHUT_WR)
                raw.closed()

    def test_bytes_in_no_charset_are_told_and_the_conn_stays(self):
        raw = self.raw(b"mallory\n\xff\xfe\x80\n/who\n")
        self.assertIn(b"* the bytes are neither UTF-8 nor GBK\n", raw.until(b" in all\n"))
        raw = self.native()
        raw.send(b'{"type":"say","text":"\xff\xfe\x80","rid":1}{"type":"ping","rid":2}')
        self.assertIn(b"the bytes are neither UTF-8 nor GBK", raw.until(b'"type":"pong"'))

    def test_what_is_not_understood_is_told_and_the_conn_stays(self):
        raw = self.native()
        for value in ({"type": "fly"}, {"type": 7}, {"rid": 1}, [1, [2]], 5, None, "x", {"type": "say", "text": {}}):
            raw.got = b""
            raw.send(json.dumps(value).encode() + b"\n")
            self.assertIn(b'"status":"error"', raw.until(b"}\n"), value)
        raw.send(b'{"type":"ping"}')
        raw.until(b'"type":"pong"')

    def test_byte_by_byte_is_as_good_as_at_once(self):
        _, bob = self.witnesses
        for data, text in (
            (b"trickle\nhi from trickle\n", "hi from trickle"),
            (b'{"type":"login","nickname":"drop"}{"type":"broadcast","message":"hi }{ drop"}', "hi }{ drop"),
        ):
            raw = self.raw()
            raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                raw.send(bytes([byte]))
                time.sleep(0.002)
            self.assertTrue(bob.hears(text, WAIT_S), text)

    def test_single_bytes_do_not_hold_detection_open(self):
        raw, began = self.raw(), time.monotonic()
        while time.monotonic() - began < 2 * DETECT_S:
            raw.send(b"\x01")
            if select.select([raw.sock], [], [], 0.2)[0]:
                break
        self.assertEqual(raw.closed(), b"")

    def test_half_open_conns(self):
        _, bob = self.witnesses
        for first in (b"", b"half", b"half\nhal", b'{"type":"lo', NATIVE_LOGIN + b'{"type":"sa'):
            raw = self.raw(first)
            raw.sock.shutdown(socket.SHUT_WR)
            raw.closed()
            raw = self.raw(first)
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        raw = self.raw(NATIVE_LOGIN + b'{"type":"say","text":"last words","rid":1}{"type":"who","rid":2}')
        raw.sock.shutdown(socket.SHUT_WR)
        answers = raw.closed()
        self.assertIn(b'{"type":"sent","rid":1,', answers)
        self.assertIn(b',"rid":2}', answers)
        self.assertTrue(bob.hears("last words", WAIT_S))

    def test_many_silent_conns_cost_little(self):
        before = resident_bytes(self.hub.pid())
        conns = []
        try:
            for _ in range(SILENT_CONNS):
                conns.append(connect(self.address))
            self.witnesses_talk()
            newcomer = self.raw(b"newcomer\n/who\n")
            newcomer.until(b" in all\n")
            after = resident_bytes(self.hub.pid())
            each = (after - before) / SILENT_CONNS
            print(f"{SILENT_CONNS} silent conns: {before >> 10} KiB, then {after >> 10} KiB: {each:.0f} bytes each", flush=True)
            self.assertLess(each, SILENT_BYTES_MAX)
            self.assertEqual(readable(conns), 0, "the hub says nothing first, and closes nobody")
        finally:
            for conn in conns:
                conn.close()

    def test_a_client_that_never_reads_holds_nobody_up(self):
        deaf = [self.raw(first, receive_buffer=4096) for first in (b"deaf\n", NATIVE_LOGIN, b'{"type":"login","nickname":"deaf"}')]
        reader = self.raw(b"reader\n/who\n")
        reader.until(b" in all\n")
        writer = self.raw(b"writer\n/who\n")
        writer.until(b" in all\n")
        lines = b"".join(b"%d\n" % n for n in range(FLOOD))
        wanted = b"".join(b"writer: %d\n" % n for n in range(FLOOD))
        got, sent, began = bytearray(), 0, time.monotonic()
        reader.sock.setblocking(False)
        writer.sock.setblocking(False)
        while len(got) < len(wanted):
            left = FLOOD_WAIT_S - (time.monotonic() - began)
            self.assertGreater(left, 0, f"{got.count(10)} of {FLOOD} lines came, {sent} of {len(lines)} bytes were taken")
            can_read, can_write, _ = select.select([reader.sock], [writer.sock] if sent < len(lines) else [], [], left)
            if can_write:
                sent += writer.sock.send(lines[sent : sent + 65536])
            if can_read:
                data = reader.sock.recv(1 << 20)
                self.assertTrue(data, "the reader's conn was closed")
                got += data
        self.assertEqual(bytes(got), wanted)
        print(f"{FLOOD} messages beside {len(deaf)} clients that never read: {time.monotonic() - began:.1f} s", flush=True)


def raise_descriptor_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))


def resident_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def readable(conns):
    """How many conns have something to read, their end included."""
    poller = select.poll()
    for conn in conns:
        poller.register(conn, select.POLLIN)
    return len(poller.poll(0))


if __name__ == "__main__":
    unittest.main()
