"""`python -m kubeproof` is the `kubeproof` command; Ctrl-C and SIGTERM end it even while the rest is imported."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = "UNKNOWN: interrupted before anything was decided\n"
UNKNOWN = 3


def listen() -> None:
    """Let SIGTERM end everything as Ctrl-C does, which stays ignored where a shell has it so."""
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


def interrupt(_number: int, _frame: object) -> None:
    """Let a search write its checkpoint and say what it knows; what is left half made is let go in silence."""
    sys.unraisablehook = lambda _: None
    raise KeyboardInterrupt


def main() -> None:
    """Import the command line and run it."""
    try:
        listen()
        from kubeproof.harness.cli import main as command  # noqa: PLC0415 - what is imported can be interrupted
    except KeyboardInterrupt:
        sys.stderr.write(INTERRUPTED)
        raise SystemExit(UNKNOWN) from None
    command()


if __name__ == "__main__":
    main()
