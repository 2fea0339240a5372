"""The three clients of the source documents: blocking calls, `recv(1024)`, no framing.

They are naive on purpose. Each received piece is taken for what the documents take it for: text that can be
decoded, exactly one JSON value, or bytes. A piece that is not ends the client with a fault that the next
wait shows.
"""

import json
import select
import socket
import ssl
import threading

from transcript import WAIT_S, Transcript

RECV_BYTES = 1024
CONNECT_TIMEOUT_S = 10
TLS_NAME = "localhost"


class SourceClient:
    """A socket, and a thread that receives. Subclasses say what a received piece means."""

    def __init__(self, address, name, encoding="utf-8", tls=None):
        self.name = name
        self.encoding = encoding
        self.pieces = []
        self.transcript = Transcript(name)
        self._conn = TlsConn(address, tls) if tls else PlainConn(address)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def send(self, data):
        self.transcript.note("->", data)
        self._conn.send(data)

    def expect(self, predicate, timeout=WAIT_S, what="what was expected"):
        return self.transcript.expect(predicate, timeout, what)

    def heard(self):
        return self.transcript.heard()

    def close(self):
        self._conn.close()
        self._thread.join(WAIT_S)

    def _receive(self):
        try:
            while piece := self._conn.recv():
                self.transcript.note("<-", piece)
                self.pieces.append(piece)
                self.transcript.add(self._taken(piece))
            self.transcript.end("the hub closed the conn")
        except ValueError as fault:
            self.transcript.end(f"this client cannot read what it got: {fault}")
        except OSError as fault:
            self.transcript.end(f"the conn broke: {fault}")

    def _taken(self, piece):
        """The items in a received piece; ValueError where the documents' client would fail."""
        raise NotImplementedError


class TextClient(SourceClient):
    """Its first message is its name; then each message goes to all others as `NAME: TEXT`. Items are lines."""

    def __init__(self, address, name, newline=True, **options):
        self._newline = "\n" if newline else ""
        self._rest = ""
        super().__init__(address, name, **options)
        self.say(name)

    def say(self, text):
        self.send((text + self._newline).encode(self.encoding))

    def hears(self, text, timeout):
        return self.transcript.wait(lambda line: line.endswith(f": {text}"), timeout)

    def expect_message(self, sender, text, timeout=WAIT_S):
        line = f"{sender}: {text}"
        return self.expect(lambda got: got == line, timeout, repr(line))

    def _taken(self, piece):
        *lines, self._rest = (self._rest + piece.decode(self.encoding)).split("\n")
        return lines


class JsonClient(SourceClient):
    """`login`, then `broadcast`. Each received piece is parsed as one JSON value. Items are values."""

    def login(self, nickname=None):
        """Logs in; gives the number that the hub answers with."""
        self.name = nickname or self.name
        self.request({"type": "login", "nickname": self.name})
        return self.expect(lambda value: value.get("status") == "ok", what="the answer to its login")["id"]

    def say(self, text):
        self.request({"type": "broadcast", "sender_id": 0, "message": text})

    def request(self, value):
        self.send(json.dumps(value, ensure_ascii=False).encode(self.encoding))

    def hears(self, text, timeout):
        return self.transcript.wait(lambda value: value.get("message") == text, timeout)

    def expect_message(self, sender, text, timeout=WAIT_S):
        def is_it(value):
            return (value.get("sender_nickname"), value.get("message")) == (sender, text)

        return self.expect(is_it, timeout, f"{text!r} of {sender}")

    def messages_of(self, sender):
        return [value["message"] for value in self.heard() if value.get("sender_nickname") == sender]

    def _taken(self, piece):
        value = json.loads(piece.decode(self.encoding))
        if not isinstance(value, dict):
            raise ValueError(f"not an object: {value!r}")
        return [value]


class RelayClient(SourceClient):
    """No names, no framing. The one kind of item is everything received up to now."""

    def say(self, text):
        self.send(text.encode(self.encoding))

    def hears(self, text, timeout):
        return self.transcript.wait(lambda stream: text.encode(self.encoding) in stream, timeout)

    def stream(self):
        return b"".join(self.pieces)

    def _taken(self, piece):
        return [self.stream()]


class PlainConn:
    """A blocking socket: TCP for a pair, a Unix socket for a path."""

    def __init__(self, address):
        self._sock = connect(address)

    def send(self, data):
        self._sock.sendall(data)

    def recv(self):
        return self._sock.recv(RECV_BYTES)

    def close(self):
        shut(self._sock)


class TlsConn:
    """The same over TLS. One thread sends while another receives, and OpenSSL wants one of them at a time."""

    def __init__(self, address, context):
        self._sock = context.wrap_socket(connect(address), server_hostname=TLS_NAME)
        self._sock.setblocking(False)
        self._turn = threading.Lock()

    def send(self, data):
        rest = memoryview(data)
        while rest:
            sent = self._attempt(lambda: self._sock.send(rest))
            rest = rest[sent or 0 :]

    def recv(self):
        while (piece := self._attempt(lambda: self._sock.recv(RECV_BYTES))) is None:
            pass
        return piece

    def close(self):
        shut(self._sock)

    def _attempt(self, act):
        """What `act` gives, or None after a wait for the socket."""
        try:
            with self._turn:
                return act()
        except ssl.SSLWantReadError:
            select.select([self._sock], [], [])
        except ssl.SSLWantWriteError:
            select.select([], [self._sock], [])
        except ssl.SSLEOFError:
            return b""
        return None


def connect(address):
    if isinstance(address, tuple):
        sock = socket.create_connection(address, CONNECT_TIMEOUT_S)
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address)
    sock.settimeout(None)
    return sock


def shut(sock):
    """Ends both directions first, which wakes a thread that waits in recv or select."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
