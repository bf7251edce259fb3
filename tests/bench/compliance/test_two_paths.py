"""`hallbench check` and the suite's own test are two paths to the same verdict: the first looks at the line before.

What answers wrongly is there, and fails; what is no device, or more than one, ends the run with a sentence of its own.
"""

from __future__ import annotations

import json
import os
import select
import threading
import tty
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from bench.cli.main import main
from bench.clock.clockwork import Clockwork
from bench.compliance.engine import Judge, run_suite
from bench.compliance.mutants.base import UNIT, Mutant
from bench.compliance.mutants.osdp_device import on_line
from bench.compliance.mutants.pairs import caught
from bench.compliance.osdp_bench import packets
from bench.compliance.preflight import preflight
from bench.compliance.results import Run
from bench.compliance.selftest import check_subject, declaration_of, subjects, suite_of
from bench.compliance.steps import Heard, Operator, Step
from bench.compliance.targets import target_named
from bench.compliance.virtual import VirtualPlayer
from firmware_sim.device import MS, Effect, Flaws, Send
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.line import Line
from protocol.modbus.rtu import is_sound, seal
from protocol.osdp import Answer, Packet

MUTANTS, VARIANTS, NULL_DEVICES = subjects()

WRONG_FROM_THE_FIRST = {
    "MB-01": "something answers at unit 17",
    "MB-02": "check begins at 0000",
    "MB-16": "",
    "MX-07": "",
    "MX-08": "something follows each reply",
    "MX-51": "their check is wrong (11",
    "OS-01": "not from address 17",
    "OS-02": "no sound packet",
    "OS-03": "no sound packet",
    "OS-05": "sequence and check",
    "OS-06": "no sound packet",
    "OS-10": "sequence and check",
    "OS-FM-01": "no sound packet",
    "OS-FM-02": "no sound packet",
    "DM-01": "no message: FF 68",
    "DM-02": "no message: FF 68",
    "DM-03": "no message: FF 68",
    "DM-04": "no message: FF 68",
    "DM-20": "answer expected",
    "DM-21": "answer expected",
    "AX-03": "no reply to read",
    "AX-05": "no response",
    "AX-06": "another read",
    "EX-27": "was not confirmed",
}
"""Mutants whose every answer, or every answer to the probe, is wrong -> what the look at the line says of them."""

NO_DEVICE = {
    "ND-1": "no device",
    "ND-2": "no device",
    "ND-3": "own characters",
    "ND-4": "damaged replies",
    "ND-9": "two devices on one address",
    "ND-10": "babbles",
    "ND-RK-9": "two devices on one address",
    "ND-9-alpha": "two devices on one address",
    "ND-10-alpha": "babbles",
    "ND-2-escpos": "no device",
    "ND-4-escpos": "damaged replies",
    "ND-10-escpos": "babbles",
    "ND-OS-2": "no device",
    "ND-OS-3": "own characters",
    "ND-OS-4": "damaged replies",
    "ND-D2-onbon": "no device",
    "ND-D3-onbon": "own characters",
    "ND-D4-onbon": "damaged replies",
}
"""Lines on which there is not one device -> what the run ends with."""


def by_command(capsys: pytest.CaptureFixture[str], name: str) -> tuple[int, dict[str, Any]]:
    """Exit code of `hallbench check --emulated NAME`, and what it found."""
    code = main(["check", "--emulated", name, "--json"])
    return code, json.loads(capsys.readouterr().out)


def is_caught(case: dict[str, Any]) -> bool:
    return case["verdict"] == "FAIL" or (case["verdict"] == "NON-STRICT" and case["level"] in ("SHOULD", "FIELD"))


def must_blame(found: dict[str, Any], mutant: Mutant) -> list[dict[str, Any]]:
    """The requirement that the mutant breaks is blamed; the cases that do."""
    blaming = [case for case in found["cases"] if is_caught(case) and case["requirement"] == mutant.requirement]
    assert blaming, (mutant.id, mutant.title, found["notes"])
    return blaming


@pytest.mark.parametrize("name", WRONG_FROM_THE_FIRST)
def test_what_answers_wrongly_is_there_and_fails(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Law: exit 1, the requirement it breaks is blamed with what was heard, no other case fails but those on its
    list, and what is odd is said before the first case."""
    subject = target_named(name)
    assert isinstance(subject, Mutant)
    code, found = by_command(capsys, name)
    assert code == 1
    assert found["verdict"] == "FAIL"
    for case in must_blame(found, subject):
        assert case["contradicting"] or "silence" in case["reason"] or "reads" in case["reason"], case
    own = [case for case in found["cases"] if case["id"].startswith(subject.cases) and is_caught(case)]
    assert {case["id"] for case in own if case["requirement"] != subject.requirement} <= subject.collateral
    assert any(WRONG_FROM_THE_FIRST[name] in note for note in found["notes"])


@pytest.mark.parametrize("name", NO_DEVICE)
def test_a_line_without_one_device_ends_with_its_sentence(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Law: exit 5, nothing was run, and every case says why."""
    code, found = by_command(capsys, name)
    assert code == 5
    assert found["verdict"] == "INCONCLUSIVE"
    assert {case["verdict"] for case in found["cases"]} <= {"NOT RUN", "NOT APPLICABLE"}
    assert NO_DEVICE[name] in found["notes"][-1]
    assert all(case["reason"] == found["notes"][-1] for case in found["cases"])


@pytest.mark.gate
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_blamed_the_same_on_both_paths(capsys: pytest.CaptureFixture[str], mutant: Mutant) -> None:
    """Law: exit, verdict and the cases against it are those of the self-test."""
    run: Run = check_subject(mutant, suite_of(mutant), 1)
    code, found = by_command(capsys, mutant.id)
    own = {case["id"] for case in found["cases"] if case["id"].startswith(mutant.cases) and is_caught(case)}
    due = {case.id for case in run.cases if caught(case)}
    ended = any("stopped answering" in note for note in found["notes"])
    must_blame(found, mutant)
    assert code == (1 if found["verdict"] == "FAIL" else 0 if found["verdict"] == "NON-STRICT" else 5)
    assert own == due or (ended and own <= due)


@pytest.mark.gate
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)
def test_a_legal_variant_fails_on_neither_path(capsys: pytest.CaptureFixture[str], variant: Any) -> None:
    """Law: nothing fails, nothing is said of the line, and the verdict is the self-test's."""
    run: Run = check_subject(variant, suite_of(variant), 1)
    code, found = by_command(capsys, variant.id)
    assert code in (0, 5)
    assert [case["id"] for case in found["cases"] if case["verdict"] in ("FAIL", "ERROR")] == []
    assert found["verdict"] == run.verdict
    assert {case["id"]: case["verdict"] for case in found["cases"]} == {case.id: case.verdict for case in run.cases}


@pytest.mark.gate
@pytest.mark.parametrize("null", NULL_DEVICES, ids=lambda null: null.id)
def test_no_null_device_passes_on_either_path(capsys: pytest.CaptureFixture[str], null: Any) -> None:
    """Law: exit 1 or 5, no PASS; and what fails also fails in the self-test, unless the cases' own draws differ."""
    code, found = by_command(capsys, null.id)
    assert code in (1, 5)
    assert [case["id"] for case in found["cases"] if case["verdict"] in ("PASS", "NON-STRICT")] == []
    if not any(is_caught(case) for case in found["cases"]):
        assert code == 5


def wall_device(answer: Callable[[int, bytes], list[bytes]]) -> tuple[str, threading.Event]:
    """A device on a pseudo-terminal that answers each burst by a function of (how many before, burst)."""
    master, slave = os.openpty()
    tty.setraw(slave)
    done = threading.Event()

    def serve() -> None:
        count, got = 0, b""
        while not done.is_set():
            if select.select([master], [], [], 0.01)[0]:
                got += os.read(master, 4096)
            elif got:
                for said in answer(count, got):
                    os.write(master, said)
                count, got = count + 1, b""
        os.close(master)
        os.close(slave)

    path = os.ttyname(slave)
    threading.Thread(target=serve, daemon=True).start()
    return path, done


def refusals(check: Callable[[bytes], bytes], lasts: int = 1 << 30) -> Callable[[int, bytes], list[bytes]]:
    """A device that refuses everything, with some check; silent after so many requests."""
    return lambda count, got: [check(bytes((got[0], got[1] | 0x80, 1)))] if is_sound(got) and count < lasts else []


def inverted(body: bytes) -> bytes:
    frame = seal(body)
    return frame[:-2] + bytes(char ^ 0xFF for char in frame[-2:])


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (refusals(inverted), 1, "their check is wrong"),
        (lambda count, got: [got[1:] + b"\x55"], 5, "damaged replies"),
        (lambda count, got: [got], 5, "own characters"),
        (refusals(seal, 3), 5, "stopped answering"),
        (
            lambda count, got: [seal(b"\x11\x03\x02\x00\x01") + seal(b"\x11\x03\x02\x00\x02")],
            5,
            "answers one request twice",
        ),
    ],
    ids=["wrong check", "noise", "echo", "dies", "two devices"],
)
def test_on_a_real_port(
    capsys: pytest.CaptureFixture[str], answer: Callable[[int, bytes], list[bytes]], code: int, said: str
) -> None:
    """Law: the same endings on a port with parity, which a pseudo-terminal does not have; other settings are tried."""
    path, done = wall_device(answer)
    cases = ["rtu.dev.crc-*", "rtu.dev.own-address", "rtu.dev.unsupported"]
    try:
        ended = main(["check", "reference", "--port", path, "--json", *(w for case in cases for w in ("--case", case))])
    finally:
        done.set()
    found = json.loads(capsys.readouterr().out)
    assert ended == code, found["notes"]
    assert any(said in note for note in found["notes"])
    assert found["counts"]["PASS"] == 0
    if code == 1:
        (failed,) = [case for case in found["cases"] if case["verdict"] == "FAIL"]
        assert failed["id"] == "rtu.dev.crc-value"
        assert failed["contradicting"].endswith("]")


def test_what_one_defect_leaves_open_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: the FAIL comes first with its characters in brackets; the cases that it keeps from being run stand in one
    paragraph with one line to see the first again."""
    assert main(["check", "--emulated", "OS-02"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("FAIL  osdp.dev.reply-length")
    assert lines[3] == "    heard: 53 91 [06 00] 04 40 08 A0"
    assert sum(line.startswith("INCONCLUSIVE") for line in lines) == 1
    assert "53 cases" in lines[5]
    assert len(lines) < 12


def test_a_device_that_answers_wrongly_does_not_end_as_dead() -> None:
    """Law: only silence ends a run; a device that dies ends it at once, one that never lived after its bare cases."""
    for name, kept in (("MB-16", True), ("MB-02", False)):
        subject = target_named(name)
        suite, declaration = suite_of(subject), declaration_of(subject)
        judge = Judge(declaration, suite.requirements(), subject.unit, 1, declaration.settings)
        run = run_suite(suite, judge, VirtualPlayer(subject.build, declaration.settings), target="t")
        not_run = {case.id for case in run.cases if case.verdict == "NOT RUN"}
        assert (not not_run) == kept
        assert not any(case.id in not_run for case in suite.cases if case.bare)


def test_an_operator_is_not_asked_again_and_again() -> None:
    """Law: for a device that answers wrongly before a case and after it, nobody is asked to switch it off and on."""
    asked: list[str] = []
    subject = target_named("MB-01")
    suite, declaration = suite_of(subject), declaration_of(subject)
    judge = Judge(declaration, suite.requirements(), subject.unit, 1, declaration.settings)

    class Person(VirtualPlayer):
        clock = "wall"

        def play(self, step: Step) -> Heard:
            if isinstance(step, Operator):
                asked.append(step.text)
            return super().play(step)

    run_suite(suite, judge, Person(subject.build, declaration.settings), target="t")
    assert "switch the device off and on" not in asked


class OtherKeypad(OsdpKeypad):
    """Another specimen: its identity has another serial number."""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        for effect in super().hear(now, data, first, last, flaws):
            packet = next(iter(packets(effect.data)), None) if isinstance(effect, Send) else None
            if isinstance(effect, Send) and isinstance(packet, Packet) and packet.code == Answer.PDID:
                other = packet._replace(data=packet.data[:5] + b"\x09\x08\x07\x06" + packet.data[9:])
                yield Send(other.wire(), effect.after)
            else:
                yield effect


@pytest.mark.parametrize("later", [0, 1, 4, 38])
def test_two_keypads_on_one_address_are_no_wrong_check(later: int) -> None:
    """Law: two OSDP keypads with one address, at one instant or one after the other, are told; nothing is blamed."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Any]:
        on_line(lambda: OsdpKeypad("one", address=UNIT))(line, clockwork)
        return on_line(lambda: OtherKeypad("two", address=UNIT, turnaround=(2 + later) * MS))(line, clockwork)

    keypad = target_named("OS-02")
    declaration = declaration_of(keypad)
    judge = Judge(declaration, suite_of(keypad).requirements(), UNIT, 1, declaration.settings)
    assert "two devices on one address" in preflight(judge, VirtualPlayer(build, declaration.settings)).ending


@pytest.mark.parametrize(("hand", "said"), [("open_cover", "cover open"), ("remove_paper", "paper end")])
def test_a_printer_that_is_off_line_is_told_from_one_that_is_wrong(hand: str, said: str) -> None:
    """Law: a printer that says why it does not print is not tested, and the sentence says what to do."""
    printer = target_named("ticket_printer")
    declaration = declaration_of(printer)

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Any]:
        hands = printer.build(line, clockwork)
        hands[hand]()
        return hands

    judge = Judge(declaration, suite_of(printer).requirements(), printer.unit, 1, declaration.settings)
    ending = preflight(judge, VirtualPlayer(build, declaration.settings)).ending
    assert ending.startswith("off line")
    assert said in ending


def test_address_0_is_an_osdp_devices_own_and_nobodys_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: an OSDP device may have address 0; elsewhere 0 is everybody, and no device is asked by it."""
    keypad = target_named("osdp_keypad")
    suite, declaration = suite_of(keypad), declaration_of(keypad)
    judge = Judge(declaration, suite.requirements(), 0, 1, declaration.settings)
    player = VirtualPlayer(on_line(lambda: OsdpKeypad("keypad", address=0)), declaration.settings)
    assert preflight(judge, player) == ("", "")
    assert run_suite(suite, judge, player, target="t").verdict == "PASS"
    assert main(["check", "osdp_keypad", "--emulated", "osdp_keypad", "--unit", "127"]) == 2
    assert main(["check", "reference", "--emulated", "reference", "--unit", "0"]) == 2
    assert "0 is everybody" in capsys.readouterr().err
