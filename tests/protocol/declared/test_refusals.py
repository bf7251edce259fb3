"""Values and bytes that a field cannot have: refused both ways, with the field and the reason."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.declared.items import MOST_REPEATS, BadValue, Item, Layout

BYTE = Item("v", "uint", 1)


@pytest.mark.parametrize(
    ("items", "data", "told"),
    [
        ([BYTE], "", "v: is missing"),
        ([BYTE], "01 02", "length: 2 bytes, expected 1"),
        ([Item("v", "bytes", 3)], "01 02", "v: needs 3 bytes, 2 are left"),
        ([Item("n", "text", 1), Item("v", "bytes", "n")], "41 42", "its size is told by n, which is 'A'"),
        ([Item("v", "digits", 2)], "01 0B", "0x0B is no digit"),
        ([Item("v", "bcd", 1)], "1A", "1A is not binary coded decimal"),
        ([Item("v", "hex", 2)], "30 47", "is not a number in hexadecimal digits"),
        ([Item("v", "decimal", "rest")], "", "is not a number in decimal digits"),
        ([Item("g", "group", 2, items=(BYTE,))], "01", "v: is missing"),
        ([Item("g", "group", "rest", items=(BYTE,))], "01" * (MOST_REPEATS + 1), f"more than {MOST_REPEATS} times"),
        ([Item("g", "group", "rest", items=(Item("t", "bytes", "n"),))], "01", "which is None"),
    ],
)
def test_bytes_that_are_no_value(items: list[Item], data: str, told: str) -> None:
    """Too few, too many, or of another kind: `BadValue`, never a value that was not sent."""
    with pytest.raises(BadValue) as refused:
        Layout(items).decode(bytes.fromhex(data), {})
    assert told in str(refused.value)


def test_a_group_of_nothing_ends() -> None:
    """A group whose fields may be empty would repeat for ever on what is left."""
    nothing = Item("g", "group", "rest", items=(Item("n", "bytes", 0),))
    with pytest.raises(BadValue, match="repeats something without bytes"):
        Layout([nothing]).decode(b"x", {})


@pytest.mark.parametrize(
    ("item", "values", "told"),
    [
        (BYTE, {}, "v: has no value"),
        (BYTE, {"v": "x"}, "'x' is not a whole number"),
        (BYTE, {"v": 256}, "256 does not fit in 1 bytes"),
        (Item("v", "bytes", "n"), {"v": b"ab", "n": 3}, "has 2 bytes, but n says 3"),
        (Item("v", "bytes", 3), {"v": b"ab"}, "has 2 bytes, the field has 3"),
        (Item("v", "bytes", 3), {"v": 3}, "3 is neither bytes nor hexadecimal text"),
        (Item("v", "bytes", 1), {"v": "XY"}, "non-hexadecimal"),
        (Item("v", "text", 3), {"v": 3}, "3 is not text"),
        (Item("v", "text", 3), {"v": "ab"}, "'ab' has 2 bytes, the field has 3"),
        (Item("v", "text", 3), {"v": "a\u20ac"}, "is not in ascii"),
        (Item("v", "digits", 2), {"v": "1x"}, "'x' is no digit"),
        (Item("v", "digits", 2), {"v": 100}, "'100' has 3 digits, the field has 2"),
        (Item("v", "bcd", 1), {"v": "1x"}, "is not 2 decimal digits"),
        (Item("v", "hex", 2), {"v": 256}, "256 does not fit in 2 digits"),
        (Item("g", "group", 1, items=(BYTE,)), {"g": 1}, "1 is not a list"),
    ],
)
def test_values_that_do_not_fit(item: Item, values: dict[str, Any], told: str) -> None:
    """Nothing is cut off or rounded to make it fit."""
    with pytest.raises(BadValue) as refused:
        Layout([item]).encode(values)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("item", "value", "data"),
    [
        (BYTE, True, b"\x01"),
        (Item("v", "uint", 1, names={"go": 7}), "go", b"\x07"),
        (Item("v", "bytes", 2), "06 0F", b"\x06\x0f"),
        (Item("v", "text", 3, pad=" "), "a", b"a  "),
        (Item("v", "digits", 3), 7, b"\x00\x00\x07"),
        (Item("v", "digits", 3, blank=10), " 12", b"\x0a\x01\x02"),
        (Item("v", "bcd", 2), 42, b"\x00\x42"),
        (Item("v", "hex", "rest"), 0x1F4, b"1F4"),
        (Item("v", "decimal", "rest"), 500, b"500"),
    ],
)
def test_every_way_to_give_a_value(item: Item, value: Any, data: bytes) -> None:
    """A flag, a name, text in hexadecimal, a number for digits: what a declaration or a hand may give."""
    assert Layout([item]).encode({"v": value}) == data
