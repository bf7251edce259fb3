"""The console script before the command has begun."""

from __future__ import annotations

import builtins

from bench.cli import start


def test_ctrl_c_while_modules_are_read_is_told_by_the_exit_code_alone(monkeypatch, capsys):
    """Interrupted during the import of the commands: 130, and no traceback."""
    real = builtins.__import__

    def interrupted(name, *args, **kwargs):
        if name == "bench.cli.main":
            raise KeyboardInterrupt
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    assert start.main() == 130
    assert capsys.readouterr() == ("", "")
