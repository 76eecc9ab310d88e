"""The Python face: `check(Cluster.from_manifests("deploy/", nodes=3), faults=Faults(crash=1))`.

The command line and the pytest plugin go through here as well, so that all three mean the same. Script steps are made
by `set_image`, `scale`, `drain` and so on, or given as the words that `kubeproof check --script` takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..impl.api.frozen import EMPTY, Json, freeze, thaw
from ..impl.api.load import BadInput, Problem
from ..impl.kubectl import script as steps
from ..impl.kubectl.script import Step
from ..model.checker import profile
from ..model.checker.checkpoint import Checkpoint, CheckpointError
from ..model.checker.explore import explore
from ..model.checker.results import Exploration, Limits, Progress, Status
from ..model.checker.simulate import simulate
from ..traces import files as trace_files
from ..traces import render
from ..traces.document import Document, Inputs
from ..traces.replay import Replay, record, replay
from . import check as checking
from . import report as reports
from .cluster import Refused
from .commands import CommandError, parse
from .inputs import beside_dump, gather, name_of
from .results import Report
from .scenario import Faults
from .scenario_file import FAULTS, Loaded, load_scenario
from .scenario_script import to_json
from .version import VERSION


@frozen
class Cluster:
    """Manifests and nodes: the texts of the files by name, and options in the shape of scenario.yaml."""

    name: str
    files: immutabledict[str, str]
    options: immutabledict[str, Json] = EMPTY

    @classmethod
    def from_manifests(
        cls, *paths: str | Path, nodes: int | None = None, from_cluster: str | Path | None = None
    ) -> Cluster:
        """Read files and folders; `nodes` adds that many plain ones. Raises BadInput naming what cannot be read.

        `from_cluster` is a dump of the cluster to start from (`kubectl get -A -o json`); manifests are applied to it.
        """
        gathered = gather(paths) if from_cluster is None else beside_dump(paths, from_cluster)
        options = {"nodes": nodes, "fromCluster": None if from_cluster is None else name_of(from_cluster)}
        return cls(gathered.name, gathered.files).given(options)

    def given(self, options: Mapping[str, Any]) -> Cluster:
        """Give the same cluster with more options, those that are None left out."""
        more = {key: freeze(value) for key, value in options.items() if value is not None}
        return evolve(self, options=immutabledict(sorted({**self.options, **more}.items())))

    def load(self) -> Loaded:
        """Make the scenario. Raises BadInput with every mistake in files and options."""
        return load_scenario(self.name, self.files, self.options)


@frozen
class Result:
    """What a check found. `documents` are the traces of broken claims, `paths` where they were written."""

    outcome: Report
    not_modelled: tuple[str, ...] = ()
    documents: immutabledict[str, Document] = EMPTY
    paths: immutabledict[str, str] = field(default=EMPTY)

    @property
    def status(self) -> Status:
        """The worst verdict of all claims."""
        return reports.status(self.outcome)

    @property
    def holds(self) -> bool:
        """Whether every claim holds; UNKNOWN is no success."""
        return self.status is Status.HOLDS

    @property
    def as_expected(self) -> bool:
        """Whether every verdict is the one that scenario.yaml expects."""
        return reports.as_expected(self.outcome)

    @property
    def report(self) -> str:
        """The whole report as text."""
        return reports.text(self.outcome, self._traces(), self.not_modelled)

    @property
    def trace(self) -> str:
        """The run that breaks the first broken claim, as text; "" where there is none."""
        return next((render.text(document) for document in self.documents.values()), "")

    def to_json(self) -> dict[str, Any]:
        """Give the report as JSON."""
        found = self.outcome.exploration
        statistics = None if found is None else profile.to_json(found)
        return {**reports.to_json(self.outcome, self._traces(), self.not_modelled), "statistics": statistics}

    @property
    def statistics(self) -> str:
        """What the search of the core cost and covered, as text; "" where nothing was searched."""
        found = self.outcome.exploration
        return "" if found is None else "\n".join((*profile.lines(found), ""))

    def _traces(self) -> dict[str, tuple[str, Document]]:
        return {claim: (self.paths.get(claim, ""), document) for claim, document in self.documents.items()}


def check(
    cluster: Cluster | str | Path,
    *,
    script: Iterable[Step | str] | None = None,
    faults: Faults | Mapping[str, Any] | None = None,
    propagation: str | int | None = None,
    limits: Limits | None = None,
    trace_dir: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    measure: bool = False,
    walks: int | None = None,
    seed: int = 0,
    symmetry: bool = True,
    **options: Any,
) -> Result:
    """Check a cluster, or the manifests at a path, against every claim.

    `options` are those of scenario.yaml in its spelling or in Python's (`start`, `consistency`, `wait_between_steps`).
    With `trace_dir`, the traces of broken claims are written there. `checkpoint` is the file the search is kept in,
    `resume` goes on from it; `measure` times the Python code of components and claims. With `walks`, so many
    random walks stand in for the search: they find breaches, and nothing holds. `symmetry` False keeps apart what
    differs only in which of several nodes or Pods that are alike is which. Raises BadInput for what is wrong with
    the input, the checkpoint included.
    """
    if not isinstance(cluster, Cluster):
        cluster = Cluster.from_manifests(cluster)
    given = {_camel(name): value for name, value in options.items()}
    given["script"] = None if script is None else steps_to_json(script)
    if isinstance(faults, Faults):
        faults = {name: getattr(faults, own) for name, own in FAULTS.items()}
    given["faults"] = faults
    if propagation is not None:
        given["bounds"] = {**given.get("bounds", {}), "propagation": propagation}
    cluster = cluster.given(given)
    loaded = cluster.load()
    search = _search(cluster, checkpoint, resume=resume, measure=measure)
    if walks:
        search = _walks(walks, seed, checkpoint)
    try:
        outcome = checking.check(
            loaded.scenario,
            limits=limits or Limits(),
            progress=progress,
            symmetry=symmetry and not walks and checkpoint is None,  # Neither knows of orbits.
            search=search,
        )
    except Refused as refused:
        raise BadInput((Problem("input", 0, "", str(refused)),)) from None
    except CheckpointError as error:
        raise BadInput((Problem("--checkpoint", 0, "", str(error)),)) from None
    documents = _documents(outcome, Inputs(cluster.files, cluster.options))
    return Result(outcome, loaded.not_modelled, documents, _written(cluster.name, documents, trace_dir))


def _walks(walks: int, seed: int, checkpoint: str | Path | None) -> Callable[..., Exploration]:
    if checkpoint is not None:
        raise BadInput((Problem("--simulate", 0, "", "random walks have no checkpoint: --seed goes them again"),))
    return partial(simulate, walks=walks, seed=seed)


def _search(
    cluster: Cluster, checkpoint: str | Path | None, *, resume: bool, measure: bool
) -> Callable[..., Exploration]:
    """Give the search of the core, kept in a file if one is named; the file knows the input by its digest."""
    if checkpoint is None:
        if resume:
            raise BadInput((Problem("--resume", 0, "", "say with --checkpoint which file to go on from"),))
        return partial(explore, profile=measure)
    content = json.dumps([sorted(cluster.files.items()), thaw(cluster.options), VERSION], sort_keys=True)
    kept = Checkpoint(Path(checkpoint), tag=blake2b(content.encode()).hexdigest())
    return partial(explore, profile=measure, checkpoint=kept, resume=resume)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def steps_to_json(script: Iterable[Step | str]) -> list[dict[str, Any]]:
    """Write script steps, also those given in words, as scenario.yaml has them. Raises BadInput for bad words."""
    written: list[dict[str, Any]] = []
    for step in script:
        try:
            written.extend(parse(step) if isinstance(step, str) else [to_json(step)])
        except CommandError as error:
            raise BadInput((Problem("--script", 0, "", str(error), ""),)) from None
    return written


def _documents(outcome: Report, inputs: Inputs) -> immutabledict[str, Document]:
    return immutabledict(
        (
            claim.name,
            record(
                claim.trace,
                version=VERSION,
                inputs=inputs,
                claim=claim.name,
                sentence=claim.sentence,
                verdict=claim.status.value,
                kind=claim.kind,
                reasons=claim.lines,
            ),
        )
        for claim in outcome.claims
        if claim.trace is not None and claim.status is Status.VIOLATED
    )


def _written(name: str, documents: Mapping[str, Document], folder: str | Path | None) -> immutabledict[str, str]:
    if folder is None:
        return EMPTY
    return immutabledict(
        (claim, str(trace_files.write(document, Path(folder) / f"{name}-{claim}.json")))
        for claim, document in documents.items()
    )


def replay_check(document: Document) -> Replay:
    """Go through the trace of a check again, from the files it embeds."""
    loaded = load_scenario("replay", document.inputs.files, document.inputs.options)
    return replay(checking.machine_for(loaded.scenario, document.kind), document)


def _workload(name: str) -> tuple[str, str]:
    kind, slash, rest = name.rpartition("/")
    return (kind, rest) if slash else ("Deployment", name)


def set_image(workload: str, image: str, container: str = "") -> Step:
    """Give a workload ("web", or "ReplicaSet/web") a new image, as `kubectl set image` does."""
    return steps.SetImage(*_workload(workload), image, container)


def scale(workload: str, replicas: int) -> Step:
    """Change the number of replicas of a workload ("web", or "ReplicaSet/web")."""
    return steps.Scale(*_workload(workload), replicas)


def delete_pod(name: str, node: str = "") -> Step:
    """Delete a Pod by name, or the first of a workload ("Deployment/web"), of those on a node if one is named."""
    return steps.DeletePod(workload=name, node=node) if "/" in name else steps.DeletePod(name)


def cordon(node: str) -> Step:
    """Make a node unschedulable."""
    return steps.Cordon(node)


def drain(node: str) -> Step:
    """Cordon a node and evict its Pods until none is left."""
    return steps.Drain(node)
