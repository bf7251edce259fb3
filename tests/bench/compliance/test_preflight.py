"""Before the first case: each way in which a line is not ready has its own sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.compliance.declaration import load_declaration
from bench.compliance.engine import Judge
from bench.compliance.preflight import preflight
from bench.compliance.results import Frame
from bench.compliance.steps import Ask, Heard, PortLost, Step, joined
from bench.compliance.suites import suite_named
from firmware_sim.burst import LineSettings
from protocol.modbus.rtu import seal

DECLARED = load_declaration("reference")
JUDGE = Judge(DECLARED, suite_named("modbus_rtu.device").requirements(), 17, 1, LineSettings.parse("19200 8N1"))
STREAM = load_declaration("tm_t88")


class Line:
    """A player whose line answers as a function says: (request, settings) -> characters."""

    clock = "wall"
    uncertainty = 0
    now = 0

    def __init__(self, answer: Callable[[bytes, LineSettings], bytes], lacks: tuple[str, ...] = ()) -> None:
        self.frames: list[Frame] = []
        self.settings = JUDGE.settings
        self.tried: list[str] = []
        self._answer, self._lacks = answer, lacks

    def begin(self, attempt: int) -> None:
        """Nothing has to be made ready."""

    def reopen(self, settings: LineSettings) -> None:
        """Take settings that it had."""
        self.tried.append(str(settings))
        self.settings = settings

    def retune(self, settings: LineSettings) -> None:
        """Take other settings, if the port has them."""
        self.tried.append(str(settings))
        if str(settings) in self._lacks:
            raise PortLost(f"not {settings}")
        self.settings = settings

    def play(self, step: Step) -> Heard:
        """Hear what the function says."""
        said = joined(step.parts) if isinstance(step, Ask) else b""
        self.frames.append(Frame(0, 0, "out", said))
        data = self._answer(said, self.settings)
        heard = (Frame(1, 2, "in", data),) if data else ()
        self.frames += heard
        return Heard(heard, 0, len(self.frames) - len(heard), ())


def look(judge: Judge, line: Line) -> str:
    """Why the suite should not be run on this line."""
    return preflight(judge, line).ending


def refusal(request: bytes) -> bytes:
    """A sound reply to any request."""
    return seal(bytes((request[0], request[1] | 0x80, 2))) if request else b""


def test_a_line_that_answers_is_ready() -> None:
    """Law: one sound reply of three will do, and the settings stay."""
    line = Line(lambda said, _: refusal(said))
    assert look(JUDGE, line) == ""
    assert line.tried == []


def test_a_line_that_speaks_unasked_babbles() -> None:
    """Law: characters without a request are told with their number."""
    assert look(JUDGE, Line(lambda *_: b"\x55" * 7)).startswith("the line babbles: 7 characters came in 300 ms")


def test_nobody_at_any_settings() -> None:
    """Law: silence is told as no device, after every other settings were tried and the line set back."""
    line = Line(lambda *_: b"")
    assert look(JUDGE, line).startswith("no device: unit 17 did not answer one of three requests at 19200 8N1")
    assert line.tried[-1] == "19200 8N1"
    assert len(set(line.tried)) == 8
    assert line.settings == JUDGE.settings


def test_settings_at_which_the_device_answers_are_named() -> None:
    """Law: where the device answers at other settings these are told; those that the port lacks are passed over."""
    there = LineSettings.parse("115200 8N1")
    line = Line(lambda said, settings: refusal(said) if settings == there else b"", lacks=("9600 8N1",))
    told = look(JUDGE, line)
    assert told.startswith("wrong settings: nothing sound came at 19200 8N1, and the device answers at 115200 8N1")
    assert line.settings == JUDGE.settings


def test_replies_that_are_never_sound() -> None:
    """Law: something that answers, and never soundly, is told with what came."""
    told = look(JUDGE, Line(lambda said, _: b"\xf3\x00" if said else b""))
    assert told.startswith("damaged replies: something answers unit 17 at 19200 8N1, and no reply is sound")


def test_a_port_that_hears_itself_at_a_stream() -> None:
    """Law: a device that may speak unasked has its own way to be ready; an echo is told there too, and silence."""
    judge = replace(JUDGE, declaration=STREAM, requirements=suite_named("escpos.device").requirements())
    assert "add --echo" in look(judge, Line(lambda said, _: said))
    assert look(judge, Line(lambda *_: b"")).startswith("no device: nothing came back at 19200 8N1")
    assert look(judge, Line(lambda *_: b"\xff")).startswith("the line babbles: ")
