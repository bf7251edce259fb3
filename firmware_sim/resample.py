"""What a receiver makes of characters that were sent with other settings than its own.

The sender's bits are laid out as the level over time and sampled by a UART at the receiver's speed: falling edge,
middle of each bit, first stop bit checked. So a wrong baud rate garbles as it garbles on a real line (more or fewer
characters, framing errors), and equal settings give back exactly what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from firmware_sim.burst import LineSettings
from firmware_sim.device import BREAK, FRAMING, PARITY

_PARITY_BIT: Mapping[str, Callable[[int], int]] = {
    "E": lambda value: value.bit_count() & 1,
    "O": lambda value: 1 - (value.bit_count() & 1),
    "M": lambda _value: 1,
    "S": lambda _value: 0,
}


def levels(data: bytes, settings: LineSettings) -> list[int]:
    """The line's level, one entry for each half bit: start 0, data LSB first, parity, stop 1."""
    out: list[int] = []
    mask = (1 << settings.data_bits) - 1
    for char in data:
        value = char & mask
        bits = [0, *((value >> i) & 1 for i in range(settings.data_bits))]
        if settings.parity != "N":
            bits.append(_PARITY_BIT[settings.parity](value))
        for bit in bits:
            out += (bit, bit)
        out += [1] * round(2 * settings.stop_bits)
    return out


def resample(data: bytes, sender: LineSettings, receiver: LineSettings) -> tuple[bytes, dict[int, int]]:
    """Characters that `receiver` makes of `data` sent back to back with `sender`'s settings.

    Returns:
        The received characters and, by index, the flaws (PARITY, FRAMING, BREAK) their UART reports. The level after
        the last character is idle (1).
    """
    wave = levels(data, sender)
    # Position of a sample: receiver's bit k.5 after the edge, in the sender's half bits, as the exact ratio
    # 2*sender.baud / receiver.baud half bits per receiver bit.
    num, den = 2 * sender.baud, receiver.baud
    length = len(wave) * den

    def level(position: int) -> int:  # position in 1/den half bits
        return wave[position // den] if position < length else 1

    out = bytearray()
    flaws: dict[int, int] = {}
    at, previous = 0, 1
    while at < length:
        now = wave[at // den]
        if not (previous == 1 and now == 0):
            previous = now
            at = (at // den + 1) * den
            continue
        middle = at + sender.baud
        value = 0
        for i in range(receiver.data_bits):
            value |= level(middle + (i + 1) * num) << i
        flaw, bit = 0, receiver.data_bits + 1
        if receiver.parity != "N":
            if level(middle + bit * num) != _PARITY_BIT[receiver.parity](value):
                flaw |= PARITY
            bit += 1
        stop = middle + bit * num
        if level(stop) == 0:
            flaw |= BREAK | FRAMING if value == 0 else FRAMING
        if flaw:
            flaws[len(out)] = flaw
        out.append(value)
        # The receiver looks for the next edge from the middle of the stop bit on; a low stop bit must rise first.
        at, previous = stop, level(stop)
        if at < length and previous == 1 and wave[at // den] == 1:
            at = (at // den) * den
    return bytes(out), flaws
