"""How far the implementation agrees with what the real programs decided.

    python tests/agreement.py DIR [--release R] [--diff N] [--limit N] [--jobs N] [--keep FILE] [THEME...]

DIR is any folder laid out like tests/vectors: DIR/FOLDER/FILE.jsonl.xz (or .jsonl), one record a line. Every record
is run against the implementation; one line per file says how many agree, with the first N differences (default 0), then
a total, then what cannot be judged yet. A THEME is a folder (`misc`), a file (`misc/quantity`) or the end of one
(`quantity`). --release says which release decided (default 1.32), and so does a folder that is called like one: what is
in DIR/1.36 was decided by 1.36. Exit code 0: everything judged agrees. 1: there is a difference. 2: DIR or THEME names
nothing.

A judge takes a record and gives None when the implementation decides the same, a Difference when it does not, and
NotJudged when it does not model what the record is about. To add judges, add an entry to `JUDGES`: the key is a file
(`misc/quantity`) or a whole folder (`e2e`).

Records of whole runs of a scenario's folder (`cases`) say where a run ended; the folders, called like the records, are
looked for in DIR/cases/inputs, in the folder `cases` beside DIR and among the examples. A record agrees when the search
reaches that end.

Of the end-to-end records (`e2e`) the line says how many are allowed (each recorded run is one the model can take), how
many are decided (the search was exhaustive and contradicts no run), and of how many a limit left one of the two
UNKNOWN; only a recorded run that the model rules out is a difference. Below it stands what `check` says after each step
of each record, claim by claim, against what was recorded (recorded.check): a claim that holds though
it failed in a recorded run is a contradiction, and makes the exit code 1. --limit takes the first N records of each
file; --keep writes what was found to FILE, and takes what is there already as found.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from itertools import groupby, islice
from pathlib import Path
from time import process_time
from typing import Any

from attrs import asdict, evolve, frozen

from kubeproof.harness.face import Cluster
from kubeproof.impl.api.apps import Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from kubeproof.impl.api.core import ContainerStatus, Pod, PodSpec, PodTemplateSpec
from kubeproof.impl.api.reading.convert import structure, unstructure
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.releases import OLDEST, RELEASES, Change, Release
from kubeproof.impl.api.values.cron import ScheduleError, parse_schedule
from kubeproof.impl.api.values.int_or_percent import IntOrPercentError, scaled_value
from kubeproof.impl.api.values.qos import pod_limits, pod_requests, qos_class
from kubeproof.impl.api.values.quantity import DECIMAL_EXPONENT, Quantity, QuantityError, parse_quantity
from kubeproof.impl.api.values.selector_text import SelectorError, parse_field_selector, parse_label_selector
from kubeproof.impl.api.values.template_hash import hash_of_json
from kubeproof.impl.api.values.timestamps import parse_time
from kubeproof.impl.controllers.deployment import arithmetic as deployment_math
from kubeproof.impl.controllers.replicaset.deletion import Ranked, in_order
from kubeproof.impl.kubectl.script import SetImage
from kubeproof.impl.kubelet.actions import Found, Sandbox, Sync
from kubeproof.impl.kubelet.actions import State as ContainerState
from kubeproof.impl.kubelet.behaviour import HOLLOW
from kubeproof.impl.kubelet.phase import Told, containers_ready, initialized, pod_phase, pod_ready
from kubeproof.impl.kubelet.status import closed_gates
from kubeproof.model.checker import Limits, Status
from oracles import apiserver as agreement_apiserver
from oracles import etcd as etcd_gateway
from oracles import kubeproxy as agreement_kubeproxy
from oracles import raft_tables
from oracles import scheduler as agreement_scheduler
from places import EXAMPLES
from recorded import check as recorded_check
from recorded import controllers, pods, recordings
from recorded import end as recorded_end
from recorded.check import Asked
from recorded.end import Ends

Record = dict[str, Any]
SUFFIXES = (".jsonl.xz", ".jsonl", ".json.xz")
SHOWN = 4


@frozen
class Difference:
    """The real program and the implementation decided differently about `subject`."""

    subject: str
    real: str
    ours: str

    def __str__(self) -> str:
        return f"{self.subject}\n      real: {self.real}\n      ours: {self.ours}"


@frozen
class NotJudged:
    """The implementation does not model what a record is about."""

    reason: str


@frozen
class Followed:
    """What became of an end-to-end record whose runs the model does not contradict."""

    allowed: bool
    decided: bool


Verdict = Difference | NotJudged | Followed | None
Judge = Callable[[Record], Verdict]


@frozen
class Score:
    """What came out of one file."""

    name: str
    records: int
    differences: tuple[Difference, ...]
    not_judged: tuple[str, ...]
    followed: tuple[Followed, ...] = ()

    @property
    def judged(self) -> int:
        """How many records could be judged."""
        return self.records - len(self.not_judged)

    @property
    def unknown(self) -> int:
        """How many of them a limit left open: neither agreement nor difference."""
        return sum(not (one.allowed and one.decided) for one in self.followed)

    @property
    def agreeing(self) -> int:
        """How many of them agree."""
        return self.judged - len(self.differences) - self.unknown

    def __str__(self) -> str:
        if self.name.startswith("e2e/"):
            return f"{self.name}: {self._runs()}"
        return f"{self.name}: {self.agreeing}/{self.judged} ({percent(self.agreeing, self.judged)})"

    def _runs(self) -> str:
        allowed, decided = (sum(getattr(one, name) for one in self.followed) for name in ("allowed", "decided"))
        counts = f"{allowed} allowed, {decided} decided, {self.unknown} UNKNOWN"
        return f"{self.judged} judged of {self.records}: {counts} ({percent(allowed, self.judged)})"


# --- judges of the small languages --------------------------------------------------------------------------------


def compare(subject: Any, real: Any, ours: Any) -> Verdict:
    """Return a difference unless the two are equal."""
    if real == ours:
        return None
    return Difference(
        *(one if isinstance(one, str) else json.dumps(one, sort_keys=True) for one in (subject, real, ours))
    )


def without(record: Record, *names: str) -> Record:
    """Drop the inputs of a record: what is left is what the real program answered."""
    return {name: value for name, value in record.items() if name not in names}


def judge_quantity(record: Record) -> Verdict:
    try:
        quantity = parse_quantity(record["input"])
    except QuantityError as error:
        return compare(record["input"], without(record, "input"), {"error": str(error)})
    ours = {
        "canonical": str(quantity),
        "format": quantity.format,
        "milliValue": str(quantity.milli_value()),
        "sign": quantity.sign,
        "value": str(quantity.value()),
    }
    return compare(record["input"], without(record, "input"), ours)


def judge_quantity_arith(record: Record) -> Verdict:
    """Try both readings of operands, which are recorded in canonical spelling: "878500" may have been 8785e2."""
    verdicts = [_arithmetic(record, one, other) for one in readings(record["a"]) for other in readings(record["b"])]
    return None if None in verdicts else verdicts[0]


def readings(text: str) -> tuple[Quantity, ...]:
    """Return the quantities that are written that way."""
    quantity = parse_quantity(text)
    if text[-1].isdigit() and quantity.format != DECIMAL_EXPONENT:
        return quantity, evolve(quantity, format=DECIMAL_EXPONENT)
    return (quantity,)


def _arithmetic(record: Record, one: Quantity, other: Quantity) -> Verdict:
    ours = {"add": str(one + other), "sub": str(one - other), "cmp": (one > other) - (one < other)}
    return compare(f"{record['a']} and {record['b']}", without(record, "a", "b"), ours)


def judge_int_or_percent(record: Record) -> Verdict:
    subject = f"{record['value']} of {record['total']}"
    try:
        up, down = (scaled_value(record["value"], record["total"], round_up=up) for up in (True, False))
        ours: Record = {"roundUp": up, "roundDown": down}
    except IntOrPercentError as error:
        ours = {"roundUp": 0, "roundDown": 0, "error": str(error)}
    return compare(subject, without(record, "value", "total"), ours)


def judge_label_selector(release: Release, record: Record) -> Verdict:
    record = without(record, *ABOUT)
    try:
        selector = parse_label_selector(record["selector"], release)
    except SelectorError as error:
        return compare(record["selector"], without(record, "selector"), {"error": str(error)})
    ours = {
        "canonical": str(selector),
        "empty": not selector.requirements,
        "matches": [one | {"matches": selector.matches(one["labels"])} for one in record.get("matches", [])],
    }
    return compare(record["selector"], without(record, "selector"), ours)


def judge_field_selector(record: Record) -> Verdict:
    try:
        selector = parse_field_selector(record["selector"])
    except SelectorError as error:
        return compare(record["selector"], without(record, "selector"), {"error": str(error)})
    matches = [one | {"matches": selector.matches(one["fields"])} for one in record.get("matches", [])]
    return compare(record["selector"], without(record, "selector"), {"canonical": str(selector), "matches": matches})


def judge_pod_template_hash(release: Release, record: Record) -> Verdict:
    """Try both spellings of quantities, which are recorded as canonical: some hashed as 0.5 are recorded as 500m."""
    template = unstructure(structure(record["template"], PodTemplateSpec))
    spellings = [template, json.loads(json.dumps(template).replace('"500m"', '"0.5"'))]
    hashes = [hash_of_json(spelling, record["collisionCount"], release) for spelling in spellings]
    return compare("template", record["hash"], record["hash"] if record["hash"] in hashes else hashes[0])


def judge_pod_qos_requests(record: Record) -> Verdict:
    spec = structure(record["spec"], PodSpec)
    ours: Record = {"qosClass": qos_class(spec)}
    for name, resources in (("requests", pod_requests(spec)), ("limits", pod_limits(spec))):
        ours[name] = {resource: str(quantity) for resource, quantity in resources.items()}
    real = {"requests": {}, "limits": {}} | without(record, "spec")
    return compare(record["spec"], real, ours)


def judge_cron_next(record: Record) -> Verdict:
    try:
        schedule = parse_schedule(record["schedule"])
    except ScheduleError as error:
        return compare(record["schedule"], record.get("error"), str(error))
    moment: datetime | None = datetime.fromisoformat(record["from"])
    ours = []
    for _ in record.get("next", ()):
        moment = schedule.next(moment) if moment else None
        ours.append(f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else "0001-01-01T00:00:00Z")
    return compare(f"{record['schedule']} after {record['from']}", record.get("next", record.get("error")), ours)


def judge_deployment_math(record: Record) -> Verdict:
    surge, unavailable = (_number_or_percent(record[name]) for name in ("maxSurge", "maxUnavailable"))
    rolling = RollingUpdateDeployment(max_surge=surge, max_unavailable=unavailable)
    spec = DeploymentSpec(record["desired"], strategy=DeploymentStrategy("RollingUpdate", rolling))
    deployment = Deployment(spec=spec)
    before = record["newReplicasBefore"]
    total = before + sum(record["oldReplicas"] or ())
    resolved = deployment_math.resolve_fenceposts(surge, unavailable, record["desired"])
    ours = {
        "resolvedSurge": resolved[0],
        "resolvedUnavailable": resolved[1],
        "effectiveMaxSurge": deployment_math.max_surge(deployment),
        "effectiveMaxUnavailable": deployment_math.max_unavailable(deployment),
        "newReplicasAfter": deployment_math.new_rs_replicas(deployment, total, before),
    }
    return compare(record, {name: record[name] for name in ours}, ours)


def _number_or_percent(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def judge_replicaset_delete_order(record: Record) -> Verdict:
    pods = [structure(pod, Pod) for pod in record["pods"]]
    candidates = [Ranked(pod, rank) for pod, rank in zip(pods, record["rank"], strict=True)]
    now = parse_time(record["now"])
    assert now is not None, record["now"]
    ours = [one.pod.metadata.name for one in in_order(candidates, now)]
    return compare(record["pods"], record["deleteOrder"], ours)


# --- judges that live with the properties -------------------------------------------------------------------------


def judge_scheduler(release: Release, record: Record) -> Verdict:
    if reason := agreement_scheduler.not_modelled(record):
        return NotJudged(reason)
    found = agreement_scheduler.judge(record, release)
    return None if found is None else Difference(f"{record['id']} {found.subject}", found.real, found.ours)


def judge_proxy(release: Release, record: Record) -> Verdict:
    for found in agreement_kubeproxy.judge(record, release):
        return Difference(f"{record.get('id', '')} step {found.step} {found.about}", found.real, found.ours)
    return None


def judge_phase(release: Release, record: Record) -> Verdict:
    """Compare the phase, and the three conditions that containers decide; their times are not recorded."""
    pod = structure(record["pod"], Pod)
    said = Told(*(tuple(structure(one, ContainerStatus) for one in record[name] or ()) for name in STATUSES))
    phase = pod_phase(pod.spec, said, over=record["podIsTerminal"], release=release)
    ready = containers_ready(pod.spec, said, phase)
    found = (initialized(pod.spec, said, phase), pod_ready(ready, closed_gates(pod)), ready)
    ours = [phase, *([one.type, one.status, one.reason, one.message] for one in found)]
    real = [[one["type"], one["status"], one.get("reason", ""), one.get("message", "")] for one in record["conditions"]]
    return compare(record["id"], [record["phase"], *real], ours)


STATUSES = ("initContainerStatuses", "containerStatuses")


def judge_pod_actions(release: Release, record: Record) -> Verdict:
    """Compare what a sync decides; before 1.33 the next init container without sidecars had its own field."""
    init, containers = (
        tuple(
            Found(
                ContainerState(one["state"]),
                one["exitCode"],
                one.get("specChanged", False),
                one.get("restartPolicy") == "Always",
            )
            for one in record[kind]
        )
        for kind in ("initContainers", "containers")
    )
    sync = Sync(
        record["podRestartPolicy"],
        Sandbox(record["sandbox"]),
        init,
        containers,
        record["podDeletionTimestampSet"],
        release,
    )
    decided = sync.decide()
    names = [one["name"] for one in record["initContainers"]]
    one_by_one = Change.ONE_PATH_OF_INIT not in release and not any(one.sidecar for one in init)
    killed = [names[index] for index in decided.kill_init]
    killed += [record["containers"][index]["name"] for index in decided.kill]
    ours = {
        "killPod": decided.kill_pod,
        "createSandbox": decided.create_sandbox,
        "sandboxAttempt": decided.attempt,
        "nextInitContainerToStart": names[decided.start_init[0]] if one_by_one and decided.start_init else None,
        "initContainersToStart": [] if one_by_one else list(decided.start_init),
        "containersToStart": list(decided.start),
        "containersToKill": sorted(killed),
    }
    real = {name: record[name] for name in ours} | {"containersToKill": sorted(record["containersToKill"])}
    return compare(record["id"], real, ours)


def judge_etcd(record: Record) -> Verdict:
    """Judge a sequence as a whole: its first step that is answered differently makes it differ."""
    for found in etcd_gateway.judge(record)[1]:
        shown = (json.dumps(one, sort_keys=True, default=str)[:300] for one in (found.recorded, found.given))
        return Difference(f"{record.get('id', '')} step {found.step} {found.op}", *shown)
    return None


def judge_raft(judge: Callable[[Record], Sequence[raft_tables.Disagreement]], record: Record) -> Verdict:
    for found in judge(record):
        return Difference(found.subject, str(found.recorded), str(found.given))
    return None


def judge_controller(record: Record) -> Verdict:
    """Hold controllers of workloads and endpoints, and else scheduler and kubelet, against runs of the real ones."""
    found = controllers.judge(record) if controllers.is_judged(record) else pods.judge(record)
    return None if found is None else Difference(found.subject, found.real, found.ours)


def judge_e2e(record: Record) -> Verdict:
    """Follow the runs of an end-to-end record through the model of the whole cluster."""
    found = recordings.judge(record)
    if isinstance(found, recordings.NotJudged):
        return NotJudged(found.reason)
    if False in {found.allowed, found.decided}:
        return Difference(f"{record['id']} (recorded / nearest reached)", "; ".join(found.differences), "")
    return Followed(found.allowed is True, found.decided is True)


ABOUT = ("kubernetesVersion", "changed", "was")
"""What is written of a record beside what was decided."""
CASE_LIMITS = Limits(max_states=300_000, timeout=200)


@cache
def ends_of(folder: Path) -> Ends:
    """Search a folder for the ends of its runs; each was recorded more than once, and an image called bad was."""
    scenario = Cluster.from_manifests(folder).load().scenario
    called = {one.image.partition(":")[0] for one in scenario.script if isinstance(one, SetImage)}
    named = not called.isdisjoint(HOLLOW.by_name)
    return recorded_end.ends(evolve(scenario, image_behaviour=named), CASE_LIMITS)


def judge_case(folders: Sequence[Path], record: Record) -> Verdict:
    """Look for the recorded end of a run among those that the search of its folder reaches."""
    name = record["id"].partition("#")[0].partition("/")[0]
    folder = next((one / name for one in folders if (one / name).is_dir()), None)
    if folder is None:
        return NotJudged("its folder is not there")
    if record["id"].endswith("/no-wait"):
        return NotJudged("run in another way than its folder says")
    if "FailedCreate" in json.dumps(record["warnings"]):
        return NotJudged("what the input lacks is taken to be there")
    try:
        if Cluster.from_manifests(folder).load().scenario.unmodelled:
            return NotJudged("its folder has what is not modelled")
        found = ends_of(folder)
    except BadInput as bad:
        return NotJudged(f"its folder does not load: {bad.problems[0].message}")
    wanted = recorded_end.recorded_end(record["final"])
    if found.reach(wanted):
        return None
    if not found.found and not found.why:
        return NotJudged("it never comes to rest, and the recording stops at some moment")
    if found.why:
        return Followed(allowed=False, decided=False)
    return Difference(f"{record['id']} (recorded / nearest reached)", "; ".join(found.nearest(wanted)), "")


JUDGES: dict[str, Judge] = {
    "misc/quantity": judge_quantity,
    "misc/quantity_arith": judge_quantity_arith,
    "misc/int_or_percent": judge_int_or_percent,
    "misc/field_selector": judge_field_selector,
    "misc/pod_qos_requests": judge_pod_qos_requests,
    "misc/cron_next": judge_cron_next,
    "misc/deployment_math": judge_deployment_math,
    "misc/replicaset_delete_order": judge_replicaset_delete_order,
    "etcd": judge_etcd,
    "etcd-raft/quorum": partial(judge_raft, raft_tables.judge_quorum),
    "etcd-raft/confchange": partial(judge_raft, raft_tables.judge_confchange),
    "e2e": judge_e2e,
    "controller": judge_controller,
}
JUDGES_OF_RELEASE: dict[str, Callable[[Release, Record], Verdict]] = {
    "misc/label_selector": judge_label_selector,
    "misc/pod_template_hash": judge_pod_template_hash,
    "kubelet/phase": judge_phase,
    "kubelet/pod_actions": judge_pod_actions,
    "kubelet/pod_actions_moved_field_only": judge_pod_actions,
    "scheduler": judge_scheduler,
    "proxy": judge_proxy,
}
"""The judges of what releases decide differently."""


def judge_apiserver(found: Sequence[Record]) -> Iterator[Verdict]:
    """Judge requests to one API server in their order: code and reason of each answer."""
    for one in agreement_apiserver.answers(found):
        real, ours = (" ".join(map(str, told)).strip()[:300] for told in (one.real, one.ours or ()))
        if one.ours is None:
            yield NotJudged(one.why)
        else:
            yield None if one.agrees else Difference(one.name, real, ours)


def judge_alone(release: Release, record: Record) -> Verdict:
    """Judge one request to an API server by itself; where the whole answer counts (`whole`), by all of it."""
    if not record.get("whole"):
        return next(judge_apiserver([record]))
    one = next(agreement_apiserver.answers([record], release))
    if one.ours is None:
        return NotJudged(one.why)
    if agreement_apiserver.is_same(one):
        return None
    shown = one.shown or ("", "")
    real, ours = ((*told, "" if told[2] else str(shown[at])) for at, told in enumerate((one.real, one.ours)))
    return Difference(one.name, " ".join(map(str, real))[:600], " ".join(map(str, ours))[:600])


def judge_document(record: Record) -> Verdict:
    """Judge what a server says of itself: a document of discovery or of OpenAPI."""
    real, ours = agreement_apiserver.described(record)
    return None if real == ours else Difference(record["path"], str(real)[:300], str(ours)[:300])


def judge_columns(record: Any) -> Verdict:
    """Judge the columns of the tables of every resource that can be listed."""
    for one in record:
        real, ours = agreement_apiserver.headed(one)
        if real != ours:
            return Difference(f"{one['groupVersion']}/{one['resource']}", str(real)[:300], str(ours)[:300])
    return None


def is_recorded(name: str) -> bool:
    """Tell whether a file holds requests to the API server and their answers."""
    return name.rpartition("/")[2] in RECORDED


RECORDED = frozenset({"admission", "objects", "patches", "protocol", "validation"})
"""The files of requests to the API server; what else is in their folder is documents."""
SEQUENCES: dict[str, Callable[[Sequence[Record]], Iterator[Verdict]]] = {"apiserver": judge_apiserver}
"""By folder: what judges the records of a file together, for each begins where the one before it ended."""


# --- running them -------------------------------------------------------------------------------------------------


def judge_for(name: str, folder: Path = Path(), release: Release = OLDEST) -> Judge | None:
    """Find the judge of a file, or of the folder it is in; `folder` is where the files are.

    A folder that is called like a release holds what that release decided.
    """
    head, _, rest = name.partition("/")
    if head in RELEASES:
        return judge_for(rest, folder, RELEASES[head])
    if name.startswith("cases/"):
        return partial(judge_case, (folder / "cases" / "inputs", folder.resolve().parent / "cases", EXAMPLES))
    if name.startswith("apiserver/"):
        if name.startswith("apiserver/discovery/"):
            return judge_document
        alone = partial(judge_alone, release) if is_recorded(name) else None
        return {"apiserver/table_columns": judge_columns}.get(name, alone)
    for key in (name, name.partition("/")[0]):
        if key in JUDGES_OF_RELEASE:
            return partial(JUDGES_OF_RELEASE[key], release)
        if key in JUDGES:
            return JUDGES[key]
    return None


def files(folder: Path, themes: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """List the record files below a folder that belong to a theme (to any, if none is given), by name."""
    for path in sorted(path for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}")):
        name = next(
            path.relative_to(folder).as_posix().removesuffix(one) for one in SUFFIXES if path.name.endswith(one)
        )
        if not themes or any(belongs(name, theme) for theme in themes):
            yield name, path


def belongs(name: str, theme: str) -> bool:
    """Tell whether a theme names a file: in full, by its folder or by its last part."""
    return theme.rstrip("/") in {name, name.partition("/")[0], name.rpartition("/")[2]}


def records(path: Path) -> Iterator[Record]:
    """Read a file of records: one a line (.jsonl), or one in all (.json)."""
    reader = lzma.open if path.suffix == ".xz" else open
    with reader(path, "rt", encoding="utf-8") as lines:
        if ".jsonl" not in path.name:
            yield json.load(lines)
            return
        for line in lines:
            yield json.loads(line)


def in_turn(work: Callable[[Record], Any], path: Path, *, limit: int | None = None, jobs: int = 1) -> list[Any]:
    """Do something with the records of a file, or with the first of them, several at a time."""
    given = list(islice(records(path), limit))
    if jobs == 1:
        return [work(one) for one in given]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(work, given))


def score(name: str, path: Path, judge: Judge, *, limit: int | None = None, jobs: int = 1) -> Score:
    """Run every record of a file, or the first of them, against the implementation."""
    sequence = SEQUENCES.get(name.partition("/")[0]) if is_recorded(name) else None
    verdicts: list[Any]
    if sequence is not None:
        verdicts = list(sequence(list(islice(records(path), limit))))
    else:
        verdicts = in_turn(partial(_verdict, judge), path, limit=limit, jobs=jobs)
    return Score(
        name,
        len(verdicts),
        tuple(one for one in verdicts if isinstance(one, Difference)),
        tuple(one.reason for one in verdicts if isinstance(one, NotJudged)),
        tuple(one for one in verdicts if isinstance(one, Followed)),
    )


def _verdict(judge: Judge, record: Record) -> Verdict:
    """Judge one record; an implementation that fails on it disagrees with a program that did not."""
    try:
        return judge(record)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return Difference(json.dumps(record, sort_keys=True)[:200], "an answer", f"{type(error).__name__}: {error}")


# --- what check says of them --------------------------------------------------------------------------------------


@frozen
class Said:
    """What check says of one record, after each of its steps, and the CPU seconds that took."""

    record: str
    asked: tuple[Asked, ...]
    seconds: float


def ask(kept: Mapping[str, Said], record: Record) -> Said:
    """Ask check about a record, unless it was asked before."""
    began = process_time()
    return kept.get(record["id"]) or Said(record["id"], recorded_check.ask(record), process_time() - began)


def kept_in(path: Path | None) -> dict[str, Said]:
    """Read what was found before."""
    if path is None or not path.exists():
        return {}
    found = [structure_said(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {one.record: one for one in found}


def structure_said(json_: Record) -> Said:
    """Read what check said of a record."""
    asked = tuple(Asked(**{**one, "verdict": Status(one["verdict"])}) for one in json_["asked"])
    return Said(json_["record"], asked, json_["seconds"])


def keep(path: Path | None, found: Iterable[Said]) -> None:
    """Write what was found behind what is there."""
    if path is not None:
        known = kept_in(path)
        with path.open("a", encoding="utf-8") as lines:
            for one in found:
                if one.record not in known:
                    lines.write(json.dumps(asdict(one), default=lambda value: value.value) + "\n")


def tell(found: Sequence[Said], shown: int) -> int:
    """Print the lines about a file, claim by claim; give how many verdicts contradict a recorded run."""
    every = [one for said in found for one in said.asked]
    print(f"    asked of check after {len({(one.record, one.step) for one in every})} steps,", end=" ")
    print(f"{sum(one.seconds for one in found):.0f} CPU s")
    for claim in recorded_check.FAILS:
        about = [one for one in every if one.claim == claim]
        counted = Counter(one.verdict for one in about)
        wrong, odd = ([one for one in about if getattr(one, name)] for name in ("contradicts", "surprising"))
        verdicts = ", ".join(f"{counted[status]} {status.value}" for status in Status)
        print(f"    {claim}: {verdicts}; {len(wrong)} contradicted, {len(odd)} breaches that no recorded run has")
        for one in (*wrong, *odd)[:shown]:
            print(f"        {one}")
    return sum(one.contradicts for one in every)


def percent(part: int, whole: int) -> str:
    """Write a share to one decimal, never rounding up to 100."""
    return f"{part * 1000 // whole / 10:.1f} %" if whole else "nothing to judge"


def main(arguments: Sequence[str]) -> int:
    """Run the command; give the exit code."""
    options = _arguments(arguments)
    found = list(files(options.dir, options.themes))
    strays = [one for one in options.themes if not any(belongs(name, one) for name, _ in found)]
    if not found or strays:
        what = f"no record files for {', '.join(strays)}" if strays else "no record files (.jsonl.xz)"
        print(f"{options.dir}: {what}", file=sys.stderr)
        return 2
    scores = []
    contradicted = 0
    kept = kept_in(options.keep)
    for name, path in found:
        judge = judge_for(name, options.dir, RELEASES[options.release])
        if judge is None:
            continue
        try:
            scores.append(score(name, path, judge, limit=options.limit, jobs=options.jobs))
        except (lzma.LZMAError, EOFError, ValueError) as error:
            print(f"{path}: not a file of records: {error}", file=sys.stderr)
            return 2
        report(scores[-1], options.diff)
        if judge is judge_e2e:
            said = in_turn(partial(ask, kept), path, limit=options.limit, jobs=options.jobs)
            keep(options.keep, said)
            contradicted += tell(said, options.diff)
    agreeing, judged = sum(one.agreeing for one in scores), sum(one.judged for one in scores)
    unknown = sum(one.unknown for one in scores)
    print(f"total: {agreeing}/{judged} ({percent(agreeing, judged)}){f', {unknown} UNKNOWN' if unknown else ''}")
    for line in (*unjudged(name for name, _ in found), *(reason for one in scores for reason in _reasons(one))):
        print(f"cannot judge yet: {line}")
    return int(bool(contradicted) or any(one.differences for one in scores))


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="agreement.py", description="Compare the implementation with recorded decisions."
    )
    parser.add_argument("dir", type=Path, metavar="DIR", help="a folder laid out like tests/vectors")
    parser.add_argument("themes", nargs="*", metavar="THEME", help="a folder, or a file, of it (default: all)")
    parser.add_argument("--release", choices=sorted(RELEASES), default=OLDEST.name, help="which release decided")
    parser.add_argument("--diff", type=int, default=0, metavar="N", help="show the first N differences of each file")
    parser.add_argument("--limit", type=int, metavar="N", help="take the first N records of each file")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many records at a time")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="what check says is kept there, and taken from there")
    return parser.parse_intermixed_args(arguments)


def unjudged(names: Iterable[str]) -> Iterator[str]:
    """Name the files without a judge, by folder."""
    lacking = [name.rpartition("/") for name in names if judge_for(name) is None]
    for folder, group in groupby(sorted(lacking), key=lambda parts: parts[0]):
        stems = [stem for _, _, stem in group]
        shown = ", ".join(stems[:SHOWN]) + (", ..." if len(stems) > SHOWN else "")
        yield f"{folder}: {len(stems)} files without a judge ({shown})"


def report(one: Score, shown: int) -> None:
    """Print the line of a file and its first differences."""
    print(str(one).replace(":", ".jsonl:", 1))
    for difference in one.differences[:shown]:
        print(f"    {difference}")


def _reasons(one: Score) -> list[str]:
    counted = {reason: one.not_judged.count(reason) for reason in one.not_judged}
    return [f"{one.name}: {count} records: {reason}" for reason, count in sorted(counted.items())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
