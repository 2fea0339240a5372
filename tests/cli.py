"""The `hubbub` command from outside: commands that end, and commands that go on until they are stopped.

    place = Place(self)                       # a home and a data folder of its own
    done = place.run("user", "list", "--json")
    place.does("user", "add", "ada", "--no-password")
    zh = place.run("user", "show", "eve", lang="zh_CN.UTF-8")
"""

import json
import os
import shutil
import subprocess
import threading

from hub import BINARY, short_temporary_folder
from transcript import WAIT_S, Transcript

RUN_TIMEOUT_S = 60
ENGLISH, CHINESE = "C.UTF-8", "zh_CN.UTF-8"


class Done:
    """What a command did."""

    def __init__(self, command, process):
        self.command = command
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()

    def json(self):
        return json.loads(self.out)

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return f"{self.command}\n-- code {self.code}\n-- out\n{self.out}\n-- err\n{self.err}"


class Place:
    """A home folder, so that nothing of the user's is read or written."""

    def __init__(self, test, data=None):
        self.home = short_temporary_folder()
        self.data = data or self.home / "data"
        test.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def env(self, lang=ENGLISH, **more):
        kept = {name: value for name, value in os.environ.items() if not is_ours(name)}
        return {**kept, "HOME": str(self.home), "HUBBUB_DATA": str(self.data), "LC_ALL": lang, **more}

    def run(self, *args, text="", lang=ENGLISH, **env):
        command = [str(BINARY), *map(str, args)]
        process = subprocess.run(
            command,
            input=text.encode(),
            capture_output=True,
            timeout=RUN_TIMEOUT_S,
            env=self.env(lang, **env),
            check=False,
        )
        return Done(" ".join(command[1:]), process)

    def does(self, *args, **options):
        """Runs a command that must do what it says."""
        done = self.run(*args, **options)
        assert done.code == 0, str(done)
        return done

    def starts(self, test, *args, lang=ENGLISH):
        """Starts a command that goes on; it ends with the test."""
        running = Running([str(BINARY), *map(str, args)], self.env(lang))
        test.addCleanup(running.close)
        return running


class Running:
    """A command that goes on. Items of the transcript are lines of standard output and standard error."""

    def __init__(self, command, env):
        self.transcript = Transcript(" ".join(command[1:]))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=env
        )
        self._threads = [
            threading.Thread(target=self._receive, args=(stream, sign), daemon=True)
            for stream, sign in ((self._process.stdout, "<-"), (self._process.stderr, "<!"))
        ]
        for thread in self._threads:
            thread.start()

    def types(self, line):
        self.transcript.note("->", line)
        self._process.stdin.write(f"{line}\n".encode())

    def ends_input(self):
        self._process.stdin.close()

    def expect(self, predicate, timeout=WAIT_S, what="what was expected"):
        return self.transcript.expect(predicate, timeout, what)

    def heard(self):
        return self.transcript.heard()

    def wait(self):
        """Its exit code, when all that it printed is in the transcript."""
        code = self._process.wait(RUN_TIMEOUT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        return code

    def terminate(self):
        self._process.terminate()
        return self.wait()

    def close(self):
        self._process.kill()
        self.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()

    def _receive(self, stream, sign):
        for line in stream:
            line = line.decode("utf-8", "replace").rstrip("\n")
            self.transcript.note(sign, line)
            self.transcript.add([line])


def is_ours(name):
    return name.startswith(("HUBBUB_", "XDG_", "LC_")) or name in ("LANG", "LANGUAGE")


def url(hub, scheme="any", tls=False):
    """The hub's address as client commands take it."""
    host, port = hub.address(scheme)
    return f"hubbub{'s' if tls else ''}://{host}:{port}"
