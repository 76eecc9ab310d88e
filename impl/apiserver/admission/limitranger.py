"""The admission plugin LimitRanger: what containers ask for that say nothing, and what may be asked for at all.

Upstream: plugin/pkg/admission/limitranger/admission.go (v1.32).
Left out on purpose: resources of Pods as a whole (alpha in 1.32); a Pod's change, which can change no resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from ...api.core import Container, Pod
from ...api.kinds import Object, ref_of
from ...api.quota import LimitRange, LimitRangeItem
from ...api.requests import Response
from ...api.storage import PersistentVolumeClaim
from ...api.values.frozen import strings
from ...api.values.qos import pod_limits, pod_requests
from ...api.values.quantity import Quantity
from ...quota.amounts import Amounts, frozen_amounts
from ..status import forbidden
from ..storage import Storage, with_meta

ANNOTATION = "kubernetes.io/limit-ranger"


def with_defaults(storage: Storage, pod: Pod) -> Pod:
    """Return a new Pod with the requests and limits that the limit ranges of its namespace give to who names none."""
    for limits in _ranges(storage, pod):
        pod = _filled(pod, limits)
    return pod


def out_of_range(storage: Storage, obj: Object) -> Response | None:
    """Refuse a Pod or a claim that asks for less or more than a limit range of its namespace allows: 403."""
    found = out_of(storage, obj)
    return None if found is None else forbidden(ref_of(obj), found[1])


def out_of(storage: Storage, obj: Object) -> tuple[LimitRange, str] | None:
    """Return the first limit range that an object is out of, and how; None where it keeps them all."""
    for limits in _ranges(storage, obj) if isinstance(obj, Pod | PersistentVolumeClaim) else ():
        broken = tuple(dict.fromkeys(_broken(limits, obj)))
        if broken:
            return limits, broken[0] if len(broken) == 1 else f"[{', '.join(broken)}]"
    return None


def _ranges(storage: Storage, obj: Object) -> Iterator[LimitRange]:
    found = storage.list("LimitRange", obj.metadata.namespace)
    yield from (limit_range for limit_range in found if isinstance(limit_range, LimitRange))


# --- defaults ---------------------------------------------------------------------------------------------------------


def _filled(pod: Pod, limit_range: LimitRange) -> Pod:
    items = [item for item in limit_range.spec.limits if item.type == "Container"]
    requests = {name: amount for item in items for name, amount in item.default_request.items()}
    limits = {name: amount for item in items for name, amount in item.default.items()}
    told: list[str] = []
    containers = [_with(container, "container", requests, limits, told) for container in pod.spec.containers]
    starting = [_with(container, "init container", requests, limits, told) for container in pod.spec.init_containers]
    if not told:
        return pod
    spec = evolve(pod.spec, containers=tuple(containers), init_containers=tuple(starting))
    noted = strings({**pod.metadata.annotations, ANNOTATION: f"LimitRanger plugin set: {'; '.join(told)}"})
    return with_meta(evolve(pod, spec=spec), annotations=noted)


def _with(one: Container, role: str, requests: Amounts, limits: Amounts, told: list[str]) -> Container:
    """Return a container with the defaults that it lacks, and add to `told` which."""
    mine = one.resources
    for word, given, defaults in (("request", mine.requests, requests), ("limit", mine.limits, limits)):
        if new := sorted(defaults.keys() - given.keys()):
            told.append(f"{', '.join(new)} {word} for {role} {one.name}")
    filled = (frozen_amounts({**requests, **mine.requests}), frozen_amounts({**limits, **mine.limits}))
    return evolve(one, resources=evolve(mine, requests=filled[0], limits=filled[1]))


# --- bounds -----------------------------------------------------------------------------------------------------------


def _broken(limit_range: LimitRange, obj: Object) -> Iterator[str]:
    for item in limit_range.spec.limits:
        if isinstance(obj, PersistentVolumeClaim):
            if item.type == "PersistentVolumeClaim":
                yield from _claim(item, obj.spec.resources.requests)
        elif isinstance(obj, Pod) and item.type == "Container":
            for container in (*obj.spec.containers, *obj.spec.init_containers):
                yield from _bounds(item, container.resources.requests, container.resources.limits)
        elif isinstance(obj, Pod) and item.type == "Pod":
            alone = evolve(obj.spec, overhead=frozen_amounts({}))
            yield from _bounds(item, pod_requests(alone), pod_limits(alone))


def _claim(item: LimitRangeItem, requests: Amounts) -> Iterator[str]:
    yield from _least(item, requests, {})
    for name, most in _sorted(item.max):
        told = f"maximum {name} usage per {item.type} is {most}"
        asked = requests.get(name)
        if asked is None:
            yield f"{told}.  No request is specified"
        elif asked > most:
            yield f"{told}, but request is {asked}"


def _bounds(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    yield from _least(item, requests, limits)
    for name, most in _sorted(item.max):
        told = f"maximum {name} usage per {item.type} is {most}"
        asked, limit = requests.get(name), limits.get(name)
        if limit is None:
            yield f"{told}.  No limit is specified"
        elif limit > most:
            yield f"{told}, but limit is {limit}"
        elif asked is not None and asked > most:
            yield f"{told}, but request is {asked}"
    for name, ratio in _sorted(item.max_limit_request_ratio):
        yield from _ratio(item, name, ratio, (requests.get(name), limits.get(name)))


def _least(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, least in _sorted(item.min):
        told = f"minimum {name} usage per {item.type} is {least}"
        asked, limit = requests.get(name), limits.get(name)
        if asked is None:
            yield f"{told}.  No request is specified"
        elif asked < least:
            yield f"{told}, but request is {asked}"
        elif limit is not None and limit < least:
            yield f"{told}, but limit is {limit}"


def _ratio(
    item: LimitRangeItem, name: str, most: Quantity, said: tuple[Quantity | None, Quantity | None]
) -> Iterator[str]:
    told = f"{name} max limit to request ratio per {item.type} is {most}"
    asked, limit = said
    if asked is None or not asked.sign:
        yield f"{told}, but no request is specified or request is 0"
    elif limit is None or not limit.sign:
        yield f"{told}, but no limit is specified or limit is 0"
    elif limit.number / asked.number > most.number:
        yield f"{told}, but provided ratio is {float(limit.number / asked.number):f}"


def _sorted(amounts: Mapping[str, Quantity]) -> Iterable[tuple[str, Quantity]]:
    return sorted(amounts.items())
