"""Our OSDP keypad before two independent control panels: `osdp` (pure Python) and `libosdp` (C core).

They share no code with each other or with hallbench. `tests/outside/setup.d/declared.sh` installs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.devices.osdp_keypad import OsdpKeypad

from .wall_line import WallLine, run


@pytest.fixture
def keypads() -> list[OsdpKeypad]:
    return [OsdpKeypad("keypad-5", address=5), OsdpKeypad("keypad-6", address=6)]


@pytest.fixture
def bus(keypads: list[OsdpKeypad], tmp_path: Path) -> Iterator[WallLine]:
    line = WallLine(tmp_path, *keypads)
    yield line
    line.stop()


OSDP = """
    import json, sys, time, traceback
    from osdp import *
    from osdp._command import ReaderBuzzerControlCommand, ReaderTextOutputCommand
    keys, naks, online = [], [], {}
    class Panel(ControlPanel):
        def on_keypad_data_reply_received(self, address, data):
            keys.append([address, data.data.decode()])
        def on_nak_reply_received(self, address, nak):
            naks.append([address, nak.error_code.value])
    import os
    sys.excepthook = lambda *told: (traceback.print_exception(*told), sys.stderr.flush(), os._exit(1))
    panel = Panel()
    bus = panel.start_connection(SerialPortOsdpConnection(port=sys.argv[1], baud_rate=9600))
    for address, crc in ((5, True), (6, False)):
        panel.add_device(connection_id=bus, address=address, use_crc=crc, use_secure_channel=False)
    end = time.time() + 100
    while time.time() < end and len(keys) < 3:
        time.sleep(0.05)
    ident = panel.id_report(bus, 5)
    caps = panel.device_capabilities(bus, 5)
    tamper = panel.local_status(bus, 6)
    led = ReaderLedControl(0, 0, TemporaryReaderControlCode.SetTemporaryAndStartTimer, 2, 2, LedColor.Green,
                           LedColor.Black, 50, PermanentReaderControlCode.Nop, 0, 0, LedColor.Black, LedColor.Black)
    lit = panel.reader_led_control(bus, 5, ReaderLedControls([led]))
    text = ReaderTextOutput(0, TextCommand.PermanentTextNoWrap, 0, 1, 1, "Thanks")
    panel.send_command(bus, ReaderTextOutputCommand(5, text))
    panel.send_command(bus, ReaderBuzzerControlCommand(5, ReaderBuzzerControl(0, ToneCode.DefaultTone, 2, 1, 1)))
    while time.time() < end and not os.path.exists(sys.argv[2]):
        time.sleep(0.05)
    told = {"keys": keys, "naks": naks, "vendor": list(ident.vendor_code), "capabilities": len(caps.capabilities),
            "lit": lit, "tamper": str(tamper.tamper)}
    print(json.dumps(told), flush=True)
    os._exit(0)
"""


def test_the_panel_called_osdp(bus: WallLine, keypads: list[OsdpKeypad]) -> None:
    """Two keypads, one with CRC and one with sums: keys, identity, capabilities, status, lamp, text, buzzer."""
    for at, (keypad, key) in enumerate(((keypads[0], 1), (keypads[0], 5), (keypads[1], 3))):
        bus.act(keypad, "press", key, after=2.0 + 0.3 * at)
    told = run("osdp", OSDP, bus.path, bus.mark("buzzer"))
    assert sorted(told["keys"]) == [[5, "1"], [5, "5"], [6, "3"]]
    assert told["naks"] == []
    assert told["vendor"] == [0x48, 0x42, 0x31]
    assert told["capabilities"] >= 6
    assert told["lit"] is True
    assert bus.kinds("lamp")[0] == {"colour": "green", "ms": 5000}
    assert bus.kinds("text")[-1] == {"text": "Thanks"}
    assert bus.kinds("buzzer")[-1]["ms"] == 200
    assert len(bus.kinds("ack")) == 3


LIBOSDP = """
    import json, os, sys, time
    import serial
    from osdp import *
    class Port(Channel):
        def __init__(self, path):
            super().__init__()
            self.port = serial.Serial(path, 9600, timeout=0)
        def read(self, most):
            return self.port.read(most)
        def write(self, buf):
            return self.port.write(buf)
        def flush(self):
            pass
    channel = Port(sys.argv[1])
    panel = ControlPanel([PDInfo(5, channel), PDInfo(6, channel)], log_level=LogLevel.Critical)
    panel.start()
    online = panel.online_wait_all(timeout=60)
    keys = []
    end = time.time() + 100
    while time.time() < end and len(keys) < 3:
        for address in (5, 6):
            event = panel.get_event(address, timeout=0.05)
            if event and event["event"] == Event.KeyPress:
                keys.append([address, event["data"].decode()])
    led = {"command": Command.LED, "reader": 0, "led_number": 0, "control_code": 1, "on_count": 10, "off_count": 0,
           "on_color": CommandLEDColor.Red, "off_color": CommandLEDColor.Black, "timer_count": 0, "temporary": False}
    buzzer = {"command": Command.Buzzer, "reader": 0, "control_code": 2, "on_count": 3, "off_count": 1, "rep_count": 1}
    text = {"command": Command.Text, "reader": 0, "control_code": 1, "temp_time": 0, "offset_row": 1, "offset_col": 1,
            "data": "Xin cam on"}
    send = panel.submit_command if hasattr(panel, "submit_command") else panel.send_command
    sent, last = [False] * 3, 0
    while time.time() < end and not os.path.exists(sys.argv[2]):
        if time.time() > last + 3:  # a panel that took the device of a busy machine for gone has dropped its commands
            sent = [send(5, one) or was for one, was in zip((led, buzzer, text), sent)]
            last = time.time()
        time.sleep(0.05)
    panel.online_wait_all(timeout=60)
    ident = panel.get_pd_id(5)
    print(json.dumps({"online": online, "keys": keys, "sent": [bool(s) for s in sent], "model": ident.model,
                      "still": panel.is_online(5) and panel.is_online(6)}), flush=True)
    panel.teardown()
"""


def test_the_panel_called_libosdp(bus: WallLine, keypads: list[OsdpKeypad]) -> None:
    """Two keypads come on line, their keys arrive, lamp, buzzer and text are taken, and they stay on line."""
    for at, (keypad, key) in enumerate(((keypads[0], 4), (keypads[1], 2), (keypads[0], 1))):
        bus.act(keypad, "press", key, after=4.0 + 0.3 * at)
    told = run("libosdp", LIBOSDP, bus.path, bus.mark("text"))
    assert told["online"] is True
    assert sorted(told["keys"]) == [[5, "1"], [5, "4"], [6, "2"]]
    assert told["sent"] == [True, True, True]
    assert told["still"] is True
    assert told["model"] == 1
    assert bus.kinds("lamp")[-1] == {"colour": "red", "ms": None}
    assert bus.kinds("buzzer")[-1]["ms"] == 300
    assert bus.kinds("text")[-1] == {"text": "Xin cam on"}
