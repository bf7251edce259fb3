"""An interpreter as on Windows, as far as names go: run as a program, in a process of its own.

    python tests/support/like_windows.py              imports every module; prints how many, tells all that cannot be
    python tests/support/like_windows.py COMMAND ...  runs `hallbench COMMAND ...`

Modules and names that Windows lacks (Python's library reference, "Availability: Unix") are taken away after the
libraries of others have been imported, which know how to do without. What it cannot show is how Windows behaves: file
names, sharing of open files, the resolution of its clocks.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final

MODULES: Final = (
    "_posixshmem",
    "_posixsubprocess",
    "crypt",
    "curses",
    "fcntl",
    "grp",
    "nis",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
)
LIBRARIES: Final = """
    aiohttp asyncio.unix_events click jinja2 multiprocessing.popen_fork numpy pydantic
    serial serial.rs485 serial.rfc2217 serial.tools.list_ports simpy sqlalchemy.dialects.sqlite subprocess tempfile
    time_machine
"""
DRAWING: Final = "matplotlib.figure PIL.Image textual.app textual.drivers.linux_driver textual_serve.server"
"""Libraries that no command needs but those that draw; they take longer to import than most commands run."""
_OS: Final = """
    chown fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getsid
    getuid killpg lchown mkfifo mknod nice openpty pipe2 posix_fallocate posix_spawn posix_spawnp pread preadv pwrite
    pwritev register_at_fork sched_getaffinity sched_setaffinity sched_yield setegid seteuid setgid setgroups setpgid
    setpriority setsid setuid statvfs sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid
    eventfd memfd_create splice
    O_CLOEXEC O_DIRECTORY O_DSYNC O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC WNOHANG WUNTRACED
"""
_SIGNAL: Final = """
    ITIMER_PROF ITIMER_REAL ITIMER_VIRTUAL SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm getitimer pause pthread_kill
    pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
"""
_KEPT: Final = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
_OTHERS: Final = {
    select: ("poll", "epoll", "kqueue", "PIPE_BUF"),
    socket: ("SO_REUSEPORT", "SCM_RIGHTS", "CMSG_LEN", "sethostname"),
    time: ("tzset", "clock_gettime", "clock_gettime_ns", "clock_settime", "clock_getres", "pthread_getcpuclockid"),
}


def take_away(libraries: str = LIBRARIES + DRAWING) -> None:
    """From here on the interpreter lacks what Windows lacks; `libraries` are imported before."""
    for name in libraries.split():
        importlib.import_module(name)
    signals = [name for name in dir(signal) if name.startswith("SIG") and name[3:4] != "_" and name not in _KEPT]
    clocks = [name for name in dir(time) if name.startswith("CLOCK_")]
    for where, names in ((os, _OS.split()), (signal, [*_SIGNAL.split(), *signals]), (time, clocks), *_OTHERS.items()):
        for name in names:
            if hasattr(where, name):
                delattr(where, name)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    loop = importlib.import_module("asyncio.unix_events")._UnixSelectorEventLoop
    for name in ("add_signal_handler", "remove_signal_handler", "subprocess_exec", "subprocess_shell"):
        setattr(loop, name, _not_there)


def _not_there(*_args: object, **_kw: object) -> None:
    """What a selector's event loop does there with signals and subprocesses."""
    raise NotImplementedError


UNIX_ONLY: Final = ("bench.ports.pty",)
"""What cannot be imported there, and says so: nothing else may need it to be imported."""


def import_everything() -> int:
    """Import every module of the packages; how many.

    Raises:
        SystemExit: some cannot be imported; all are told.
    """
    names = []
    failures = []
    for package in ("protocol", "firmware_sim", "bench", "scenarios"):
        names += [package, *_beneath(package)]
    for name in [*names, "hallbench_pytest"]:
        if name in UNIX_ONLY or name.endswith(".__main__"):
            continue
        try:
            importlib.import_module(name)
        except Exception as error:
            failures.append(f"{name}: {type(error).__name__}: {error}")
    if failures:
        raise SystemExit("\n".join(failures))
    return len(names)


def _beneath(package: str) -> list[str]:
    root = Path(importlib.import_module(package).__path__[0])
    found = pkgutil.walk_packages([str(root)], f"{package}.", onerror=lambda _name: None)
    return [module.name for module in found]


if __name__ == "__main__":
    take_away(LIBRARIES if len(sys.argv) > 1 else LIBRARIES + DRAWING)
    if len(sys.argv) > 1:
        from bench.cli.start import main

        sys.argv[0] = "hallbench"
        sys.exit(main())
    print(f"{import_everything()} modules imported")
