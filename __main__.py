"""`python -m kubeproof` is the `kubeproof` command; Ctrl-C is no traceback even while the rest is imported."""

from __future__ import annotations

import sys

INTERRUPTED = "UNKNOWN: interrupted before anything was decided\n"
UNKNOWN = 3


def main() -> None:
    """Import the command line and run it."""
    try:
        from kubeproof.harness.cli import main as command  # noqa: PLC0415 - what is imported can be interrupted
    except KeyboardInterrupt:
        sys.stderr.write(INTERRUPTED)
        raise SystemExit(UNKNOWN) from None
    command()


if __name__ == "__main__":
    main()
