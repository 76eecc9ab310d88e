"""The admission plugin PodSecurity: whether a namespace lets a Pod in that asks for much, and what it warns of.

Upstream: staging/src/k8s.io/pod-security-admission/{admission/admission.go,api/helpers.go} (v1.36), KEP-2579. What the
levels forbid is in `pod_standards`. Where the release is not known (a verdict about several) only what each release
refuses counts: what is neither let in nor refused by all is let in, and whoever asks has to say so.
Left out on purpose: exemptions (there are none unless an API server's configuration has some), `audit`, versions before
1.25, annotations for AppArmor.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from attrs import frozen

from ...api.apps import Workload
from ...api.batch import CronJob, Job
from ...api.core import Namespace, Pod, PodSpec
from ...api.kinds import Object, ref_of
from ...api.meta import Ref
from ...api.releases import RELEASES, Release
from ...api.requests import Response
from ...api.values.frozen import as_map
from ..status import forbidden
from ..status import invalid as invalid_object
from ..storage import Storage
from ..validation.field_error import FieldError, invalid
from .pod_standards import BASELINE, EARLIEST, LATEST, LEVELS, PRIVILEGED, RESTRICTED, breaches

PREFIX = "pod-security.kubernetes.io/"
ENFORCE, WARN, AUDIT = (f"{PREFIX}{mode}" for mode in ("enforce", "warn", "audit"))
"""The labels of a namespace: which level its Pods must keep to, are warned of, are noted for."""
VERSION = f"{ENFORCE}-version"
LATEST_VERSION = "latest"
VERSIONED = re.compile(r"v1\.(0|[1-9]\d*)")
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""Annotations of Pods that said once what `appArmorProfile` says: they are not looked at here."""


@frozen
class Standard:
    """A level in a version: `baseline:latest`."""

    level: str
    version: str = LATEST_VERSION

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"

    def minor(self, release: Release) -> int:
        """Return the minor number that it has in a release, whose own is the latest."""
        own = _minor_of(release)
        said = VERSIONED.fullmatch(self.version)
        return min(own, int(said[1])) if said else own


def _minor_of(release: Release) -> int:
    return int(release.name.partition(".")[2])


def standard(labels: Mapping[str, str], mode: str) -> Standard:
    """Return the level that a label asks for; one that is wrong is as strict as can be, or warns of nothing.

    Where nothing is said of what to warn of, it is what is enforced.
    """
    if mode == WARN and WARN not in labels and labels.get(ENFORCE) in LEVELS and labels[ENFORCE] != PRIVILEGED:
        enforced = standard(labels, ENFORCE)
        said = labels.get(f"{WARN}-version")
        return enforced if said is None else Standard(enforced.level, _version(said))
    level = labels.get(mode, PRIVILEGED)
    if level not in LEVELS:
        level = RESTRICTED if mode == ENFORCE else PRIVILEGED
    return Standard(level, _version(labels.get(f"{mode}-version", LATEST_VERSION)))


def _version(said: str) -> str:
    return said if VERSIONED.fullmatch(said) else LATEST_VERSION


def refusal(storage: Storage, pod: Pod, release: Release | None = None) -> Response | None:
    """Return why a namespace does not let a Pod in (403), None if it does or it is not known."""
    found = reasons(storage, pod, release)
    return forbidden(ref_of(pod), found) if found else None


def reasons(storage: Storage, pod: Pod, release: Release | None = None) -> str:
    """Say what a Pod asks for that its namespace surely forbids, in a release or in all of them, "" if nothing."""
    asked = standard(_labels(storage, pod), ENFORCE)
    found = _told(asked, pod.spec, release)
    return f'violates PodSecurity "{asked}": {found}' if found else ""


def warnings(storage: Storage, obj: Object, release: Release) -> tuple[str, ...]:
    """Return what is warned of where a Pod, or what makes Pods, is let in."""
    spec = _spec_of(obj)
    if spec is None:
        return ()
    asked = standard(_labels(storage, obj), WARN)
    found = _told(asked, spec, release)
    return (f'would violate PodSecurity "{asked}": {found}',) if found else ()


def _spec_of(obj: Object) -> PodSpec | None:
    """Return what a Pod is to be, of a Pod or of what makes Pods; None of all else."""
    if isinstance(obj, CronJob):
        obj = Job(spec=obj.spec.job_template.spec)
    if isinstance(obj, Workload):
        return obj.spec.template.spec
    return obj.spec if isinstance(obj, Pod) else None


def _told(asked: Standard, spec: PodSpec, release: Release | None) -> str:
    """Say what a standard forbids: in a release, or, where none is asked about, if each of them forbids it."""
    if release is None and not forbids(asked.level, spec, asked.version):
        return ""
    found = breaches(asked.level, spec, asked.minor(release or RELEASES["1.36"]))
    return ", ".join(map(str, found))


def _labels(storage: Storage, obj: Object) -> Mapping[str, str]:
    namespace = storage.get(Ref("Namespace", "", obj.metadata.namespace))
    return namespace.metadata.labels if isinstance(namespace, Namespace) else {}


def is_significant(new: Pod, old: Pod) -> bool:
    """Tell whether a changed Pod is looked at again: its containers have other images (isSignificantPodUpdate)."""
    after, before = ((*pod.spec.init_containers, *pod.spec.containers) for pod in (new, old))
    return [container.image for container in after] != [container.image for container in before]


def allows(level: str, spec: PodSpec) -> bool:
    """Tell whether a Pod is let in at a level (baseline, restricted), in every version of it; False: it may not be."""
    if spec.extra.get("ephemeralContainers") or level not in {BASELINE, RESTRICTED}:
        return False
    if level == RESTRICTED and any("image" in as_map(volume) for volume in spec.extra.get("volumes") or ()):
        return False  # Not in the code of each release.
    return not any(True for minor in range(LATEST + 1) for _ in breaches(level, spec, minor))


def forbids(level: str, spec: PodSpec, version: str = LATEST_VERSION) -> bool:
    """Tell whether a Pod is refused at a level, by each release from 1.32 on."""
    asked = Standard(level, version)
    minors = {asked.minor(release) for release in RELEASES.values()}
    return min(minors) >= EARLIEST and all(any(True for _ in breaches(level, spec, minor)) for minor in minors)


# --- namespaces -------------------------------------------------------------------------------------------------------


def wrong_labels(namespace: Namespace, old: Namespace | None = None) -> Response | None:
    """Refuse a namespace with a label that is no level or no version (422); what was wrong already may stay."""
    errors = tuple(_errors(namespace.metadata.labels))
    if not errors or (old is not None and errors == tuple(_errors(old.metadata.labels))):
        return None
    return invalid_object("Namespace", namespace.metadata.name, errors)


def _errors(labels: Mapping[str, str]) -> Iterator[FieldError]:
    for mode in (ENFORCE, AUDIT, WARN):
        level, version = labels.get(mode), labels.get(f"{mode}-version")
        if level is not None and level not in LEVELS:
            yield invalid(f"metadata.labels[{mode}]", level, f"must be one of {', '.join(LEVELS)}")
        if version is not None and version != LATEST_VERSION and not VERSIONED.fullmatch(version):
            where = f"metadata.labels[{mode}-version]"
            yield invalid(where, version, 'must be "latest" or "v1.x"')


def of_those_there(storage: Storage, new: Namespace, old: Namespace, release: Release) -> tuple[str, ...]:
    """Return what is warned of where a namespace becomes stricter: the Pods there that it would not let in."""
    now, before = (standard(namespace.metadata.labels, ENFORCE) for namespace in (new, old))
    relaxed = now.version == before.version and LEVELS.index(now.level) <= LEVELS.index(before.level)
    if now.level == PRIVILEGED or relaxed:
        return ()
    said: Counter[str] = Counter()
    first: dict[str, str] = {}
    for pod in storage.list("Pod", new.metadata.name):
        if not isinstance(pod, Pod):
            continue
        found = ", ".join(breach.reason for breach in breaches(now.level, pod.spec, now.minor(release)))
        if found:
            said[found] += 1
            first[found] = min(first.get(found, pod.metadata.name), pod.metadata.name)
    if not said:
        return ()
    head = f'existing pods in namespace "{new.metadata.name}" violate the new PodSecurity enforce level "{now}"'
    return (head, *sorted(f"{first[why]}{_others(number)}: {why}" for why, number in said.items()))


def _others(number: int) -> str:
    return "" if number == 1 else f" (and {number - 1} other pod{'s' if number > 2 else ''})"
