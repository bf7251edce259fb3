"""The process as a collector is to see it, and put back afterwards.

A collector believes that the process is its own: it changes the working directory, installs signal handlers, sets
timers, replaces `sys.stdout`, configures logging, registers functions for its exit. All of that is given to it, and
none of it is left when it has ended: the run goes on in this process, and perhaps another collector after it.
"""

from __future__ import annotations

import atexit
import codecs
import contextlib
import errno
import io
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import Any, TextIO

from bench.clock.kernel import current
from bench.clock.loop import fresh_policy
from bench.clock.threads import numbered_afresh

OURS = ("protocol", "firmware_sim", "bench", "scenarios", "tests")
"""Top-level names that may also be a collector's own."""

CLIENTS = ("minimalmodbus", "modbus_tk", "pymodbus", "serial_asyncio", "serial_asyncio_fast", "umodbus")
"""Libraries of collectors that keep state in their modules: each program gets them fresh."""

_HOOKS = ((sys, "excepthook"), (sys, "unraisablehook"), (sys, "displayhook"), (threading, "excepthook"))


class Output(io.RawIOBase):
    """What is under the collector's stdout and stderr: kept in the run directory, and shown when wanted.

    Args:
        log: gets all of it.
        shown: also gets it when not None.
    """

    def __init__(self, log: TextIO, shown: TextIO | None) -> None:
        self._log = log
        self._shown = shown
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def stream(self) -> TextIO:
        """A text stream on it, with all that a program may ask of its stdout (`buffer`, `reconfigure`, `fileno`)."""
        raw: Any = self  # TextIOWrapper's own needs are fewer than its type says
        return io.TextIOWrapper(
            raw,
            encoding="utf-8",
            errors="backslashreplace",
            newline="\n",
            line_buffering=True,
            write_through=True,
        )

    def say(self, text: str) -> None:
        """Write as the collector would, whatever it did to its streams."""
        # A full disk must not look like the collector's own fault: what cannot be kept is shown only. Nor must a reader
        # of our stderr who has left.
        with contextlib.suppress(OSError, ValueError):
            self._log.write(text)
        if self._shown is not None:
            with contextlib.suppress(OSError, ValueError):
                self._shown.write(text)

    def write(self, data: Any) -> int:
        """Take bytes of UTF-8 text."""
        chunk = bytes(data)
        self.say(self._decoder.decode(chunk))
        return len(chunk)

    def flush(self) -> None:
        """Pass on what is kept."""
        with contextlib.suppress(OSError, ValueError):
            self._log.flush()
        if self._shown is not None:
            with contextlib.suppress(OSError, ValueError):
                self._shown.flush()

    def close(self) -> None:
        """Stay open: stdout and stderr share this, and the run has something to add."""

    def fileno(self) -> int:
        """The log's descriptor (for faulthandler and the like)."""
        return self._log.fileno()

    def writable(self) -> bool:
        """It is."""
        return True


class ExitFunctions:
    """What the collector wants to be done at its exit, which is not the exit of this process."""

    def __init__(self) -> None:
        self._todo: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Take down what is registered with `atexit` during the block.

        What modules of the standard library register (weakref, multiprocessing) serves this whole process and is left
        to it.
        """
        real_register, real_unregister = atexit.register, atexit.unregister
        open_ = True

        def register(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
            caller = str(sys._getframe(1).f_globals.get("__name__", ""))  # noqa: SLF001
            if not open_ or caller.partition(".")[0] in sys.stdlib_module_names - {"__main__"}:
                return real_register(fn, *args, **kwargs)
            self._todo.append((fn, args, kwargs))
            return fn

        def unregister(fn: Callable[..., Any], /) -> None:
            self._todo[:] = [row for row in self._todo if row[0] != fn]
            real_unregister(fn)

        atexit.register, atexit.unregister = register, unregister
        try:
            yield
        finally:
            open_ = False
            atexit.register, atexit.unregister = real_register, real_unregister

    def run(self, failed: Callable[[BaseException], None]) -> None:
        """Do it all, last registered first; what one of them raises is told to `failed` and stops no other."""
        while self._todo:
            fn, args, kwargs = self._todo.pop()
            try:
                fn(*args, **kwargs)
            except KeyboardInterrupt:
                raise
            except BaseException as exc:
                failed(exc)


@contextlib.contextmanager
def own_modules(first_path: str) -> Iterator[None]:
    """Take our packages out of the module table, so that the collector imports its own of the same name.

    Afterwards ours are back, and what it imported from its own folder is forgotten: the next collector may have other
    modules under these names. So are libraries that it was the first to import: what they keep in their modules would
    be carried into the next world. Libraries with parts in C, which cannot be imported twice, stay.
    """

    def mine(name: str) -> bool:
        return name.partition(".")[0] in OURS

    hidden = {name: module for name, module in sys.modules.items() if mine(name) or name.partition(".")[0] in CLIENTS}
    for name in hidden:
        del sys.modules[name]
    before = set(sys.modules)
    try:
        yield
    finally:
        new = set(sys.modules) - before
        keep = {name.partition(".")[0] for name in before} | set(sys.stdlib_module_names) | _with_parts_in_c(new)
        for name in new:
            if mine(name) or name.partition(".")[0] not in keep or _folder_of(name) == first_path:
                del sys.modules[name]
        sys.modules.update(hidden)


def _with_parts_in_c(names: Iterable[str]) -> set[str]:
    """The top-level packages among these modules that have an extension module."""
    return {
        name.partition(".")[0]
        for name in names
        if isinstance(getattr(getattr(sys.modules.get(name), "__spec__", None), "loader", None), ExtensionFileLoader)
    }


def _folder_of(name: str) -> str:
    """The folder that a module's top-level package or module was found in; empty when there is none."""
    spec = getattr(sys.modules.get(name.partition(".")[0]), "__spec__", None)
    places = list(getattr(spec, "submodule_search_locations", None) or ()) or [getattr(spec, "origin", None)]
    return str(Path(places[0]).parent) if isinstance(places[0], str) else ""


@contextlib.contextmanager
def process_face(
    argv: list[str], first_path: str, env: Mapping[str, str], streams: tuple[TextIO, TextIO]
) -> Iterator[None]:
    """Make the process look as the program expects it, and put everything back afterwards.

    Args:
        argv: its command line.
        first_path: its `sys.path[0]`.
        env: variables added to the environment.
        streams: its stdout and stderr.
    """
    before = sys.argv, sys.path[:], sys.stdout, sys.stderr, sys.getrecursionlimit()
    environment, folder, main = dict(os.environ), Path.cwd(), sys.modules.get("__main__")
    hooks = [(owner, name, getattr(owner, name)) for owner, name in _HOOKS]
    dice = random.getstate()
    random.seed(0)  # a program that draws without a seed of its own draws the same each time
    sys.excepthook, sys.unraisablehook, sys.displayhook = (
        sys.__excepthook__,
        sys.__unraisablehook__,
        sys.__displayhook__,
    )
    threading.excepthook = threading.__excepthook__
    sys.argv = argv
    sys.path[0:1] = [first_path]
    os.environ.update(env)
    sys.stdout, sys.stderr = streams
    try:
        with warnings.catch_warnings(), _signals(), _no_way_past_us(), _logs(), numbered_afresh(), fresh_policy():
            yield
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        sys.argv, sys.path[:], sys.stdout, sys.stderr, limit = before
        sys.setrecursionlimit(limit)
        os.environ.clear()
        os.environ.update(environment)
        with contextlib.suppress(OSError):  # somebody removed it
            os.chdir(folder)
        if main is not None:
            sys.modules["__main__"] = main
        for owner, name, hook in hooks:
            setattr(owner, name, hook)
        random.setstate(dice)


@contextlib.contextmanager
def _logs() -> Iterator[None]:
    """Keep what is set up of logging: the root, and every logger that there is; new ones are forgotten."""
    root, manager = logging.getLogger(), logging.root.manager
    table: dict[str, Any] = manager.loggerDict
    known = dict(table)
    loggers = [root, *(logger for logger in known.values() if isinstance(logger, logging.Logger))]
    before = [(x, x.level, x.handlers[:], x.filters[:], x.propagate, x.disabled) for x in loggers]
    disabled = manager.disable
    try:
        yield
    finally:
        for logger, level, handlers, filters, propagate, off in before:
            logger.handlers[:], logger.filters[:] = handlers, filters
            logger.propagate, logger.disabled = propagate, off
            logger.setLevel(level)  # also forgets what loggers remember of levels
        manager.disable = disabled
        for name in set(table) - set(known):
            del table[name]
        table.update(known)


class HardExit(SystemExit):
    """The program called `os._exit`."""


@contextlib.contextmanager
def _no_way_past_us() -> Iterator[None]:
    """Keep `os._exit` and `os.exec*` from ending the bench with the program: a run without its verdict would exit 0.

    A forked child of the program, and every thread that is not the program's, has the real ones.
    """
    me = os.getpid()
    real = {name: getattr(os, name) for name in ("_exit", "execv", "execve") if hasattr(os, name)}

    def is_ours() -> bool:
        return os.getpid() == me and current() is not None

    def leave(status: int = 0) -> None:
        if is_ours():
            current().end_program(HardExit(status))
        real["_exit"](status)

    def replace(name: str) -> Callable[..., None]:
        def refuse(path: object, *args: object) -> None:
            if is_ours():
                raise OSError(errno.ENOSYS, f"os.{name} would replace hallbench itself: a simulated day cannot follow")
            real[name](path, *args)

        return refuse

    stand_ins: dict[str, Callable[..., None]] = {name: replace(name) for name in real if name != "_exit"}
    stand_ins["_exit"] = leave
    for name, stand_in in stand_ins.items():
        setattr(os, name, stand_in)
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Keep signal handlers and the real-time timer as they were; both belong to the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    timed = hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL)[0] > 0
    try:
        yield
    finally:
        if not timed and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)
