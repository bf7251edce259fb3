"""A voice caller: a clip player (DFPlayer) or a speech chip (SYN6288, XFS5152) with its loudspeaker.

What it is told follows its declaration (protocol/declared/catalogue; protocols.md 5 [S, C]), clones by the profiles of
that; what is heard of it is text with instants: `spoken` {text, start, end, whole}. A clip takes the time that the
table of clips gives it, a spoken text some time for each character. A command to speak that comes while it speaks cuts
off what it said: these devices have no queue, and a program that does not wait loses the end of its announcement.
"""

from __future__ import annotations

from collections.abc import Mapping

from firmware_sim.burst import LineSettings
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.devices.loudspeaker import Clip, Loudspeaker
from protocol.declared.codec import Codec

__all__ = ["VoiceCaller"]


class VoiceCaller(DeclaredDevice):
    """A device by declaration that speaks.

    Notes: those of `DeclaredDevice`, `spoken` {text, start, end, whole} when an utterance is over, `busy` {on}.

    Args:
        name: what histories call it.
        codec: its declaration, whose role is "voice".
        clips: number -> clip; None for the usual ones.
        unit: its address; the declaration's default when None.
        profile: one of the declaration's profiles; "" for none.
        settings: line settings; the declaration's when None.

    Raises:
        ValueError: the declaration is of something that has no voice, or there is no such profile.
    """

    def __init__(
        self,
        name: str,
        codec: Codec,
        *,
        clips: Mapping[int, Clip] | None = None,
        unit: int | None = None,
        profile: str = "",
        settings: LineSettings | None = None,
    ) -> None:
        if codec.declaration.role != "voice":
            raise ValueError(f"{name}: {codec.declaration.name} has the role {codec.declaration.role}, not voice")
        super().__init__(name, codec, unit=unit, profile=profile, settings=settings, loudspeaker=Loudspeaker(clips))
