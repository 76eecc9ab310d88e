"""From files to a scenario: scenario.yaml beside the manifests, and the options given on top of it.

Options have the same shape as scenario.yaml, so that the command line, the Python face and a recorded trace go through
one door. Every mistake is reported, each with file, line and field path. docs/scenario-format.md is the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

from attrs import evolve, fields, frozen
from immutabledict import immutabledict

from ....impl.api.claim_names import ALL as CLAIMS
from ....impl.api.core import Node, Resources
from ....impl.api.kinds import Object, Unstructured, ref_of
from ....impl.api.meta import Ref
from ....impl.api.reading.json_fields import json_name
from ....impl.api.reading.load import BadInput, Note, Problem
from ....impl.api.reading.nearest import did_you_mean
from ....impl.api.storage import StorageClass
from ....impl.api.values.frozen import EMPTY, Json, thaw
from ....impl.api.workloads import BY_KIND
from ....impl.kubectl import script as kubectl
from ...own.controllers import NOTHING, Own
from ..annotations import mistakes
from ..apply_order import too_early
from ..assumed.assumptions import (
    Assumption,
    absent,
    assumed_classes,
    assumptions,
    closed_gates,
    gates,
    missing_namespaces,
    perhaps_made,
    unserved,
)
from ..assumed.leaving import leaving
from ..assumed.network_policies import walls_of
from ..assumed.owners import owners, owners_of_live
from ..assumed.unmodelled import outside
from ..assumed.webhooks import ELSEWHERE, answers, asked
from ..contents import contents, keys_perhaps_added
from ..cross_check import check_places, check_script, cross_check
from ..descheduler import descheduler
from ..plain_nodes import CapacityError, capacity_of, plain_nodes, storage_class
from ..scenario import MOST_PODS, Bounds, Deadline, Expected, Faults, Mixed, Scenario, Schedulers, Sizes, Start
from ..script.script import Surroundings, one_by_one, read_script, spelled
from ..workloads import templates
from .located import Located, documents, from_json, from_yaml
from .manifests import Manifests, read_manifests
from .reader import Reader
from .switches import read_consistency, read_details, read_release, read_switches, with_leader_changes

FIELDS = (
    "title",
    "fromCluster",
    "start",
    "script",
    "waitBetweenSteps",
    "faults",
    "consistency",
    "release",
    "schedulers",
    "switches",
    "detail",
    "bounds",
    "deadline",
    "availability",
    "images",
    "expect",
    "acceptUnmodelled",
    "complete",
    "clock",
    "namespace",
    "nodes",
    "nodeCapacity",
)
OPTIONS = "options"
"""What options are called where a mistake is told: they have no file."""
FAULTS = {json_name(field.name): field.name for field in fields(Faults)}
"""Faults by their names in scenario.yaml and in `Faults`."""
BOUNDS = ("propagation", "healthChecks", "requests", "pods", "starts", "scores", "mixedViews")
SIZES = ("kind", "name", "namespace", "atLeast", "atMost", "atMostFailed")
DEADLINE = {
    "running": "seconds",
    "decision": "decision_seconds",
    "stop": "stop_seconds",
    "start": "start_seconds",
}
"""What a deadline says by its names in scenario.yaml and in `Deadline`."""
MOST_NODES = 5000
"""The nodes of the largest cluster that Kubernetes is made for."""


class Images(Enum):
    """How containers behave: all of them well, or as their image's name says."""

    PLAIN = "plain"
    BY_NAME = "byName"


@frozen
class Loaded:
    """A scenario, where its objects are written, what they say that is not modelled, and what is assumed of them."""

    scenario: Scenario
    manifests: Manifests = Manifests()
    notes: tuple[Note, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """What is not modelled: one line each, `file:line: field: ...`."""
        return tuple(str(note) for note in self.notes)


def is_scenario_file(name: str) -> bool:
    """Tell whether a file is the scenario, not a manifest."""
    return PurePath(name).name in {"scenario.yaml", "scenario.yml"}


def applied_files(files: Mapping[str, str]) -> tuple[str, ...]:
    """Name the files that steps `apply: {file: ...}` of the scenario name, relative to its folder."""
    named = (
        str(PurePath(name).parent / at.value)
        for name in sorted(filter(is_scenario_file, files))
        for at in from_yaml(files[name], name).walk()
        if at.path.startswith("script[") and at.path.endswith("].apply.file") and isinstance(at.value, str)
    )
    return tuple(dict.fromkeys(named))


def dump_file(files: Mapping[str, str], options: Mapping[str, Json] = EMPTY) -> str:
    """Name the file that holds the dump of the cluster to start from, relative to the scenario's; "" if none does."""
    if "fromCluster" in options:
        return str(options["fromCluster"])
    named = (
        str(PurePath(name).parent / at.value)
        for name in sorted(filter(is_scenario_file, files))
        for at in from_yaml(files[name], name).walk()
        if at.path == "fromCluster" and isinstance(at.value, str)
    )
    return next(named, "")


def load_scenario(
    name: str, files: Mapping[str, str], options: Mapping[str, Json] = EMPTY, own: Own = NOTHING
) -> Loaded:
    """Make a scenario of the texts of files by name, with options laid over scenario.yaml. Raises BadInput.

    `own` are the controllers and properties that the user has written. `name` is what traces call it. `files`, in the
    order they are applied in, holds what `apply: {file: ...}` names and the dump of a cluster, too; those are no
    manifests.
    """
    reader = Reader()
    if more := sorted(filter(is_scenario_file, files))[1:]:
        why = f"{len(more) + 1} scenarios in one input, which takes one"
        raise BadInput((Problem(more[0], 0, "", why, "check one folder at a time"),))
    fields = reader.fields(_overlaid(files, options), FIELDS)
    dump = dump_file(files, options)
    later = [file for file in applied_files(files) if file in files]
    first = {file: files[file] for file in files if file not in {*later, dump} and not is_scenario_file(file)}
    namespace = _text(reader, fields, "namespace") or "default"
    kinds = tuple(kind for kind in own.kinds if kind.cls is Unstructured)
    release = read_release(reader, fields.get("release"), fields.get("switches"))
    manifests = _with_nodes(reader, fields, read_manifests(first, reader, namespace, kinds, release))
    folder = next((PurePath(file).parent for file in files if is_scenario_file(file)), PurePath())
    placed = {str(PurePath(file).relative_to(folder)): documents(files[file], file) for file in later}
    around = Surroundings(placed, namespace, kinds, release)
    if "script" in fields:
        fields["script"] = one_by_one(reader, spelled(reader, fields["script"]), around, manifests.others)
    scenario = evolve(
        _scenario(reader, fields, around),
        name=name,
        objects=manifests.objects,
        namespace=namespace,
        own=own,
    )
    if own and scenario.start is Start.SETTLED:
        scenario = _from_the_start(reader, fields, scenario)
    if scenario.start is Start.CLUSTER and not dump:
        reader.blame(
            fields.get("start") or fields["fromCluster"],
            "start: cluster needs a dump",
            "--from-cluster DUMP, or fromCluster: FILE",
        )
    if "fromCluster" in fields and dump not in files:
        reader.blame(fields["fromCluster"], f"there is no file {dump!r}", "kubectl get -A -o json writes a dump")
    reader.finish()
    notes, others = (*manifests.notes, *reader.notes), (*manifests.others, *reader.others)
    manifests = evolve(manifests, notes=notes, others=others)
    check_places(reader, scenario, fields.get("bounds"))
    if dump:
        from .dump import read_dump  # noqa: PLC0415 - a world; only a dump needs it

        return _from_cluster(reader, scenario, manifests, read_dump(dump, files[dump]), fields)
    if scenario.start is Start.EMPTY:  # What has come to rest was applied as often as it took.
        reader.problems.extend(too_early(manifests))
    reader.problems.extend(mistakes(manifests))
    cross_check(reader, scenario, manifests, fields.get("script"))
    reader.finish()
    return _judged(reader, scenario, manifests)


def _from_the_start(reader: Reader, fields: Mapping[str, Located], scenario: Scenario) -> Scenario:
    """Start where the manifests are applied: where a user's controllers come to rest only the search tells."""
    if "start" in fields:
        hint = "leave it out; waitBetweenSteps: true lets each step wait until all is quiet"
        reader.blame(
            fields["start"], "with controllers of your own a check starts where the manifests are applied", hint
        )
    return evolve(scenario, start=Start.EMPTY)


def _with_nodes(reader: Reader, fields: Mapping[str, Located], manifests: Manifests) -> Manifests:
    """Add the plain nodes that are asked for, and the storage class of a fresh cluster where the input has none."""
    capacity = _capacity(reader, fields.get("nodeCapacity"))
    if "nodes" not in fields:
        if "nodeCapacity" in fields:
            reader.blame(fields["nodeCapacity"], "there are no nodes to have it", "say with nodes how many")
        return manifests
    added: tuple[Object, ...] = plain_nodes(reader.integer(fields["nodes"], least=1, most=MOST_NODES), capacity)
    return manifests.plus(added if has_class(manifests) else (*added, storage_class()))


def has_class(manifests: Manifests) -> bool:
    """Tell whether the input brings storage classes of its own."""
    return any(isinstance(obj, StorageClass) for obj in manifests.objects)


def _capacity(reader: Reader, at: Located | None) -> Resources:
    found = {} if at is None else reader.fields(at, at.value if isinstance(at.value, dict) else ())
    try:
        return capacity_of({name: str(item.value) for name, item in found.items()})
    except CapacityError as error:
        if at is not None:
            reader.blame(at, str(error))
        return capacity_of({})


def _judged(reader: Reader, scenario: Scenario, manifests: Manifests) -> Loaded:
    """Say what is not modelled and what is assumed; where the input is all there is, what is missing."""
    scenario = evolve(scenario, walls=walls_of(manifests, scenario))
    given = outside(manifests, scenario)
    assumed = assumptions(manifests, scenario)
    if scenario.complete:
        reader.problems.extend(missing_namespaces(assumed))
        reader.finish()
        missing = absent(assumed, manifests)
        scenario = evolve(scenario, absent=missing)
        given = evolve(
            given, notes=(*given.notes, *perhaps_made(assumed, missing), *closed_gates(assumed), *unserved(assumed))
        )
        assumed = tuple(assumption for assumption in assumed if assumption.ref is None and not assumption.gate)
    else:
        scenario = evolve(scenario, objects=(*scenario.objects, *assumed_classes(assumed)))
    named = owners(manifests, scenario.applied, complete=scenario.complete)
    left = leaving(manifests, scenario)
    served = asked(manifests, scenario)
    moving = descheduler(manifests)
    given = evolve(
        given,
        notes=tuple(
            evolve(note, claims=(), why=ELSEWHERE) if not note.field and note.object in served.elsewhere else note
            for note in given.notes
            if note.field or note.object not in served.understood
        ),
    )
    more = (*named.notes, *left.notes, *moving.notes, *keys_perhaps_added(manifests, scenario.applied))
    given = evolve(given, notes=(*given.notes, *more))
    scenario = evolve(
        scenario,
        contents=contents(manifests, scenario.applied, scenario.absent),
        holders=left.holders,
        webhooks=served.webhooks,
        aggregated=served.aggregated,
        descheduler=moving.policy,
        absent_owners=named.gone,
        unmodelled=given.by_claim(),
        served_elsewhere=given.served_elsewhere,
    )
    more_assumed = (*answers(manifests, served.understood), *moving.assumptions)
    return Loaded(scenario, manifests, given.notes, (*assumed, *more_assumed))


def _from_cluster(
    reader: Reader, scenario: Scenario, manifests: Manifests, found: Manifests, fields: Mapping[str, Located]
) -> Loaded:
    """Start from a live cluster: what manifests there are is applied to it, in their order, before the script."""
    if scenario.start is Start.EMPTY:
        reader.blame(fields["start"], "a cluster that is started from is not empty", "leave out start")
    for obj in manifests.objects:
        if isinstance(obj, Node):
            reader.problems.append(manifests.problem(ref_of(obj), "", "the nodes are those of the dump", "addNode"))
    from .dump import live  # noqa: PLC0415 - as above

    state = live(found)
    given = evolve(
        scenario,
        start=Start.CLUSTER,
        objects=state.start.objects,
        runtimes=state.start.runtimes,
    )
    present = evolve(found, objects=(*given.objects, *manifests.objects))
    check_script(reader, given, present, present.objects, fields.get("script"))
    reader.finish()
    told = Manifests(
        given.objects,
        immutabledict({**found.sources, **manifests.sources}),
        (*manifests.notes, *found.notes),
        (*manifests.others, *found.others),
        manifests.hooks,
    )
    whole = evolve(given, script=(*(kubectl.Apply(obj) for obj in manifests.objects), *scenario.script))
    whole = evolve(whole, walls=walls_of(told, whole))
    outer = outside(told, whole)
    left = leaving(told, whole)
    outer = evolve(outer, notes=(*outer.notes, *left.notes, *state.notes))
    whole = evolve(
        whole,
        holders=left.holders,
        absent_owners=owners_of_live(found, manifests),
        unmodelled=outer.by_claim(),
        served_elsewhere=outer.served_elsewhere,
    )
    return Loaded(whole, told, outer.notes, tuple(gates(told, templates(whole.everything))))


def _overlaid(files: Mapping[str, str], options: Mapping[str, Json]) -> Located:
    """Lay the options over scenario.yaml: field by field, and inside faults, bounds and expect as well."""
    names = sorted(filter(is_scenario_file, files))
    below = from_yaml(files[names[0]], names[0]) if names else Located({}, "scenario.yaml", 0, "")
    above = from_json(thaw(options), OPTIONS).value
    if not isinstance(below.value, dict):
        return below
    merged = dict(below.value)
    for key, item in above.items():
        old = merged.get(key)
        both = old is not None and isinstance(old.value, dict) and isinstance(item.value, dict)
        merged[key] = evolve(item, value={**old.value, **item.value}) if both and old is not None else item
    return evolve(below, value=merged)


def _scenario(reader: Reader, fields: Mapping[str, Located], around: Surroundings) -> Scenario:
    """Read everything that scenario.yaml says, but for the namespace."""
    images = reader.choice(fields["images"], Images) if "images" in fields else Images.PLAIN
    detail, faults = read_details(reader, fields), _faults(reader, fields.get("faults"))
    return Scenario(
        name="",
        objects=(),
        script=read_script(reader, fields["script"], around) if "script" in fields else (),
        wait_between_steps="waitBetweenSteps" in fields and reader.flag(fields["waitBetweenSteps"]),
        faults=with_leader_changes(faults, detail),
        consistency=read_consistency(reader, fields.get("consistency"), detail),
        start=_choice(reader, fields, "start", _usual_start(fields)),
        release=around.release,
        schedulers=_schedulers(reader, fields.get("schedulers")),
        switches=read_switches(reader, fields.get("switches")),
        detail=detail,
        image_behaviour=images is Images.BY_NAME,
        accept_unmodelled="acceptUnmodelled" in fields and reader.flag(fields["acceptUnmodelled"]),
        clock="clock" not in fields or reader.flag(fields["clock"]),
        complete="complete" in fields and reader.flag(fields["complete"]),
        bounds=_bounds(reader, fields.get("bounds")),
        deadline=_deadline(reader, fields.get("deadline")),
        sizes=_sizes(reader, fields.get("availability"), around.namespace),
        expected=_expected(reader, fields.get("expect")),
        title=_text(reader, fields, "title"),
    )


def _usual_start(fields: Mapping[str, Located]) -> Start:
    """Return the start where none is named: without a script, applying the manifests is what happens."""
    if "fromCluster" in fields:
        return Start.CLUSTER
    return Start.SETTLED if "script" in fields and fields["script"].value else Start.EMPTY


def _text(reader: Reader, fields: Mapping[str, Located], name: str) -> str:
    return reader.text(fields[name]) if name in fields else ""


def _choice(reader: Reader, fields: Mapping[str, Located], name: str, usual: Any) -> Any:
    return reader.choice(fields[name], type(usual)) if name in fields else usual


def _schedulers(reader: Reader, at: Located | None) -> Schedulers:
    """Read the names of the schedulers that run; the same one twice is two replicas that are both active."""
    if at is None:
        return Schedulers()
    names = tuple(reader.text(located) for located in reader.items(at))
    if not names:
        reader.blame(at, "expected at least one scheduler", "the usual one is called default-scheduler")
    return Schedulers(names)


def _faults(reader: Reader, at: Located | None) -> Faults:
    found = {} if at is None else reader.fields(at, FAULTS)
    return Faults(**{FAULTS[name]: reader.integer(item) for name, item in found.items()})


def _deadline(reader: Reader, at: Located | None) -> Deadline | None:
    if at is None:
        return None
    found = {DEADLINE[name]: reader.seconds(item) for name, item in reader.fields(at, DEADLINE).items()}
    if "seconds" not in found:
        reader.blame(at, "a deadline needs the field 'running'", "write running: 60s")
    return Deadline(**{"seconds": 0, **found})


def _sizes(reader: Reader, at: Located | None, namespace: str) -> tuple[Sizes, ...]:
    """Read how many Pods workloads have at any time."""
    return tuple(_size(reader, located, namespace) for located in (() if at is None else reader.items(at)))


def _size(reader: Reader, at: Located, namespace: str) -> Sizes:
    found = reader.fields(at, SIZES)
    for name in ("kind", "name"):
        if name not in found:
            reader.blame(at, f"the field {name!r} is missing", "kind: Deployment, name: web, atLeast: 1, atMost: 3")
    if not {"atLeast", "atMost", "atMostFailed"} & found.keys():
        reader.blame(at, "says no number", "write atLeast: 1, or atMost: 3")
    kind, name = _text(reader, found, "kind"), _text(reader, found, "name")
    if "kind" in found and kind not in BY_KIND:
        reader.blame(found["kind"], f"{kind!r} makes no Pods", did_you_mean(kind, BY_KIND))
    return Sizes(
        Ref(kind, _text(reader, found, "namespace") or namespace, name),
        reader.integer(found["atLeast"], least=0) if "atLeast" in found else 0,
        reader.integer(found["atMost"], least=0) if "atMost" in found else None,
        reader.integer(found["atMostFailed"], least=0) if "atMostFailed" in found else None,
    )


def _bounds(reader: Reader, at: Located | None) -> Bounds:
    found = {} if at is None else reader.fields(at, BOUNDS)
    usual = Bounds()
    return Bounds(
        propagation_seconds=reader.seconds(found["propagation"]) if "propagation" in found else None,
        check_seconds=reader.seconds(found["healthChecks"]) if "healthChecks" in found else None,
        request_seconds=reader.seconds(found["requests"]) if "requests" in found else None,
        pods=reader.integer(found["pods"], least=1, most=MOST_PODS) if "pods" in found else usual.pods,
        starts=reader.integer(found["starts"], least=1) if "starts" in found else usual.starts,
        scores=reader.flag(found["scores"]) if "scores" in found else usual.scores,
        mixed_views=_mixed_views(reader, found["mixedViews"]) if "mixedViews" in found else usual.mixed_views,
    )


def _mixed_views(reader: Reader, at: Located) -> Mixed:
    """Read who may have views of different age: true, false or all."""
    if at.value == Mixed.ALL.value:
        return Mixed.ALL
    return Mixed.MOST if reader.flag(at) else Mixed.NOBODY


def _expected(reader: Reader, at: Located | None) -> tuple[tuple[str, Expected], ...]:
    found = {} if at is None else reader.fields(at, CLAIMS)
    return tuple((claim, reader.choice(found[claim], Expected)) for claim in CLAIMS if claim in found)
