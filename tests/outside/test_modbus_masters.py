"""Modbus masters that other people wrote, in four languages, on ports in wall time: each gets right answers from us."""

from __future__ import annotations

import asyncio

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, ModbusSerialClient, ModbusTcpClient

from protocol.modbus.pdu import Table

SERIAL = ["9600 8N1", "19200 8E1", "38400 8O1", "115200 8N1"]


def steps(text: str) -> dict[str, str]:
    """The lines "ok NAME VALUES" of a peer, by name; the names are those whose values begin with a digit or nothing."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        assert words[0] == "ok", text
        cut = next((i for i, word in enumerate(words[1:], 1) if word[0].isdigit() and i > 1), len(words))
        found[" ".join(words[1:cut])] = " ".join(words[cut:])
    return found


# -- mbpoll: C, on libmodbus, as an integrator uses it by hand --------------------------------------------------------
@pytest.mark.parametrize("settings", SERIAL)
def test_mbpoll_on_a_pty(serve, run, mbpoll, settings):
    """mbpoll writes and reads holding registers on a pty, at settings with and without parity."""
    hall = serve("pty", settings)
    baud = str(hall.settings.baud)
    parity = {"N": "none", "E": "even", "O": "odd"}[hall.settings.parity]
    serial = ["-m", "rtu", "-b", baud, "-P", parity, "-s", "1", "-o", "10", "-a", "2", "-0", "-q", "-1"]
    run(mbpoll, *serial, "-t", "4", "-r", "10", hall.path, "--", "111", "222")
    assert hall.banks[2].tables[Table.HOLDING][10:12] == [111, 222]
    out = run(mbpoll, *serial, "-t", "4", "-r", "10", "-c", "2", hall.path)
    assert "[10]: \t111" in out
    assert "[11]: \t222" in out


def test_mbpoll_on_a_gateway(serve, run, mbpoll):
    """mbpoll reads the units behind a gateway."""
    hall = serve("gateway")
    for unit, bank in hall.banks.items():
        bank.tables[Table.INPUTS][3] = 1000 + unit
    tcp = ["-m", "tcp", "-o", "10", "-p", hall.number, "-a", "1,2,3"]
    out = run(mbpoll, *tcp, "-t", "3", "-0", "-r", "3", "-1", "-q", "127.0.0.1")
    assert [f"1{n:03}" in out for n in (1, 2, 3)] == [True] * 3


# -- our C program on libmodbus ---------------------------------------------------------------------------------------
LIBMODBUS = {
    "write": "",
    "read": "1 2 65535",
    "coils": "0 1 0",
    "long": "125",
    "write and read": "1 0",
    "mask": "5",
    "refused": "",
    "silent": "",
    "restarts": "10",
    "closed": "",
}


@pytest.mark.parametrize("settings", SERIAL)
def test_libmodbus_on_a_pty(serve, run, libmodbus, settings):
    """Reads, writes, FC 0x16 and 0x17, an exception, a silent unit, ten restarts without a pause."""
    hall = serve("pty", settings)
    out = run(libmodbus, "rtu", hall.path, str(hall.settings.baud), hall.settings.parity)
    assert steps(out) == LIBMODBUS
    assert hall.port.opened == 11


def test_libmodbus_on_a_gateway(serve, run, libmodbus):
    """The same over Modbus TCP; a silent unit is exception 0x0B there."""
    hall = serve("gateway")
    assert steps(run(libmodbus, "tcp", "127.0.0.1", hall.number)) == LIBMODBUS


# -- minimalmodbus ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("settings", SERIAL)
def test_minimalmodbus_on_a_pty(serve, run, minimalmodbus, settings):
    """Registers, bits, floats, strings, a refusal, a silent unit, on a pty."""
    hall = serve("pty", settings)
    check_minimalmodbus(hall, run(minimalmodbus, hall.path, str(hall.settings.baud), hall.settings.parity))


@pytest.mark.parametrize("settings", ["38400 8E1", "115200 8O1"])
def test_minimalmodbus_over_rfc2217(serve, run, minimalmodbus, settings):
    """The same over RFC 2217, where parity is really seen."""
    hall = serve("rfc2217", settings)
    check_minimalmodbus(hall, run(minimalmodbus, hall.port.url, str(hall.settings.baud), hall.settings.parity))


def check_minimalmodbus(hall, out):
    """Every step of minimalmodbus_master.py, and what it left in a device."""
    assert "ok read 1 2 65535\n" in out
    assert "ok coils 0 1 0\n" in out
    assert "ok float 3.25\n" in out
    assert "ok string hall bench\n" in out
    assert "ok refused\nok unit 2 77\nok unit 1 1\nok silent\nok closed\n" in out
    assert hall.banks[2].tables[Table.HOLDING][10] == 77


# -- modbus-serial for Node -------------------------------------------------------------------------------------------
NODE = "ok write\nok read 1 2 65535\nok coils 0 1 0\nok long 125\nok refused 2\nok unit 2 77\nok unit 1 1\nok closed\n"


@pytest.mark.parametrize("settings", SERIAL)
def test_node_on_a_pty(serve, run, node, settings):
    """A master in JavaScript, on Node's serialport."""
    hall = serve("pty", settings)
    parity = {"N": "none", "E": "even", "O": "odd"}[hall.settings.parity]
    out = run(node, "rtu", hall.path, str(hall.settings.baud), parity)
    assert out.replace("ok write \n", "ok write\n").replace("ok closed \n", "ok closed\n") == NODE


def test_node_on_a_gateway(serve, run, node):
    """The same over Modbus TCP."""
    hall = serve("gateway")
    out = run(node, "tcp", "127.0.0.1", hall.number)
    assert out.replace("ok write \n", "ok write\n").replace("ok closed \n", "ok closed\n") == NODE


# -- pymodbus ---------------------------------------------------------------------------------------------------------
def must_serve(client, hall):
    """Write and read with a synchronous client."""
    with client:
        assert not client.write_registers(10, [1, 2, 3], device_id=3).isError()
        assert client.read_holding_registers(10, count=3, device_id=3).registers == [1, 2, 3]
        assert client.read_holding_registers(9000, count=3, device_id=3).exception_code == 2
        assert len(client.read_holding_registers(0, count=125, device_id=1).registers) == 125
    assert hall.banks[3].tables[Table.HOLDING][10:13] == [1, 2, 3]


async def must_serve_async(make):
    """Write and read with an asynchronous client."""
    client = make()
    assert await client.connect()
    for turn in range(10):
        await client.write_register(turn, 100 + turn, device_id=1)
    found = [(await client.read_holding_registers(turn, device_id=1)).registers for turn in range(10)]
    client.close()
    assert found == [[100 + turn] for turn in range(10)]


@pytest.mark.parametrize("settings", ["9600 8N1", "19200 8E1", "115200 8N1"])
def test_pymodbus_on_a_pty(serve, settings):
    """pymodbus's synchronous serial client; on a line with even parity it is told "N", see docs/ports.md."""
    hall = serve("pty", settings)
    must_serve(ModbusSerialClient(hall.path, baudrate=hall.settings.baud, parity="N", timeout=50), hall)


@pytest.mark.parametrize("settings", ["9600 8N1", "19200 8E1"])
def test_pymodbus_async_on_a_pty(serve, settings):
    """pymodbus's asynchronous serial client."""
    hall = serve("pty", settings)
    asyncio.run(
        must_serve_async(
            lambda: AsyncModbusSerialClient(hall.path, baudrate=hall.settings.baud, parity="N", timeout=50)
        )
    )


def test_pymodbus_on_a_device_server(serve):
    """pymodbus's serial client on pyserial's socket URL: RTU characters over TCP."""
    hall = serve("tcp", "38400 8E1")
    must_serve(ModbusSerialClient(hall.port.url, baudrate=38400, parity="E", timeout=50), hall)


def test_pymodbus_rtu_over_tcp(serve):
    """pymodbus's own way of RTU characters over a raw socket."""
    hall = serve("tcp")
    must_serve(ModbusTcpClient("127.0.0.1", port=int(hall.number), framer=FramerType.RTU, timeout=50), hall)


def test_pymodbus_on_a_gateway(serve):
    """pymodbus's TCP clients, synchronous and asynchronous, on one gateway."""
    hall = serve("gateway")
    must_serve(ModbusTcpClient("127.0.0.1", port=int(hall.number), timeout=50), hall)
    asyncio.run(must_serve_async(lambda: AsyncModbusTcpClient("127.0.0.1", port=int(hall.number), timeout=50)))
