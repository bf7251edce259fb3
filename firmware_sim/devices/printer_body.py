"""The mechanical half of a ticket printer: paper, head, knife, presenter, cover, button, and the hands that reach them.

It carries out what the electronics (`ticket_printer`) compose, one action at a time and in time: paper moves at the
profile's speed, a line that was interrupted is printed again from its beginning when printing goes on (as after DLE ENQ
1). A page of page mode is one action: interrupted, it is printed again from its beginning.

Errors, with the source of what they do to the status bytes (protocols.md 4.3): open cover, paper end, cutter and
unrecoverable errors [S]; a hot head is auto-recoverable and a paper jam recoverable [S, protocols.md 4.3 and the
Pyramid Reliance's error bytes]. That a jam tears off the unfinished ticket, and a cover opened while printing is an
auto-recoverable error, is assumed for all profiles.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from typing import ClassVar, NamedTuple, TypeAlias

from firmware_sim.device import NS, Alarm, Effect, Note
from protocol.escpos import status
from protocol.escpos.paper import Action, Advance, Roll, Sheet
from protocol.escpos.profiles import PrinterProfile

MOST_PIECES = 8192
"""Stretches of text kept of one sheet: some forty metres of it."""

PRINT, PRESENT = "print", "present"
"""Tags of the mechanism's alarms: an action is done; a presented ticket was not taken in time."""

_WAY_OUT = 12
"""Steps by which a ticket that is ejected or retracted moves (assumed: the length of a short ticket)."""


class Present(NamedTuple):
    """What a presenter does with the ticket that was cut: `kind` is "present", "eject" or "retract".

    `wait` is how long a presented ticket may hang there, seconds; 0 is for ever.
    """

    kind: str
    steps: int = _WAY_OUT
    wait: int = 0


Motion: TypeAlias = Action | Present


class PrinterBody(ABC):
    """The mechanism of one printer with its roll of paper, and the human side.

    Args:
        name: as the scenario calls it.
        profile: what kind it is.
        paper_mm: length of the roll in it.
        near_end_mm: from this length on the near-end sensor sees the core.

    Attributes:
        human: names of the methods by which a person, or a fault, acts on it.
    """

    human: ClassVar[tuple[str, ...]] = (
        "open_cover",
        "close_cover",
        "load_paper",
        "take_paper",
        "hold_feed",
        "release_feed",
        "jam_paper",
        "clear_jam",
        "jam_cutter",
        "free_cutter",
        "overheat",
        "cool_down",
        "unplug",
        "plug_in",
    )

    def __init__(self, name: str, profile: PrinterProfile, paper_mm: int, near_end_mm: int) -> None:
        if paper_mm < 0 or near_end_mm < 0:
            raise ValueError(f"printer {name}: lengths of paper are not negative ({paper_mm}, {near_end_mm} mm)")
        self.name = name
        self.profile = profile
        self._near_end = near_end_mm * profile.dots_per_mm
        self._left = paper_mm * profile.dots_per_mm
        self._roll = Roll(profile, text_only=True, most_pieces=MOST_PIECES)
        self._work: deque[Motion] = deque()
        self._current: Motion | None = None
        self._on = True
        self._cover_open = False
        self._stopped_by_cover = False
        self._scrap_in_cutter = self._cutter_error = False
        self._paper_stuck = self._jam_error = False
        self._head_hot = False
        self._stops_near_end = False
        self._button_enabled = True
        self._feed_since: int | None = None
        self._button_held = False
        self._out = 0  # tickets that lie where people take them
        self._presented = False
        self._continuous = True
        self._paper_told = self._paper_state

    # -- what the electronics add -----------------------------------------------------------------------------------
    @abstractmethod
    def _go_on(self, now: int, out: list[Effect]) -> None:
        """After anything that happened: tell what changed, work on, keep the host informed."""

    @abstractmethod
    def _bytes_of_ticket(self) -> bytes:
        """What was sent for the ticket whose cut is done."""

    # -- what can be seen of it -------------------------------------------------------------------------------------
    @property
    def condition(self) -> status.Condition:
        """How it is, as its status bytes tell."""
        out = self._left <= 0
        near = self._left <= self._near_end
        stopped = out or (near and self._stops_near_end)
        feeding = self._feed_since is not None
        return status.Condition(
            drawer_high=self.profile.drawer_high,
            offline=self._cover_open or stopped or self._cutter_error or self._jam_error or self._head_hot or feeding,
            feed_button=self._button_held,
            feeding=feeding,
            cover_open=self._cover_open,
            stopped=stopped,
            recoverable=self._jam_error,
            cutter_error=self._cutter_error,
            auto_recoverable=self._stopped_by_cover or self._head_hot,
            near_end=near,
            paper_end=out,
            head_hot=self._head_hot,
            jam=self._jam_error,
            ticket_out=bool(self._out and self._presented),
            motor_on=feeding or self._current is not None,
        )

    @property
    def left_mm(self) -> int:
        """Paper left on the roll, mm."""
        return self._left // self.profile.dots_per_mm

    @property
    def hanging(self) -> list[str]:
        """Lines on the paper that was not cut yet."""
        return self._roll.hanging().lines

    @property
    def _paper_state(self) -> str:
        if self._left <= 0:
            return "out"
        return "near_end" if self._left <= self._near_end else "ok"

    def _tell_paper(self, out: list[Effect]) -> None:
        paper = self._paper_state
        if paper != self._paper_told:
            self._paper_told = paper
            out.append(Note("paper", {"state": paper, "left_mm": self.left_mm}))

    # -- the mechanism in time --------------------------------------------------------------------------------------
    def _begin(self, now: int, motion: Motion, out: list[Effect]) -> None:
        if self._paper_stuck:
            self._stop_at_jam(motion, out)
            return
        self._current = motion
        profile = self.profile
        if isinstance(motion, Advance):
            if profile.presenter and self._out:
                self._clear_mouth(profile.presenter, out)  # the next ticket pushes the last one out, or in
            takes = profile.duration(min(motion.dots, self._left))
        elif isinstance(motion, Present):
            takes = motion.steps * profile.step_mm * NS // profile.present_mm_s if self._out else 0
        else:
            takes = profile.cut_ns
        out.append(Alarm(now + takes, PRINT))

    def _ended(self, now: int, out: list[Effect]) -> bool:
        """The present motion's time is over; whether it did what it should (else it waits to be done again)."""
        motion, self._current = self._current, None
        if isinstance(motion, Advance):
            done = self._advanced(motion)
        elif isinstance(motion, Present):
            done = self._presented_by(now, motion, out)
        else:
            assert motion is not None
            done = self._knife_fell(motion, out)
        if not done:
            self._work.appendleft(motion)
        return done

    def _advanced(self, action: Advance) -> bool:
        short = self._left < action.dots
        self._left = max(0, self._left - action.dots)
        if short and action.row is not None:
            return False  # the paper ended in this line: it is printed again on the next roll
        self._roll.add(action)
        return True

    def _knife_fell(self, action: Action, out: list[Effect]) -> bool:
        if self._scrap_in_cutter:
            self._cutter_error = True
            out.append(Note("cutter", {"error": True}))
            return False
        sheet = self._roll.add(action)
        assert sheet is not None
        self._out += 1
        self._presented = self._continuous or not self.profile.presenter
        out.append(Note("cut", {"partial": sheet.cut == "partial"}))
        out.append(self._printed(sheet))
        return True

    def _printed(self, sheet: Sheet) -> Note:
        return Note("printed", {"lines": sheet.lines, "data": self._bytes_of_ticket().hex(), "mm": sheet.mm})

    def _presented_by(self, now: int, motion: Present, out: list[Effect]) -> bool:
        if not self._out:
            return True
        if motion.kind != "present":
            self._clear_mouth(motion.kind, out)
            return True
        if not self._presented:
            self._presented = True
            out.append(Note("presented", {"tickets": self._out}))
        out.append(Alarm(now + motion.wait * NS if motion.wait else None, PRESENT))
        return True

    def _not_taken(self, out: list[Effect]) -> None:
        if self._out:
            self._clear_mouth(self.profile.presenter, out)

    def _clear_mouth(self, how: str, out: list[Effect]) -> None:
        """The ticket in the mouth falls out ("eject") or is drawn into the machine ("retract")."""
        out += [Note("ejected" if how == "eject" else "retracted", {"tickets": self._out}), Alarm(None, PRESENT)]
        self._out = 0
        self._presented = False

    def _interrupt(self, out: list[Effect]) -> None:
        """What the mechanism is doing stops, and is done again from its beginning later."""
        if self._current is not None:
            out.append(Alarm(None, PRINT))
            self._work.appendleft(self._current)
            self._current = None

    def _stop_at_jam(self, motion: Motion, out: list[Effect]) -> None:
        self._work.appendleft(motion)
        if not self._jam_error:
            self._jam_error = True
            out.append(Note("jam", {"error": True}))

    def _recover(self, out: list[Effect]) -> bool:
        """DLE ENQ: errors that a command can clear are cleared; whether there was one."""
        if not (self._cutter_error or self._jam_error):
            return False
        if self._cutter_error:
            self._cutter_error = False
            out.append(Note("cutter", {"error": False}))
        if self._jam_error:
            self._jam_error = False
            out.append(Note("jam", {"error": False}))
        return True

    def _power_lost(self, out: list[Effect]) -> None:
        self._work.clear()
        self._current = None
        self._stopped_by_cover = self._cutter_error = self._jam_error = self._stops_near_end = False
        self._feed_since = None
        self._button_enabled = self._continuous = True
        out.append(Alarm(None, PRINT))
        if self.profile.presenter:
            out.append(Alarm(None, PRESENT))

    # -- the human side ---------------------------------------------------------------------------------------------
    def open_cover(self, now: int) -> Iterable[Effect]:
        """Somebody opens the cover: printing stops within the line."""
        if self._cover_open:
            return ()
        out: list[Effect] = [Note("cover", {"open": True})]
        self._cover_open = True
        self._stopped_by_cover = self._on and (self._current is not None or bool(self._work))
        self._stop_feeding(now, out)
        self._interrupt(out)
        return self._after_hand(now, out)

    def close_cover(self, now: int) -> Iterable[Effect]:
        """Somebody closes the cover: printing goes on."""
        if not self._cover_open:
            return ()
        self._cover_open = self._stopped_by_cover = False
        return self._after_hand(now, [Note("cover", {"open": False})])

    def load_paper(self, now: int, mm: int) -> Iterable[Effect]:
        """Somebody puts a roll of `mm` millimetres in, in place of the old one.

        Raises:
            ValueError: the roll has no paper.
        """
        if mm <= 0:
            raise ValueError(f"printer {self.name}: a roll has more than 0 mm of paper, not {mm}")
        self._left = mm * self.profile.dots_per_mm
        return self._after_hand(now, [])

    def take_paper(self, now: int) -> Iterable[Effect]:
        """Somebody takes the tickets that were cut; from a presenter only what it has presented."""
        if not self._out or not self._presented:
            return ()
        taken, self._out = self._out, 0
        self._presented = False
        out: list[Effect] = [Note("taken", {"tickets": taken})]
        return self._after_hand(now, [*out, Alarm(None, PRESENT)] if self.profile.presenter else out)

    def hold_feed(self, now: int) -> Iterable[Effect]:
        """Somebody presses the feed button and holds it: an idle printer feeds paper and is off line meanwhile."""
        if self._button_held:
            return ()
        self._button_held = True
        idle = self._current is None and not self._work and not self.condition.offline
        if self._on and idle and self._button_enabled and not self._paper_stuck:
            self._feed_since = now
        return self._after_hand(now, [])

    def release_feed(self, now: int) -> Iterable[Effect]:
        """Somebody lets the feed button go."""
        if not self._button_held:
            return ()
        self._button_held = False
        out: list[Effect] = []
        self._stop_feeding(now, out)
        return self._after_hand(now, out)

    def _stop_feeding(self, now: int, out: list[Effect]) -> None:
        if self._feed_since is None:
            return
        profile = self.profile
        dots = min(self._left, (now - self._feed_since) * profile.dots_per_mm * profile.speed_mm_s // NS)
        self._feed_since = None
        if dots:
            self._advanced(Advance(dots))
        out.append(Note("fed", {"mm": dots // profile.dots_per_mm}))

    def jam_paper(self, now: int) -> Iterable[Effect]:
        """Paper jams in the path: what is being printed stops, or what is printed next."""
        if self._paper_stuck:
            return ()
        self._paper_stuck = True
        out: list[Effect] = []
        if self._current is not None:
            self._interrupt(out)
            self._jam_error = True
            out.append(Note("jam", {"error": True}))
        self._stop_feeding(now, out)
        return self._after_hand(now, out)

    def clear_jam(self, now: int) -> Iterable[Effect]:
        """Somebody pulls the jammed paper out: the unfinished ticket is torn off; the error stays until DLE ENQ."""
        if not self._paper_stuck:
            return ()
        self._paper_stuck = False
        torn, self._roll = (
            self._roll.hanging(),
            Roll(self.profile, text_only=True, most_pieces=MOST_PIECES),
        )
        return self._after_hand(now, [Note("torn", {"lines": torn.lines, "mm": torn.mm})])

    def jam_cutter(self, now: int) -> Iterable[Effect]:
        """A scrap of paper gets into the cutter: the next cut fails."""
        self._scrap_in_cutter = True
        return ()

    def free_cutter(self, now: int) -> Iterable[Effect]:
        """Somebody takes the scrap out; the error stays until DLE ENQ or the power goes."""
        self._scrap_in_cutter = False
        return ()

    def overheat(self, now: int) -> Iterable[Effect]:
        """The head gets too hot: it stops after the present line, until it has cooled."""
        if self._head_hot:
            return ()
        self._head_hot = True
        return self._after_hand(now, [Note("head", {"hot": True})])

    def cool_down(self, now: int) -> Iterable[Effect]:
        """The head has cooled: printing goes on by itself."""
        if not self._head_hot:
            return ()
        self._head_hot = False
        return self._after_hand(now, [Note("head", {"hot": False})])

    @abstractmethod
    def unplug(self, now: int) -> Iterable[Effect]:
        """The power goes."""

    @abstractmethod
    def plug_in(self, now: int) -> Iterable[Effect]:
        """The power comes back."""

    def _after_hand(self, now: int, out: list[Effect]) -> list[Effect]:
        if self._on:
            self._go_on(now, out)
        else:
            self._tell_paper(out)
        return out
