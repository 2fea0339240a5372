"""The disk fails under a hub that runs, or has failed before it starts.

A hub that runs says so loudly, takes no more changes, goes on with all that needs none, and has everything that it
acknowledged once it is started again. A hub that cannot start says why in one line, and what to do.
"""

import contextlib
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

from hub import BINARY, STOP_TIMEOUT_S, Hub
from native_client import NativeClient
from source_clients import JsonClient, TextClient
from transcript import meet

ROOM = "lobby"
TEXT_BYTES = 12_000
# More than any of the disks here can take.
MESSAGES_MAX = 5_000
DISK_BYTES = 6 << 20
FILE_BYTES_MAX = 3 << 20
# A commit waits this long for another process, and a bit.
LOCK_WAIT_S = 15
IS_READ_ONLY = "read-only"


class People:
    """A native client, a text client and a client of the compatible JSON format, all in the lobby."""

    def __init__(self, hub):
        address = hub.address("any")
        self.ada = hub.owns(NativeClient(address, "ada", [ROOM]))
        self.bob = hub.owns(TextClient(address, "bob"))
        self.eve = hub.owns(JsonClient(address, "eve"))
        self.eve.login()
        meet(self.ada, self.bob, self.eve)

    def say(self, text):
        """The answer to saying this, whatever it is."""
        rid = f"say-{text[:40]}"
        self.ada.send({"type": "say", "room": ROOM, "text": text, "rid": rid})
        return self.ada.expect(lambda got: got.get("rid") == rid, LOCK_WAIT_S, "an answer")

    def say_until_refused(self):
        """Talks until the store has failed; gives (seq, id, text) of all that was acknowledged."""
        acknowledged = []
        for count in range(MESSAGES_MAX):
            text = f"{count} 说 " + "x" * TEXT_BYTES
            answer = self.say(text)
            if answer["type"] != "sent":
                assert answer["code"] == IS_READ_ONLY, answer
                return acknowledged
            acknowledged.append((answer["seq"], answer["id"], text))
        raise AssertionError(f"the store took {MESSAGES_MAX} messages, and should have failed")

    def hear_of_the_failure(self):
        """Everybody is told, each in their own format, and their conns stay open."""
        self.bob.expect(lambda line: line.startswith("* ") and IS_READ_ONLY in line, what="the notice")
        self.eve.expect(lambda value: IS_READ_ONLY in str(value.get("message")), what="the notice")

    def go_on(self, hub):
        """All that needs no store still works, for those who are here and for those who come."""
        self.ada.ask({"type": "ping"})
        assert self.say("once more")["code"] == IS_READ_ONLY
        late = hub.owns(NativeClient(hub.address("any"), "late"))
        assert late.history(ROOM), "what was said is read"
        self.bob.say("/who")
        self.bob.expect(lambda line: "late" in line or "bob" in line, what="who is here")


def assert_kept(case, hub, acknowledged):
    """All that was acknowledged is in the log, once and in its place; and the hub works."""
    reader = hub.owns(NativeClient(hub.address("any"), "reader", [ROOM]))
    log = reader.history(ROOM)
    case.assertEqual([event["seq"] for event in log], list(range(1, len(log) + 1)), "no gap, nothing twice")
    kept = {event["seq"]: (event["id"], event.get("message")) for event in log}
    for seq, event_id, text in acknowledged:
        case.assertEqual(kept.get(seq), (event_id, text), f"seq {seq} was acknowledged")
    reader.say("it works again")


@contextlib.contextmanager
def small_disk(case, folder):
    """A file system with little room; gives what makes it larger."""
    folder.mkdir()
    options = f"size={DISK_BYTES},mode=0700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        folder.rmdir()
        why = f"no file system can be mounted here: {mounted.stderr.decode().strip()}"
        print(f"\nSKIPPED: {case.id()}: {why}", file=sys.stderr, flush=True)
        case.skipTest(why)
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder.parent, ignore_errors=True)


# Its files cannot grow beyond a bound, until the file `mended` is there: each write behind the bound fails.
FAILING_DISK = f"""test -e {{dir}}/mended || {{{{ trap '' XFSZ; ulimit -f {FILE_BYTES_MAX // 512}; }}}}; exec "$@" """


class AtRun(unittest.TestCase):
    def test_a_full_disk_makes_the_hub_read_only_and_room_on_it_mends_it(self):
        if os.geteuid() != 0:
            print(f"\nSKIPPED: {self.id()}: only root mounts a small disk", file=sys.stderr, flush=True)
            self.skipTest("only root mounts a small disk")
        hub = Hub()
        with small_disk(self, hub.data) as enlarge, hub:
            people = People(hub)
            acknowledged = people.say_until_refused()
            people.hear_of_the_failure()
            people.go_on(hub)
            self.assertIn("disk is full: make room on it", hub.log())
            hub.stop()
            enlarge()
            hub.start()
            assert_kept(self, hub, acknowledged)
            hub.stop()

    def test_a_disk_that_fails_loses_nothing_that_was_acknowledged(self):
        for ending in ("stop", "kill"):
            with self.subTest(ending), Hub(wrap=("sh", "-c", FAILING_DISK, "sh")) as hub:
                people = People(hub)
                acknowledged = people.say_until_refused()
                people.hear_of_the_failure()
                people.go_on(hub)
                self.assertIn("check the disk, then start hubbub again", hub.log())
                getattr(hub, ending)()
                (hub.dir / "mended").touch()
                hub.start()
                assert_kept(self, hub, acknowledged)

    def test_another_process_that_holds_the_store_is_named_as_the_cause(self):
        with Hub() as hub:
            people = People(hub)
            acknowledged = [people.say(f"before {n}") for n in range(5)]
            acknowledged = [(a["seq"], a["id"], f"before {n}") for n, a in enumerate(acknowledged)]
            other = sqlite3.connect(hub.data / "hubbub.db", isolation_level=None)
            with contextlib.closing(other):
                other.execute("BEGIN IMMEDIATE")
                self.assertEqual(people.say("not now")["code"], IS_READ_ONLY)
                people.hear_of_the_failure()
                people.go_on(hub)
                self.assertIn("Another process is writing to the store", hub.log())
                other.execute("ROLLBACK")
            hub.restart()
            assert_kept(self, hub, acknowledged)

    def test_a_process_that_holds_the_store_for_a_moment_is_waited_for(self):
        with Hub() as hub:
            people = People(hub)
            other = sqlite3.connect(hub.data / "hubbub.db", isolation_level=None)
            with contextlib.closing(other):
                other.execute("BEGIN IMMEDIATE")
                people.ada.send({"type": "say", "room": ROOM, "text": "in a moment", "rid": "held"})
                self.assertFalse(people.bob.hears("in a moment", timeout=0.3), "it is not committed")
                other.execute("ROLLBACK")
            people.ada.expect(lambda got: got.get("rid") == "held" and got["type"] == "sent")
            people.bob.expect_message("ada", "in a moment")


class AtStart(unittest.TestCase):
    def setUp(self):
        self.hub = Hub()
        self.addCleanup(shutil.rmtree, self.hub.dir, ignore_errors=True)
        self.addCleanup(self.hub.kill)
        self.hub.start()
        ada = NativeClient(self.hub.address("any"), "ada", [ROOM])
        for n in range(300):
            ada.say(f"{n} " + "y" * 500)
        ada.close()
        self.hub.stop()
        self.path = self.hub.data / "hubbub.db"

    def refusal(self, *words):
        """What a command that must fail says on standard error."""
        command = [str(BINARY), *words, "--data", str(self.hub.data)]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=STOP_TIMEOUT_S)
        self.assertEqual(done.returncode, 1, done)
        self.assertNotIn("panicked", done.stderr)
        self.assertLess(time.monotonic() - began, STOP_TIMEOUT_S)
        return done.stdout + done.stderr

    def serve_is_refused(self):
        said = self.refusal("serve", "--listen", "any://127.0.0.1:0")
        self.assertNotIn("hubbub is ready", said)
        lines = [line for line in said.splitlines() if line.startswith("hubbub: ")]
        self.assertEqual(len(lines), 1, said)
        return lines[0]

    def test_a_damaged_store_is_refused_with_what_to_do(self):
        size = self.path.stat().st_size
        with open(self.path, "r+b") as file:
            file.seek(size // 8192 * 4096)
            file.write(b"\xa5" * 8192)
        self.assertIn("hubbub doctor", self.serve_is_refused())
        self.assertIn("damaged", self.refusal("doctor"))

    def test_a_file_that_is_no_store_is_refused_and_left_alone(self):
        for content in (b"hello " * 5_000, b"SQLite format 3\0" + b"\0" * 5_000):
            with self.subTest(content[:8]):
                self.path.write_bytes(content)
                self.serve_is_refused()
                self.assertEqual(self.path.read_bytes(), content)

    def test_a_store_of_a_newer_hubbub_is_refused_and_left_alone(self):
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA user_version = 99")
        before = self.path.read_bytes()
        line = self.serve_is_refused()
        self.assertIn("newer Hubbub (schema 99", line)
        self.assertIn("update hubbub", line)
        self.assertEqual(self.path.read_bytes(), before)

    def test_a_store_that_another_process_holds_is_refused_with_the_cause(self):
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.assertIn("Another process is writing to the store", self.serve_is_refused())
            other.execute("ROLLBACK")
        self.hub.start()
        reader = self.hub.owns(NativeClient(self.hub.address("any"), "reader"))
        said = [event for event in reader.history(ROOM) if event.get("message", "").endswith("y")]
        self.assertEqual(len(said), 300)
        reader.close()
        self.hub.stop()

    def test_a_lost_or_damaged_index_of_the_search_is_made_again(self):
        index = self.hub.data / "search.db"
        for count, ruin in enumerate((index.unlink, lambda: index.write_bytes(b"nonsense" * 2_000))):
            ruin()
            self.hub.start()
            reader = NativeClient(self.hub.address("any"), f"reader-{count}")
            for _ in itertools.count():
                if reader.ask({"type": "search", "words": "299"})["events"]:
                    break
                reader.ask({"type": "ping"})
            reader.close()
            self.hub.stop()


if __name__ == "__main__":
    unittest.main()
