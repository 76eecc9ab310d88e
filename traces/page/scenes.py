"""A trace step by step as a page shows it: who is lit, where messages travel, what changed, what was seen of old.

Everything is worked out from the document alone, so that a page can be made of any trace. What the document does not
say is not guessed: without the objects at the start (format 1) there are only steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen
from immutabledict import immutabledict

from ...impl.api.kinds import BY_NAME
from ...impl.api.meta import Ref
from ...impl.api.values.frozen import EMPTY, Json, as_map
from ...model.world.verbs import FAULTS, Verb
from ..document import Document, Moment
from ..words import outcome
from .components import API_SERVER, ETCD, KUBECTL, KUBELET, OF_KIND, PROXY, SCHEDULER
from .diff import Line, diff, written

Route = tuple[str, ...]
"""The components that a message passes, the sender first."""
Store = immutabledict[Ref, Json]

NOTHING: Store = immutabledict()

STRIKES = frozenset(verb.value for verb in (*FAULTS, Verb.STANDS_STILL))
HEARS = frozenset(verb.value for verb in (Verb.SEES, Verb.LOOKS_AGAIN, Verb.IS_SHOWN))
ORDER = {kind: number for number, kind in enumerate(("Deployment", "StatefulSet", "ReplicaSet", "Pod", "Service"))}


@frozen
class Difference:
    """An object before and after: by what it is named, and the lines of YAML that differ."""

    ref: Ref
    what: str
    lines: tuple[Line, ...]


@frozen
class OldView:
    """What somebody acted on: kinds as they were after a step, and what has changed of them since."""

    of: tuple[str, ...]
    step: int
    since: tuple[Difference, ...]


@frozen
class Scene:
    """One step. `number` 0 is the start."""

    number: int
    who: str = ""
    title: str = ""
    tone: str = ""
    """"fault" where something breaks, "refused" where a request is, else ""."""
    moment: Moment | None = None
    routes: tuple[Route, ...] = ()
    differences: tuple[Difference, ...] = ()
    views: tuple[OldView, ...] = ()
    store: Store = NOTHING
    notes: immutabledict[str, str] = EMPTY
    """By component: what is to be said of it now."""

    @property
    def pods(self) -> tuple[Ref, ...]:
        """The Pods there are."""
        return tuple(sorted(ref for ref in self.store if ref.kind == "Pod"))

    @property
    def known(self) -> frozenset[Ref]:
        """What there is, or has just gone."""
        return frozenset((*self.store, *(difference.ref for difference in self.differences)))


@frozen
class Story:
    """All scenes, and who takes part: components that are no node's, and the nodes."""

    document: Document
    scenes: tuple[Scene, ...]
    clients: tuple[str, ...]
    nodes: tuple[str, ...]
    proxies: bool = field(default=False)
    """Whether there are EndpointSlices, which kube-proxies go by."""

    @property
    def agents(self) -> tuple[str, ...]:
        """What runs on each node."""
        return (KUBELET, PROXY) if self.proxies else (KUBELET,)

    @property
    def boxes(self) -> tuple[str, ...]:
        """Every component of a node."""
        return tuple(f"{agent}:{node}" for node in self.nodes for agent in self.agents)


def story(document: Document) -> Story:
    """Tell a document step by step."""
    scenes = tuple(_scenes(document))
    stores = [scene.store for scene in scenes]
    kinds = {ref.kind for store in stores for ref in store}
    nodes = {ref.name for store in stores for ref in store if ref.kind == "Node"}
    nodes |= {node for store in stores for value in store.values() if (node := node_of(value))}
    passed = [name for scene in scenes for name in (scene.who, *(stop for route in scene.routes for stop in route))]
    acting = dict.fromkeys(name for name in passed if name and ":" not in name)
    called = (OF_KIND[kind] for kind in OF_KIND if kind in kinds)
    clients = dict.fromkeys((KUBECTL, SCHEDULER, *called, *sorted(acting)))
    nodes |= {name.partition(":")[2] for name in passed if name.startswith((f"{KUBELET}:", f"{PROXY}:", "node:"))}
    shown = tuple(name for name in clients if name not in {API_SERVER, ETCD})
    return Story(document, scenes, shown, tuple(sorted(nodes)), "EndpointSlice" in kinds)


def _scenes(document: Document) -> Iterator[Scene]:
    store: Store = immutabledict((ref, value) for value in document.objects if (ref := ref_in(value)))
    stores, synced = [store], dict[str, int]()
    yield Scene(0, title="The start", store=store)
    for number, moment in enumerate(document.steps, start=1):
        before, store = store, after_step(store, moment)
        stores.append(store)
        who = _who(moment, before, store)
        if moment.by == PROXY:
            synced[who] = number
        yield Scene(
            number=number,
            who=who,
            title=outcome(moment.label, moment.changes).removeprefix(f"{who.partition(':')[2]}: "),
            tone=_tone(moment),
            moment=moment,
            routes=moment.routes or _routes(moment, who),
            differences=tuple(_differences(before, store)),
            views=tuple(_views(moment, number, stores)),
            store=store,
            notes=immutabledict(_notes(moment, who, number, stores, synced)),
        )


def ref_in(value: Json) -> Ref | None:
    """Return the reference of an object given as JSON."""
    plain = as_map(value)
    metadata = as_map(plain.get("metadata"))
    kind, name = plain.get("kind"), metadata.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    namespace = metadata.get("namespace")
    known = BY_NAME.get(kind)
    standard = "default" if known is not None and known.namespaced else ""
    return Ref(kind, namespace if isinstance(namespace, str) else standard, name)


def after_step(store: Store, moment: Moment) -> Store:
    """Return the objects after a step."""
    found = dict(store)
    for change in moment.changes:
        if change.object is None:
            continue
        if change.field == "":
            found.pop(change.object, None)
            if change.after is not None:
                found[change.object] = change.after
        else:
            found[change.object] = put(found.get(change.object, EMPTY), steps_of(change.field), change.after)
    return immutabledict(found)


def steps_of(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path: `a.b[0]` and `a.labels[x.y/z]`."""
    steps: list[str | int] = []
    while path:
        if path.startswith("["):
            inside, _, path = path[1:].partition("]")
            steps.append(int(inside) if inside.isdigit() else inside)
        else:
            cut = min((at for mark in ".[" if (at := path.find(mark, 1)) > 0), default=len(path))
            steps.append(path[:cut].removeprefix("."))
            path = path[cut:]
    return tuple(steps)


def put(value: Json, steps: tuple[str | int, ...], new: Json) -> Json:
    """Return JSON with another value at a path; None takes away what is there."""
    if not steps:
        return new
    step, *rest = steps
    if isinstance(value, tuple) and isinstance(step, int):
        return (*value[:step], put(value[step], tuple(rest), new), *value[step + 1 :])
    inside = dict(as_map(value))
    made = put(inside.get(str(step), EMPTY), tuple(rest), new)
    if made is None:
        inside.pop(str(step), None)
    else:
        inside[str(step)] = made
    return immutabledict(sorted(inside.items()))


def node_of(value: Json) -> str:
    """Return the node that a Pod is on, "" if none."""
    plain = as_map(value)
    node = as_map(plain.get("spec")).get("nodeName") if plain.get("kind") == "Pod" else ""
    return node if isinstance(node, str) else ""


def _who(moment: Moment, before: Store, after: Store) -> str:
    """Return the component that acts; one of a node with the node, and who is not named by the name of the action."""
    if moment.by == KUBELET and isinstance(moment.on, Ref):
        node = node_of(after.get(moment.on)) or node_of(before.get(moment.on))
        return f"{KUBELET}:{node}" if node else KUBELET
    if moment.by == PROXY:
        return f"{PROXY}:{moment.on}"
    if not moment.by and moment.verb in STRIKES:
        return f"node:{moment.on}" if isinstance(moment.on, str) else str(moment.on)
    return moment.by or moment.action.partition(":")[0]


def _tone(moment: Moment) -> str:
    if moment.verb in STRIKES:
        return "fault"
    refused = moment.verb == Verb.ABANDONS.value or (moment.verb == Verb.SENDS.value and not _writes(moment))
    return "refused" if refused else ""


def _writes(moment: Moment) -> bool:
    return any(change.object is not None for change in moment.changes)


def _routes(moment: Moment, who: str) -> tuple[Route, ...]:
    """Return the ways that messages take in a step of a cluster: what is written goes to etcd."""
    if not moment.by or moment.verb in STRIKES:
        return ()
    if moment.verb in HEARS or moment.by == PROXY:
        return ((ETCD, API_SERVER, who),)
    if _writes(moment):
        return ((who, API_SERVER, ETCD),)
    if moment.by == KUBELET and ":" in who:
        return ((who, f"pods:{who.partition(':')[2]}"),)
    return ((who, API_SERVER, who),) if moment.verb == Verb.SENDS.value else ()


def _differences(before: Store, after: Store) -> Iterator[Difference]:
    for ref in sorted({*before, *after}, key=rank):
        old, new = before.get(ref), after.get(ref)
        if old != new:
            what = "is new" if old is None else "is gone" if new is None else "changes"
            yield Difference(ref, what, diff(written(old), written(new)))


def rank(ref: Ref) -> tuple[int, Ref]:
    """Return where an object stands in a list: workloads first, then Pods, then the rest."""
    return ORDER.get(ref.kind, len(ORDER)), ref


def _views(moment: Moment, number: int, stores: list[Store]) -> Iterator[OldView]:
    """Yield the views that are older than the state in which a step is taken, if what they are of has changed since."""
    for seen in moment.view:
        since = tuple(_differences(_only(stores[seen.step], seen.of), _only(stores[number - 1], seen.of)))
        if since:
            yield OldView(seen.of, seen.step, since)


def _only(store: Store, kinds: Iterable[str]) -> Store:
    return immutabledict((ref, value) for ref, value in store.items() if ref.kind in kinds)


def _notes(
    moment: Moment, who: str, number: int, stores: list[Store], synced: dict[str, int]
) -> Iterator[tuple[str, str]]:
    """Say of components how old what they go by is."""
    if stores[number]:
        yield ETCD, f"{len(stores[number])} objects"
    slices = [_only(store, ("EndpointSlice",)) for store in stores]
    nodes = sorted({ref.name for ref in stores[number] if ref.kind == "Node"}) if slices[0] else []
    for proxy in (f"{PROXY}:{node}" for node in nodes):
        last = synced.get(proxy, 0)
        if slices[last] != slices[number]:
            yield proxy, f"rules of {when(last)}"
    old = [seen.step for seen in moment.view if _only(stores[seen.step], seen.of) != _only(stores[number - 1], seen.of)]
    if old and moment.verb not in HEARS:
        yield who, f"view of {when(min(old))}"


def when(step: int) -> str:
    """Say in words when something was seen."""
    return f"step {step}" if step else "the start"


def summary(value: Json) -> str:
    """Return what matters of an object in a few words."""
    plain = as_map(value)
    spec, status = as_map(plain.get("spec")), as_map(plain.get("status"))
    match plain.get("kind"):
        case "Pod":
            node = f"on {node}" if (node := node_of(value)) else "on no node"
            return f"{state_of(value)}, {node}"
        case "Deployment" | "ReplicaSet" | "StatefulSet":
            wanted = f"{spec.get('replicas', 1)} wanted"
            return f"{wanted}, {status.get('readyReplicas', 0)} ready" if status else wanted
        case "Node":
            return "cordoned" if spec.get("unschedulable") else ""
        case "PodDisruptionBudget":
            return f"{status.get('disruptionsAllowed', 0)} may be disrupted"
        case _:
            return ""


def state_of(value: Json) -> str:
    """Return how a Pod is, in one word."""
    plain = as_map(value)
    status = as_map(plain.get("status"))
    if "deletionTimestamp" in as_map(plain.get("metadata")):
        return "terminating"
    phase = str(status.get("phase", "Pending")).lower()
    conditions = [as_map(condition) for condition in status.get("conditions", ())]
    ready = any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)
    return "ready" if phase == "running" and ready else phase
