"""hallbench for pytest: the fixtures `hall` and `make_hall`, the marker `hall`, and what a failed test shows.

pytest loads this module in every session of an environment in which hallbench is installed. So it lies outside our
packages and imports none of them before a fixture is used: a project that has a `bench` or `protocol` of its own is
not disturbed, and one that uses no hall pays nothing.

    @pytest.mark.hall("tan_hoi", seed=7, ports={"/dev/ttyUSB0": "keypads"})
    def test_a_press_is_stored(hall, tmp_path): ...

The thread of a test lives in its hall's time during its setup, call and teardown; pytest's own work in between, its
durations and its time-outs are real. See docs/testing.md.
"""

from __future__ import annotations

import functools
import inspect
import shlex
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bench.testing.face import Hall

MARKER = "hall(scenario, *, seed, ports, people, house, clock, start, records): the hall that the fixture `hall` gives"
_ASKED = ("scenario", "seed", "ports", "people", "house", "clock", "start", "records")

_halls = pytest.StashKey[list[Any]]()
_failed = pytest.StashKey[bool]()
_shown = pytest.StashKey[bool]()


# -- options ----------------------------------------------------------------------------------------------------------
def pytest_addoption(parser: pytest.Parser) -> None:
    """Two options and one setting; everything else is an argument of the marker or a fixture to override."""
    group = parser.getgroup("hall", "hallbench")
    group.addoption("--hall-seed", type=int, default=None, help="seed of every hall, whatever the tests say")
    group.addoption("--hall-keep", default=None, metavar="DIR", help="keep the evidence of halls whose test failed")
    parser.addini(
        "hall",
        type="bool",
        default=False,
        help="install hallbench's stand-ins for the clocks at the start, for programs that make locks when imported",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell the marker; install the stand-ins early where the project asks for it."""
    config.addinivalue_line("markers", MARKER)
    if config.getini("hall"):
        _ours("build").keep_stand_ins()


def _ours(module: str) -> Any:
    """A module of `bench.testing`, unless the project has another package of that name."""
    found = sys.modules.get("bench") or find_spec("bench")
    where = getattr(found, "__file__", None) or getattr(found, "origin", None)
    if where is None or not (Path(where).parent / "testing" / "face.py").is_file():
        raise pytest.UsageError(
            f"this project has a package or module called 'bench' ({where}), which hides hallbench's own: the fixture "
            "`hall` cannot be used here. Give it another name, or test the program as a whole: hallbench day -- python"
        )
    from importlib import import_module

    return import_module(f"bench.testing.{module}")


# -- configuration fixtures, to be overridden ------------------------------------------------------------------------
@pytest.fixture
def hall_scenario() -> Any:
    """The scenario of the hall: a shipped name, a path (relative to the test's file), or a loaded scenario."""
    return "tan_hoi"


@pytest.fixture
def hall_seed() -> int:
    """The seed of the hall."""
    return 1


@pytest.fixture
def hall_ports() -> Mapping[str, str] | None:
    """Device path -> line: the lines of the program under test; None: as the scenario has it."""
    return None


@pytest.fixture
def hall_people() -> bool:
    """Visitors come and clerks work; without people the devices are quiet until the test acts."""
    return False


@pytest.fixture
def hall_clock() -> str:
    """The hall's clock: "virtual", or "wall" for real ports."""
    return "virtual"


@pytest.fixture
def hall_start() -> Any:
    """Time of the day at which the hall begins, "10:39"; None: the scenario's."""
    return None


@pytest.fixture
def hall_records() -> Any:
    """Where the program under test stores its ratings, if the end of every test is to judge them."""
    return None


# -- the fixtures -----------------------------------------------------------------------------------------------------
@pytest.fixture
def make_hall(request: pytest.FixtureRequest, hall_seed: int, hall_clock: str) -> Iterator[Callable[..., Hall]]:
    """Makes halls in a test: `make_hall("ca_mau", people=True)`, arguments as `bench.testing.hall`.

    A test lives in one hall at a time: `close()` one before the next is made. All are closed, and checked, at the end.
    """
    item = request.node
    halls: list[Hall] = item.stash.setdefault(_halls, [])

    def make(scenario: Any = "tan_hoi", **asked: Any) -> Hall:
        asked = {"seed": hall_seed, "clock": hall_clock, **asked}
        if request.config.getoption("--hall-seed") is not None:
            asked["seed"] = request.config.getoption("--hall-seed")
        made: Hall = _ours("face").make(_beside(request, scenario), **asked)
        made.open()
        halls.append(made)
        return made

    yield make
    __tracebackhide__ = True
    try:
        if not item.stash.get(_failed, False):
            for made in halls:
                _check(made)
    finally:
        for made in reversed(halls):
            made.close()


def _check(made: Hall) -> None:
    """What the end of a test finds is the hall's to tell: no line of a test stands for it."""
    __tracebackhide__ = True
    lost = ""
    try:
        made.check()
    except _ours("face").LostAtEnd as exc:
        lost = str(exc)
    if lost:
        pytest.fail(lost, pytrace=False)


@pytest.fixture
def hall(
    request: pytest.FixtureRequest,
    make_hall: Callable[..., Hall],
    hall_scenario: Any,
    hall_seed: int,
    hall_ports: Mapping[str, str] | None,
    hall_people: bool,
    hall_clock: str,
    hall_start: Any,
    hall_records: Any,
) -> Hall:
    """The hall of the test: what the marker `hall` says, else the fixtures `hall_scenario`, `hall_seed` and so on."""
    asked = {
        "scenario": hall_scenario,
        "seed": hall_seed,
        "ports": hall_ports,
        "people": hall_people,
        "clock": hall_clock,
        "start": hall_start,
        "records": hall_records,
    }
    for marker in reversed(list(request.node.iter_markers("hall"))):  # the closest one last: it wins
        unknown = set(marker.kwargs) - set(_ASKED)
        if unknown or len(marker.args) > 1:
            what = f"{unknown.pop()!r}" if unknown else "a second argument without a name"
            raise pytest.UsageError(f"{request.node.nodeid}: the marker `hall` has no {what}; it is {MARKER}")
        asked.update(dict(zip(_ASKED, marker.args, strict=False)), **marker.kwargs)
    return make_hall(**asked)


def _beside(request: pytest.FixtureRequest, scenario: Any) -> Any:
    """A scenario's path is meant from the test's file, or from where pytest was started."""
    if isinstance(scenario, str) and ("/" in scenario or scenario.endswith(".toml")):
        beside = request.path.parent / scenario
        return beside if beside.is_file() else Path(scenario)
    return scenario


# -- coroutine tests -----------------------------------------------------------------------------------------------
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The hall of a coroutine test comes before its other fixtures: a loop that one of them makes is in its time."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "make_hall" in names and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            wider = [name for name in names if _scope(item, name) != "function"]
            ours = [name for name in ("make_hall", "hall") if name in names]
            names[:] = [*wider, *ours, *(name for name in names if name not in {*wider, *ours})]


def _scope(item: pytest.Item, name: str) -> str:
    found = item._fixtureinfo.name2fixturedefs.get(name)  # type: ignore[attr-defined]  # noqa: SLF001
    return str(found[-1].scope) if found else "function"


# -- the phases of a test ---------------------------------------------------------------------------------------------
def _of(item: pytest.Item) -> list[Any]:
    halls: list[Any] = item.stash.get(_halls, [])
    return halls


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Fixtures that come after the hall's live in its time; what pytest does after the setup does not."""
    try:
        yield
    finally:
        for made in _of(item):
            made.leave()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """The test's function lives in its hall's time; a coroutine that no other plugin runs gets a loop in it."""
    __tracebackhide__ = True
    halls = _of(pyfuncitem)
    if halls and inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = _in_a_loop(pyfuncitem.obj)
    for made in halls:
        made.enter()
    try:
        return (yield)
    except SystemExit as exc:
        for made in halls:
            made.explain(exc)
        raise
    finally:
        for made in halls:
            made.leave()


def _in_a_loop(test: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine test as a function: asyncio's own loop, which is in simulated time when the hall is."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> Any:
        import asyncio

        return asyncio.run(test(**fixtures))

    return run


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """So do the ends of its fixtures."""
    __tracebackhide__ = True
    for made in _of(item):
        made.enter()
    try:
        yield
    finally:
        for made in _of(item):
            made.leave()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the last frames, what came nearest, and how to run it again."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
        if not item.stash.get(_shown, False):
            for made in _of(item):
                item.stash[_shown] = True
                report.sections += made.report(_again(item, made))
                keep = item.config.getoption("--hall-keep")
                if keep is not None:
                    report.sections.append(("hall: evidence", _keep(made, Path(keep), item)))
    return report


def _again(item: pytest.Item, made: Hall) -> str:
    return f"python -m pytest {shlex.quote(item.nodeid)} --hall-seed {made.seed}"


def _keep(made: Hall, folder: Path, item: pytest.Item) -> str:
    name = "".join(char if char.isalnum() else "-" for char in item.name).strip("-")
    try:
        kept = made.save(folder / name)
    except Exception as exc:
        return f"it could not be kept: {exc}"
    return f"kept in {kept}; hallbench judge {kept} gives the verdict again"
