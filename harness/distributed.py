"""A search spread over several processes: who the workers are, how one talks to them, and where they write.

`Blueprint` names the function that makes the machine; every worker calls it itself, so nothing big is sent. `Local`
keeps all workers in this process: the protocol without a network. `distributed_ray` has workers that are Ray actors.

Left out on purpose: starting machines, and copying files between them: the folder of the checkpoints must be the same
one for all workers.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from attrs import field, frozen

from ..model.checker.checkpoint import CheckpointError
from ..model.checker.partition.partition import Part
from ..model.checker.partition.team import LostError
from ..model.checker.replacing import replacing
from ..model.machine import Machine, Property

Made = tuple[Machine, Sequence[Property]]


def _found_from_anywhere(module: str) -> str:
    return str(Path(module).resolve()) if module.endswith(".py") else module


@frozen
class Blueprint:
    """How a worker gets its machine: by calling `function` of a module (its name, or the path of its file).

    The function gives a machine and its properties, and gives the same ones in every process.
    """

    module: str = field(converter=_found_from_anywhere)
    function: str
    arguments: tuple[Any, ...] = ()

    def make(self) -> Made:
        """Return the machine and its properties."""
        file = self.module.endswith(".py")
        module = load(Path(self.module)) if file else importlib.import_module(self.module)
        machine, properties = getattr(module, self.function)(*self.arguments)
        return machine, tuple(properties)


def load(path: Path) -> Any:
    """Load a module from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.exists():
        raise ModuleNotFoundError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manifests(folder: str) -> Made:
    """Return the core of the cluster in a folder of manifests, and what is claimed about it."""
    from .check.check import machine_of  # noqa: PLC0415
    from .claims import registry as claims  # noqa: PLC0415 - workers of other machines need not load Kubernetes
    from .face import Cluster  # noqa: PLC0415
    from .world.at_rest.prepare import prepare  # noqa: PLC0415

    scenario = Cluster.from_manifests(folder).load().scenario
    core = machine_of(scenario, prepare(scenario))
    return core.machine, tuple(claims.of(core))


class Worker:
    """One worker: its part of the search, and the files it keeps of it."""

    def __init__(self, blueprint: Callable[[], Made], me: int, size: int, folder: Path | None, *, urgent: bool) -> None:
        self._make = blueprint
        self._me, self._size, self._urgent = me, size, urgent
        self._folder = folder
        self.part = self._new()

    def _new(self) -> Part:
        machine, properties = self._make()
        return Part(machine, properties, self._me, self._size, urgent=self._urgent)

    def do(self, what: str, arguments: Sequence[Any], parcels: Sequence[Any]) -> Any:
        """Do what the search asks of a part."""
        return getattr(self.part, what)(*arguments, *parcels)

    def save(self, level: int) -> None:
        """Write everything down as it is at the beginning of a level."""
        with replacing(self._file(level)) as file:
            np.savez(file, allow_pickle=False, **self.part.everything())

    def restart(self, level: int | None, values: bytes) -> None:
        """Go back to a level, or to nothing. Raises CheckpointError where the file is not there, or damaged."""
        self.part = self._new()
        if level is None:
            return
        path = self._file(level)
        try:
            with np.load(path, allow_pickle=False) as kept:
                self.part.restore(values, dict(kept))
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise CheckpointError(f"{path} cannot be read by worker {self._me}: {error}") from None

    def _file(self, level: int) -> Path:
        if self._folder is None:
            raise FileNotFoundError("there is no folder for checkpoints")
        return self._folder / f"worker-{self._me}-level-{level}.npz"


class Folder:
    """Where a search is written down: what it knows itself, beside the files of its workers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, level: int, content: bytes) -> None:
        """Keep what belongs to a level that all workers have written; their files of other levels go."""
        with replacing(self.path / "search.bin") as file:
            file.write(content)
        for old in self.path.glob("worker-*.npz"):
            if not old.stem.endswith(f"-level-{level}"):
                old.unlink()

    def read(self) -> bytes | None:
        """Return what was written last."""
        path = self.path / "search.bin"
        return path.read_bytes() if path.exists() else None


class Local:
    """Workers in this process. `lose` takes one away, as a network would."""

    def __init__(
        self, blueprint: Callable[[], Made], size: int, *, folder: Path | None = None, urgent: bool = True
    ) -> None:
        self.size = size
        self.folder = folder
        self._kept = None if folder is None else Folder(folder)
        self._blueprint, self._urgent = blueprint, urgent
        self.workers: list[Worker | None] = [self._hire(me) for me in range(size)]

    def _hire(self, me: int) -> Worker:
        return Worker(self._blueprint, me, self.size, self.folder, urgent=self._urgent)

    def lose(self, worker: int) -> None:
        """Let a worker be gone, with all it knew."""
        self.workers[worker] = None

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Let every worker do it and give the answers."""
        return [
            self._worker(me).do(what, arguments, () if parcels is None else [sent[me] for sent in parcels])
            for me in range(self.size)
        ]

    def send(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> tuple[list[Any], Any]:
        """Let every worker do it; give the answers, and the parcels by sender and receiver."""
        answers = self.call(what, arguments, parcels)
        return [answer for answer, _ in answers], [sent for _, sent in answers]

    def save(self, level: int, content: bytes) -> bool:
        """Let every worker write its part down, if there is a folder."""
        if self._kept is None:
            return False
        for me in range(self.size):
            self._worker(me).save(level)
        self._kept.write(level, content)
        return True

    def saved(self) -> bytes | None:
        """Return what was written down last."""
        return None if self._kept is None else self._kept.read()

    def restart(self, level: int | None, values: bytes) -> None:
        """Put new workers where some are lost, and let all go back."""
        self.workers = [self._hire(me) if worker is None else worker for me, worker in enumerate(self.workers)]
        for me in range(self.size):
            self._worker(me).restart(level, values)

    def _worker(self, me: int) -> Worker:
        worker = self.workers[me]
        if worker is None:
            raise LostError(f"worker {me} is gone")
        return worker
