"""HTTP requests and WebSockets (RFC 6455) on the standard library alone, as a browser of our own pages sends them."""

import base64
import hashlib
import http.client
import json
import os
import socket
import ssl

from transcript import WAIT_S

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class Browser:
    """Keeps one cookie, and says that its requests come from the hub's own pages."""

    def __init__(self, address, context=None):
        self.address, self.context, self.cookie = address, context, None
        self.host = f"{'localhost' if context else address[0]}:{address[1]}"
        self.origin = f"{'https' if context else 'http'}://{self.host}"

    def request(self, method, path, value=None, headers=None):
        """Status, headers and body; JSON is parsed."""
        if self.context:
            conn = http.client.HTTPSConnection(self.host, timeout=WAIT_S, context=self.context)
        else:
            conn = http.client.HTTPConnection(*self.address, timeout=WAIT_S)
        sent = {"Origin": self.origin, **(headers or {})}
        if self.cookie:
            sent["Cookie"] = self.cookie
        body = None
        if value is not None:
            body = json.dumps(value)
            sent["Content-Type"] = "application/json"
        conn.request(method, path, body, sent)
        answer = conn.getresponse()
        data = answer.read()
        conn.close()
        if (cookie := answer.getheader("Set-Cookie")) is not None:
            self.cookie = cookie.split(";")[0]
        if "json" in (answer.getheader("Content-Type") or ""):
            data = json.loads(data)
        return answer.status, answer.headers, data

    def does(self, method, path, value=None, headers=None, status=200):
        """The body of an answer that must have this status."""
        got, _, data = self.request(method, path, value, headers)
        assert got == status, f"{method} {path}: {got} {data}"
        return data

    def socket(self):
        return WebSocket(self)


class WebSocket:
    """One conn. `send` takes one value, `recv` gives one value with a newline behind it, or nothing at the end."""

    def __init__(self, browser, headers=""):
        self._sock = socket.create_connection(browser.address, WAIT_S)
        if browser.context:
            self._sock = browser.context.wrap_socket(self._sock, server_hostname="localhost")
        self.code = self.reason = None
        self._rest = b""
        key = base64.b64encode(os.urandom(16)).decode()
        cookie = f"Cookie: {browser.cookie}\r\n" if browser.cookie else ""
        self._sock.sendall(
            f"GET /api/v1/socket HTTP/1.1\r\nHost: {browser.host}\r\nOrigin: {browser.origin}\r\n{cookie}{headers}"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            .encode()
        )
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest())
        assert b" 101 " in head and accept in head, head

    def send(self, data):
        self.frame(TEXT, data)

    def frame(self, first, payload):
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            size = bytes([0x80 | length])
        elif length < 1 << 16:
            size = b"\xfe" + length.to_bytes(2, "big")
        else:
            size = b"\xff" + length.to_bytes(8, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._sock.sendall(bytes([first]) + size + mask + masked)

    def recv(self):
        while True:
            first, payload = self._frame()
            if first == TEXT:
                assert b"\n" not in payload, "one value, one frame"
                return payload + b"\n"
            if first == PONG:
                continue
            assert first == CLOSE, f"{first:#x}"
            self.code, self.reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
            return b""

    def pong(self):
        """The payload of the pong that comes next."""
        first, payload = self._frame()
        assert first == PONG, (first, payload)
        return payload

    def close(self):
        self._sock.close()

    def _frame(self):
        first, size = self._take(2)
        if size == 126:
            size = int.from_bytes(self._take(2), "big")
        elif size == 127:
            size = int.from_bytes(self._take(8), "big")
        return first, self._take(size)

    def _take(self, count):
        while len(self._rest) < count:
            self._more()
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _more(self):
        data = self._sock.recv(65536)
        assert data, f"the socket ended without a close frame; {self._rest!r} came last"
        self._rest += data


def trusting(hub):
    """A context for the hub's own certificate, which names localhost."""
    return ssl.create_default_context(cafile=str(hub.certificate()))
