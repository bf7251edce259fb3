"""Fields: what is encoded decodes to itself, and what cannot be is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.declared.items import BadValue, Item, Layout


def back_and_forth(items: list[Item], values: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    Layout(items).decode(Layout(items).encode(values), read)
    return read


@given(st.integers(1, 8), st.sampled_from(["big", "little"]), st.data())
def test_numbers(size: int, endian: str, data: st.DataObject) -> None:
    """A uint of any size and order gives back the number."""
    number = data.draw(st.integers(0, (1 << 8 * size) - 1))
    assert back_and_forth([Item("n", "uint", size, endian)], {"n": number}) == {"n": number}


@given(st.integers(0, 0xFFFF), st.integers(0, 99999))
def test_numbers_in_characters(number: int, decimal: int) -> None:
    """Hexadecimal and decimal digits give back the number."""
    items = [Item("h", "hex", 4), Item("d", "decimal", 5)]
    assert back_and_forth(items, {"h": number, "d": decimal}) == {"h": number, "d": decimal}


@given(st.text("0123456789 ", min_size=3, max_size=3))
def test_digits_with_blanks(text: str) -> None:
    """One byte a digit, 0A where nothing is shown (FF68, protocols.md 3.1)."""
    assert back_and_forth([Item("t", "digits", 3, blank=0x0A)], {"t": text}) == {"t": text}


@given(st.text("0123456789", min_size=16, max_size=16))
def test_bcd(text: str) -> None:
    """Two digits a byte."""
    assert back_and_forth([Item("t", "bcd", 8)], {"t": text}) == {"t": text}


@pytest.mark.parametrize("encoding", ["gbk", "utf-16-be", "utf-8"])
def test_text_in_a_character_set(encoding: str) -> None:
    """Text comes back in each character set."""
    item = Item("t", "text", "rest", encoding=encoding)
    assert back_and_forth([item], {"t": "请A001号"}) == {"t": "请A001号"}


def test_the_character_set_is_chosen_by_a_value() -> None:
    """SYN6288's charset bits choose how the text is read (protocols.md 5.2)."""
    items = [
        Item("kind", "uint", 1, bits={"charset": (0, 2), "music": (3, 7)}),
        Item("t", "text", "rest", encoding_by="charset", encodings={0: "gb2312", 3: "utf-16-be"}),
    ]
    values = {"charset": 3, "music": 2, "t": "号"}
    assert Layout(items).encode(values) == b"\x13\x53\xf7"
    assert back_and_forth(items, values) == {"kind": 0x13, **values}
    with pytest.raises(BadValue, match="charset"):
        Layout(items).encode({"charset": 7, "t": "x"})


@given(st.lists(st.integers(0, 255), max_size=20))
def test_a_group_repeats_as_often_as_its_count_says(numbers: list[int]) -> None:
    """A repeated group with a count before it."""
    items = [Item("n", "uint", 1), Item("g", "group", "n", items=(Item("v", "uint", 1),))]
    values = {"n": len(numbers), "g": [{"v": number} for number in numbers]}
    assert back_and_forth(items, values) == values
    with pytest.raises(BadValue, match="says"):
        Layout(items).encode({**values, "n": len(numbers) + 1})


@pytest.mark.parametrize(
    ("item", "value"),
    [
        (Item("n", "uint", 1), 256),
        (Item("n", "uint", 1), -1),
        (Item("n", "uint", 1, low=0, high=3), 4),
        (Item("n", "uint", 1, names={"a": 1}), 2),
        (Item("n", "uint", 1), "a"),
        (Item("n", "hex", 2), 0x100),
        (Item("n", "digits", 3), "12"),
        (Item("n", "digits", 3), "12x"),
        (Item("n", "bcd", 1), "1x"),
        (Item("n", "text", 3), "four"),
        (Item("n", "text", "rest"), "é"),
        (Item("n", "bytes", 2), "00"),
        (Item("n", "bytes", "rest"), "zz"),
        (Item("n", "group", 1, items=(Item("v", "uint"),)), 5),
    ],
)
def test_what_does_not_fit_is_refused(item: Item, value: Any) -> None:
    """A value outside its field is named, with the field."""
    with pytest.raises(BadValue, match="n: "):
        Layout([item]).encode({"n": value})


@given(st.binary(max_size=24))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    """Whatever comes is read or refused, never anything else."""
    items = [
        Item("k", "uint", 1, names={"a": 1, "b": 2}),
        Item("n", "uint", 1),
        Item("b", "bcd", 2),
        Item("g", "group", "n", items=(Item("h", "hex", 2), Item("t", "text", 1))),
        Item("rest", "bytes", "rest"),
    ]
    values: dict[str, Any] = {}
    try:
        Layout(items).decode(data, values)
    except BadValue:
        return
    assert Layout(items).encode(values) == data.upper() or b"a" in data.lower()
