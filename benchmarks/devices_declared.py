"""Device-side speed of OSDP and of declared devices: `python benchmarks/devices_declared.py` prints rows.

A declared device is compared with a native one that does the same by hand: FF68, a command with six digits to a console
that keeps what it shows. Figures are CPU time, the best of a few runs; nothing here is a test.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import process_time

REPEATS = 5
COUNT = 20_000
NS = 1_000_000_000


def best(once: Callable[[], float]) -> float:
    """The least CPU time of a few runs, us."""
    return min(once() for _ in range(REPEATS)) * 1e6


def hearing(device: object, frames: list[bytes]) -> float:
    """Seconds of CPU for one frame that the device hears."""
    hear = device.hear  # type: ignore[attr-defined]
    now, size = 10 * NS, len(frames)
    start = process_time()
    for i in range(COUNT):
        hear(now, frames[i % size], now - 9_000_000, now, None)
        now += 40_000_000
    return (process_time() - start) / COUNT


class NativeConsole:
    """A small FF68 console by hand: the frame of protocols.md 3.1, one address, what it shows, its beeps."""

    watch = None

    def __init__(self, name: str, unit: int) -> None:
        self.name = name
        self.unit = unit
        self.waiting = self.number = "   "
        self.beeps = 0
        self._buf = b""
        self._heard = 0

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: object) -> list[object]:
        from firmware_sim.device import Alarm, Note

        if self._buf and first - self._heard > 20_000_000:
            self._buf = b""
        self._heard = last
        buf = self._buf + data
        out: list[object] = []
        at = 0
        while True:
            at = buf.find(b"\xff\x68", at)
            if at < 0 or len(buf) - at < 5:
                break
            size = buf[at + 2]
            if buf[at + 3] != size or buf[at + 4] != 0x68 or not 2 <= size <= 24:
                at += 1
                continue
            end = at + size + 7
            if len(buf) < end:
                break
            body = buf[at + 5 : at + 5 + size]
            if buf[end - 1] != 0x16 or buf[end - 2] != sum(body) & 0xFF:
                at += 1
                continue
            at = end
            if body[0] == self.unit:
                self._do(body[1], body[2:], out, Note)
        self._buf = buf[at:] if at >= 0 else b""
        if self._buf:
            out.append(Alarm(last + 20_000_000, "gap"))
        return out

    def _do(self, command: int, data: bytes, out: list[object], note: type) -> None:
        if command == 2 and len(data) == 6:
            text = "".join(" " if c == 0x0A else chr(0x30 + c) for c in data)
            if text[:3] != "   ":
                self.waiting = text[:3]
            if text[3:] != "   ":
                self.number = text[3:]
            out.append(note("panel", {"waiting": self.waiting, "ticket": self.number}))
        elif command == 3 and not data:
            self.beeps += 1
            out.append(note("beep", {}))


def osdp_poll() -> dict[str, float]:
    from firmware_sim.devices.osdp_keypad import OsdpKeypad
    from protocol.osdp import Command, Packet

    polls = [Packet(5, False, n, True, Command.POLL).wire(mark=True) for n in (1, 2, 3)]
    keypad = OsdpKeypad("keypad", address=5)
    keypad.hear(NS, Packet(5, False, 0, True, Command.POLL).wire(), 0, NS, None)
    return {"osdp_poll_us": best(lambda: hearing(keypad, polls))}


def osdp_command() -> dict[str, float]:
    from firmware_sim.devices.osdp_keypad import OsdpKeypad
    from protocol.osdp import Command, Packet, lamp

    frames = [Packet(5, False, n, True, Command.LED, lamp(2)).wire(mark=True) for n in (1, 2, 3)]
    keypad = OsdpKeypad("keypad", address=5)
    keypad.hear(NS, Packet(5, False, 0, True, Command.POLL).wire(), 0, NS, None)
    return {"osdp_lamp_command_us": best(lambda: hearing(keypad, frames))}


def declared_against_native() -> dict[str, float]:
    from bench.scenario.declared import codec_of
    from firmware_sim.devices.declared_device import DeclaredDevice

    codec = codec_of("ff68_console")
    show = codec.write("show", {"addr": 3, "waiting": "012", "ticket": "001"})
    beep = codec.write("beep", {"addr": 3})
    other = codec.write("beep", {"addr": 4})
    made: dict[str, float] = {}
    for name, frames in (("show", [show]), ("beep", [beep]), ("mixed_bus", [show, other, beep, other, other])):
        declared = best(lambda frames=frames: hearing(DeclaredDevice("console", codec, unit=3), frames))  # type: ignore[misc]
        native = best(lambda frames=frames: hearing(NativeConsole("console", 3), frames))  # type: ignore[misc]
        made[f"ff68_{name}_declared_us"] = declared
        made[f"ff68_{name}_native_us"] = native
        made[f"ff68_{name}_declared_to_native"] = declared / native
    return made


def reading_noise() -> dict[str, float]:
    """Random bytes through the reader of the protocol whose frames begin most often in noise."""
    import random

    from bench.scenario.declared import codec_of

    noise = random.Random(5).randbytes(200_000)
    slowest = 0.0
    for name in ("ff68_console", "syn6288", "onbon", "led485_ascii", "dfplayer"):
        reader = codec_of(name).reader("host")
        start = process_time()
        for at in range(0, len(noise), 256):
            reader.feed(noise[at : at + 256])
        slowest = max(slowest, process_time() - start)
    return {"declared_noise_mb_s": len(noise) / slowest / 1e6}


def loading() -> dict[str, float]:
    """Reading and checking every declaration of the catalogue, vectors and mutations included."""
    import tomllib
    from importlib import resources

    from bench.scenario.declared import available
    from protocol.declared import catalogue
    from protocol.declared.build import build

    texts = [resources.files(catalogue).joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in available()]
    start = process_time()
    for text in texts:
        build(tomllib.loads(text))
    return {"declared_catalogue_ms": (process_time() - start) * 1000}


MEASUREMENTS = {
    "osdp_poll": osdp_poll,
    "osdp_command": osdp_command,
    "declared_against_native": declared_against_native,
    "reading_noise": reading_noise,
    "loading": loading,
}

TARGETS = {
    "osdp_poll_us": ("us", "<=", 15),
    "osdp_lamp_command_us": ("us", "<=", 60),
    "ff68_show_declared_to_native": ("x", "<=", 5),
    "ff68_beep_declared_to_native": ("x", "<=", 5),
    "ff68_mixed_bus_declared_to_native": ("x", "<=", 5),
    "declared_noise_mb_s": ("MB/s", ">=", 0.1),
    "declared_catalogue_ms": ("ms", "<=", 500),
}
"""Measurement -> unit, sense, target; what is not here is shown without a target."""


def rows() -> list[dict[str, object]]:
    """All measurements, as `benchmarks/run.py` writes them."""
    versions = {"python": platform.python_version(), "hallbench": version("hallbench")}
    made: list[dict[str, object]] = []
    for measure in MEASUREMENTS.values():
        for key, value in measure().items():
            unit, sense, target = TARGETS.get(key, ("us", "", 0))
            holds = True if not sense else value >= target if sense == ">=" else value <= target
            made.append(
                {
                    "id": key,
                    "value": round(value, 3),
                    "unit": unit,
                    "target": f"{sense} {target:g}" if sense else None,
                    "holds": holds,
                    "against": "a native FF68 console in this file" if key.endswith("declared_to_native") else None,
                    "versions": versions,
                }
            )
    return made


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    found = rows()
    for row in found:
        print(f"{row['id']:36} {row['value']:10.2f} {row['unit']:6} {row['target'] or '':10} {row['holds']}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
