"""Programs that everybody has are clients: nc, openssl s_client and socat talk in the same room."""

import subprocess
import threading
import unittest

from hub import Hub, need_program
from transcript import WAIT_S, Transcript, meet


class ToolClient:
    """A program whose standard input and output are the conversation. Items are lines."""

    def __init__(self, name, command):
        self.name = name
        self.transcript = Transcript(name)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()
        self.transcript.note("$ ", command)
        self.say(name)

    def say(self, text):
        self.transcript.note("->", text)
        self._process.stdin.write(f"{text}\n".encode())

    def hears(self, text, timeout):
        return self.transcript.wait(lambda line: line.endswith(f": {text}"), timeout)

    def expect_message(self, sender, text):
        line = f"{sender}: {text}"
        return self.transcript.expect(lambda got: got == line, what=repr(line))

    def close(self):
        self._process.kill()
        self._process.wait()
        self._thread.join(WAIT_S)
        self._process.stdin.close()
        self._process.stdout.close()

    def _receive(self):
        for line in self._process.stdout:
            line = line.decode("utf-8", "replace").rstrip("\n")
            self.transcript.note("<-", line)
            self.transcript.add([line])
        self.transcript.end("the program ended")


def netcat(hub):
    host, port = hub.address("any")
    return ToolClient("nc", ["nc", host, str(port)])


def s_client(hub):
    host, port = hub.address("any")
    check = ["-CAfile", str(hub.certificate()), "-verify_return_error", "-verify_hostname", "localhost"]
    connect = ["-connect", f"{host}:{port}", "-servername", "localhost"]
    return ToolClient("openssl", ["openssl", "s_client", "-quiet", *connect, *check])


def socat(hub):
    return ToolClient("socat", ["socat", "-", f"UNIX-CONNECT:{hub.address('any+unix')}"])


class Tools(unittest.TestCase):
    def test_nc_openssl_and_socat_talk_in_one_room(self):
        for program in ("nc", "openssl", "socat"):
            need_program(self, program)
        with Hub("any://127.0.0.1:0", "any+unix://{dir}/hub.sock") as hub:
            clients = [hub.owns(make(hub)) for make in (netcat, s_client, socat)]
            meet(clients[0], *clients[1:])
            for client in clients:
                client.say(f"你好 from {client.name}")
                for other in clients:
                    if other is not client:
                        other.expect_message(client.name, f"你好 from {client.name}")


if __name__ == "__main__":
    unittest.main()
