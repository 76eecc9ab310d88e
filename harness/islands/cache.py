"""What was found of an island, kept on disk: a second run after a small change asks only what has changed.

The key is a digest of everything that decides a report: the island's scenario, whether symmetry is used, and the code
of kubeproof itself. Kept is only what no limit has cut short. The files are pickles, so they belong to the user who
made them and lie in that user's cache, never beside the manifests, where somebody else might put one.
"""

from __future__ import annotations

import os
import pickle
from functools import cache
from hashlib import sha256
from pathlib import Path

from attrs import frozen

from ...model.checker.replacing import replacing
from ...model.checker.results import Status
from ...traces.canonical import canonical
from ..check.results import Report
from ..input.scenario import Scenario
from ..version import VERSION

ROOT = Path(__file__).parents[2]
"""The package: whose code decides."""
MOST = 2_000
"""Reports that are kept; the oldest go first."""
SUFFIX = ".report"


def home() -> Path:
    """Return the folder of this user's cache (XDG_CACHE_HOME)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kubeproof"


@frozen
class Cache:
    """Reports by digest, in a folder. What cannot be read or written is as if it were not there."""

    folder: Path

    def key(self, scenario: Scenario, *, symmetry: bool, only: str = "") -> str:
        """Return the digest of a question, about every claim or about one."""
        asked = f"{code()} {symmetry} {only} {canonical(scenario)}"
        return sha256(asked.encode()).hexdigest()

    def get(self, key: str) -> Report | None:
        """Return what was found once, if it is kept."""
        try:
            with (self.folder / f"{key}{SUFFIX}").open("rb") as file:
                found = pickle.load(file)  # noqa: S301 - the user's own file
        except (OSError, EOFError, AttributeError, ImportError, pickle.UnpicklingError):
            return None
        return found if isinstance(found, Report) else None

    def put(self, key: str, report: Report) -> None:
        """Keep a report, unless a limit has cut it short."""
        if not report.complete or any(claim.status is Status.UNKNOWN for claim in report.claims):
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(self.folder / f"{key}{SUFFIX}", f".{os.getpid()}") as file:
                pickle.dump(report, file)
            self._prune()
        except OSError:
            return

    def _prune(self) -> None:
        kept = list(self.folder.glob(f"*{SUFFIX}"))
        if len(kept) > MOST:
            for old in sorted(kept, key=lambda path: path.stat().st_mtime)[: len(kept) - MOST]:
                old.unlink(missing_ok=True)


@cache
def code() -> str:
    """Return the digest of this version of kubeproof: of its sources, so that changed code asks anew."""
    found = sha256(VERSION.encode())
    for path in sorted(ROOT.rglob("*.py")):
        inside = path.relative_to(ROOT)
        if inside.parts[0] in ROOMS:
            found.update(f"{inside}\n".encode() + path.read_bytes())
    return found.hexdigest()


ROOMS = frozenset({"harness", "impl", "model", "properties", "traces"})
