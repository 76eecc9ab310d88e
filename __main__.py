"""`python -m kubeproof` is the `kubeproof` command; Ctrl-C and SIGTERM end it even while the rest is imported."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = "UNKNOWN: interrupted before anything was decided\n"
UNKNOWN = 3


def interrupt(_number: int, _frame: object) -> None:
    """End as Ctrl-C does: a search writes its checkpoint and says what it knows."""
    raise KeyboardInterrupt


def main() -> None:
    """Import the command line and run it."""
    try:
        signal.signal(signal.SIGTERM, interrupt)
        from kubeproof.harness.cli import main as command  # noqa: PLC0415 - what is imported can be interrupted
    except KeyboardInterrupt:
        sys.stderr.write(INTERRUPTED)
        raise SystemExit(UNKNOWN) from None
    command()


if __name__ == "__main__":
    main()
