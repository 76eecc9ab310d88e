"""The version of the installed package, as traces record it."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("kubeproof")
