"""Any interleaving of presses, reads, acknowledgements and boots against a list that does the same plainly.

The reference keeps every press that ever counted in one list, in order, with what became of it; the keypad must show
exactly the waiting ones, refuse exactly what the list cannot explain, and lose none without counting it.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware_sim.devices.rating_keypad import RatingKeypad
from slave_host import MS, SECOND, Host

WAITS, FREED, DROPPED = "waits", "freed", "dropped"


class KeypadAgainstList(RuleBasedStateMachine):
    @initialize(
        depth=st.integers(1, 20), next_seq=st.sampled_from([0, 65530, 65535, 4090]), epoch=st.integers(0, 65535)
    )
    def start(self, depth: int, next_seq: int, epoch: int) -> None:
        self.host = Host(RatingKeypad("kp", depth=depth, next_seq=next_seq, epoch=epoch))
        self.depth, self.epoch, self.next_seq = depth, epoch, next_seq
        self.ever: list[dict] = []
        self.last: tuple[int, int] | None = None
        self.lost = self.lost_known = 0
        self.clerk = self.ticket = 0
        self.closes = 0

    # -- the reference ------------------------------------------------------------------------------------------------
    @property
    def waiting(self) -> list[dict]:
        return [event for event in self.ever if event["fate"] == WAITS]

    def expected_of_ack(self, epoch: int, seq: int) -> int | None:
        """How many events it frees, None when it must be refused."""
        names = [(event["epoch"], event["seq"]) for event in self.waiting]
        if (epoch, seq) in names:
            return names.index((epoch, seq)) + 1
        if self.last is None:
            return None
        if epoch != self.last[0]:
            return 0 if (self.last[0] - epoch) % 65536 < 32768 else None
        return 0 if (self.last[1] - seq) % 65536 < 32768 else None

    def acknowledge(self, epoch: int, seq: int) -> None:
        expected = self.expected_of_ack(epoch, seq)
        code = self.host.refused(0x0000, epoch, seq)
        assert code == (0x03 if expected is None else 0)
        if expected:
            for event in self.waiting[:expected]:
                event["fate"] = FREED
            self.last = (epoch, seq)
        if expected is not None:
            assert self.host.facts("ack")[-1] == {"epoch": epoch, "seq": seq, "freed": expected}

    # -- what happens -------------------------------------------------------------------------------------------------
    @rule(key=st.integers(1, 5), times=st.sampled_from([1, 1, 2, 7]))
    def press(self, key: int, times: int) -> None:
        for _ in range(times):
            self.host.wait(51 * MS)
            open_ = self.ticket != 0 and self.host.now < self.closes
            self.host.human("press", key)
            if len(self.waiting) == self.depth:
                self.waiting[0]["fate"] = DROPPED
                self.lost += 1
            self.ever.append(
                {
                    "epoch": self.epoch,
                    "seq": self.next_seq,
                    "value": key,
                    "clerk": self.clerk,
                    "ticket": self.ticket if open_ else 0,
                    "fate": WAITS,
                }
            )
            self.next_seq = (self.next_seq + 1) % 65536

    @rule(key=st.integers(1, 5), after=st.integers(0, 50))
    def press_twice_at_once(self, key: int, after: int) -> None:
        """A bounce or a second key: the first press alone counts."""
        self.press(key, 1)
        self.host.wait(min(after, 29) * MS)
        self.host.human("press", key)
        self.host.human("press", key % 5 + 1)

    @rule(code=st.integers(1, 65535), by_card=st.booleans())
    def log_in(self, code: int, by_card: bool) -> None:
        if by_card:
            self.host.human("log_in", code)
        else:
            self.host.write(0x0014, code)
        self.clerk = code

    @rule(ticket=st.integers(0, 65535), seconds=st.integers(1, 3))
    def window(self, ticket: int, seconds: int) -> None:
        self.host.write(0x0012, ticket, seconds)
        self.ticket, self.closes = ticket, self.host.now + seconds * SECOND

    @rule(duration=st.sampled_from([1, 900 * MS, 2 * SECOND]))
    def wait(self, duration: int) -> None:
        self.host.wait(duration)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def acknowledge_one_that_waits(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.waiting))
        self.acknowledge(event["epoch"], event["seq"])

    @precondition(lambda self: self.ever)
    @rule(data=st.data())
    def acknowledge_one_of_the_past(self, data: st.DataObject) -> None:
        """Stale: freed long ago, or dropped, or still waiting: the list tells what is right."""
        event = data.draw(st.sampled_from(self.ever))
        self.acknowledge(event["epoch"], event["seq"])

    @rule(near=st.integers(-3, 3), epochs=st.integers(-2, 2))
    def acknowledge_beside_the_truth(self, near: int, epochs: int) -> None:
        self.acknowledge((self.epoch + epochs) % 65536, (self.next_seq + near) % 65536)

    @rule(epoch=st.integers(0, 65535), seq=st.integers(0, 65535))
    def acknowledge_anything(self, epoch: int, seq: int) -> None:
        self.acknowledge(epoch, seq)

    @rule(more=st.integers(-2, 2))
    def acknowledge_losses(self, more: int) -> None:
        count = max(self.lost + more, 0)
        assert self.host.refused(0x0002, count) == (0x03 if count > self.lost else 0)
        if count <= self.lost:
            self.lost -= count
            self.lost_known += count

    @rule(how=st.sampled_from(["command", "supply"]))
    def boot(self, how: str) -> None:
        if how == "command":
            self.host.write(0x003F, 0xB007)
        else:
            self.host.human("unplug")
            self.host.human("press", 1)
            self.host.wait(SECOND)
            self.host.human("plug_in")
        self.host.human("press", 2)
        self.host.wait(2 * SECOND)
        self.epoch, self.next_seq = (self.epoch + 1) % 65536, 0
        self.clerk = self.ticket = 0

    # -- what must hold -----------------------------------------------------------------------------------------------
    @invariant()
    def the_blocks_show_the_waiting_events_in_order(self) -> None:
        waiting = self.waiting
        shown = [(b[0], b[1], b[2] & 0xFF, b[6], b[7]) for b in self.host.blocks()]
        fields = ("epoch", "seq", "value", "clerk", "ticket")
        assert shown == [tuple(event[field] for field in fields) for event in waiting[:15]]
        fifo = tuple((event["seq"] % 4096) * 16 + event["value"] for event in waiting[:31])
        assert self.host.slave.fifo(self.host.now, 0x0100) == fifo

    @invariant()
    def the_header_tells_the_truth(self) -> None:
        waiting = self.waiting
        epoch, status, count, oldest, newest, lost = self.host.inputs(0x0002, 6)
        assert (epoch, count, lost) == (self.epoch, len(waiting), self.lost)
        assert bool(status & 0x02) == (self.lost > 0)
        ends = (waiting[0]["seq"], waiting[-1]["seq"]) if waiting else (0xFFFF, 0xFFFF)
        assert (oldest, newest) == ends
        assert bool(status & 0x10) == (self.ticket != 0 and self.host.now < self.closes)

    @invariant()
    def nothing_is_lost_silently(self) -> None:
        """Every press is freed, waiting, or in the lost-count; and the notes say the same."""
        dropped = [(event["epoch"], event["seq"]) for event in self.ever if event["fate"] == DROPPED]
        assert len(dropped) == self.lost + self.lost_known
        assert [(fact["epoch"], fact["seq"]) for fact in self.host.facts("overflow")] == dropped
        noted = [(fact["epoch"], fact["seq"], fact["value"], fact["clerk"]) for fact in self.host.facts("press")]
        assert noted == [(event["epoch"], event["seq"], event["value"], event["clerk"]) for event in self.ever]


KeypadAgainstList.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_keypad_against_list = KeypadAgainstList.TestCase
