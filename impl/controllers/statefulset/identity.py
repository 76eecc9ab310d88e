"""Who a Pod of a StatefulSet is: its name and number, what is made for it, and whether a Pod is as its name says.

Upstream: pkg/controller/statefulset/stateful_set_utils.go (v1.32, PodIndexLabel on).
Whose the claims are is said in `retention`.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.apps import StatefulSet
from ...api.cache import Cache
from ...api.core import Pod, PodSpec, PodTemplateSpec
from ...api.kinds import ref_of
from ...api.meta import ObjectMeta
from ...api.requests import Create, Request
from ...api.storage import PersistentVolumeClaim
from ...api.values.frozen import EMPTY, as_map, freeze, strings
from ...api.well_known import POD_INDEX, POD_NAME, REVISION_HASH
from ..common import controller_of

_NUMBERED = re.compile(r"(.*)-([0-9]+)", re.ASCII | re.DOTALL)


def ordinal(pod: Pod) -> int:
    """Return a Pod's number, -1 where its name has none."""
    found = _NUMBERED.fullmatch(pod.metadata.name)
    return int(found[2]) if found and int(found[2]) < 2**31 else -1


def is_member(owner: StatefulSet, pod: Pod) -> bool:
    """Tell whether a Pod's name is one that this set gives."""
    found = _NUMBERED.fullmatch(pod.metadata.name)
    return found is not None and found[1] == owner.metadata.name


def revision_of(pod: Pod) -> str:
    """Return the name of the revision that a Pod was made of."""
    return pod.metadata.labels.get(REVISION_HASH, "")


def new_pod(owner: StatefulSet, template: PodTemplateSpec, revision: str, number: int) -> Pod:
    """Make the Pod of a number, of a template and the revision that is called so."""
    name, meta = f"{owner.metadata.name}-{number}", template.metadata
    own = {POD_NAME: name, POD_INDEX: str(number), REVISION_HASH: revision}
    spec = with_claims(owner, template.spec, number)
    extra: dict[str, Any] = {**spec.extra, "hostname": name, "subdomain": owner.spec.service_name}
    return Pod(
        metadata=ObjectMeta(
            name=name,
            generate_name=f"{owner.metadata.name}-",
            namespace=owner.metadata.namespace,
            labels=strings({**meta.labels, **own}),
            annotations=meta.annotations,
            finalizers=meta.finalizers,
            owner_references=(controller_of(owner),),
        ),
        spec=evolve(spec, extra=immutabledict(sorted(extra.items()))),
    )


def claim_name(owner: StatefulSet, template: PersistentVolumeClaim, number: int) -> str:
    """Name the claim of a template for the Pod of a number."""
    return f"{template.metadata.name}-{owner.metadata.name}-{number}"


def claims(owner: StatefulSet, number: int) -> tuple[PersistentVolumeClaim, ...]:
    """Make the claims of the Pod of a number."""
    return tuple(_claim(owner, template, number) for template in owner.spec.volume_claim_templates)


def _claim(owner: StatefulSet, template: PersistentVolumeClaim, number: int) -> PersistentVolumeClaim:
    labels = strings({**template.metadata.labels, **owner.spec.selector.match_labels})
    name, namespace = claim_name(owner, template, number), owner.metadata.namespace
    meta = evolve(template.metadata, name=name, namespace=namespace, labels=labels)
    return evolve(template, metadata=meta, extra=EMPTY)


def missing_claims(cache: Cache, owner: StatefulSet, number: int) -> tuple[Request, ...]:
    """Ask for the claims of a Pod that are not there."""
    return tuple(
        Create(volume_claim) for volume_claim in claims(owner, number) if ref_of(volume_claim) not in cache.objects
    )


def claim_is_going(cache: Cache, owner: StatefulSet, number: int) -> bool:
    """Tell whether a claim of a Pod is being deleted, or will be with the Pod before it: then it cannot be made."""
    found = (cache.objects.get(ref_of(claim)) for claim in claims(owner, number))
    there = [obj.metadata for obj in found if obj is not None]
    return any(meta.terminating or any(other.kind == "Pod" for other in meta.owner_references) for meta in there)


def with_claims(owner: StatefulSet, spec: PodSpec, number: int) -> PodSpec:
    """Return the spec of a Pod with the volumes of the claims of its number."""
    volumes = _volumes(owner, number, spec.extra.get("volumes") or ())
    if not volumes:
        return spec
    extra: dict[str, Any] = {**spec.extra, "volumes": volumes}
    return evolve(spec, extra=immutabledict(sorted(extra.items())))


def _volumes(owner: StatefulSet, number: int, given: Any) -> Any:
    """Return volumes with those of the claims; they take the place of others of their names."""
    templates = owner.spec.volume_claim_templates
    own = tuple(
        freeze(
            {
                "name": template.metadata.name,
                "persistentVolumeClaim": {"claimName": claim_name(owner, template, number)},
            }
        )
        for template in templates
    )
    names = {template.metadata.name for template in templates}
    return (*own, *(volume for volume in given if as_map(volume).get("name") not in names))


def identity_matches(pod: Pod) -> bool:
    """Tell whether a member's label says its name."""
    return pod.metadata.labels.get(POD_NAME) == pod.metadata.name


def storage_matches(owner: StatefulSet, pod: Pod) -> bool:
    """Tell whether a member's volumes are the claims of its number."""
    found = {str(as_map(volume).get("name")): as_map(volume) for volume in pod.spec.extra.get("volumes") or ()}
    wanted = (
        (template.metadata.name, claim_name(owner, template, ordinal(pod)))
        for template in owner.spec.volume_claim_templates
    )
    return all(
        as_map(found.get(name, {}).get("persistentVolumeClaim")).get("claimName") == claim for name, claim in wanted
    )


def as_named(owner: StatefulSet, pod: Pod) -> Pod:
    """Return a member with the labels and volumes of its name."""
    number = ordinal(pod)
    labels = strings({**pod.metadata.labels, POD_NAME: pod.metadata.name, POD_INDEX: str(number)})
    spec = pod.spec if storage_matches(owner, pod) else with_claims(owner, pod.spec, number)
    return evolve(pod, metadata=evolve(pod.metadata, labels=labels), spec=spec)
