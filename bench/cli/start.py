"""The console script: answers Ctrl-C from the first moment, while the command's own modules are still being read."""

from __future__ import annotations


def main() -> int:
    """Run `hallbench`; returns its exit code (130 when it was interrupted before it had begun)."""
    try:
        from bench.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        from bench.cli.exit_codes import ExitCode

        return int(ExitCode.INTERRUPTED)
