"""`kubeproof run`: what happens on `kubectl run NAME --image=IMAGE`, in nine steps, from the manifest to the packet.

Nothing is told from memory: each step runs the pure component it speaks of on what the step before left in etcd, and
prints what came out. A walk is recorded and replayed like any other trace.
Left out on purpose: time. Nobody waits here, and where the real scheduler throws a dice, the first name is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.core import Node, Pod
from ...impl.api.kinds import KINDS, Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.reading.load import BadInput, Problem, Text, objects_in
from ...impl.api.releases import NEWEST, OLDEST, RELEASES
from ...impl.api.values.frozen import EMPTY
from ...impl.apiserver.server import Server, key_of, request
from ...traces.canonical import digest
from ...traces.changes import Change, changes, plain
from ...traces.document import BadTraceError, Document, Inputs, Moment
from ...traces.replay import Differs, Impossible, Replay, Replayed
from ..input.files.inputs import gather
from ..input.files.manifests import settled
from ..input.plain_nodes import plain_nodes
from .steps import STEPS, Given, Step, creation, first_server


@frozen
class Scene:
    """One step as it was told, and the digest of what was told and of everything in etcd after it."""

    step: Step
    lines: tuple[str, ...]
    digest: str
    server: Server
    """The API server after it."""

    @property
    def title(self) -> str:
        """What the step is called."""
        return self.step.title


@frozen
class Walk:
    """The nine steps, and what they started from."""

    inputs: Inputs
    start: Server
    pod: Ref
    scenes: tuple[Scene, ...]


def given(name: str, image: str, port: int, nodes: int | str | Path | None) -> Inputs:
    """Say what a walk starts from; `nodes` is a file with Node objects, or how many plain ones there are.

    It is through the newest release. Raises BadInput when the file cannot be read.
    """
    named = {"image": image, "name": name, "port": port, "release": NEWEST.name}
    if nodes is None or isinstance(nodes, int):
        counted = named if nodes is None else {**named, "nodes": nodes}
        return Inputs(EMPTY, immutabledict(sorted(counted.items())))
    return Inputs(gather([nodes]).files, immutabledict(named))


def walk(inputs: Inputs) -> Walk:
    """Go through the nine steps. Raises BadInput for what the API server would refuse."""
    start = _given(inputs)
    answer = request(first_server(start), start.user, creation(start))[1]
    if not answer.ok:
        raise BadInput((Problem("run", 0, "", answer.message),))
    server = first_server(start)
    return Walk(inputs, server, start.ref, tuple(_scenes(start, server)))


def _given(inputs: Inputs) -> Given:
    options = inputs.options
    texts = [Text(name, text) for name, text in sorted(inputs.files.items())]
    loaded = (
        (settled(obj.object) for obj in objects_in(texts).objects)
        if texts
        else plain_nodes(int(options.get("nodes", 3)))
    )
    nodes = tuple(obj for obj in loaded if isinstance(obj, Node))
    if not nodes:
        raise BadInput((Problem(texts[0].file, 0, "", "there are no Node objects in it"),))
    try:
        release = RELEASES[str(options.get("release", OLDEST.name))]  # A trace that names none is of the oldest.
        return Given(str(options["name"]), str(options["image"]), int(options["port"]), nodes, release=release)
    except (KeyError, ValueError) as error:
        raise BadTraceError(f"the trace of a walk needs name, image and port: {error}") from None


def _scenes(start: Given, server: Server) -> Iterator[Scene]:
    for step in STEPS:
        server, lines = step.does(start, server)
        yield Scene(step, lines, digest({"told": lines, "etcd": _content(server)}), server)


def _content(server: Server) -> immutabledict[str, object]:
    """Return everything in etcd with the revision it was last written at."""
    return immutabledict((key.decode(), (kv.value, kv.mod_revision)) for key, kv in sorted(server.store.keys.items()))


def text(walked: Walk) -> str:
    """Render a walk."""
    parts = []
    for number, scene in enumerate(walked.scenes, start=1):
        body = "\n".join(f"   {line}" if line else "" for line in scene.lines)
        parts.append(f"{number}. {scene.title}\n\n{body}\n")
    return "\n".join(parts)


def record(walked: Walk, version: str) -> Document:
    """Record a walk as a trace."""
    objects = tuple(plain(obj) for _, obj in sorted(_objects(walked.start).items()))
    start = digest(dict(walked.inputs.options))
    command = f"kubectl run {walked.inputs.options['name']} --image={walked.inputs.options['image']}"
    sentence = f"What happens on {command}"
    return Document("walk", version, walked.inputs, start, tuple(_moments(walked)), sentence=sentence, objects=objects)


def _moments(walked: Walk) -> Iterator[Moment]:
    before = walked.start
    for number, scene in enumerate(walked.scenes, start=1):
        pod = scene.server.get(walked.pod)
        node = pod.spec.node_name if isinstance(pod, Pod) else ""
        yield Moment(
            action=f"step {number}",
            label=scene.title,
            digest=scene.digest,
            lines=scene.lines,
            changes=_changes(_objects(before), _objects(scene.server)),
            by=scene.step.by,
            on=node if scene.step.by == PROXY else walked.pod,
            why=scene.step.why,
            code=scene.step.code,
            routes=tuple(tuple(stop.replace(":node", f":{node}") for stop in route) for route in scene.step.routes),
        )
        before = scene.server


PROXY = "kube-proxy"


def _objects(server: Server) -> dict[Ref, Object]:
    return {ref_of(obj): obj for kind in KINDS for obj in server.list(kind.name, None)}


def _changes(before: dict[Ref, Object], after: dict[Ref, Object]) -> tuple[Change, ...]:
    every = sorted({*before, *after})
    old, new = ({key_of(ref).decode(): side.get(ref) for ref in every} for side in (before, after))
    return changes(old, new)


def replay_walk(document: Document) -> Replay:
    """Walk again and compare step by step."""
    again = record(walk(document.inputs), document.version)
    if again.start != document.start:
        return Differs(0, "the start", document.start, again.start)
    for number, old in enumerate(document.steps, start=1):
        if number > len(again.steps) or (again.steps[number - 1].label != old.label):
            instead = tuple(step.label for step in again.steps[number - 1 : number])
            return Impossible(number, old.label, instead)
        if again.steps[number - 1].digest != old.digest:
            return Differs(number, old.label, old.digest, again.steps[number - 1].digest)
    return Replayed(len(document.steps))
