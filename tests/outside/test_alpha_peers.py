"""The Alpha board before two independent programs, and our packets before their readers.

`alphasignpy` (all signs, checksums, ACK and NAK, nested packets) and `readerboard` (BetaBrite, no checksums, read-back)
share no code with each other or with hallbench. `tests/outside/setup.d/boards.sh` installs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.devices.alpha_board import BETABRITE, BOARD, AlphaBoard
from protocol.alpha import write
from protocol.alpha.memory import string_file, text_file
from protocol.alpha.packet import Command, Receiver, packet, reply

from .board_server import CLOCK, BoardServer

PEERS = Path(__file__).parents[2] / "build" / "peers"


def run(peer: str, script: str, *args: str) -> Any:
    """Run a script in a peer's environment; it prints one JSON value."""
    python = PEERS / peer / "bin" / "python"
    if not (PEERS / peer / ".installed").exists():
        told = f"{peer} is not here; `bash tests/outside/setup.d/boards.sh` fetches it"
        if os.environ.get("HALLBENCH_PEERS") == "required":
            pytest.fail(f"{told} (HALLBENCH_PEERS=required)")
        pytest.skip(told)
    done = subprocess.run(
        [str(python), "-c", textwrap.dedent(script), *args], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def board() -> Iterator[BoardServer]:
    server = BoardServer(AlphaBoard("board", rows=1, model=BOARD))
    yield server
    server.close()


@pytest.fixture
def betabrite() -> Iterator[BoardServer]:
    server = BoardServer(AlphaBoard("board", rows=1, model=BETABRITE))
    yield server
    server.close()


# -- bytes ------------------------------------------------------------------------------------------------------------
def test_alphasignpy_writes_what_we_write() -> None:
    """Text, STRING, memory configuration, error clearing, ACK: the same characters, but for its pause marks."""
    theirs = run(
        "alphasignpy",
        """
        import json
        from alphasign import Packet
        from alphasign.commands.special import WriteSpecialFunction as E
        from alphasign.commands.string_file import WriteString
        from alphasign.commands.text import WriteText
        from alphasign.protocol import DisplayMode, DisplayPosition, FileProtection, FileType
        commands = [
            WriteText("A001", label="A", position=DisplayPosition.TOP_LINE, mode=DisplayMode.HOLD),
            WriteString("A001", label="a"),
            E.configure_memory([
                {"label": "A", "type": FileType.TEXT, "size": 256},
                {"label": "a", "type": FileType.STRING, "size": 32, "protection": FileProtection.LOCKED},
            ]),
            E.clear_error_status(),
            E.enable_ack_nak(True),
        ]
        one = [Packet(address="05").add(command).to_bytes().replace(b"\\xff", b"").hex() for command in commands]
        both = Packet(address="05").add(commands[0]).add(commands[1]).to_bytes().replace(b"\\xff", b"").hex()
        print(json.dumps([*one, both]))
        """,
    )
    text, string = write.text("A", b"A001"), write.string("a", b"A001")
    ours = [
        packet(command, address=b"05").hex()
        for command in (
            text,
            string,
            write.memory([text_file("A", 256), string_file("a", 32)]),
            write.clear_errors(),
            write.acknowledge(on=True),
        )
    ]
    assert theirs == [*ours, packet(text, string, address=b"05").hex()]


def test_readerboard_writes_what_we_read() -> None:
    """Its packets have no checksum and six NULs: taken apart, they say what it meant."""
    theirs = run(
        "readerboard",
        """
        import json
        from readerboard.protocol import constants as c, frames
        table = [frames.FileAllocation(b"A", 256), frames.FileAllocation.string(b"a", 32),
                 frames.FileAllocation.dots(b"6", 7, 16)]
        payloads = [
            frames.clear_memory(), frames.set_memory_config(table),
            frames.write_text_file(b"A", b"N" + c.STRING_FILE_INSERT + b"a"),
            frames.write_string_file(b"a", b"A001"), frames.set_run_sequence([b"A"]),
            frames.clear_priority_file(), frames.write_dots_file(b"6", ["0" * 16] * 7),
            frames.read_memory_config(), frames.read_string_file(b"a"),
        ]
        print(json.dumps([frames.packet(payload).hex() for payload in payloads]))
        """,
    )
    said = []
    for data in theirs:
        (command,) = [event for event in Receiver().feed(bytes.fromhex(data)) if isinstance(event, Command)]
        assert command.check == "none"
        said.append((command.code, command.data))
    assert said[:6] == [
        write.memory(),
        (ord("E"), b"$AAU0100FFFFaBL002000006DU07104000"),
        write.text("A", b"N" + write.call("a"), position=0x20),
        write.string("a", b"A001"),
        write.sequence("A"),
        write.release(),
    ]
    assert said[6] == (ord("I"), b"60710" + (b"0" * 16 + b"\r") * 7)
    assert said[7:] == [write.read_memory(), write.read_string("a")]


def test_their_readers_understand_our_replies() -> None:
    """General information and a STRING, as the board answers them."""
    board = AlphaBoard("board")
    answers = []
    for command in ((ord("F"), b'"'), write.read_text("A")):
        board.hear(0, packet(write.text("A", b"A001")), 0, 0, None)
        effects = list(board.hear(0, packet(command), 0, 0, None))
        answers.append(next(effect.data for effect in effects if hasattr(effect, "data")).hex())
    theirs = run(
        "alphasignpy",
        """
        import json, sys
        from alphasign.commands.special import parse_general_info
        from alphasign.commands.string_file import parse_read_string_response
        from alphasign.commands.text import parse_read_text_response
        info = parse_general_info(bytes.fromhex(sys.argv[1]))
        label, position, mode, text = parse_read_text_response(bytes.fromhex(sys.argv[2]))
        string = parse_read_string_response(bytes.fromhex(sys.argv[3]))
        print(json.dumps([info["memory_pool"], info["time_format"], label, mode.value.decode(), text.decode(),
                          string[0], string[1].decode()]))
        """,
        *answers,
        reply(ord("G"), b"aA001").hex(),
    )
    assert theirs == [0x7800, "S", "A", "b", "A001", "a", "A001"]
    told = run(
        "readerboard",
        """
        import json, sys
        from readerboard.protocol import replies
        info = replies.parse_general_information(bytes.fromhex(sys.argv[1]))
        print(json.dumps([info.firmware_version, info.clock, info.time_format, info.speaker_enabled,
                          info.memory_total, info.memory_free]))
        """,
        answers[0],
    )
    assert told == ["HB000001", "00:00", "12 hour", False, 0x7800, 0]


# -- on a line --------------------------------------------------------------------------------------------------------
def test_alphasignpy_drives_the_board(board: BoardServer) -> None:
    """Its own `Sign`: ACK and NAK switched on, memory configured, a text, a STRING, a wrong label, all answered."""
    theirs = run(
        "alphasignpy",
        CLOCK
        + textwrap.dedent("""
        import json, sys
        import serial
        from alphasign import Packet, Sign
        from alphasign.commands.special import ReadSpecialFunction, WriteSpecialFunction as E
        from alphasign.commands.string_file import ReadString, WriteString, parse_read_string_response
        from alphasign.commands.text import WriteText
        from alphasign.exceptions import NAKError
        from alphasign.protocol import DisplayMode, FileProtection, FileType, SpecialFunction
        from alphasign.text_format import string_ref
        sign = Sign(address="01")
        sign._ser = serial.serial_for_url(sys.argv[1], timeout=100)  # its open() knows only local ports
        sign.send(Packet(address="01").add(E.enable_ack_nak(True)))
        assert sign.read(2) == b"\\x06\\x40"
        sign.enable_ack_nak()
        files = [{"label": "A", "type": FileType.TEXT, "size": 256},
                 {"label": "a", "type": FileType.STRING, "size": 32, "protection": FileProtection.LOCKED}]
        sign.send(Packet(address="01").add(E.configure_memory(files)))
        sign.send(Packet(address="01").add(WriteText(b"NUMBER " + string_ref("a"), mode=DisplayMode.HOLD))
                                      .add(WriteString("A001", label="a")))
        try:
            sign.send(Packet(address="01").add(WriteString("X", label="z")))
            refused = 0
        except NAKError as nak:
            refused = nak.error_status
        sign.disable_ack_nak()
        sign.send(Packet(address="01").add(ReadString("a")))
        string = parse_read_string_response(sign.read_response(raise_on_timeout=True))
        sign.send(Packet(address="01").add(ReadSpecialFunction(SpecialFunction.SERIAL_ERROR_STATUS)))
        status = sign.read_response(raise_on_timeout=True)
        sign.close()
        print(json.dumps([refused, string[0], string[1].decode(), status.lstrip(b"\\0").hex()]))
        """),
        board.url,
        board.clock,
    )
    assert theirs == [0x60, "a", "A001", reply(ord("E"), b"*\x60").lstrip(b"\0").hex()]
    assert board.texts() == ("NUMBER A001",)
    assert not [note for note in board.notes if note.kind == "hurried"]


def test_readerboard_drives_a_betabrite(betabrite: BoardServer) -> None:
    """Its own transport and frames: clear, configure, text with a STRING, alert and release, and reading back."""
    theirs = run(
        "readerboard",
        CLOCK
        + textwrap.dedent("""
        import json, sys, time
        from readerboard.protocol import constants as c, frames, replies
        from readerboard.transport.serial_link import SerialTransport
        link = SerialTransport(sys.argv[1])
        link.ensure_open()

        def say(payload, pause=0.3):
            link.write(frames.packet(payload))
            time.sleep(pause)

        def ask(payload):
            link.read_available()
            link.write(frames.packet(payload))
            answer = b""
            for _ in range(150):
                time.sleep(0.02)
                answer += link.read_available()
                if answer.endswith(c.EOT):
                    return answer
            raise SystemExit(f"no answer to {payload!r}")

        say(frames.clear_memory(), 6.0)
        say(frames.set_memory_config([frames.FileAllocation(b"A", 256), frames.FileAllocation.string(b"a", 32),
                                      frames.FileAllocation.dots(b"6", 2, 3)]))
        say(frames.write_text_file(b"A", b"N " + c.STRING_FILE_INSERT + b"a"))
        say(frames.set_run_sequence([b"A"]))
        say(frames.write_string_file(b"a", b"A001"))
        say(frames.write_dots_file(b"6", ["123", "000"]))
        say(frames.write_text_file(b"0", b"FIRE"), 0.6)
        say(frames.clear_priority_file(), 0.6)
        memory = replies.unwrap(ask(frames.read_memory_config()), b"$").decode()
        order = replies.unwrap(ask(frames.read_run_sequence()), b".").decode()
        string = replies.unwrap(ask(frames.read_string_file(b"a")), b"a", command=b"G").decode()
        picture = replies.picture_contents(ask(frames.read_dots_file(b"6")), b"6").decode()
        info = replies.parse_general_information(ask(frames.read_general_information()))
        link.close()
        print(json.dumps([memory, order, string, picture, info.memory_total - info.memory_free]))
        """),
        betabrite.url,
        betabrite.clock,
    )
    assert theirs == ["AAU0100FFFFaBL002000006DU02034000", "SUA", "A001", "0203123\r000\r", 256 + 32 + 3 + 33]
    assert betabrite.texts() == ("N A001",)
    shown = [note.facts["text"] for note in betabrite.notes if note.kind == "shown" and note.facts["text"]]
    assert shown[-3:] == ["N A001", "FIRE", "N A001"]
