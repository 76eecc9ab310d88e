"""The Python face: `check(Cluster.from_manifests("deploy/", nodes=3), faults=Faults(crash=1))`.

The command line and the pytest plugin go through here as well, so that all three mean the same. Script steps are made
by `set_image`, `scale`, `drain` and so on, or given as the words that `kubeproof check --script` takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..impl.api.claim_names import SENTENCES
from ..impl.api.kinds import ref_of
from ..impl.api.reading.json_fields import json_name
from ..impl.api.reading.load import BadInput, Problem
from ..impl.api.releases import OLDEST
from ..impl.api.values.frozen import EMPTY, Json, freeze, thaw
from ..impl.kubectl import script as steps
from ..impl.kubectl.script import Step
from ..model.checker import profile
from ..model.checker.checkpoint import Checkpoint, CheckpointError
from ..model.checker.explore import explore
from ..model.checker.options import Options
from ..model.checker.results import Exploration, Limits, Progress, Status
from ..model.checker.semantics import StepError
from ..model.checker.simulate import simulate
from ..traces import files as trace_files
from ..traces import render
from ..traces.document import BadTraceError, Document, Inputs
from ..traces.replay import Replay, Replayed, record, replay
from .check import report as reports
from .check.report import Told
from .check.results import Alone, Report
from .input.files.inputs import beside_dump, gather, name_of
from .input.files.project import over
from .input.files.scenario_file import FAULTS, Loaded, load_scenario
from .input.scenario import Faults
from .input.script.script import to_json
from .islands import check as checking
from .islands.cache import Cache as Kept
from .own.controllers import NOTHING, Controller, Own
from .own.importing import CONTROLLERS, MADE, PROPERTIES, from_record, recorded
from .own.properties import PropertyError, Said
from .version import VERSION
from .world.applied import Refused

RELEASE = "release"


@frozen
class Cluster:
    """Manifests and nodes: the texts of the files by name, and options in the shape of scenario.yaml."""

    name: str
    files: immutabledict[str, str]
    options: immutabledict[str, Json] = EMPTY
    own: Own = NOTHING
    """Controllers and properties of the user."""

    @classmethod
    def from_manifests(
        cls,
        *paths: str | Path,
        nodes: int | str | Path | None = None,
        namespace: str | None = None,
        recursive: bool = False,
        from_cluster: str | Path | None = None,
    ) -> Cluster:
        """Read files and folders, with `recursive` those below. Raises BadInput naming what cannot be read.

        `nodes` adds that many plain ones, or is a file with more; `namespace` is where objects go that name none.
        `from_cluster` is a dump of the cluster to start from (`kubectl get -A -o json`); manifests are applied to it.
        """
        counted = nodes if isinstance(nodes, int) else None
        more = () if nodes is None or isinstance(nodes, int) else (nodes,)
        wanted = (*paths, *more)
        gathered = (
            gather(wanted, recursive=recursive)
            if from_cluster is None
            else beside_dump(wanted, from_cluster, recursive=recursive)
        )
        dump = None if from_cluster is None else name_of(from_cluster)
        given = {"fromCluster": dump, "namespace": namespace, "nodes": counted}
        options = immutabledict((key, value) for key, value in sorted(given.items()) if value is not None)
        return cls(gathered.name, gathered.files, options)

    @classmethod
    def of(cls, objects: Iterable[Mapping[str, Any]], *, nodes: int | None = None) -> Cluster:
        """Return the cluster of objects as JSON, as `kubeproof.strategies` draws them; `nodes` adds plain ones."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        options = EMPTY if nodes is None else immutabledict({"nodes": nodes})
        return cls("objects", immutabledict({"objects.json": json.dumps(listed)}), options)

    def given(self, options: Mapping[str, Any]) -> Cluster:
        """Return the same cluster with more options laid over its own, those that are None left out."""
        more = {key: thaw(value) for key, value in options.items() if value is not None}
        return evolve(self, options=freeze(over(more, thaw(self.options))))

    def load(self) -> Loaded:
        """Make the scenario. Raises BadInput with every mistake in files and options."""
        return load_scenario(self.name, self.files, self.options, self.own)


@frozen
class Result:
    """What a check found. `documents` are the traces of broken claims, `paths` where they were written."""

    outcome: Report
    loaded: Loaded
    documents: immutabledict[str, Document] = EMPTY
    paths: immutabledict[str, str] = field(default=EMPTY)

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """What the manifests say that is not modelled: one line each, with its place."""
        return self.loaded.not_modelled

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted about the input: one line each, with its place."""
        return tuple(map(str, self.loaded.assumptions))

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
        """The report as text."""
        return self.text()

    def text(self, *, width: int = reports.WIDTH, explain: bool = False) -> str:
        """Return the report in lines of at most `width`; with `explain` also what matters to no claim."""
        return reports.text(self.outcome, self.told, width=width, explain=explain)

    @property
    def quiet(self) -> str:
        """The verdicts alone, one a line."""
        return reports.quiet(self.outcome)

    @property
    def trace(self) -> str:
        """The run that breaks the first broken claim, as text; "" where there is none."""
        return next((render.text(document) for document in self.documents.values()), "")

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        found = self.outcome.exploration
        statistics = None if found is None else profile.to_json(found)
        return {**reports.to_json(self.outcome, self.told), "statistics": statistics}

    @property
    def statistics(self) -> str:
        """What the search of the core cost and covered, as text; "" where nothing was searched."""
        found = self.outcome.exploration
        return "" if found is None else "\n".join((*profile.lines(found), ""))

    @property
    def told(self) -> Told:
        """What a report tells beside the verdicts."""
        traces = immutabledict(
            (claim, (self.paths.get(claim, ""), document)) for claim, document in self.documents.items()
        )
        return Told(self.loaded.manifests, self.loaded.notes, self.loaded.assumptions, traces)


def check(
    cluster: Cluster | str | Path | None = None,
    *,
    manifests: str | Path | None = None,
    controllers: Iterable[Controller] = (),
    properties: Iterable[Said] = (),
    script: Iterable[Step | str] | None = None,
    faults: Faults | Mapping[str, Any] | None = None,
    propagation: str | int | None = None,
    limits: Limits | None = None,
    trace_dir: str | Path | None = None,
    trace_name: str = "",
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    measure: bool = False,
    walks: int | None = None,
    seed: int = 0,
    symmetry: bool = True,
    islands: bool = True,
    jobs: int = 1,
    ray: str = "",
    cache: Kept | None = None,
    **options: Any,
) -> Result:
    """Check a cluster, or the manifests at a path, against every claim.

    `controllers` are reconcile functions of yours (`controller`) that take part, `properties` what else must hold
    (`always`, `never`, `eventually`, `leads_to`, `step`): docs/controllers.md. `manifests` is another name for a path.
    `options` are those of scenario.yaml in its spelling or in Python's (`start`, `consistency`, `wait_between_steps`).
    With `trace_dir`, the traces of broken claims are written there, called `trace_name` or like the manifests, and
    never over a trace of another scenario. `checkpoint` is the file the search is kept in,
    `resume` goes on from it; `measure` times the Python code of components and claims. With `walks`, so many
    random walks stand in for the search: they find breaches, and nothing holds. `symmetry` False keeps apart what
    differs only in which of several nodes or Pods that are alike is which, `islands` False looks at workloads together
    that have nothing to do with each other, and `jobs` processes share those that have not, or the processors of the
    Ray cluster at an address (`ray`: `auto`, `local`). `cache` keeps answers for later runs.
    Raises BadInput for what is wrong with the input, the checkpoint included.
    """
    cluster = _cluster(cluster, manifests)
    cluster = evolve(cluster, own=_own(cluster, controllers, properties))
    given = {json_name(name): value for name, value in options.items()}
    script = [script] if isinstance(script, str) else script
    given["script"] = None if script is None else [step if isinstance(step, str) else to_json(step) for step in script]
    if isinstance(faults, Faults):
        faults = {name: getattr(faults, own) for name, own in FAULTS.items()}
    given["faults"] = faults
    if propagation is not None:
        given["bounds"] = {**given.get("bounds", {}), "propagation": propagation}
    cluster = cluster.given(given)
    loaded = cluster.load()
    search = partial(_search, cluster, checkpoint, resume=resume, measure=measure)
    search("")
    if walks:
        search = partial(_walks, walks, seed, checkpoint)
    theirs = bool(cluster.own)  # Of a user's function nobody knows what it tells apart, or what it was yesterday.
    try:
        outcome = checking.check(
            loaded.scenario,
            limits=limits or Limits(),
            progress=progress,
            symmetry=symmetry and not walks and not theirs,  # A walk knows nothing of orbits.
            search=search,
            islands=islands and not walks and not theirs,
            jobs=jobs,
            ray=ray,
            cache=None if walks or measure or theirs else cache,
        )
    except (PropertyError, StepError) as error:
        theirs_too = error if isinstance(error, PropertyError) else error.__cause__
        if not isinstance(theirs_too, PropertyError):
            raise
        raise BadInput((Problem("properties", 0, "", str(theirs_too)),)) from None
    except Refused as refused:
        raise BadInput((loaded.manifests.problem(ref_of(refused.obj), "", str(refused)),)) from None
    except CheckpointError as error:
        raise BadInput((Problem("--checkpoint", 0, "", str(error)),)) from None
    # What is newest now may not be so at a replay, nor who a function is.
    named = cluster.given({RELEASE: loaded.scenario.release.name, **recorded(outcome.scenario.own)})
    documents = _documents(outcome, Inputs(named.files, named.options), loaded)
    return Result(outcome, loaded, documents, _written(trace_name or cluster.name, documents, trace_dir))


def _cluster(cluster: Cluster | str | Path | None, manifests: str | Path | None) -> Cluster:
    named = manifests if cluster is None else cluster
    if named is None or (cluster is not None and manifests is not None):
        raise BadInput((Problem("check", 0, "", "name the manifests once", "check('db.yaml', ...)"),))
    return named if isinstance(named, Cluster) else Cluster.from_manifests(named)


def _own(cluster: Cluster, controllers: Iterable[Controller], properties: Iterable[Said]) -> Own:
    """Return the cluster's controllers and properties with more of them. Raises BadInput where two have one name."""
    own = Own((*cluster.own.controllers, *controllers), (*cluster.own.properties, *properties))
    names = [*(prop.name for prop in own.properties), *SENTENCES]
    for name in names:
        if names.count(name) > 1:
            raise BadInput((Problem("properties", 0, "", f"two claims are called {name!r}", "rename the function"),))
    return own


def _walks(walks: int, seed: int, checkpoint: str | Path | None, _island: str) -> Callable[..., Exploration]:
    if checkpoint is not None:
        raise BadInput((Problem("--simulate", 0, "", "random walks have no checkpoint: --seed goes them again"),))
    return partial(simulate, walks=walks, seed=seed)


def _search(
    cluster: Cluster, checkpoint: str | Path | None, island: str, *, resume: bool, measure: bool, first: bool = False
) -> Callable[..., Exploration]:
    """Return the search of the core of an island, kept in a file if one is named; it knows the input by its digest.

    It ends with the `first` breach, or goes through all.
    """
    if checkpoint is None:
        if resume:
            raise BadInput((Problem("--resume", 0, "", "say with --checkpoint which file to go on from"),))
        return partial(explore, options=Options("auto", profile=measure, stop_at_first=first))
    content = json.dumps([list(cluster.files.items()), thaw(cluster.options), VERSION, island], sort_keys=True)
    tag = blake2b(content.encode()).hexdigest()
    path = Path(f"{checkpoint}.{re.sub('[^A-Za-z0-9]+', '-', island)}.{tag[:8]}" if island else checkpoint)
    kept = Checkpoint(path, tag=tag)
    options = Options("auto", profile=measure, stop_at_first=first, checkpoint=kept, resume=resume)
    return partial(explore, options=options)


def _documents(outcome: Report, inputs: Inputs, loaded: Loaded) -> immutabledict[str, Document]:
    return immutabledict(
        (
            claim.name,
            _of_island(
                claim.alone,
                record(
                    claim.trace,
                    version=VERSION,
                    inputs=inputs,
                    claim=claim.name,
                    sentence=claim.sentence,
                    verdict=claim.status.value,
                    kind=claim.kind,
                    reasons=(*claim.lines, *(f"at {reports.blamed(blame, loaded.manifests)}" for blame in claim.blame)),
                    beside=loaded.scenario.objects,
                    times=claim.times,
                ),
            ),
        )
        for claim in outcome.claims
        if claim.trace is not None and claim.status is Status.VIOLATED
    )


def _of_island(alone: Alone | None, document: Document) -> Document:
    if alone is None:
        return document
    return evolve(document, island=alone.island, places=alone.pods, rest=alone.rest)


def _written(name: str, documents: Mapping[str, Document], folder: str | Path | None) -> immutabledict[str, str]:
    if folder is None:
        return EMPTY
    return immutabledict(
        (claim, str(trace_files.write(document, _free(Path(folder), f"{name}-{claim}", document.inputs))))
        for claim, document in documents.items()
    )


def _free(folder: Path, stem: str, inputs: Inputs) -> Path:
    """Return the file for a trace: the first of its name that is not there, or is a trace of the same inputs."""
    for number in count(1):
        path = folder / (f"{stem}.json" if number == 1 else f"{stem}-{number}.json")
        if not path.exists() or _asks(path, inputs):
            return path
    raise AssertionError("numbers do not end")


def _asks(path: Path, inputs: Inputs) -> bool:
    """Tell whether a file is a trace of the same question: the same files, whatever is in them now, and options."""
    try:
        there = trace_files.read(path).inputs
    except BadTraceError:
        return False
    return there.files.keys() == inputs.files.keys() and there.options == inputs.options


def in_full(document: Document) -> Document:
    """Return a trace with all that is recorded today; one of format 1 is gone through again for it, if it can be."""
    if document.objects:
        return document
    if document.what == "walk":
        from .run import tour as walk  # noqa: PLC0415 - nothing else here needs it

        return walk.record(walk.walk(document.inputs), document.version)
    again = replay_check(document)
    if not isinstance(again, Replayed) or again.trace is None:
        return document
    beside = loaded_again(document).scenario.objects
    new = record(again.trace, version=document.version, inputs=document.inputs, beside=beside)
    return evolve(document, steps=new.steps, objects=new.objects)


def replay_check(document: Document) -> Replay:
    """Go through the trace of a check again, from the files it embeds. One that names no release is of the oldest."""
    loaded = loaded_again(document)
    alone = Alone(document.island, document.places, document.rest) if document.island else None
    return replay(checking.machine_for(loaded.scenario, document.kind, alone), document)


def loaded_again(document: Document) -> Loaded:
    """Make the scenario of a trace from the files it embeds. Raises BadInput where its functions are others by now."""
    options = {RELEASE: OLDEST.name, **document.inputs.options}
    own = from_record(options)
    plain = {key: value for key, value in options.items() if key not in {CONTROLLERS, PROPERTIES, MADE}}
    return load_scenario("replay", document.inputs.files, plain, own)


def set_image(workload: str, image: str, container: str = "", *, namespace: str = "") -> Step:
    """Return a workload ("web", or "ReplicaSet/web") a new image, as `kubectl set image` does."""
    return steps.SetImage(*_workload(workload), image, container, namespace)


def scale(workload: str, replicas: int, *, namespace: str = "") -> Step:
    """Change the number of replicas of a workload ("web", or "ReplicaSet/web")."""
    return steps.Scale(*_workload(workload), replicas, namespace)


def delete_pod(name: str, node: str = "", *, namespace: str = "") -> Step:
    """Delete a Pod by name, or the first of a workload ("Deployment/web"), of those on a node if one is named."""
    workload = name if "/" in name else ""
    return steps.DeletePod("" if workload else name, workload, node if workload else "", namespace)


def cordon(node: str) -> Step:
    """Make a node unschedulable."""
    return steps.Cordon(node)


def drain(
    node: str,
    *,
    force: bool = False,
    ignore_daemonsets: bool = False,
    delete_emptydir_data: bool = False,
    pod_selector: str = "",
) -> Step:
    """Cordon a node and evict its Pods until none is left, as `kubectl drain` does with these flags."""
    return steps.Drain(node, force, ignore_daemonsets, delete_emptydir_data, pod_selector)


def _workload(name: str) -> tuple[str, str]:
    kind, slash, rest = name.rpartition("/")
    return (kind, rest) if slash else ("Deployment", name)
