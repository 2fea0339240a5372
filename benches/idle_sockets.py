"""Resident bytes of an idle WebSocket: guests in one room, all at once.

    HUBBUB=target/release/hubbub python3 benches/idle_sockets.py 10000
"""

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hub import Hub  # noqa: E402
from web_client import Browser  # noqa: E402

# What the first conns make is not an idle conn's: threads, caches, pools.
WARM = 200


def resident_kib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def main(conns):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Hub("any://127.0.0.1:0") as hub:
        address = hub.address("any")

        def opened(n):
            browser = Browser(address)
            browser.does("POST", "/api/v1/session", {"guest": f"g{n}"})
            socket = hub.owns(browser.socket())
            socket.send(b'{"type":"login","v":1,"rooms":["lobby"]}')
            while b'"joined"' not in socket.recv():
                pass

        for n in range(WARM):
            opened(n)
        before = resident_kib(hub.pid())
        for n in range(conns):
            opened(WARM + n)
        after = resident_kib(hub.pid())
    print(f"{conns} sockets: {before} to {after} KiB, {(after - before) * 1024 / conns:.0f} bytes each")


if __name__ == "__main__":
    main(int(sys.argv[1]))
