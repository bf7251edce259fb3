"""Cases made from a protocol declaration itself: each known frame of the host, each press, every way to break one."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from bench.compliance.case import Case, Failed, Lost, frames_text
from bench.compliance.declared_bench import DeclaredBench
from bench.compliance.steps import Ask, Operator, Play, Wait
from firmware_sim.device import MS, Send
from firmware_sim.devices.declared_device import DeclaredDevice
from protocol.declared.reader import Broken

__all__ = ["CASES"]


def answers(b: DeclaredBench) -> Play:
    """Each question draws what the declaration says."""
    for name, frame in sorted(b.questions().items()):
        heard = yield from b.say((0, frame), note=name)
        b.must_tell(heard, b.oracle(frame), f"message {name}")


def statements(b: DeclaredBench) -> Play:
    """Messages that draw nothing draw nothing."""
    for name, frame in sorted(b.known().items()):
        if name in b.declaration.extra.get("tell", ()):
            heard = yield from b.say((0, frame), note=name)
            if heard.frames:
                raise Failed(f"message {name} is not answered by its declaration; {frames_text(heard.frames)}", heard)


def presses(b: DeclaredBench) -> Play:
    """What is told of each key is what the declaration tells."""
    for key in range(1, int(b.declaration.capabilities.get("keys", 4)) + 1):
        told = yield from b.press(key)
        device = DeclaredDevice("oracle", b.codec, unit=b.unit)
        said = [effect.data for effect in device.press(0, key) if isinstance(effect, Send)]
        wanted = b.codec.decode("device", b"".join(said))[0]
        assert not isinstance(wanted, Broken)
        address = b.spec.address.part if b.spec.address is not None else ""
        for name, value in wanted.values.items():
            if name != address and told.values.get(name) != value and not isinstance(value, bytes):
                yield from b.settle()
                raise Failed(f"key {key} is told with {name} {told.values.get(name)!r}, {value!r} declared", told.heard)
        yield from b.say((0, b.answer(told)), note="answered")
        yield from b.settle()
        b.saw(told.heard)


def sound(b: DeclaredBench) -> Play:
    """Whatever it says is a sound frame by the declaration's constants, lengths and checks."""
    if b.asks:
        heard = yield from b.say((0, b.question()))
    else:
        key = min(2, int(b.declaration.capabilities.get("keys", 4)))
        yield Operator("press", (key,), f"press key {key} once")
        heard = yield Wait(200 * MS, "what does it tell?")
        yield from b.settle()
    if not heard.data:
        raise Lost("it says nothing at all")
    reader = b.codec.reader("device")
    found = [*reader.feed(heard.data), *reader.gap()]
    if not found or any(isinstance(item, Broken) for item in found):
        causes = " ".join(item.cause for item in found if isinstance(item, Broken)) or "no frame begins in it"
        raise Failed(f"what it says is no sound frame ({causes}): {frames_text(heard.frames)}", heard)
    b.saw(heard)


def address_told(b: DeclaredBench) -> Play:
    """A frame of the device carries its address."""
    assert b.spec.address is not None
    told = yield from b.press(1)
    yield from b.settle()
    found = told.values.get(b.spec.address.part)
    if found != b.unit:
        raise Failed(f"the device's address is {b.unit}, its frame tells {found}", told.heard)
    b.saw(told.heard)


def other_address(b: DeclaredBench) -> Play:
    """A frame for another unit."""
    other = b.stranger()
    if b.asks:
        name = b.rng.choice(sorted(b.questions()))
        heard = yield from b.say((0, b.known(other)[name]), note="another address")
        if heard.frames:
            raise Failed(f"a question to unit {other} was answered: {frames_text(heard.frames)}", heard)
        return
    told = yield from b.press(1)
    heard = yield from b.say((0, b.answer(told, other)), note="to another address", window=b.repeats(told))
    yield from b.settle()
    if not heard.frames:
        raise Failed(f"an answer to unit {other} is taken: the press is not repeated")
    b.saw(told.heard)


def bad_check(b: DeclaredBench) -> Play:
    """The check turned by a bit, three times."""
    for _ in range(3 if b.asks else 1):
        yield from b.hears(b"", 0, "a frame with a bad check", wanted=False, spoil=b.spoilt)


def escape_told(b: DeclaredBench) -> Play:
    """For each escaped character a question whose answer has it."""
    yield from _escaped(b, told=True)


def escape_heard(b: DeclaredBench) -> Play:
    """For each escaped character a question that has it, answered by a frame that has none."""
    yield from _escaped(b, told=False)


def _escaped(b: DeclaredBench, *, told: bool) -> Play:
    escapes = b.escapes()
    tried = 0
    for char, stands in sorted(escapes.items()):
        rows = []
        for row in b.drawn(char):
            has, other = (row.answer, row.frame) if told else (row.frame, row.answer)
            if stands in has:
                rows.append((any(each in other for each in escapes.values()), row))
        if not rows:
            continue
        tried += 1
        row = min(rows, key=lambda pair: pair[0])[1]
        heard = yield from b.say((0, row.frame), note=f"{row.name}, with {char:02X} escaped")
        b.must_tell(heard, b.names(row.answer), f"message {row.name} with {char:02X} in it")
        came = frames_text(heard.frames)
        if b.values_of(heard.data) != b.values_of(row.answer):
            raise Failed(f"message {row.name} with {char:02X} in it draws other values: {came}", heard)
    if not tried:
        raise Lost("no question of the declaration has an escaped character in it, or in its answer")


def _is(b: DeclaredBench, wanted: list[str], data: bytes) -> bool:
    return b.names(data) == wanted


def release(b: DeclaredBench) -> Play:
    """The next question begins as soon as the line is declared to be free, five times."""
    if b.uncertainty:
        raise Lost("a pause so short cannot be made on this port")
    free = int(b.declaration.capabilities["release_ms"]) * MS
    for number in range(5):
        question = b.question()
        wanted = b.oracle(question)
        pause = free if number else b.gap
        whole = partial(_is, b, wanted)
        heard = yield Ask(((0, question),), b.timeout, whole, "", pause, 0)
        b.must_tell(heard, wanted, f"a question {pause / MS:g} ms after the last character of a reply")


def truncated(b: DeclaredBench) -> Play:
    """Half a frame, a pause, a good one."""
    half = sample(b)
    yield from b.hears(half[: max(1, len(half) // 2)], 3 * b.gap, "half a frame and a pause")


def noise(b: DeclaredBench) -> Play:
    """Characters that begin no frame, and a good one at once."""
    start = sample(b)[0]
    dirt = bytes(b.rng.choice([n for n in range(1, 0x7E) if n != start and n not in b"$#&\x16\x68"]) for _ in range(3))
    yield from b.hears(dirt, 0, "three characters of noise")


def start_again(b: DeclaredBench) -> Play:
    """The first character of a frame, and the whole frame after a pause."""
    yield from b.hears(sample(b)[:1], 3 * b.gap, "the first character of a frame and a pause")


def overlong(b: DeclaredBench) -> Play:
    """A frame that goes on far beyond its greatest length, a pause, a good one."""
    body = sample(b)
    longest = max(form.plain.spec.most for form in b.codec.forms("host"))
    rubbish = body[: max(2, len(body) // 2)] + b"\x55" * min(longest + 20, 600)
    yield from b.hears(rubbish, 3 * b.gap, f"{len(rubbish)} characters without an end and a pause")


def behind_bad(b: DeclaredBench) -> Play:
    """A frame with a bad check, and a good one right behind it."""
    yield from b.hears(b.spoilt(sample(b)), 0, "a frame with a bad check right before it")


def sample(b: DeclaredBench) -> bytes:
    """A known frame of the host's."""
    known = b.known()
    if not known:
        raise Lost("the declaration has no frame of the host's that is known")
    return known[min(known)]


def repeated(b: DeclaredBench) -> Play:
    """Nobody answers: the same frame as often as declared."""
    told = yield from b.press(min(3, int(b.declaration.capabilities.get("keys", 4))))
    expect = b.codec.messages[told.message].message.expect
    if expect is None:
        raise Lost(f"the declaration says nothing of an answer to {told.message}")
    wait = (expect.within + expect.stagger * b.unit + 60) * (expect.retries + 2) * MS
    heard = yield Wait(wait, "nobody answers")
    if len(heard.frames) != expect.retries:
        raise Failed(f"unanswered it is repeated {len(heard.frames)} times, {expect.retries} declared", heard)
    if any(frame.data != told.heard.data for frame in heard.frames):
        raise Failed(f"a repetition is not what was told: {frames_text(heard.frames)}", heard)
    b.saw(told.heard)


def answered(b: DeclaredBench) -> Play:
    """Answered it is not repeated."""
    yield from b.hears(b"", 0, "nothing")


def unasked(b: DeclaredBench) -> Play:
    """Spoken to, and then left alone for three seconds."""
    if b.known():
        yield from b.say((0, sample(b)), note="so that it has been spoken to", window=5 * b.timeout)
    heard = yield Wait(3_000 * MS, "does it speak unasked?")
    if heard.frames:
        raise Failed(f"nobody asked and no key was pressed: {frames_text(heard.frames)}", heard)


def in_time(b: DeclaredBench) -> Play:
    """An answer begins within the time declared."""
    heard = yield from b.say((0, b.question()), window=5 * b.timeout)
    if not heard.frames:
        raise Lost("no answer at all")
    b.at_most("silence before the answer", heard.frames[0].at - heard.sent_end, b.timeout, heard, "the answer is late")
    b.saw(heard)


def _case(slug: str, primary: str, title: str, run: Any, applies: str = "", **more: Any) -> Case:
    return Case(f"declared.dev.{slug}", 1, f"DECL-{primary}", title, run, applies=applies, cost=(6, 2), **more)


CASES: Final = (
    _case("sound", "frame-R1", "What it says are sound frames", sound, bare=True),
    _case("answers", "message-R1", "Each question draws its declared answer", answers, "questions", bare=True),
    _case("presses", "message-R2", "Each key is told as declared", presses, "presses", needs="operator"),
    _case("statements", "message-R3", "Messages without an answer draw none", statements, "statements"),
    _case("in-time", "message-R4", "Answers begin in time", in_time, "questions", timing_class="coarse", bare=True),
    _case("address-told", "address-R1", "Its frames carry its address", address_told, "presses and address"),
    _case("other-address", "address-R2", "Another address is not heard", other_address, "address"),
    _case("bad-check", "frame-R2", "A bad check is not taken", bad_check, "check"),
    _case("escape-told", "escape-R1", "What must be escaped is said escaped", escape_told, "questions and escape_told"),
    _case("escape-heard", "escape-R2", "What comes escaped is taken for what it stands for", escape_heard,
          "questions and escape_heard"),
    _case("release", "turnaround-R1", "It lets go of the line in time", release, "questions and release_ms",
          timing_class="fine"),
    _case("truncated", "recovery-R1", "After half a frame the next is heard", truncated),
    _case("start-again", "recovery-R2", "After a lone first character the next is heard", start_again),
    _case("noise", "recovery-R3", "Noise before a frame does not hide it", noise),
    _case("overlong", "recovery-R4", "After an endless frame the next is heard", overlong),
    _case("behind-bad", "recovery-R5", "Right behind a bad check a frame is heard", behind_bad, "check"),
    _case("repeated", "expect-R1", "Unanswered it repeats as declared", repeated, "presses", needs="operator"),
    _case("answered", "expect-R2", "Answered it does not repeat", answered, "presses", needs="operator"),
    _case("unasked", "silence-R1", "Nobody asked, nothing is said", unasked),
)  # fmt: skip
