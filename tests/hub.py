"""A hub for black-box tests: the release binary on free ports, with a data folder of its own.

    with Hub("any://127.0.0.1:0", "relay://127.0.0.1:0") as hub:
        ada = hub.owns(TextClient(hub.address("any"), "ada"))

The environment variable HUBBUB names the binary. When the block ends with a failure, the hub's log is shown.
"""

import hashlib
import os
import queue
import resource
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("HUBBUB") or ROOT / "target/release/hubbub")
READY = "hubbub is ready"
READY_TIMEOUT_S = 20
STOP_TIMEOUT_S = 20
LOG_LINES_SHOWN = 200
UNIX_PATH_BYTES_MAX = 100


class Hub:
    """One hub process after another on the same data folder.

    `{dir}` in a listener stands for a folder of this hub, with a path short enough for a Unix socket.
    `wrap` is put before the command line: a tracer, for example. `descriptors` is the most that the process may open.
    """

    def __init__(self, *listen, wrap=(), env=None, descriptors=None):
        self.dir = short_temporary_folder()
        self.data = self.dir / "data"
        self.log_path = self.dir / "hub.log"
        self.listening = []
        self.fingerprint = None
        self.setup_link = None
        self._listen = [url.format(dir=self.dir) for url in listen or ("any://127.0.0.1:0",)]
        self._wrap = [part.format(dir=self.dir) for part in wrap]
        self._env = env or {}
        self._descriptors = descriptors
        self._process = None
        self._owned = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            self.show_log()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind, fault, trace):
        for owned in reversed(self._owned):
            owned.close()
        try:
            if kind is None:
                self.stop()
                self._check_log()
        except BaseException:
            kind = True
            raise
        finally:
            self.kill()
            if kind is not None:
                self.show_log()
            shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        """Starts the process and waits until all listeners are bound."""
        if not BINARY.is_file():
            raise AssertionError(f"no binary at {BINARY}: run `cargo build --release`, or set HUBBUB")
        command = [*self._wrap, str(BINARY), "serve", "--data", str(self.data)]
        for url in self._listen:
            command += ["--listen", url]
        self.listening, self.fingerprint, self.setup_link = [], None, None
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self._env},
                preexec_fn=self._limit if self._descriptors else None,
            )
        lines = queue.SimpleQueue()
        threading.Thread(target=pump, args=(self._process.stdout, lines), daemon=True).start()
        self._wait_until_ready(lines)

    def stop(self):
        """Asks the hub to end, waits for it, and wants it to end well. Nothing happens where none runs."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the hub still runs {STOP_TIMEOUT_S} s after SIGTERM") from None
        self._process = None
        assert code == 0, f"the hub ended with {code}"

    def kill(self):
        """Ends the hub as a power cut would end it. Nothing happens where none runs."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def restart(self):
        """Starts a hub on the same data folder. Its ports are new ones."""
        self.kill()
        self.start()

    def signal(self, number):
        os.kill(self.pid(), number)

    def pid(self):
        """The hub's own process id, also under a tracer."""
        pid = self._process.pid
        if not self._wrap:
            return pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else pid

    def address(self, scheme):
        """Where the first listener of this scheme listens: (host, port), or the path of a Unix socket."""
        for url in self.listening:
            parts = urlsplit(url)
            if parts.scheme == scheme:
                return parts.path if scheme.endswith("+unix") else (parts.hostname, parts.port)
        raise AssertionError(f"no {scheme}:// among {self.listening}")

    def certificate(self):
        """The file with the hub's certificate."""
        return self.data / "tls" / "cert.pem"

    def tls(self):
        """A context that trusts this hub's certificate and nothing else."""
        return ssl.create_default_context(cafile=str(self.certificate()))

    def key_digest(self):
        """The SHA-256 of the certificate's public key, in the form that the hub prints."""
        pem = self.certificate().read_text()
        pem = pem[: pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
        return hashlib.sha256(public_key(ssl.PEM_cert_to_DER_cert(pem))).digest().hex(":").upper()

    def owns(self, client):
        """Closes the client when the hub's block ends; gives it back."""
        self._owned.append(client)
        return client

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def show_log(self):
        lines = self.log().splitlines()
        left_out = max(0, len(lines) - LOG_LINES_SHOWN)
        print(f"\n--- log of the hub ({left_out} earlier lines left out)", file=sys.stderr)
        print("\n".join(lines[left_out:]), file=sys.stderr)
        print("--- end of the log", file=sys.stderr, flush=True)

    def _limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._descriptors, self._descriptors))

    def _wait_until_ready(self, lines):
        deadline = time.monotonic() + READY_TIMEOUT_S
        while (line := next_line(lines, deadline)) != READY:
            word, _, rest = line.partition(" ")
            if word == "listening":
                self.listening.append(rest.strip())
            elif line.startswith("tls fingerprint sha256 "):
                self.fingerprint = line.split()[-1]
            elif line.startswith("set up the hub in a browser: "):
                self.setup_link = line.split()[-1]

    def _check_log(self):
        assert "panicked at" not in self.log(), "the hub panicked"


def public_key(certificate):
    """The SubjectPublicKeyInfo of a DER certificate (RFC 5280, section 4.1)."""

    def head(at):
        """Where the content of the element at this place begins and ends."""
        length, at = certificate[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(certificate[at : at + size], "big"), at + size
        return at, at + length

    at, _ = head(head(0)[0])
    # Before it come version, serial number, signature, issuer, validity and subject.
    for _ in range(6):
        _, at = head(at)
    return certificate[at : head(at)[1]]


def next_line(lines, deadline):
    try:
        line = lines.get(timeout=max(0, deadline - time.monotonic()))
    except queue.Empty:
        raise AssertionError(f"the hub did not say `{READY}` within {READY_TIMEOUT_S} s") from None
    if line is None:
        raise AssertionError(f"the hub ended before it said `{READY}`")
    return line


def pump(stream, lines):
    """Reads to the end, so that the hub never waits for a full pipe."""
    with stream:
        for line in stream:
            lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
    lines.put(None)


def short_temporary_folder():
    folder = tempfile.mkdtemp(prefix="hubbub-")
    if len(os.fsencode(folder)) + len("/hub.sock") > UNIX_PATH_BYTES_MAX:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="hubbub-", dir="/tmp")
    return Path(folder)


def need_program(test, name):
    """Skips the test, and says so, where a program is missing; `cargo xtask test` wants them all."""
    if shutil.which(name):
        return
    if os.environ.get("HUBBUB_TEST_CLIENTS") == "required":
        test.fail(f"{name} is not installed: `cargo xtask test --only clients` installs it")
    print(f"\nSKIPPED: {test.id()}: {name} is not installed", file=sys.stderr, flush=True)
    test.skipTest(f"{name} is not installed")
