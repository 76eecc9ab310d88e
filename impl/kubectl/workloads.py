"""set image, scale, rollout undo, restart, pause and resume: commands on something with a Pod template.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd/{set/set_image.go,scale,rollout} and pkg/polymorphichelpers (v1.32).
Left out on purpose: `--to-revision`, `--current-replicas`.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ..api.apps import ControllerRevision, DaemonSet, Deployment, ReplicaSet, Sized, StatefulSet, Workload
from ..api.cache import Cache
from ..api.core import Container, Pod, PodTemplateSpec
from ..api.meta import ObjectMeta, Ref
from ..api.requests import Request, Update
from ..api.values.frozen import Strings, strings
from ..api.workloads import with_size, with_template, without_hash
from .found import Kept, Missing, find_workload, revision

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
KEPT_ON_UNDO = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)
"""Annotations of a Deployment that a rollback leaves alone; all others come from the ReplicaSet rolled back to."""


def set_image(
    kind: str, name: str, namespace: str, cache: Cache, *, image: str, container: str = ""
) -> tuple[Request, ...] | Missing:
    """Return one container the image; container "" means the only one there is, "*" means all, init containers too."""
    live = cache.get(Pod, Ref(kind, namespace, name)) or find_workload(kind, name, namespace, cache)
    if isinstance(live, Missing):
        return live
    spec = live.spec if isinstance(live, Pod) else live.spec.template.spec
    names = tuple(declared.name for declared in (*spec.init_containers, *spec.containers))
    chosen = frozenset(_chosen(container, spec.containers, names))
    if not chosen:
        return Missing(f"container {container or '(which one?)'} of {kind} {namespace}/{name}: {', '.join(names)}")
    after = evolve(
        spec,
        containers=_with_image(spec.containers, chosen, image),
        init_containers=_with_image(spec.init_containers, chosen, image),
    )
    if isinstance(live, Pod):
        return () if after == spec else (Update(evolve(live, spec=after), live),)
    return _with_template(live, evolve(live.spec.template, spec=after))


def _chosen(container: str, main: tuple[Container, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    if container == "*":
        return names
    if container:
        return tuple(name for name in names if name == container)
    return (main[0].name,) if len(main) == 1 else ()


def _with_image(containers: tuple[Container, ...], chosen: frozenset[str], image: str) -> tuple[Container, ...]:
    return tuple(evolve(container, image=image) if container.name in chosen else container for container in containers)


def scale(kind: str, name: str, namespace: str, cache: Cache, *, replicas: int) -> tuple[Request, ...] | Missing:
    """Ask for a number of replicas through the scale subresource."""
    live = find_workload(kind, name, namespace, cache)
    if isinstance(live, Missing):
        return live
    if not isinstance(live, Sized):
        return Missing(f"{kind} {namespace}/{name} that can be scaled")
    return (Update(with_size(live, replicas), live, "scale"),)


def rollout_restart(
    kind: str, name: str, namespace: str, cache: Cache, *, at: str = ""
) -> tuple[Request, ...] | Missing:
    """Stamp the template, so that every Pod is replaced; `at` "" takes the number after the last stamp."""
    live = find_workload(kind, name, namespace, cache)
    if not isinstance(live, Deployment | StatefulSet | DaemonSet):
        return Missing(f"{kind} {namespace}/{name} that can be restarted")
    if isinstance(live, Deployment) and live.spec.paused:
        return Missing(f"Deployment {namespace}/{name} that is not paused")
    meta = live.spec.template.metadata
    last = meta.annotations.get(RESTARTED_AT, "0")
    stamp = at or str(int(last) + 1 if last.isdecimal() else 1)
    stamped = evolve(meta, annotations=strings({**meta.annotations, RESTARTED_AT: stamp}))
    return _with_template(live, evolve(live.spec.template, metadata=stamped))


def set_paused(kind: str, name: str, namespace: str, cache: Cache, *, paused: bool) -> tuple[Request, ...] | Missing:
    """Pause a rollout, or let it go on; what is so already is an error (cmd/rollout/rollout_{pause,resume}.go)."""
    live = find_workload(kind, name, namespace, cache)
    if not isinstance(live, Deployment):
        return Missing(f"{kind} {namespace}/{name} that can be {'paused' if paused else 'resumed'}")
    if live.spec.paused == paused:
        return Kept(f'deployments.apps "{name}" is {"already" if paused else "not"} paused')
    return (Update(evolve(live, spec=evolve(live.spec, paused=paused)), live),)


def rollout_undo(kind: str, name: str, namespace: str, cache: Cache) -> tuple[Request, ...] | Missing:
    """Put the template of the last revision but one back; nothing is sent when it is the template already."""
    live = find_workload(kind, name, namespace, cache)
    if isinstance(live, StatefulSet | DaemonSet):
        return _undo_by_revision(live, cache)
    if not isinstance(live, Deployment):
        return Missing(f"{kind} {namespace}/{name} that can be rolled back")
    if live.spec.paused:
        return Missing(f"Deployment {namespace}/{name} that is not paused")
    target = _previous(live, cache)
    if target is None:
        return Missing(f"earlier revision of Deployment {namespace}/{name}")
    template = without_hash(target.spec.template)
    if template == without_hash(live.spec.template):
        return ()
    annotations = _undone_annotations(live.metadata, target.metadata)
    return _with_template(evolve(live, metadata=evolve(live.metadata, annotations=annotations)), template, base=live)


def _undo_by_revision(live: StatefulSet | DaemonSet, cache: Cache) -> tuple[Request, ...] | Missing:
    """Apply the last revision but one as a patch (pkg/polymorphichelpers/rollback.go, StatefulSet and DaemonSet)."""
    meta = live.metadata
    mine = [revision for revision in cache.list(ControllerRevision, meta.namespace) if _controls(live, revision)]
    if len(mine) < 2:
        return Missing(f"earlier revision of {type(live).__name__} {meta.namespace}/{meta.name}")
    target = sorted(mine, key=lambda revision: revision.revision)[-2].data.spec.template
    extra = immutabledict({key: value for key, value in target.extra.items() if key != "$patch"})
    return _with_template(live, evolve(target, extra=extra))


def _previous(live: Deployment, cache: Cache) -> ReplicaSet | None:
    """Return the ReplicaSet with the second highest revision among those the Deployment controls."""
    mine = [replicaset for replicaset in cache.list(ReplicaSet, live.metadata.namespace) if _controls(live, replicaset)]
    by_revision = {revision(replicaset): replicaset for replicaset in mine}
    lower = sorted(number for number in by_revision if number > 0)[:-1]
    return by_revision[lower[-1]] if lower else None


def _controls(live: Workload, made: ReplicaSet | ControllerRevision) -> bool:
    owner = made.metadata.controller
    return owner is not None and (owner.kind, owner.uid) == (type(live).__name__, live.metadata.uid)


def _undone_annotations(live: ObjectMeta, target: ObjectMeta) -> Strings:
    kept = {key: value for key, value in live.annotations.items() if key in KEPT_ON_UNDO}
    taken = {key: value for key, value in target.annotations.items() if key not in KEPT_ON_UNDO}
    return strings({**taken, **kept})


def _with_template(live: Workload, template: PodTemplateSpec, *, base: Workload | None = None) -> tuple[Request, ...]:
    """Send the live object with another template, unless that changes nothing."""
    after, before = with_template(live, template), base or live
    return () if after == before else (Update(after, before),)
