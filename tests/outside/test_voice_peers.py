"""Our DFPlayer before a library that drives real modules (PyPI `DFPlayer`), which sends the form without a check.

`tests/outside/setup.d/declared.sh` installs it. An encoder of this file's own, after the manual, speaks the other form.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.scenario.declared import codec_of
from firmware_sim.devices.loudspeaker import CLIPS, Clip
from firmware_sim.devices.voice_caller import VoiceCaller

from .wall_line import WallLine, run


@pytest.fixture
def player(tmp_path: Path) -> Iterator[WallLine]:
    clips = {**CLIPS, 2: Clip("mời số", 5000)}  # long enough to be asked about while it plays, on a busy machine too
    line = WallLine(tmp_path, VoiceCaller("voice-1", codec_of("dfplayer"), clips=clips), duplex="full")
    yield line
    line.stop()


def test_the_library_dfplayer(player: WallLine) -> None:
    """Its constructor asks for the status; then clips, volume, status while playing, pause, counts."""
    told = run(
        "dfplayer",
        """
        import json, sys, time
        import serial

        class Patient(serial.Serial):
            # A frame goes out at once, not character by character; after a question the answer is waited for, and not
            # the tenth of a second that the library gives it: the machine may be busy.
            held = b""

            def write(self, data):
                self.held += data
                if len(self.held) == 8:
                    frame, self.held = self.held, b""
                    super().write(frame)
                    end = time.monotonic() + 60
                    while 0x42 <= frame[3] <= 0x4E and self.in_waiting < 10 and time.monotonic() < end:
                        time.sleep(0.01)

        serial.Serial = Patient
        from DFPlayer import DFPlayer

        class Steady(DFPlayer):
            def get_status(self):
                for _ in range(100):  # asked again when what the module says unasked came behind the answer
                    if (status := super().get_status()) is not None:
                        return status

        def over():
            end = time.monotonic() + 60
            while player.get_status() != 0x0200 and time.monotonic() < end:
                pass

        player = Steady(uart=sys.argv[1], volume=50)
        first = player.get_status()
        player.play(track=2)
        playing = player.get_status()
        player.pause()
        paused = player.get_status()
        player.play()
        over()
        player.play(track=101)
        over()
        print(json.dumps({"first": first, "playing": playing, "paused": paused, "volume": player.get_volume(),
                          "eq": player.get_eq(), "files": player.num_files()}))
        """,
        player.path,
    )
    assert (told["first"], told["playing"], told["paused"]) == (0x0200, 0x0201, 0x0202)
    assert told["volume"] == 50
    assert told["eq"] == 0
    assert told["files"] == 226
    end = time.monotonic() + 100
    while not player.kinds("spoken") and time.monotonic() < end:
        time.sleep(0.02)  # a sentence is over when nothing follows its last clip
    assert "mời số" in " ".join(facts["text"] for facts in player.kinds("spoken"))


def check_frame(command: int, parameter: int, ack: int = 0) -> bytes:
    """A frame as the manual has it: the check is the two's complement of the sum from the version to the parameter."""
    body = [0xFF, 0x06, command, ack, parameter >> 8, parameter & 0xFF]
    total = 0
    for byte in body:
        total += byte
    check = 0x10000 - total
    return bytes([0x7E, *body, check >> 8, check & 0xFF, 0xEF])


@pytest.mark.parametrize(("command", "parameter", "ack"), [(0x03, 1, 1), (0x03, 2999, 0), (0x06, 30, 1), (0x42, 0, 0)])
def test_an_encoder_by_the_manual(command: int, parameter: int, ack: int) -> None:
    """What is written from the manual alone is read, and is what our codec writes."""
    codec = codec_of("dfplayer")
    frame = check_frame(command, parameter, ack)
    (decoded,) = codec.decode("host", frame)
    assert decoded.values["cmd"] == command  # type: ignore[union-attr]
    assert int.from_bytes(decoded.values["param"], "big") == parameter  # type: ignore[union-attr]
    assert codec.messages[decoded.message.name].write(decoded.values) == frame  # type: ignore[union-attr]
