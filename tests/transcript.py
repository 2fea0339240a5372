"""What a client heard, and how a test waits for more of it. Every wait ends, and shows the transcript when in vain."""

import itertools
import threading
import time

WAIT_S = 10
PING_S = 0.3
SHOWN_MAX = 300
LINES_SHOWN = 80


class Transcript:
    """Items that a receiving thread adds and the test's thread waits for."""

    def __init__(self, name):
        self.name = name
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._lines = []
        self._items = []
        self._next = 0
        self._end = None

    def note(self, arrow, what):
        """Adds a line that is shown when a wait fails."""
        with self._changed:
            self._lines.append((time.monotonic() - self._began, arrow, what))

    def add(self, items):
        with self._changed:
            self._items.extend(items)
            self._changed.notify_all()

    def end(self, why):
        """Nothing more will come."""
        with self._changed:
            self._end = self._end or why
            self._changed.notify_all()

    def heard(self):
        """Every item up to now."""
        with self._changed:
            return list(self._items)

    def wait(self, predicate, timeout=WAIT_S):
        """The next item for which the predicate holds, or None. Items before it count as read."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                while self._next < len(self._items):
                    item = self._items[self._next]
                    self._next += 1
                    if predicate(item):
                        return item
                left = deadline - time.monotonic()
                if left <= 0 or self._end:
                    return None
                self._changed.wait(left)

    def expect(self, predicate, timeout=WAIT_S, what="what was expected"):
        item = self.wait(predicate, timeout)
        if item is None:
            raise AssertionError(f"{self.name} did not get {what} within {timeout} s\n{self}")
        return item

    def wait_for_end(self, timeout=WAIT_S):
        with self._changed:
            if not self._changed.wait_for(lambda: self._end, timeout):
                raise AssertionError(f"the conn of {self.name} is still open after {timeout} s\n{self}")
            return self._end

    def __str__(self):
        with self._changed:
            lines, end = list(self._lines), self._end
        left_out = max(0, len(lines) - LINES_SHOWN)
        shown = [f"--- transcript of {self.name} ({left_out} earlier lines left out)"]
        shown += [f"{at:8.3f} {arrow} {short(what)}" for at, arrow, what in lines[left_out:]]
        shown += [f"         == {end}"] if end else []
        return "\n".join([*shown, "--- end of the transcript"])


def short(what):
    text = repr(what)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}… ({len(what)} long)"


def meet(speaker, *listeners):
    """Lets the speaker say small things until each listener has heard one: now all are in the room.

    A text client gets no answer to its name, so this is how a test knows that it has come in.
    """
    for listener in listeners:
        deadline = time.monotonic() + WAIT_S
        for count in itertools.count(1):
            ping = f"meet-{id(listener)}-{count}"
            speaker.say(ping)
            if listener.hears(ping, PING_S):
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"{listener.name} never heard {speaker.name}\n{listener.transcript}")
