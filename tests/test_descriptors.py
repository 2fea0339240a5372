"""A hub whose system gives it few descriptors: it serves those who are there, and goes on when there are some again."""

import os
import resource
import select
import time
import unittest
from pathlib import Path

from hub import Hub
from source_clients import TextClient, connect
from transcript import meet

WAIT_S = 10
DESCRIPTORS = 100
# The hub keeps these for its files, listeners and threads.
DESCRIPTORS_OF_ITS_OWN = 64
# Left to the hub for new conns, and how many come beyond that.
SPARE = 5
MORE = 20
# Longer than the longest pause between two tries.
LONGER_THAN_A_PAUSE_S = 1.5
CPU_MAX_S = 0.5
TROUBLE = "cannot accept conns now"


class Descriptors(unittest.TestCase):
    def test_a_low_limit_from_the_start_is_a_lower_limit_of_conns(self):
        conns_max = DESCRIPTORS - DESCRIPTORS_OF_ITS_OWN
        with Hub("any://127.0.0.1:0", descriptors=DESCRIPTORS) as hub:
            address = hub.address("any")
            witnesses = [hub.owns(TextClient(address, name)) for name in ("ada", "bob")]
            meet(*witnesses)
            self.assertIn(f"limits.conns_max is {conns_max} now", hub.log())
            conns = [hub.owns(connect(address)) for _ in range(conns_max + MORE)]
            closed = wait_until(lambda: [conn for conn in conns if is_readable(conn)], lambda them: len(them) == MORE + 2)
            for conn in closed:
                self.assertEqual(received(conn), b"", "a conn too many is closed")
            witnesses[0].say("still here")
            witnesses[1].expect_message("ada", "still here")
            self.assertNotIn(TROUBLE, hub.log())

    @unittest.skipUnless(hasattr(resource, "prlimit"), "only Linux can take descriptors from a running process")
    def test_without_descriptors_new_conns_wait_and_the_others_go_on(self):
        with Hub("any://127.0.0.1:0") as hub:
            address = hub.address("any")
            witnesses = [hub.owns(TextClient(address, name)) for name in ("ada", "bob")]
            meet(*witnesses)
            before = resource.prlimit(hub.pid(), resource.RLIMIT_NOFILE)
            numbers = {int(number) for number in os.listdir(f"/proc/{hub.pid()}/fd")}
            limit = max(numbers) + 1 + SPARE
            resource.prlimit(hub.pid(), resource.RLIMIT_NOFILE, (limit, before[1]))
            free = limit - len(numbers)
            conns = [hub.owns(connect(address)) for _ in range(free + MORE)]
            wait_until(hub.log, lambda log: TROUBLE in log)
            cpu = cpu_seconds(hub.pid())
            for round in range(3):
                witnesses[round % 2].say(f"round {round}")
                witnesses[1 - round % 2].expect_message(("ada", "bob")[round % 2], f"round {round}")
                readable, _, _ = select.select(conns, [], [], LONGER_THAN_A_PAUSE_S)
                self.assertEqual(readable, [], "nobody is closed: who cannot be accepted waits")
            self.assertLess(cpu_seconds(hub.pid()) - cpu, CPU_MAX_S, "the hub tries now and then, not all the time")
            self.assertEqual(hub.log().count(TROUBLE), 1, "and says so once")

            # As conns end, those that waited come in.
            for conn in conns[: free + MORE - 1]:
                conn.close()
            conns[-1].sendall(b"carol\n/who\n")
            self.assertIn(b"* carol [guest]\n", until(conns[-1], b" in all\n"))

            # And as the system gives more.
            crowd = [hub.owns(connect(address)) for _ in range(free + MORE)]
            resource.prlimit(hub.pid(), resource.RLIMIT_NOFILE, before)
            crowd[-1].sendall(b"dave\nI am in\n")
            witnesses[0].expect_message("dave", "I am in")
            self.assertEqual(hub.log().count(TROUBLE), 1)


def wait_until(look, is_it):
    """Looks until it is so; gives what was seen."""
    deadline = time.monotonic() + WAIT_S
    while not is_it(seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain; last seen: {seen!r}")
        time.sleep(0.01)
    return seen


def is_readable(conn):
    return bool(select.select([conn], [], [], 0)[0])


def received(conn):
    conn.settimeout(WAIT_S)
    try:
        return conn.recv(1024)
    except ConnectionError:
        return b""


def until(conn, part):
    conn.settimeout(WAIT_S)
    got = b""
    while part not in got:
        data = conn.recv(65536)
        if not data:
            raise AssertionError(f"{part!r} did not come, but {got!r}")
        got += data
    return got


def cpu_seconds(pid):
    """What the process has used so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
