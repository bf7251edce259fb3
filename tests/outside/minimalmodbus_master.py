"""A Modbus master on minimalmodbus: minimalmodbus_master.py PATH|URL BAUD PARITY; prints "ok NAME VALUES" step by step.

The serial port is opened with all its settings at once, as docs/ports.md advises for lines with parity.
"""

from __future__ import annotations

import sys

import minimalmodbus
import serial


def main() -> None:
    path, baud, parity = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    port = serial.serial_for_url(path, baud, parity=parity, timeout=60)
    first = minimalmodbus.Instrument(port, 1)
    first.write_registers(10, [1, 2, 65535])
    print("ok write")
    print("ok read", *first.read_registers(10, 3))
    first.write_bit(5, 1)
    print("ok coils", *first.read_bits(4, 3, functioncode=1))
    first.write_float(30, 3.25)
    print("ok float", first.read_float(30))
    first.write_string(40, "hall bench", 5)
    print("ok string", first.read_string(40, 5))
    print("ok long", len(first.read_registers(0, 125)))
    port.timeout = 1  # it waits that long for the rest of a reply that is longer
    for _ in range(60):
        try:
            first.read_register(5000)
        except minimalmodbus.IllegalRequestError:
            print("ok refused")
            break
        except minimalmodbus.NoResponseError:  # the machine is busy
            continue
    port.timeout = 60
    second = minimalmodbus.Instrument(port, 2)
    second.write_register(10, 77)
    print("ok unit 2", second.read_register(10))
    print("ok unit 1", first.read_register(10))
    port.close()
    port.timeout = 0.3
    port.open()
    try:
        minimalmodbus.Instrument(port, 99).read_register(0)
    except minimalmodbus.NoResponseError:
        print("ok silent")
    port.close()
    print("ok closed")


if __name__ == "__main__":
    main()
