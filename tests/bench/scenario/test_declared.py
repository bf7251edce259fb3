"""Declarations as files: where they are found, and every mistake at its line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.judge.truth import _voices
from bench.run.rig import inventory
from bench.scenario.declared import available, codec_of, is_path, load, parse
from bench.scenario.load import ScenarioError
from bench.scenario.load import load as load_scenario
from bench.scenario.load import parse as parse_scenario
from declared import MINIMAL
from halls import FF68_CONSOLES, FF68_KEYPADS, OSDP_KEYPADS, hall, voice


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as error:
        parse(text.encode(), "lamp.toml")
    return [str(problem) for problem in error.value.problems]


def scenario(text: str, beside: dict[str, str] | None = None) -> object:
    files = beside or {}
    return parse_scenario(
        text.encode(), "hall.toml", lambda name: files[name].encode() if name in files else missing(name)
    )


def missing(name: str) -> bytes:
    raise FileNotFoundError(2, "no such file", name)


def mistakes(text: str, beside: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ScenarioError) as error:
        scenario(text, beside)
    return [str(problem) for problem in error.value.problems]


def test_the_catalogue_is_found() -> None:
    """Every shipped declaration by its name, and always the same one."""
    assert {"ff68_evaluator", "ff68_console", "dfplayer", "syn6288", "xfs5152", "onbon", "led485_ascii"} <= set(
        available()
    )
    assert load("dfplayer").name == "dfplayer"
    assert codec_of("dfplayer") is codec_of("dfplayer")


@pytest.mark.parametrize(("name", "path"), [("dfplayer", False), ("x.toml", True), ("a/b", True)])
def test_names_and_paths(name: str, path: bool) -> None:
    """A plain word is of the catalogue."""
    assert is_path(name) is path


def test_what_is_not_there(tmp_path: Path) -> None:
    """A name that is nearly right is helped; a path that is wrong is named."""
    with pytest.raises(ScenarioError, match='did you mean "dfplayer"'):
        load("dfplaye")
    with pytest.raises(ScenarioError, match="there is no such file"):
        load(tmp_path / "nothing.toml")
    with pytest.raises(ScenarioError, match="is a directory"):
        load(tmp_path)


def test_a_relative_path_is_beside_the_scenario_first(tmp_path: Path) -> None:
    """`beside` is where a scenario's own declarations are."""
    (tmp_path / "lamp.toml").write_text(MINIMAL, encoding="utf-8")
    assert load("lamp.toml", tmp_path).name == "lamp"


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ('check = "xor8"', 'check = "xor9"', "lamp.toml:14:27: "),
        ("match = { data_len = 1 }", "macth = { data_len = 1 }", "lamp.toml:23:1: message"),
        ('hex = "02 01 05 06"', 'hex = "02 01 05 07"', 'lamp.toml:29:7: vector of "switch": it is no sound frame'),
        ('name = "lamp"', "name = 5", "lamp.toml:3:8: name must be text"),
        ("[device]", "[device", "lamp.toml:2:8: not TOML"),
    ],
)
def test_a_mistake_has_a_place(old: str, new: str, start: str) -> None:
    """file:line:column, the line, a caret."""
    assert old in MINIMAL
    told = problems(MINIMAL.replace(old, new))
    assert any(line.startswith(start) for line in told), told
    assert all("^" in line for line in told)


def test_halls_with_these_devices_are_right() -> None:
    """FF68 with console and evaluator under one address, OSDP, voices."""
    for text, kind, spoken in (
        (hall(FF68_CONSOLES, voice(), consoles=""), "clerk_console", "dfplayer"),
        (hall(FF68_KEYPADS, voice("syn6288")), "rating_keypad", "syn6288"),
        (hall(OSDP_KEYPADS, voice("xfs5152")), "osdp_keypad", "xfs5152"),
    ):
        placed = [spec for _, spec in scenario(text).placed]
        assert kind in {spec.kind for spec in placed}
        assert [spec.protocol for spec in placed if spec.kind == "voice_caller"] == [spoken]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([FF68_KEYPADS.replace("unit = 2, counter = 2", "unit = 1, counter = 2")], "unit 1 is already taken"),
        (
            [
                FF68_KEYPADS.replace(
                    'kind = "rating_keypad", protocol = "ff68", unit = 2', 'kind = "osdp_keypad", unit = 2'
                )
            ],
            "speaks OSDP",
        ),
        ([OSDP_KEYPADS.replace("unit = 1", "unit = 127")], "an OSDP address is 0..126, not 127"),
        ([OSDP_KEYPADS, voice().replace('duplex = "full"', 'duplex = "half"')], "a voice caller stands alone"),
        ([OSDP_KEYPADS, voice("dfplayr")], 'did you mean "dfplayer"'),
        (
            [OSDP_KEYPADS, voice().replace('owner = "house"', 'owner = "collector"')],
            "only the house controller drives a voice_caller",
        ),
        (
            [OSDP_KEYPADS.replace('kind = "osdp_keypad"', 'kind = "declared", protocol = "nothing"')],
            'no declared protocol "nothing"',
        ),
        (
            [OSDP_KEYPADS.replace('kind = "osdp_keypad"', 'kind = "declared", protocol = "nothing.toml"')],
            "there is no such file",
        ),
        (
            [
                OSDP_KEYPADS.replace(
                    'kind = "osdp_keypad", unit = 1', 'kind = "declared", protocol = "ff68_evaluator", unit = 999'
                )
            ],
            "1..255, not 999",
        ),
        (
            [
                OSDP_KEYPADS.replace(
                    'kind = "osdp_keypad", unit = 1, counter = 1', 'kind = "declared", protocol = "ff68_evaluator"'
                )
            ],
            "say at which `counter`",
        ),
        (
            [
                OSDP_KEYPADS.replace(
                    'kind = "osdp_keypad"', 'kind = "declared", protocol = "ff68_evaluator", profile = "x"'
                )
            ],
            'no profile "x"',
        ),
    ],
)
def test_halls_with_mistakes(lines: list[str], told: str) -> None:
    """Each is told at its place in the scenario."""
    found = mistakes(hall(*lines))
    assert any(told in line for line in found), found


def test_a_fifth_key_that_is_not_there() -> None:
    """An FF68 evaluator has four keys: weights for a fifth and watermarks are refused."""
    text = hall(FF68_KEYPADS).replace("{ 4 = 60,", "{ 5 = 60, 4 = 1,")
    assert any("four keys" in line for line in mistakes(text))
    assert any("four keys" in line for line in mistakes('ratings = "watermark"\n' + hall(FF68_KEYPADS)))


def test_a_mistake_in_a_declaration_beside_a_scenario() -> None:
    """It is told in the declaration's own file and line."""
    text = hall(
        OSDP_KEYPADS.replace('kind = "osdp_keypad"', 'kind = "declared", protocol = "lamp.toml", role = "other"')
    )
    found = mistakes(text, {"lamp.toml": MINIMAL.replace('check = "xor8"', 'check = "xor9"')})
    assert any(line.startswith("lamp.toml:14:27: ") for line in found)


def test_the_hash_of_a_scenario_knows_its_declarations() -> None:
    """Another declaration under the same name is another scenario; shipped scenarios keep their hash fields."""
    text = hall(
        OSDP_KEYPADS.replace('kind = "osdp_keypad"', 'kind = "declared", protocol = "lamp.toml", role = "other"')
    )
    text = text.replace(
        'must_exercise = ["loss", "duplication", "attribution", "tickets", "calls"]', 'must_exercise = ["tickets"]'
    )
    lines = text.partition('name = "keypads"')
    text = lines[0] + lines[1] + lines[2].replace("unit = 1, ", "").replace("unit = 2, ", "")
    one = scenario(text, {"lamp.toml": MINIMAL})
    other = scenario(text, {"lamp.toml": MINIMAL + "\n# changed\n"})
    assert one.sha256 != other.sha256  # type: ignore[attr-defined]
    assert "protocol" not in str(load_scenario("ca_mau").model_dump(mode="json"))


ACME = (Path(__file__).parents[3] / "examples/acme_d6.toml").read_text(encoding="utf-8")
NATIVE = """\
  { kind = "counter_display", unit = 21, counter = 1 },
  { kind = "counter_display", unit = 22, counter = 2 },
"""
DISPLAYS = """
[[line]]
name = "displays"
owner = "house"
settings = "19200 8N1"
devices = [
  { kind = "declared", protocol = "acme_d6.toml", unit = 1, counter = 1 },
  { kind = "declared", protocol = "acme_d6.toml", unit = 2, counter = 2 },
]
"""


def with_displays(lines: str = DISPLAYS) -> str:
    """A hall without displays of its own."""
    text = hall(OSDP_KEYPADS, lines)
    assert NATIVE in text
    return text.replace(NATIVE, "")


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ('message = "write", values', 'message = "wrte", values', 'lamp.toml:48:8: must name a message of the host'),
        ('values = { text = "@text" }, answer', 'values = { txt = "@text" }, answer', "lamp.toml:48:40: "),
        ('values = { text = "@text" }, answer', 'values = { text = "@txt" }, answer', "lamp.toml:48:47: "),
        ('values = { text = "@text" }, answer', "answer", 'lamp.toml:48:8: message "write" cannot be sent'),
        ('answer = "done"', 'answer = "write"', "lamp.toml:48:67: must name a message of the device"),
        ("screen = { width = 6 }", "screen = { width = 7 }", "lamp.toml:48:47: message"),
        ("screen = { width = 6 }", "screen = { wide = 6 }", "lamp.toml:49:12: "),
        ('note = "shown", values = { text = "@text" }', 'note = "shown"', 'lamp.toml:38:3: message "write": what is'),
        ("answer = \"done\", within_ms", "within_ms", "lamp.toml:48:58: within_ms needs an `answer`"),
    ],
)  # fmt: skip
def test_mistakes_in_what_a_program_says(old: str, new: str, start: str) -> None:
    """Messages, values and answers of `[house]` are checked, and each message is tried with likely texts."""
    assert old in ACME
    told = problems(ACME.replace(old, new, 1) if "note" not in old else ACME.replace(old, new))
    assert any(line.startswith(start) for line in told), told


def test_a_hall_of_declared_displays_is_right() -> None:
    """Displays and boards that the house can write to count as displays."""
    made = scenario(with_displays(), {"acme_d6.toml": ACME})
    assert [spec.acts_as for _, spec in made.placed if spec.kind == "declared"] == ["counter_display"] * 2  # type: ignore[attr-defined]
    board = DISPLAYS.replace(", counter = 1 }", ', role = "board" }').replace(", counter = 2 }", ', role = "board" }')
    assert scenario(with_displays(board), {"acme_d6.toml": ACME})


@pytest.mark.parametrize(
    ("lines", "declaration", "told"),
    [
        (DISPLAYS, ACME.replace('values = { text = "@text" }, answer', 'values = { text = "      " }, answer'),
         'has no [house] `show` that sends "@text"'),
        (DISPLAYS.replace('"house"', '"collector"'), ACME, 'put it on a line with owner = "house"'),
        (DISPLAYS, ACME.replace("width = 6", "width = 3"), "3 characters cannot show the ticket A001"),
        (DISPLAYS.replace("unit = 2, counter = 2", "unit = 2, counter = 1"), ACME, "counter 1 already has"),
        (DISPLAYS.replace("unit = 2, counter = 2", "unit = 2, counter = 9"), ACME, "there is no counter 9"),
        (DISPLAYS.replace("unit = 2, counter = 2", "unit = 2"), ACME, "say at which `counter`"),
        (DISPLAYS.replace("counter = 2", 'counter = 2, role = "other"'), ACME, "a line of their own"),
    ],
)  # fmt: skip
def test_halls_with_displays_that_nobody_could_read(lines: str, declaration: str, told: str) -> None:
    """What the house cannot show is told before the day begins."""
    found = mistakes(with_displays(lines), {"acme_d6.toml": declaration})
    assert any(told in line for line in found), found


VOICE = (Path(__file__).parents[3] / "examples/acme_v1.toml").read_text(encoding="utf-8")
LOUD = """
[[line]]
name = "voice"
owner = "house"
duplex = "full"
devices = [{ kind = "declared", protocol = "acme_v1.toml" }]
"""
MUTE = "\n".join(line for line in VOICE.splitlines() if not line.startswith(("[house]", "announce")))


def test_a_hall_with_a_declared_voice_is_right() -> None:
    """It is a voice caller to the hall, and called as one; on a line of the program's it needs no `[house]`."""
    made = scenario(hall(OSDP_KEYPADS, LOUD), {"acme_v1.toml": VOICE})
    assert [(spec.name, spec.acts_as) for _, spec in made.placed if spec.kind == "declared"] == [  # type: ignore[attr-defined]
        ("voice-1", "voice_caller")
    ]
    assert scenario(hall(OSDP_KEYPADS, LOUD.replace('"house"', '"collector"')), {"acme_v1.toml": MUTE})


@pytest.mark.parametrize(
    ("more", "declared", "within"),
    [
        ("", 'over = "over"', 30),
        ("", "lasts_ms = 15000", 30),
        ("", "lasts_ms = 40000", 80),
        ("", 'over = "over", lasts_ms = 120000', 240),
        (", within_s = 45", "lasts_ms = 40000", 45),
        (", within_s = 600", 'over = "over"', 600),
    ],
)
def test_how_soon_a_call_has_to_be_spoken(more: str, declared: str, within: float) -> None:
    """As the scenario says; else within twice what the declaration gives a call, and 30 s at least."""
    voice = VOICE.replace('answer = "taken", over = "over"', declared)
    made: Any = scenario(hall(OSDP_KEYPADS, LOUD.replace('.toml" }', f'.toml"{more} }}')), {"acme_v1.toml": voice})
    limits = {row["name"]: row["within_s"] for row in inventory(made) if "within_s" in row}
    assert limits == {"voice-1": within}
    assert _voices(inventory(made)) == {"voice-1": within * 1_000_000_000}


def test_a_hash_is_the_same_as_before_a_limit_could_be_said() -> None:
    """What a scenario that does not say it is hashed by does not hold the key; one that says it has another hash."""
    made: list[Any] = [
        scenario(hall(OSDP_KEYPADS, LOUD.replace('.toml" }', f'.toml"{more} }}')), {"acme_v1.toml": VOICE})
        for more in ("", ", within_s = 45")
    ]
    assert ['"within_s"' in one.model_dump_json() for one in made] == [False, True]
    assert made[0].sha256 != made[1].sha256


@pytest.mark.parametrize(
    ("lines", "declaration", "told"),
    [
        (LOUD.replace('.toml" }', '.toml", within_s = 0 }'), VOICE, "within_s"),
        (LOUD.replace('.toml" }', '.toml", within_s = 601 }'), VOICE, "within_s"),
        (
            LOUD.replace('.toml" }', '.toml", within_s = 60, role = "other" }'),
            VOICE,
            'within_s is for a voice caller, and acme_v1 is none (role "other")',
        ),
        (LOUD, MUTE, "has no [house] `announce`: nobody would speak the calls on it"),
        (LOUD.replace("acme_v1.toml", "dfplayer"), VOICE, 'kind = "voice_caller", protocol = "dfplayer"'),
        (
            LOUD.replace('duplex = "full"\n', "").replace(
                'devices = [{ kind = "declared", protocol = "acme_v1.toml" }]',
                'devices = [{ kind = "declared", protocol = "acme_v1.toml" }, '
                '{ kind = "declared", protocol = "acme_v1.toml" }]',
            ),
            VOICE,
            "a voice caller has a line of its own",
        ),
    ],
)
def test_halls_with_a_voice_that_nobody_could_hear(lines: str, declaration: str, told: str) -> None:
    """What the house cannot speak on is told before the day begins."""
    found = mistakes(hall(OSDP_KEYPADS, lines), {"acme_v1.toml": declaration})
    assert any(told in line for line in found), found
