"""Benchmarks of collectors in simulated time: continuous polling of 32 keypads at 9600 8E1, by each client library.

`python benchmarks/collectors.py` runs them all and writes benchmarks/collectors.json, in the form of
`benchmarks/run.py`. `python benchmarks/collectors.py NAME [--hours H] [--buses N]` runs one and prints what it found as
JSON, with the SHA-256 of the traffic: the same for every run, on every Python. Hours of less than a day's eight are
extrapolated: cost is per poll, and the same all day.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

NS = 1_000_000_000
DAY_H = 8
UNITS = range(1, 33)
HASHED_AT_ONCE = 1000


class Bench:
    """Buses of 32 keypads each, in one kernel; their traffic is hashed as it goes."""

    def __init__(self, buses: int, hours: float) -> None:
        from bench.clock.clockwork import Clockwork
        from bench.clock.kernel import Kernel
        from firmware_sim.burst import LineSettings
        from firmware_sim.devices.rating_keypad import RatingKeypad
        from firmware_sim.line import Line
        from firmware_sim.modbus_line import ModbusLine

        self.clock = Clockwork()
        self.end = int(hours * 3600 * NS)
        self.kernel = Kernel(self.clock, 0, until=self.end + 60 * NS)
        self.sha = hashlib.sha256()
        self._traffic: list[bytes] = []
        self._names: dict[tuple[str, str], bytes] = {}
        self.good = self.bad = 0
        self.lines = {}
        for bus in range(buses):
            settings = LineSettings(9600, 8, "E", 1)
            line = Line(f"bus-{bus}", self.clock, settings)
            station = ModbusLine("slaves", settings)
            line.attach(station)
            for unit in UNITS:
                station.attach(RatingKeypad(f"keypad-{unit}"), unit)
            line.on_burst(self._burst)
            self.lines[line.name] = line

    def _burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        names = self._names
        name = names.get((line, src)) or names.setdefault((line, src), f"{line} {src}".encode())
        self._traffic.append(b"%d %b %b\n" % (start, name, data))
        if len(self._traffic) >= HASHED_AT_ONCE:
            self.hash_it()

    def hash_it(self) -> None:
        """Hash the traffic since the last time: a thousand bursts at once cost half as much as one by one."""
        self.sha.update(b"".join(self._traffic))
        self._traffic.clear()

    def going_on(self) -> bool:
        return self.clock.now < self.end

    def count(self, good: object) -> None:
        if good:
            self.good += 1
        else:
            self.bad += 1


# -- one collector for one bus each: what a poll is ------------------------------------------------------------------
def raw(bench: Bench, port: str) -> None:
    import serial

    from protocol.modbus.requests import read_registers

    requests = [read_registers(unit, 0x04, 4, 4) for unit in UNITS]
    line = serial.serial_for_url(port, baudrate=9600, parity="E", timeout=0.1)
    polls = 0
    while bench.going_on():
        line.write(requests[polls & 31])
        bench.count(len(line.read(13)) == 13)
        polls += 1
        time.sleep(0.004)


def minimal(bench: Bench, port: str) -> None:
    import minimalmodbus
    import serial

    line = serial.Serial(port, 9600, parity="E", timeout=0.1)
    keypads = [minimalmodbus.Instrument(line, unit) for unit in UNITS]
    polls = 0
    while bench.going_on():
        bench.count(len(keypads[polls & 31].read_registers(4, 4, functioncode=4)) == 4)
        polls += 1


def pymodbus_sync(bench: Bench, port: str) -> None:
    from pymodbus.client import ModbusSerialClient

    client = ModbusSerialClient(port, baudrate=9600, parity="E", timeout=0.1)
    assert client.connect()
    polls = 0
    while bench.going_on():
        bench.count(not client.read_input_registers(4, count=4, device_id=1 + (polls & 31)).isError())
        polls += 1


def umodbus_rtu(bench: Bench, port: str) -> None:
    import serial
    from umodbus.client.serial import rtu

    line = serial.Serial(port, 9600, parity="E", timeout=0.1)
    polls = 0
    while bench.going_on():
        adu = rtu.read_input_registers(slave_id=1 + (polls & 31), starting_address=4, quantity=4)
        bench.count(len(rtu.send_message(adu, line)) == 4)
        polls += 1
        time.sleep(0.004)


def modbus_tk_rtu(bench: Bench, port: str) -> None:
    import modbus_tk.defines as tk
    import serial
    from modbus_tk import modbus_rtu

    master = modbus_rtu.RtuMaster(serial.Serial(port, 9600, parity="E"))
    master.set_timeout(0.1)
    polls = 0
    while bench.going_on():
        bench.count(len(master.execute(1 + (polls & 31), tk.READ_INPUT_REGISTERS, 4, 4)) == 4)
        polls += 1
        time.sleep(0.004)


async def pymodbus_async(bench: Bench, port: str) -> None:
    from pymodbus.client import AsyncModbusSerialClient

    client = AsyncModbusSerialClient(port, baudrate=9600, parity="E", timeout=0.1)
    assert await client.connect()
    polls = 0
    while bench.going_on():
        answer = await client.read_input_registers(4, count=4, device_id=1 + (polls & 31))
        bench.count(not answer.isError())
        polls += 1
    client.close()


async def streams(bench: Bench, port: str) -> None:
    import serial_asyncio

    from protocol.modbus.requests import read_registers

    requests = [read_registers(unit, 0x04, 4, 4) for unit in UNITS]
    reader, writer = await serial_asyncio.open_serial_connection(url=port, baudrate=9600, parity="E")
    polls = 0
    while bench.going_on():
        writer.write(requests[polls & 31])
        bench.count(len(await asyncio.wait_for(reader.readexactly(13), 0.1)) == 13)
        polls += 1
        await asyncio.sleep(0.004)
    writer.close()


def _tcp(port: str) -> tuple[str, int]:
    host, _, number = port.rpartition(":")
    return host, int(number)


def pymodbus_tcp(bench: Bench, port: str) -> None:
    from pymodbus.client import ModbusTcpClient

    host, number = _tcp(port)
    client = ModbusTcpClient(host, port=number, timeout=2)
    assert client.connect()
    polls = 0
    while bench.going_on():
        bench.count(not client.read_input_registers(4, count=4, device_id=1 + (polls & 31)).isError())
        polls += 1
    client.close()


async def pymodbus_tcp_async(bench: Bench, port: str) -> None:
    from pymodbus.client import AsyncModbusTcpClient

    host, number = _tcp(port)
    client = AsyncModbusTcpClient(host, port=number, timeout=2)
    assert await client.connect()
    polls = 0
    while bench.going_on():
        answer = await client.read_input_registers(4, count=4, device_id=1 + (polls & 31))
        bench.count(not answer.isError())
        polls += 1
    client.close()


def umodbus_tcp(bench: Bench, port: str) -> None:
    import random
    import socket

    from umodbus.client import tcp

    random.seed(1)  # it draws its transaction numbers
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.connect(_tcp(port))
        polls = 0
        while bench.going_on():
            adu = tcp.read_input_registers(slave_id=1 + (polls & 31), starting_address=4, quantity=4)
            bench.count(len(tcp.send_message(adu, sock)) == 4)
            polls += 1


def modbus_tk_tcp(bench: Bench, port: str) -> None:
    import modbus_tk.defines as tk
    from modbus_tk import modbus_tcp

    host, number = _tcp(port)
    master = modbus_tcp.TcpMaster(host, number)
    master.set_timeout(2.0)
    polls = 0
    while bench.going_on():
        bench.count(len(master.execute(1 + (polls & 31), tk.READ_INPUT_REGISTERS, 4, 4)) == 4)
        polls += 1
    master.close()


COLLECTORS: dict[str, Callable[[Bench, str], Any]] = {
    "raw": raw,
    "minimalmodbus": minimal,
    "pymodbus": pymodbus_sync,
    "pymodbus_async": pymodbus_async,
    "pyserial_asyncio": streams,
    "umodbus": umodbus_rtu,
    "modbus_tk": modbus_tk_rtu,
    "pymodbus_tcp": pymodbus_tcp,
    "pymodbus_tcp_async": pymodbus_tcp_async,
    "umodbus_tcp": umodbus_tcp,
    "modbus_tk_tcp": modbus_tk_tcp,
}
"""Name -> what polls one bus to the end."""

IMPORTS = {
    "minimalmodbus": ["minimalmodbus"],
    "pymodbus": ["pymodbus.client"],
    "pymodbus_async": ["pymodbus.client"],
    "pyserial_asyncio": ["serial_asyncio"],
    "umodbus": ["umodbus.client.serial.rtu"],
    "modbus_tk": ["modbus_tk.modbus_rtu"],
    "pymodbus_tcp": ["pymodbus.client"],
    "pymodbus_tcp_async": ["pymodbus.client"],
    "umodbus_tcp": ["umodbus.client.tcp"],
    "modbus_tk_tcp": ["modbus_tk.modbus_tcp"],
}


def run(name: str, hours: float, buses: int, *, shared: bool = False) -> dict[str, Any]:
    """Poll `buses` buses with one collector each: in threads, or as tasks of one loop.

    Args:
        name: of the collector.
        hours: of the hall's time.
        buses: how many.
        shared: the threads also meet at a lock, a queue, an event, a timer and a pool.
    """
    from bench.clock.standins import REAL, installed
    from bench.ports.mounts import mounted
    from bench.ports.patch import redirected
    from bench.run.process import fewer_looks_for_garbage

    collect = COLLECTORS[name]
    bench = Bench(buses, hours)
    is_tcp, is_async = "tcp" in name, asyncio.iscoroutinefunction(collect)
    paths = {(f"modbus://10.0.0.{i + 1}:502" if is_tcp else f"/dev/ttyUSB{i}"): f"bus-{i}" for i in range(buses)}
    ports = [path.removeprefix("modbus://") for path in paths]
    order: list[Any] = []
    with ExitStack() as stack:
        for context in (installed(), redirected(), mounted(bench.lines, bench.kernel, paths), bench.kernel):
            stack.enter_context(context)
        stack.enter_context(fewer_looks_for_garbage())  # as in a day
        for module in IMPORTS.get(name, ()):  # a third of a second that a day pays once
            importlib.import_module(module)
        start, cpu = REAL["perf_counter"](), time.process_time()
        if is_async and not shared:

            async def all_of_them() -> None:
                await asyncio.gather(*(collect(bench, port) for port in ports))

            asyncio.run(all_of_them())
        elif buses == 1 and not shared:
            collect(bench, ports[0])
        else:
            _in_threads(bench, collect, ports, order if shared else None)
        wall, cpu = REAL["perf_counter"]() - start, time.process_time() - cpu
    bench.hash_it()
    bench.sha.update(repr(order).encode())
    seconds = bench.clock.now / NS
    return {
        "polls": bench.good,
        "bad": bench.bad,
        "poll_ms": 1000 * seconds * buses / max(1, bench.good),
        "speedup": seconds / cpu,
        "polls_per_s": bench.good / wall,
        "day_cpu_s": DAY_H * 3600 / seconds * cpu,
        "day_wall_s": DAY_H * 3600 / seconds * wall,
        "switches": bench.kernel.switches,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "sha256": bench.sha.hexdigest(),
    }


def _in_threads(bench: Bench, collect: Callable[[Bench, str], Any], ports: list[str], order: list[Any] | None) -> None:  # noqa: C901
    if asyncio.iscoroutinefunction(collect):
        coroutine = collect

        def collect(bench: Any, port: str) -> None:
            asyncio.run(coroutine(bench, port))

    if order is None:
        threads = [threading.Thread(target=collect, args=(bench, port)) for port in ports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return
    import queue
    from concurrent.futures import ThreadPoolExecutor

    lock, stop, done, turns = threading.Lock(), threading.Event(), queue.Queue(), queue.SimpleQueue()

    class Counted:
        """The bench, as one thread sees it: each count passes through what the threads share."""

        def __init__(self, port: str) -> None:
            self.port = port
            self.going_on = bench.going_on

        def count(self, good: object) -> None:
            with lock:
                time.sleep(0.0003)
                bench.count(good)
                order.append((self.port, time.monotonic_ns()))
            done.put(self.port)

    def writer() -> None:
        while not stop.is_set():
            try:
                turns.put(done.get(timeout=0.05))
            except queue.Empty:
                order.append("idle")

    def beat() -> None:
        while not stop.wait(0.1):
            order.append(("beat", time.time_ns(), turns.qsize()))

    helpers = [threading.Thread(target=writer), threading.Thread(target=beat, daemon=True)]
    threads = [threading.Thread(target=collect, args=(Counted(port), port)) for port in ports]
    timer = threading.Timer(0.25, order.append, args=("timer",))
    for thread in [*helpers, *threads, timer]:
        thread.start()
    for thread in [*threads, timer]:
        thread.join()
    stop.set()
    for thread in helpers:
        thread.join()
    with ThreadPoolExecutor(3) as pool:
        order.extend(pool.map(lambda n: (time.sleep(n / 100), n, time.monotonic_ns()), range(6)))


# -- all of them -----------------------------------------------------------------------------------------------------
ROWS: dict[str, tuple[str, float, int, str, str, str, float]] = {
    # collector, hours, buses, what, unit, sense and target of each row
    "raw_speedup": ("raw", 8, 1, "speedup", "x real time", ">=", 1000),
    "pymodbus_speedup": ("pymodbus", 2, 1, "speedup", "x real time", ">=", 300),
    "pymodbus_async_speedup": ("pymodbus_async", 2, 1, "speedup", "x real time", ">=", 350),
    "minimalmodbus_speedup": ("minimalmodbus", 2, 1, "speedup", "x real time", ">=", 200),
    "pyserial_asyncio_speedup": ("pyserial_asyncio", 1, 1, "speedup", "x real time", ">=", 350),
    "umodbus_speedup": ("umodbus", 1, 1, "speedup", "x real time", ">=", 200),
    "modbus_tk_speedup": ("modbus_tk", 1, 1, "speedup", "x real time", ">=", 100),
    "pymodbus_tcp_speedup": ("pymodbus_tcp", 1, 1, "speedup", "x real time", ">=", 100),
    "pymodbus_tcp_async_speedup": ("pymodbus_tcp_async", 1, 1, "speedup", "x real time", ">=", 100),
    "eight_threads_day_cpu_s": ("pymodbus", 0.1, 8, "day_cpu_s", "s of CPU", "<=", 1800),
    "eight_threads_rss_mb": ("pymodbus", 0.1, 8, "rss_mb", "MB", "<=", 200),
}


def _is_installed(name: str) -> bool:
    return all(importlib.util.find_spec(module.partition(".")[0]) for module in IMPORTS.get(name, ()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", choices=COLLECTORS)
    parser.add_argument("--hours", type=float, default=0.25)
    parser.add_argument("--buses", type=int, default=1)
    parser.add_argument("--hashes", action="store_true", help="run all that are installed, print name -> SHA-256")
    parser.add_argument("--shared", action="store_true", help="the threads meet at a lock, a queue, an event, a pool")
    options = parser.parse_args()
    if options.hashes:
        names = [name for name in COLLECTORS if _is_installed(name)]
        hashes = {n: run(n, options.hours, options.buses, shared=options.shared)["sha256"] for n in names}
        print(json.dumps(hashes))
        return
    if options.name:
        print(json.dumps(run(options.name, options.hours, options.buses, shared=options.shared)))
        return
    names = ("simpy", "pyserial", "pymodbus", "minimalmodbus", "pyserial-asyncio", "umodbus", "modbus-tk")
    versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
    found: dict[tuple[str, float, int], dict[str, Any]] = {}
    rows = []
    for key, (name, hours, buses, what, unit, sense, target) in ROWS.items():
        job = name, hours, buses
        if job not in found:
            command = [sys.executable, __file__, name, "--hours", str(hours), "--buses", str(buses)]
            out = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
            if out.returncode:
                sys.exit(f"{name} failed:\n{out.stderr[-3000:]}")
            found[job] = json.loads(out.stdout.splitlines()[-1])
        value = found[job][what]
        holds = value >= target if sense == ">=" else value <= target
        print(
            f"{key:28} {value:10.1f} {unit:12} target {sense} {target:g}  {'holds' if holds else 'MISSED'}", flush=True
        )
        rows.append(
            {
                "id": key,
                "value": round(value, 3),
                "unit": unit,
                "target": f"{sense} {target:g}",
                "holds": holds,
                "against": None,
                "hours": hours,
                "buses": buses,
                "sha256": found[job]["sha256"],
                "versions": versions,
            }
        )
    target_file = Path(__file__).with_name("collectors.json")
    target_file.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"written to {target_file.name}")


if __name__ == "__main__":
    main()
