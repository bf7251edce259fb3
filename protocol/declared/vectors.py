"""Known frames put a declaration to the test: decoded, encoded again, cut, joined and spoilt.

A declaration without a frame that is known from elsewhere proves nothing; one whose frames decode, but also decode when
they are spoilt, proves little. Every vector is therefore read, compared, built again byte for byte, and mutated
(protocols.md 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from protocol.declared.codec import Codec, Decoded
from protocol.declared.frames import CheckPart
from protocol.declared.items import BadValue
from protocol.declared.model import Declaration, Vector
from protocol.declared.reader import Broken, Frame

MOST_SPLITS = 64
"""Of a long frame only so many places are tried for cuts and flips, spread over its length."""


def check_vector(codec: Codec, vector: Vector) -> Iterator[str]:
    """What is wrong with one vector, or with the declaration in its light: one sentence for each."""
    message = codec.messages[vector.of].message
    source = message.source
    frames = _frames(codec, source, vector.data)
    if frames is None or len(frames) != 1:
        yield _not_one(codec, source, vector)
        return
    decoded = codec.read(source, frames[0])
    if decoded.message is None or decoded.message.name != vector.of:
        found = decoded.message.name if decoded.message is not None else decoded.why or "no message matches it"
        yield f"it should be the message {vector.of!r}, but: {found}"
        return
    for name, value in vector.values.items():
        if name not in decoded.values:
            yield f"it has no value {name!r}; it has {', '.join(decoded.values)}"
        elif not codec.same(message, name, value, decoded.values[name]):
            yield f"{name} should be {value!r}, it decodes to {_shown(decoded.values[name])}"
    yield from _encoded_again(codec, vector, frames[0], decoded)
    yield from _spoilt(codec, source, vector, frames[0])


def check_all(declaration: Declaration) -> Iterator[tuple[int, str]]:
    """Number of a vector and what is wrong with it, for all of them; also directions that no vector shows."""
    codec = Codec(declaration)
    for number, vector in enumerate(declaration.vectors):
        for told in check_vector(codec, vector):
            yield number, told


def _frames(codec: Codec, source: str, data: bytes) -> list[Frame] | None:
    reader = codec.reader(source)
    found = [*reader.feed(data), *reader.gap()]
    return None if any(isinstance(item, Broken) for item in found) else [f for f in found if isinstance(f, Frame)]


def _not_one(codec: Codec, source: str, vector: Vector) -> str:
    reader = codec.reader(source)
    found = [*reader.feed(vector.data), *reader.gap()]
    broken = [item for item in found if isinstance(item, Broken)]
    if broken:
        return f"it is no sound frame: {broken[0].cause}" + _expected_check(codec, source, vector, broken[0].cause)
    whole = sum(isinstance(item, Frame) for item in found)
    return f"it is {whole} frames, not one" if whole else "no frame begins in it"


def _expected_check(codec: Codec, source: str, vector: Vector, cause: str) -> str:
    """For a check that does not fit: the one that the declaration computes, where that can be said."""
    if cause != "check":
        return ""
    for form in codec.forms(source):
        plain = form.plain
        body = form.body_of(vector.data[len(vector.data) - len(vector.data.lstrip(_run(form))) :])
        check = next((part.check for part in plain.parts if part.check is not None), None)
        if check is None or len(body) < plain.least:
            continue
        spans = {part.name: (begin, end) for part, begin, end in plain.spans(body)}
        first, last = check.over
        covered = body[spans[first][0] : spans[last][1]]
        return f" (over {covered.hex(' ').upper()} it would be {_value(check, covered)})"
    return ""


def _run(form: object) -> bytes:
    run = getattr(form, "run", None)
    return bytes((run.byte,)) if run is not None else b""


def _value(check: CheckPart, covered: bytes) -> str:
    from protocol.declared.checks import written

    return written(check.compute(covered), check.size, check.endian, check.encoding).hex(" ").upper()


def _encoded_again(codec: Codec, vector: Vector, frame: Frame, decoded: Decoded) -> Iterator[str]:
    made = codec.messages[vector.of]
    form = made.alternatives.index(frame.codec)
    try:
        again = made.write(decoded.values, form)
    except BadValue as error:
        yield f"encoded again: {error}"
        return
    if again != vector.data:
        yield f"encoded again it is {again.hex(' ').upper()}"


def _places(size: int) -> range:
    return range(0, size, max(1, size // MOST_SPLITS))


def _spoilt(codec: Codec, source: str, vector: Vector, frame: Frame) -> Iterator[str]:
    data = vector.data
    reader = codec.reader(source)
    for at in _places(len(data)):
        for bit in range(8):
            bad = data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
            taken = [f.raw for f in reader.feed(bad) + reader.gap() if isinstance(f, Frame)]
            if _covered(frame, len(data) - len(frame.raw), at) and bad[len(data) - len(frame.raw) :] in taken:
                yield f"with bit {bit} of byte {at + 1} flipped it is still taken for a frame"
                return
    for at in _places(len(data)):
        reader.reset()
        pieces = reader.feed(data[:at]) + reader.feed(data[at:]) + reader.gap()
        if pieces != [frame]:
            yield f"cut after {at} bytes it is not read as a whole"
            return
    if frame.codec.silent:
        return
    reader.reset()
    twice = reader.feed(data + data) + reader.gap()
    if twice != [frame, frame]:
        yield f"sent twice without a pause it gives {len(twice)} results, not two frames"
    for at in _places(len(data))[1:]:
        reader.reset()
        reader.feed(data[:at])
        reader.gap()
        if reader.feed(data) + reader.gap() != [frame]:
            yield f"after its first {at} bytes and silence, the whole frame is not read"
            return


def _covered(frame: Frame, lead: int, at: int) -> bool:
    """Whether a check or a constant stands for the byte at `at` of the vector."""
    plain = frame.codec.plain
    if plain is not frame.codec:
        return any(part.check is not None for part in plain.parts) and at >= lead
    spans = {part.name: (begin, end) for part, begin, end in plain.spans(frame.raw)}
    for part, begin, end in plain.spans(frame.raw):
        if begin <= at - lead < end and (part.item.kind == "const" or part.check is not None):
            return True
        if part.check is not None:
            first, last = part.check.over
            if spans[first][0] <= at - lead < spans[last][1]:
                return True
    return False


def _shown(value: object) -> str:
    return value.hex(" ").upper() if isinstance(value, bytes) else repr(value)
