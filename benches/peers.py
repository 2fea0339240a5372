#!/usr/bin/env python3
"""Measures Hubbub beside Redis, NATS and a bare relay in one run, and prints the ratios.

    cargo build --release && python3 benches/peers.py --fanbench PATH [--seconds 4] [--only fanout,latency,idle]

Every server runs alone, pinned to CPU 0, the load generator to CPU 1; each gets the same load: 64-byte messages, 1,024
outstanding. The generator is `fanbench`, which speaks each peer's own protocol and says how much CPU the server used
(/proc, all threads). Hubbub commits every message to disk before anybody sees it; the peers keep nothing.
Peers that are not installed are left out, and said so (Debian: redis-server, nats-server).
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HUBBUB = ROOT / "target/release/hubbub"
TEXT = ["--proto", "line", "--login-template", "%n", "--send-template", "%p"]
JSON = [
    "--proto", "line",
    "--login-template", '{"type":"login","nickname":"%n","v":1,"rooms":[]}',
    "--join-template", '{"type":"join","room":"%r"}',
    "--ready-pattern", '"joined"',
    "--send-template", '{"type":"say","room":"%r","text":"%p"}',
]
SHAPES = [(1, 1), (100, 1), (1000, 1), (100, 100)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


class Server:
    """One server, pinned to CPU 0."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def hubbub(folder, durability):
    port = free_port()
    folder = tempfile.mkdtemp(dir=folder)
    server = Server([str(HUBBUB), "serve", "--data", str(folder), "--listen", f"any://127.0.0.1:{port}"], port)
    room = [str(HUBBUB), "room", "add", "bench", "--data", str(folder)]
    subprocess.run(room + (["--ephemeral"] if durability == "ephemeral" else []), check=True, stdout=subprocess.DEVNULL)
    return server


def redis(_folder):
    port = free_port()
    quiet = ["--save", "", "--appendonly", "no", "--maxclients", "19900", "--tcp-backlog", "4096"]
    return Server(["redis-server", "--port", str(port), *quiet, "--client-output-buffer-limit", "pubsub", "0", "0", "0"], port)


def nats(folder):
    port = free_port()
    config = Path(folder) / "nats.conf"
    config.write_text(f'port: {port}\nhost: "127.0.0.1"\nmax_pending: 1GB\nwrite_deadline: "60s"\nmax_connections: 100000\n')
    return Server(["nats-server", "-c", str(config)], port)


class Bench:
    def __init__(self, fanbench, seconds):
        self.fanbench, self.seconds = fanbench, seconds

    def run(self, mode, server, options):
        command = ["taskset", "-c", "1", self.fanbench, mode, "--port", str(server.port), "--server-pid", str(server.process.pid)]
        done = subprocess.run([*command, "--seconds", str(self.seconds), *options], capture_output=True, text=True, timeout=300)
        lines = done.stdout.strip().splitlines()
        if not lines:
            raise SystemExit(f"{mode} failed: {done.stderr.strip()}")
        return json.loads(lines[-1])

    def relay(self):
        port = free_port()
        return Server([self.fanbench, "baseline", "--port", str(port)], port)


def candidates(bench, folder):
    """Name, how to start it, how to speak to it."""
    found = [
        ("hubbub text", lambda: hubbub(folder, "strict"), TEXT),
        ("hubbub JSON", lambda: hubbub(folder, "strict"), JSON),
        ("hubbub JSON ephemeral", lambda: hubbub(folder, "ephemeral"), JSON),
        ("bare relay", bench.relay, ["--proto", "seedchat"]),
    ]
    for name, start in (("redis", redis), ("nats", nats)):
        if shutil.which(f"{name}-server"):
            found.append((name, lambda start=start: start(folder), ["--proto", name]))
        else:
            print(f"{name}: not installed, left out")
    return found


def fanout(bench, folder):
    print("\n| readers x writers | server | deliveries/s | messages/s | server CPU | CPU-s per M | times Redis per CPU-s |\n|---|---|---|---|---|---|---|")
    for readers, writers in SHAPES:
        rows = []
        for name, start, options in candidates(bench, folder):
            with start() as server:
                shape = ["--subs", str(readers), "--pubs", str(writers), "--window", "1024", "--payload", "64"]
                r = bench.run("fanout", server, options + shape)
            # What writers are sent too is work as well; it is no reader's delivery, but it is counted for all alike.
            total = r["deliveries_s"] + r["at_pubs"] / r["elapsed_s"]
            rows.append((name, r, r["server_cpu"] / total * 1e6))
            if r["lost"] or r["dup"] or r["disorder"]:
                print(f"!! {name}: lost {r['lost']}, twice {r['dup']}, out of order {r['disorder']}")
        peer = next((cost for name, _, cost in rows if name == "redis"), None)
        for name, r, cost in rows:
            times = f"{peer / cost:.1f}" if peer else "–"
            print(f"| {readers} x {writers} | {name} | {r['deliveries_s']:,} | {r['messages_s']:,} | {r['server_cpu']:.2f} | {cost:.3f} | {times} |", flush=True)


def disk(folder, rate, seconds):
    """What one commit costs at least: two pages appended and synced, at this rate, from the scheduled time."""
    took = []
    with open(Path(folder) / "disk", "wb", buffering=0) as file:
        begun = time.monotonic()
        for i in range(int(rate * seconds)):
            due = begun + i / rate
            while (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            took.append(time.monotonic() - due)
    took.sort()
    return [took[int(len(took) * part)] * 1e6 for part in (0.5, 0.99, 0.999)]


def latency(bench, folder):
    print("\n| readers | rate/s | server | p50 µs | p99 µs | p99.9 µs |\n|---|---|---|---|---|---|")
    for readers, rate in ((1, 1000), (100, 200)):
        p50, p99, p999 = disk(folder, rate, bench.seconds)
        print(f"| – | {rate} | the disk alone | {p50:.0f} | {p99:.0f} | {p999:.0f} |", flush=True)
        for name, start, options in candidates(bench, folder):
            with start() as server:
                r = bench.run("latency", server, [*options, "--subs", str(readers), "--rate", str(rate), "--payload", "64"])
            print(f"| {readers} | {rate} | {name} | {r['lat_p50_us']:.0f} | {r['lat_p99_us']:.0f} | {r['lat_p999_us']:.0f} |", flush=True)


def idle(bench, folder):
    print("\n| conns | server | set up/s | bytes each (server's memory) |\n|---|---|---|---|")
    for conns in (10_000, 19_000):
        for name, start, options in candidates(bench, folder):
            if name == "hubbub JSON ephemeral":
                continue
            with start() as server:
                r = bench.run("idle", server, [*options, "--conns", str(conns), "--rooms", "1", "--concurrency", "64"])
            print(f"| {conns:,} | {name} | {r['setup_rate']:,} | {r['bytes_per_conn']:,} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fanbench", default=os.environ.get("FANBENCH") or shutil.which("fanbench"), help="the load generator's binary")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", default="fanout,latency,idle")
    args = parser.parse_args()
    if not args.fanbench:
        parser.error("say where the load generator is: --fanbench PATH")
    bench = Bench(args.fanbench, args.seconds)
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as folder:
        for part in args.only.split(","):
            shutil.rmtree(folder, ignore_errors=True)
            Path(folder).mkdir()
            {"fanout": fanout, "latency": latency, "idle": idle}[part](bench, Path(folder))


if __name__ == "__main__":
    main()
