"""Soak: a bench on every kind of port at once, polled without a pause, watched for what must not grow.

`python benchmarks/soak.py [MINUTES]` (ten by default) runs the bench in this process and its clients in others: ptys
polled at 9600, one whose client restarts all the time, one whose client never reads, one whose client writes noise, a
TCP port with peers that come and go, RFC 2217, a gateway with clients that vanish. Every few seconds resident memory,
open descriptors and what waits in the clockwork are noted. It fails when any of them is higher at the end than it was
after the first fifth, by more than a small allowance, or when an honest client saw a bad reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

SAMPLE_S = 2.0
SETTLING = 0.2
"""Part of the run after which memory and descriptors are expected to stand."""
MEMORY_ALLOWANCE_MB = 4.0
DESCRIPTOR_ALLOWANCE = 4
QUEUE_ALLOWANCE = 200
HONEST = ("poll", "restart", "rfc2217", "gateway")


# -- clients ------------------------------------------------------------------------------------------------------
def _poll(where: str, end: float) -> dict[str, int]:
    import ports
    import serial

    frames, polls, bad = ports.frames(), 0, 0
    with serial.serial_for_url(where, 9600, timeout=2) as port:
        while time.monotonic() < end:
            port.write(frames[polls % len(frames)])
            bad += len(port.read(ports.REPLY)) != ports.REPLY
            polls += 1
    return {"polls": polls, "bad": bad}


def _restart(where: str, end: float) -> dict[str, int]:
    import ports
    import serial

    frame, polls, bad = ports.frames()[0], 0, 0
    while time.monotonic() < end:
        with serial.Serial(where, 9600, timeout=2) as port:
            port.write(frame)
            bad += len(port.read(ports.REPLY)) != ports.REPLY
        polls += 1
    return {"polls": polls, "bad": bad}


def _deaf(where: str, end: float) -> dict[str, int]:
    import ports

    fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
    polls = 0
    while time.monotonic() < end:
        os.write(fd, ports.frames()[polls % 32])
        polls += 1
        time.sleep(0.04)
    os.close(fd)
    return {"polls": polls, "bad": 0}


def _noise(where: str, end: float) -> dict[str, int]:
    fd = os.open(where, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    chance = random.Random(1)
    while time.monotonic() < end:
        try:
            os.write(fd, chance.randbytes(1000))
        except BlockingIOError:
            time.sleep(0.02)
    os.close(fd)
    return {"polls": 0, "bad": 0}


def _come_and_go(where: str, end: float) -> dict[str, int]:
    host, _, number = where.partition("://")[2].partition(":")
    visits = 0
    while time.monotonic() < end:
        crowd = [socket.create_connection((host, int(number)), timeout=5) for _ in range(5)]
        for peer in crowd:
            with contextlib.suppress(OSError):
                peer.sendall(b"\x01\x03\x00\x00")
            peer.close()
        visits += 5
        time.sleep(0.05)
    return {"polls": visits, "bad": 0}


def _gateway(where: str, end: float) -> dict[str, int]:
    from protocol.modbus.mbap import Message, Splitter, encode

    host, _, number = where.partition("://")[2].partition(":")
    polls = bad = 0
    while time.monotonic() < end:
        with socket.create_connection((host, int(number)), timeout=10) as peer:
            splitter = Splitter()
            for turn in range(20):
                peer.sendall(encode(Message(turn, 1 + turn, b"\x03\x00\x00\x00\x0a")))
                found: list[Message] = []
                while not found:
                    data = peer.recv(4096)
                    assert data, "the gateway hung up"
                    found = splitter.push(data)
                bad += found[0].transaction != turn or len(found[0].pdu) != 22
                polls += 1
            peer.sendall(encode(Message(99, 1, b"\x03\x00\x00\x00\x0a")))  # and gone before the answer
    return {"polls": polls, "bad": bad}


CLIENTS = {
    "poll": _poll,
    "restart": _restart,
    "deaf": _deaf,
    "noise": _noise,
    "come and go": _come_and_go,
    "rfc2217": _poll,
    "gateway": _gateway,
}


# -- the bench ----------------------------------------------------------------------------------------------------
def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _soak(seconds: float, folder: Path, loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    import ports as benchmark

    from bench.clock.clockwork import Clockwork
    from bench.clock.wall import WallDriver
    from bench.ports.gateway import Gateway
    from bench.ports.pty import PtyPort
    from bench.ports.rfc2217 import Rfc2217Port
    from bench.ports.tcp import TcpPort

    clock = Clockwork()
    driver = WallDriver(clock, loop)
    made: dict[str, Any] = {}
    for name in CLIENTS:
        line, _ = benchmark.slaves(clock, name.replace(" ", "-"))
        kinds = {"come and go": TcpPort, "rfc2217": Rfc2217Port, "gateway": Gateway}
        made[name] = kinds[name](line, driver) if name in kinds else PtyPort(line, driver, folder / line.name)
    for port in made.values():
        await port.open()
    driver.start()
    clients = {
        name: await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, "--client", name, str(port.path or port.url), str(seconds)),
            stdout=subprocess.PIPE,
        )
        for name, port in made.items()
    }
    samples = []
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(SAMPLE_S)
        queue = len(clock._queue)
        samples.append((_resident_mb(), len([*Path("/proc/self/fd").iterdir()]), queue))
        if sys.stderr.isatty():
            print(f"\r{end - loop.time():6.0f} s to go, {samples[-1]}", end="", file=sys.stderr)
    told = {}
    for name, client in clients.items():
        out, _ = await client.communicate()
        told[name] = json.loads(out) if client.returncode == 0 else {"polls": 0, "bad": -1}
    driver.stop()
    for port in made.values():
        await port.close()
    if driver.failure is not None:
        raise driver.failure
    return {"samples": samples, "clients": told, "timing": driver.describe()}


def judge(samples: list[tuple[float, int, int]], clients: dict[str, dict[str, int]]) -> list[str]:
    """What is wrong, in sentences; empty when all is well."""
    wrong = []
    settled = samples[max(1, int(len(samples) * SETTLING)) :]
    early, late = settled[: max(1, len(settled) // 4)], settled[-max(1, len(settled) // 4) :]
    for i, (what, allowance) in enumerate(
        (("MB resident", MEMORY_ALLOWANCE_MB), ("descriptors", DESCRIPTOR_ALLOWANCE), ("calls due", QUEUE_ALLOWANCE))
    ):
        before, after = max(s[i] for s in early), min(s[i] for s in late)
        if after > before + allowance:
            wrong.append(f"{what} grew from {before:g} to {after:g}")
    return wrong + [
        f"client {name!r}: {clients[name]['bad']} of {clients[name]['polls']} replies were bad"
        for name in HONEST
        if clients[name]["bad"] or not clients[name]["polls"]
    ]


def main() -> int:
    """Soak for so many minutes; status 1 when something grew or a reply was bad."""
    words = sys.argv[1:]
    if words[:1] == ["--client"]:
        name, where, seconds = words[1:]
        print(json.dumps(CLIENTS[name](where, time.monotonic() + float(seconds) - 1.0)))
        return 0
    minutes = float(words[0]) if words else 10.0
    from bench.clock.wall import make_loop

    loop = make_loop(len(CLIENTS))
    with tempfile.TemporaryDirectory() as folder:
        found = loop.run_until_complete(_soak(60 * minutes, Path(folder), loop))
    loop.close()
    first, last = found["samples"][len(found["samples"]) // 5], found["samples"][-1]
    print(f"{minutes:g} minutes: {first[0]:.1f} -> {last[0]:.1f} MB, {first[1]} -> {last[1]} descriptors, ", end="")
    print(f"{first[2]} -> {last[2]} calls due; frames {found['timing']['frames']}")
    for name, told in found["clients"].items():
        print(f"  {name:12} {told['polls']:8} exchanges, {told['bad']} bad")
    wrong = judge(found["samples"], found["clients"])
    print("\n".join(wrong) if wrong else "nothing grew")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
