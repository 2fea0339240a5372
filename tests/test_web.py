"""The web from outside: setup by the printed link, sign-in, sockets, REST with curl; over plain HTTP and TLS."""

import json
import shutil
import subprocess
import threading
import unittest

from hub import Hub
from source_clients import PlainConn
from test_matrix import Text
from transcript import WAIT_S
from web_client import Browser, trusting

PASSWORD = "correct horse battery"


def owner(hub, browser):
    """Sets the hub up by the link that it printed."""
    token = hub.setup_link.rpartition("#")[2]
    value = {"token": token, "hub": "实验室", "name": "ada", "password": PASSWORD, "guests": True}
    return browser.does("POST", "/api/v1/setup", value, status=201)


def until(socket, part):
    """The next value with this in it."""
    while part not in (value := json.loads(socket.recv())).values():
        pass
    return value


class Web(unittest.TestCase):
    def test_setup_signs_the_owner_in_for_good(self):
        with Hub("any://127.0.0.1:0") as hub:
            ada = Browser(hub.address("any"))
            self.assertTrue(ada.does("GET", "/api/v1/hub")["setup_needed"])
            self.assertTrue(hub.setup_link.startswith(f"{ada.origin}/setup#"), hub.setup_link)
            self.assertEqual(owner(hub, ada)["me"]["role"], "owner")
            hub.restart()
            again = Browser(hub.address("any"))
            again.cookie = ada.cookie
            self.assertEqual(again.does("GET", "/api/v1/session")["me"]["nickname"], "ada")
            told = again.does("GET", "/api/v1/hub")
            self.assertEqual((told["name"], told["setup_needed"]), ("实验室", False))
            self.assertIsNone(hub.setup_link)

    def test_a_guest_stays_one_over_a_restart(self):
        with Hub("any://127.0.0.1:0") as hub:
            zhang = Browser(hub.address("any"))
            zhang.does("POST", "/api/v1/session", {"guest": "张三"})
            hub.restart()
            again = Browser(hub.address("any"))
            again.cookie = zhang.cookie
            self.assertEqual(again.does("GET", "/api/v1/session")["me"]["nickname"], "张三")

    def test_over_tls_the_cookie_is_bound_to_it(self):
        with Hub("https://127.0.0.1:0") as hub:
            browser = Browser(hub.address("https"), trusting(hub))
            _, headers, _ = browser.request("POST", "/api/v1/session", {"guest": "bob"})
            cookie = headers["Set-Cookie"]
            self.assertTrue(cookie.startswith("__Host-hubbub=") and cookie.endswith("; Secure"), cookie)
            with_socket = hub.owns(browser.socket())
            with_socket.send(b'{"type":"login","rooms":["lobby"]}')
            self.assertEqual(until(with_socket, "welcome")["nickname"], "bob")

    def test_signing_out_cuts_the_sockets_of_the_browser(self):
        with Hub("any://127.0.0.1:0") as hub:
            ada = Browser(hub.address("any"))
            owner(hub, ada)
            socket = hub.owns(ada.socket())
            socket.send(b'{"type":"login","v":1}')
            until(socket, "joined")
            ada.does("DELETE", "/api/v1/session", status=204)
            while socket.recv():
                pass
            self.assertEqual((socket.code, socket.reason), (4401, "revoked"))

    def test_frames_of_a_socket(self):
        with Hub("any://127.0.0.1:0") as hub:
            bob = Browser(hub.address("any"))
            bob.does("POST", "/api/v1/session", {"guest": "bob"})
            socket = hub.owns(bob.socket())
            socket.frame(0x89, b"are you there?")
            self.assertEqual(socket.pong(), b"are you there?")
            # A login in two frames, with a ping between them.
            socket.frame(0x01, b'{"type":"login",')
            socket.frame(0x89, b"")
            socket.frame(0x80, b'"v":1,"rid":7}')
            self.assertEqual(socket.pong(), b"")
            self.assertEqual(until(socket, "welcome")["rid"], 7)
            socket.frame(0x82, b"binary")
            while socket.recv():
                pass
            self.assertEqual(socket.code, 1003)

    def test_a_hub_that_stops_closes_its_sockets_with_a_reason(self):
        with Hub("any://127.0.0.1:0") as hub:
            bob = Browser(hub.address("any"))
            bob.does("POST", "/api/v1/session", {"guest": "bob"})
            socket = hub.owns(bob.socket())
            socket.send(b'{"type":"login"}')
            until(socket, "joined")
            stopping = threading.Thread(target=hub.stop)
            stopping.start()
            while socket.recv():
                pass
            self.assertEqual((socket.code, socket.reason), (1001, "stopping"))
            stopping.join()

    def test_curl_talks_to_a_room(self):
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        with Hub("any://127.0.0.1:0") as hub:
            ada = Browser(hub.address("any"))
            owner(hub, ada)
            conn = PlainConn(hub.address("any"))
            conn._sock.settimeout(WAIT_S)
            bob = hub.owns(Text(conn, "bob"))
            bob.come()
            # A browser's token is a token: curl can bear it.
            token = ada.cookie.partition("=")[2]
            room = f"{ada.origin}/api/v1/rooms/lobby/messages"
            bearer = ["-H", f"Authorization: Bearer {token}"]
            said = curl(*bearer, "-H", "Content-Type: application/json", "-d", '{"text":"来自 curl"}', room)
            self.assertEqual(json.loads(said)["type"], "sent", said)
            bob.hears(self, "ada", "来自 curl")
            bob.say("hello curl")
            # A line to oneself is not told; what comes back says that the line before it is in.
            bob.send("/who\n")
            bob.until(" in all")
            events = json.loads(curl(*bearer, room))["events"]
            self.assertEqual([e["message"] for e in events if "message" in e], ["来自 curl", "hello curl"])
            self.assertIn("HTTP/2 200", curl("--http2-prior-knowledge", "-I", ada.origin))


def curl(*arguments):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(WAIT_S), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    unittest.main()
