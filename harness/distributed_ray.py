"""Workers that are Ray actors, on this machine or on many: `pip install 'kubeproof[ray]'`.

An actor holds one part of the search. Parcels go from actor to actor through Ray's object store; the process that
conducts the search holds only references to them. An actor that is gone, however it went, is a `LostError`; another
takes its place.

Left out on purpose: starting a Ray cluster (`ray start`), and where on it each actor runs: Ray spreads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import ray
from ray.exceptions import ObjectLostError, RayActorError

from ..model.checker.explore import explore
from ..model.checker.options import Options
from ..model.checker.partition.team import LostError, Partitioned
from ..model.checker.results import NO_LIMITS, Exploration, Limits, Progress
from .distributed import Blueprint, Folder, Made, Worker


class Actor:
    """A worker in a process of its own."""

    def __init__(self, blueprint: Callable[[], Made], me: int, size: int, folder: str | None, urgent: bool) -> None:  # noqa: FBT001 - Ray passes it on
        self.worker = Worker(blueprint, me, size, None if folder is None else Path(folder), urgent=urgent)

    def do(self, what: str, arguments: Sequence[Any], *parcels: Any) -> Any:
        """Do what the search asks of a part; parcels, if there are any, are answers of their own."""
        return self.worker.do(what, arguments, parcels)

    def send(self, what: str, arguments: Sequence[Any], *parcels: Any) -> Any:
        """Do what ends with a parcel for every worker: the answer, then these."""
        answer, sent = self.worker.do(what, arguments, parcels)
        return (answer, *sent)

    def save(self, level: int) -> None:
        """Write the part down."""
        self.worker.save(level)

    def restart(self, level: int | None, values: bytes) -> None:
        """Go back to a level, or to nothing."""
        self.worker.restart(level, values)


REMOTE: Any = ray.remote(Actor)


class RayTeam:
    """A team of Ray actors; Ray must have been started (`ray.init`). Close it, or use it as a context."""

    def __init__(
        self,
        blueprint: Callable[[], Made],
        size: int,
        *,
        folder: Path | None = None,
        urgent: bool = True,
        cpus: float = 1.0,
    ) -> None:
        self.size = size
        self.folder = folder
        self._kept = None if folder is None else Folder(folder)
        self._blueprint, self._urgent, self._cpus = blueprint, urgent, cpus
        self.actors = [self._hire(me) for me in range(size)]

    def _hire(self, me: int) -> Any:
        folder = None if self.folder is None else str(self.folder)
        return REMOTE.options(num_cpus=self._cpus, scheduling_strategy="SPREAD").remote(
            self._blueprint, me, self.size, folder, self._urgent
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let all actors go."""
        for actor in self.actors:
            ray.kill(actor)
        self.actors = []

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Let every worker do it and give the answers."""
        given = self._given(parcels)
        return self._answers([actor.do.remote(what, arguments, *given[me]) for me, actor in enumerate(self.actors)])

    def send(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> tuple[list[Any], Any]:
        """Let every worker do it; give the answers, and references to the parcels by sender and receiver."""
        given = self._given(parcels)
        asked = [
            actor.send.options(num_returns=1 + self.size).remote(what, arguments, *given[me])
            for me, actor in enumerate(self.actors)
        ]
        return self._answers([answer for answer, *_ in asked]), [sent for _, *sent in asked]

    def _given(self, parcels: Any) -> list[list[Any]]:
        return [[] if parcels is None else [sent[me] for sent in parcels] for me in range(self.size)]

    def save(self, level: int, content: bytes) -> bool:
        """Let every worker write its part down, if there is a folder."""
        if self._kept is None:
            return False
        self._answers([actor.save.remote(level) for actor in self.actors])
        self._kept.write(level, content)
        return True

    def saved(self) -> bytes | None:
        """Return what was written down last."""
        return None if self._kept is None else self._kept.read()

    def restart(self, level: int | None, values: bytes) -> None:
        """Put new actors where some are gone, and let all go back."""
        self.actors = [actor if self._is_there(actor) else self._hire(me) for me, actor in enumerate(self.actors)]
        self._answers([actor.restart.remote(level, values) for actor in self.actors])

    def _is_there(self, actor: Any) -> bool:
        try:
            ray.get(actor.do.remote("costs", ()))
        except RayActorError:
            return False
        return True

    def _answers(self, asked: list[Any]) -> list[Any]:
        """Wait for all; of what the workers raise, say what they raised."""
        try:
            answers: list[Any] = ray.get(asked)
        except (RayActorError, ObjectLostError) as error:
            raise LostError(str(error)) from error
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, (RayActorError, ObjectLostError)):
                raise LostError(str(error)) from error
            raise error.cause from error
        return answers


def explore_on_ray(
    blueprint: Blueprint,
    workers: int,
    *,
    folder: Path | None = None,
    urgent: bool = True,
    resume: bool = False,
    limits: Limits = NO_LIMITS,
    progress: Callable[[Progress], None] | None = None,
    **wishes: Any,
) -> Exploration:
    """Explore a machine with so many Ray actors; `wishes` are those of `Partitioned`.

    `folder`: where the workers keep their checkpoints, the same one for all of them. Without one a lost worker takes
    the search back to its beginning. Ray is started on this machine if it has not been started.
    """
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False)
    machine, properties = blueprint.make()
    with RayTeam(blueprint.make, workers, folder=folder, urgent=urgent) as team:
        options = Options(Partitioned(team, **wishes), urgent=urgent, resume=resume)
        return explore(machine, properties, options, limits=limits, progress=progress)
