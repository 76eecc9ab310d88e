"""What a check takes for granted about the input, each with file and line; with `complete` what is missing is missing.

What Kubernetes would do without it is recorded: a Pod that names an absent ConfigMap or Secret is bound and its
containers are never started; one that names an absent ServiceAccount, PriorityClass or RuntimeClass is refused, again
and again. The account `default`, the ConfigMap kube-root-ca.crt and the system priority classes are always there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attrs import evolve, frozen

from ....impl.api.batch import CronJob, Job
from ....impl.api.claim_names import REACHABILITY
from ....impl.api.core import Namespace, Pod, Service
from ....impl.api.kinds import Object, kind_of, ref_of
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.policy import SYSTEM_PRIORITIES, EndpointSlice, PriorityClass, is_slice_of
from ....impl.api.reading.load import Note, Problem
from ....impl.api.references import references
from ....impl.api.storage import PersistentVolume
from ....impl.api.values.frozen import as_map
from ....impl.api.values.selectors import matches_map
from ....impl.api.volume_sources import DISKS
from ....impl.api.well_known import PROVISIONED_BY
from ....impl.api.workloads import TEMPLATE
from ....impl.apiserver.admission.admission import ALWAYS_THERE
from ....impl.apiserver.admission.serviceaccount import runs_as_default
from ....impl.controllers.volume.provisioning import Reach, reach
from ....impl.kubectl.script import SetImage, Step
from ....impl.kubelet.obstacles import containers, runs_as
from ....impl.kubelet.starting import STARTS_IN
from ....impl.kubelet.status import readiness_gates
from ....impl.kubelet.timings import hook_length
from ....impl.scheduler.plugins.volumes.volume_binding import NO_PROVISIONER
from ....properties.reachability.by_hand import is_by_hand
from ..contents import account_of, has_makers
from ..files.manifests import Manifests
from ..plain_nodes import ASSUMED_DEFAULT, storage_class
from ..ports import declared, has_moved, number_of
from ..scenario import Scenario, Start
from ..volumes import Claimant, claimants, pinned
from ..workloads import JOB_TEMPLATE, Template, by_label, templates
from . import network_policies, nowhere

MADE_BY_PROGRAMS = frozenset({"ConfigMap", "Secret", "ServiceAccount"})
COMPLETE = "which is said to be complete"
OTHER_DISKS = frozenset({"fc", "iscsi"})
"""Disks that Pods name themselves and that several nodes may have."""
SERVED_ELSEWHERE = "somebody else writes the endpoints of Services without a selector"
NAMED = 3
"""So many images are named."""
REACHED = {
    Reach.NODE: "that can be reached from one node alone",
    Reach.ZONE: "that can be reached from its zone alone",
    Reach.ANYWHERE: "that can be reached from every node",
}
VOLUMES_MADE = "the provisioners of storage classes make volumes for claims"
CLASSES_THERE = (
    "each StorageClass that is asked for and not in the input exists, and makes volumes that all nodes reach"
)
DEFAULT_GIVEN = "claims that name no class are given the default one, which is not in the input"


@frozen(order=True)
class Assumption:
    """Something taken for granted: where it is needed, what is assumed, and of which object that it exists, if any."""

    file: str
    line: int
    subject: str
    field: str
    message: str
    about: str = ""
    """What assumptions that are alike share, in a sentence."""
    ref: Ref | None = None
    gate: str = ""
    """The condition of a readiness gate that is taken to be set."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else ""
        field = f" {self.field}" if self.field else ""
        return f"{place}{self.subject}{field}: {self.message}"


def assumptions(manifests: Manifests, scenario: Scenario) -> tuple[Assumption, ...]:
    """List what is assumed of the manifests and of what the script brings."""
    objects = (*manifests.objects, *scenario.applied)
    makers = tuple(templates(objects))
    found = [
        *_namespaces(manifests, objects),
        *_references(manifests, objects, makers),
        *_tokens(manifests, objects),
        *_volumes(manifests, objects),
        *_classes(manifests, objects),
        *_disks(manifests, makers),
        *_hooks(manifests, makers),
        *gates(manifests, makers),
        *(() if scenario.image_behaviour else _ends(manifests, objects)),
        *_services(manifests, objects, makers),
        *(_accounts(manifests) if scenario.start is Start.EMPTY else ()),
        *_restrictions(manifests, objects, scenario),
        *_nowhere(manifests, objects, makers, scenario),
    ]
    if not scenario.image_behaviour:
        found += (*_images(makers, scenario.script), *_users(manifests, makers))
    return tuple(dict.fromkeys(found))


def absent(found: Iterable[Assumption], manifests: Manifests) -> frozenset[Ref]:
    """Return what is missing where the input is all there is.

    A ConfigMap, Secret or account may still come from a program of the input that is not modelled (a Job, an operator,
    a hook of Helm): where there is one, it is not said to be missing. A Job that never starts without it makes nothing.
    """
    needed: dict[Ref, set[str]] = {}
    for assumption in found:
        if assumption.ref is not None:
            needed.setdefault(assumption.ref, set()).add(assumption.subject)
    return frozenset(
        ref for ref, users in needed.items() if ref.kind not in MADE_BY_PROGRAMS or not has_makers(manifests, users)
    )


def perhaps_made(found: Iterable[Assumption], missing: frozenset[Ref]) -> tuple[Note, ...]:
    """Note what a complete input lacks and a program of it may make: every claim may hang on it."""
    why = f"not in the input, {COMPLETE}; a Job, an operator or a hook of it may make it"
    return tuple(
        Note(assumption.file, assumption.line, assumption.field, assumption.subject, f"the {assumption.ref} is {why}")
        for assumption in found
        if assumption.ref is not None and assumption.ref not in missing
    )


def closed_gates(found: Iterable[Assumption]) -> tuple[Note, ...]:
    """Note the readiness gates of a complete input: nobody there sets them, and every claim may hang on it."""
    why = f"nothing in the input, {COMPLETE}, sets this condition"
    return tuple(
        Note(
            assumption.file,
            assumption.line,
            f"{assumption.field.rpartition('[')[0]}[{assumption.gate}]",
            assumption.subject,
            why,
        )
        for assumption in found
        if assumption.gate
    )


def unserved(found: Iterable[Assumption]) -> tuple[Note, ...]:
    """Note the Services of a complete input for which nobody there writes endpoints."""
    why = f"it has no selector, and nothing in the input, {COMPLETE}, writes its endpoints"
    return tuple(
        Note(assumption.file, assumption.line, assumption.field, assumption.subject, why, (REACHABILITY,))
        for assumption in found
        if assumption.about == SERVED_ELSEWHERE
    )


def assumed_classes(found: Iterable[Assumption]) -> tuple[Object, ...]:
    """Return the classes that are taken to exist: of priorities, of value 0; of storage, whose volumes all reach."""
    refs = sorted({assumption.ref for assumption in found if assumption.ref is not None})
    priorities = (PriorityClass(ObjectMeta(name=ref.name)) for ref in refs if ref.kind == "PriorityClass")
    storage = (ref.name for ref in refs if ref.kind == "StorageClass")
    return (*priorities, *(storage_class(name, default=name == ASSUMED_DEFAULT) for name in storage))


def missing_namespaces(found: Iterable[Assumption]) -> Iterator[Problem]:
    """Blame what would be created in a namespace that a complete input does not have: kubectl fails there."""
    for assumption in found:
        if assumption.ref is not None and assumption.ref.kind == "Namespace":
            message = f"there is no Namespace {assumption.ref.name}, and the input is said to be complete"
            yield Problem(
                assumption.file or "input",
                assumption.line,
                assumption.field,
                message,
                "add the Namespace to the manifests",
            )


# --- finding them -----------------------------------------------------------------------------------------------------


def _at(
    manifests: Manifests, ref: Ref, field: str, message: str, about: str = "", needed: Ref | None = None
) -> Assumption:
    file, line = manifests.place(ref, field)
    return Assumption(file, line, str(ref), field, message, about, needed)


def _images(makers: tuple[Template, ...], script: tuple[Step, ...]) -> Iterator[Assumption]:
    """Say what programs are taken to do: to run and get ready, and those that only initialise a Pod to end."""
    first = [container for maker in makers for container in maker.spec.init_containers]
    beside = [container for maker in makers for container in maker.spec.sidecars]
    jobs = [maker for maker in makers if maker.ref.kind in {"Job", "CronJob"}]
    kept = [maker for maker in makers if maker not in jobs]
    running = {
        container.image
        for container in (*(container for maker in kept for container in maker.spec.containers), *beside)
    }
    running |= {step.image for step in script if isinstance(step, SetImage)}
    ending = {container.image for container in first if container not in beside}
    working = {container.image for maker in jobs for container in maker.spec.containers}
    yield from _good_images(running, "", "running and ready in the end")
    yield from _good_images(working, " of Jobs", "and running until their work is done")
    yield from _good_images(ending, " of init containers", "and each of these containers ends, without an error")


def _good_images(names: set[str], whose: str, what: str) -> Iterator[Assumption]:
    images = sorted(names)
    if images:
        more = f" and {len(images) - NAMED} more" if len(images) > NAMED else ""
        good = f"pulled, {what}: {', '.join(images[:NAMED])}{more}"
        yield Assumption("", 0, f"{len(images)} image{'s' if len(images) > 1 else ''}{whose}", "", good)


def _users(manifests: Manifests, makers: tuple[Template, ...]) -> Iterator[Assumption]:
    """List the containers that may not run as root and leave it to their image as whom to run."""
    for maker in makers:
        for path, container in containers(maker.spec):
            if (
                runs_as(maker.spec, container, "runAsNonRoot") is True
                and runs_as(maker.spec, container, "runAsUser") is None
            ):
                message = "runAsNonRoot without runAsUser: the image says as which user, by number, and it is not root"
                about = "images of containers with runAsNonRoot and without runAsUser name a user by number, not root"
                yield _at(manifests, maker.ref, f"{maker.path}.{path}", message, about)


def _namespaces(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Assumption]:
    known = ALWAYS_THERE | {obj.metadata.name for obj in objects if kind_of(obj).name == "Namespace"}
    first: dict[str, Ref] = {}
    for obj in objects:
        if kind_of(obj).namespaced and obj.metadata.namespace not in known:
            first.setdefault(obj.metadata.namespace, ref_of(obj))
    for name, ref in sorted(first.items()):
        message = f"the Namespace {name} exists, which is not in the input"
        yield _at(manifests, ref, "metadata.namespace", message, needed=Ref("Namespace", "", name))


def _references(
    manifests: Manifests, objects: tuple[Object, ...], makers: tuple[Template, ...]
) -> Iterator[Assumption]:
    known = {ref_of(obj) for obj in objects} | {other.ref for other in manifests.others}
    for maker in makers:
        for reference in references(maker.spec, maker.ref.namespace):
            if reference.ref not in known and not _always_there(reference.ref):
                message = f"the {reference.ref} exists, which is not in the input{_value(reference.ref)}"
                about = f"each {reference.ref.kind} that is named and not in the input exists{_value(reference.ref)}"
                yield _at(manifests, maker.ref, f"{maker.path}.{reference.path}", message, about, reference.ref)


def _tokens(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Assumption]:
    """List the accounts of which a Secret is to hold a token: without them it is deleted."""
    known = {ref_of(obj) for obj in objects} | {other.ref for other in manifests.others}
    for secret in manifests.others:
        account = account_of(secret)
        if account is not None and account not in known and not _always_there(account):
            message = f"the {account} exists, which is not in the input: a token of it is written here"
            about = "each ServiceAccount that is named and not in the input exists"
            field = "metadata.annotations"
            yield Assumption(
                secret.source.file, secret.source.line_of(field), str(secret.ref), field, message, about, account
            )


def _accounts(manifests: Manifests) -> Iterator[Assumption]:
    """List the Pods by themselves that are applied with their namespace, which may not have its account yet."""
    new = {obj.metadata.name for obj in manifests.objects if isinstance(obj, Namespace)} - ALWAYS_THERE
    known = {other.ref for other in manifests.others}
    for obj in manifests.objects:
        space = obj.metadata.namespace
        account = Ref("ServiceAccount", space, "default")
        if isinstance(obj, Pod) and space in new and account not in known and runs_as_default(obj):
            made = f"kube-controller-manager has made the {account} before the Pod is applied"
            message = f"{made}, which kubectl does not wait for: until then it is refused"
            yield _at(manifests, ref_of(obj), "metadata.namespace", message)


def _value(ref: Ref) -> str:
    return "; its value is taken to be 0" if ref.kind == "PriorityClass" else ""


def _always_there(ref: Ref) -> bool:
    return (
        (ref.kind == "ServiceAccount" and ref.name == "default")
        or (ref.kind == "ConfigMap" and ref.name == "kube-root-ca.crt")
        or (ref.kind == "PriorityClass" and ref.name in SYSTEM_PRIORITIES)
    )


def _classes(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Assumption]:
    """List the classes of Ingresses; nothing waits for them here."""
    known = {ref_of(obj) for obj in objects} | {seen.ref for seen in manifests.others}
    for other in manifests.others:
        spec = other.source.document.value.get("spec") or {}
        wanted = spec.get("ingressClassName") if other.ref.kind == "Ingress" else None
        if wanted and Ref("IngressClass", "", str(wanted)) not in known:
            field = "spec.ingressClassName"
            message = f"the IngressClass {wanted} exists, which is not in the input"
            about = "each IngressClass that is named and not in the input exists"
            yield Assumption(other.source.file, other.source.line_of(field), str(other.ref), field, message, about)


def _volumes(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Assumption]:
    """List what is taken for granted of volumes: which classes there are, who makes volumes, and who reaches them."""
    volumes = [obj for obj in objects if isinstance(obj, PersistentVolume)]
    by_hand = {
        volume.spec.storage_class_name
        for volume in volumes
        if PROVISIONED_BY not in as_map(volume.metadata.annotations)
    }
    for ref, field, volume, default in pinned(objects):
        standard = Ref("StorageClass", "", default)
        if standard not in manifests.sources and volume.spec.storage_class_name != default:
            message = (
                f"it is given the default StorageClass {default}, which is not in the input: {ref_of(volume)} is not"
            )
            yield _at(manifests, ref, field, f"{message} of that class, and so is never its own", DEFAULT_GIVEN)
    for claimant in claimants(objects):
        if claimant.found is None:
            yield from _missing_class(manifests, claimant, by_hand)
        elif ref_of(claimant.found) in manifests.sources and claimant.found.provisioner != NO_PROVISIONER:
            message = f"{claimant.found.provisioner} makes a volume for each claim, {REACHED[reach(claimant.found)]}"
            yield _at(manifests, ref_of(claimant.found), "provisioner", message, VOLUMES_MADE)
        elif claimant.found.provisioner != NO_PROVISIONER:
            yield _at(
                manifests, claimant.ref, claimant.field, _made(claimant, REACHED[reach(claimant.found)]), VOLUMES_MADE
            )


def _made(one: Claimant, reached: str) -> str:
    return f"each Pod has its claim {one.name}, with a volume {reached}" if one.many else f"it gets a volume {reached}"


def _missing_class(manifests: Manifests, one: Claimant, by_hand: Collection[str]) -> Iterator[Assumption]:
    """Say that a class is there which makes volumes, but where volumes made by hand bear its name.

    Such a name joins volumes and claims without a StorageClass (kubernetes.io/docs/tasks/configure-pod-container/
    configure-persistent-volume-storage): who asks gets a volume that is there, or none.
    """
    if one.wanted in {"", *by_hand}:
        return
    which = f"the StorageClass {one.wanted}" if one.wanted else "a default StorageClass"
    message = f"{which} exists, which is not in the input: {_made(one, REACHED[Reach.ANYWHERE])}"
    field = f"{one.field}.storageClassName" if one.wanted and not one.many else one.field
    needed = Ref("StorageClass", "", one.wanted or ASSUMED_DEFAULT)
    yield _at(manifests, one.ref, field, message, CLASSES_THERE, needed)


def _disks(manifests: Manifests, makers: tuple[Template, ...]) -> Iterator[Assumption]:
    """Say of disks that Pods name themselves that they are there, wherever the Pods go."""
    about = "disks that Pods name themselves exist, and every node can attach them"
    for maker in makers:
        for index, volume in enumerate(maker.spec.extra.get("volumes") or ()):
            for source in sorted(as_map(volume).keys() & (DISKS.keys() | OTHER_DISKS)):
                field = f"{maker.path}.volumes[{index}].{source}"
                yield _at(manifests, maker.ref, field, "the disk exists, and every node can attach it", about)


def _hooks(manifests: Manifests, makers: tuple[Template, ...]) -> Iterator[Assumption]:
    for maker in makers:
        for index, container in enumerate(maker.spec.containers):
            length = hook_length(container)
            if not length.exact:
                field = f"{maker.path}.containers[{index}].lifecycle.preStop"
                least = f"at least {length.seconds:g} s, and " if length.seconds else ""
                about = "where a claim hangs on a preStop hook of unknown length, nothing is said of it"
                message = (
                    f"{least}nobody can read off how long this hook takes: where a claim hangs on it, nothing is said"
                )
                yield _at(manifests, maker.ref, field, message, about)


def gates(manifests: Manifests, makers: Iterable[Template]) -> Iterator[Assumption]:
    """List the readiness gates: who sets their conditions is not modelled."""
    for maker in makers:
        for index, kind in enumerate(readiness_gates(maker.spec)):
            field = f"{maker.path}.readinessGates[{index}]"
            message = f"a controller sets the condition {kind} of each Pod that runs"
            about = "controllers set the conditions that readiness gates wait for"
            yield evolve(_at(manifests, maker.ref, field, message, about), gate=kind)


def _ends(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Assumption]:
    """List the programs of Jobs: nobody can read off whether they end well, nor how long they take."""
    for cron in (obj for obj in objects if isinstance(obj, CronJob)):
        message, about = "the programs of its Jobs end, with exit code 0", "the programs of Jobs end, with exit code 0"
        yield _at(manifests, ref_of(cron), f"{JOB_TEMPLATE}.{TEMPLATE}.spec.containers", message, about)
    for obj in objects:
        if not isinstance(obj, Job):
            continue
        message, about = "its program ends, with exit code 0", "the programs of Jobs end, with exit code 0"
        yield _at(manifests, ref_of(obj), f"{TEMPLATE}.spec.containers", message, about)
        if obj.spec.active_deadline_seconds is not None:
            message = f"all is done within {obj.spec.active_deadline_seconds} s, and no Pod waits longer"
            about = "Jobs are done within their activeDeadlineSeconds"
            yield _at(manifests, ref_of(obj), "spec.activeDeadlineSeconds", message, about)


def _services(manifests: Manifests, objects: tuple[Object, ...], makers: tuple[Template, ...]) -> Iterator[Assumption]:
    """List what Services take for granted of the Pods they select: ready means listening, on the port asked for."""
    known = by_label(makers)
    for service in objects:
        if isinstance(service, Service) and service.spec.ip_family_policy == "RequireDualStack":
            message = "the cluster has addresses of both families: one that has not refuses the Service"
            yield _at(manifests, ref_of(service), "spec.ipFamilyPolicy", message, "the cluster is dual-stack")
        if not isinstance(service, Service):
            continue
        if is_by_hand(service) and not _has_slices(manifests, objects, service):
            message = "it has no selector, and the input no EndpointSlice of it: somebody else writes its endpoints"
            yield _at(manifests, ref_of(service), "spec.selector", message, SERVED_ELSEWHERE)
        if not service.spec.selector:
            continue
        if service.spec.publish_not_ready_addresses and service.spec.cluster_ip != "None":
            message = "it sends connections to Pods that are not ready yet: they accept them once they have an address"
            about = "Pods behind Services with publishNotReadyAddresses accept connections before they are ready"
            yield _at(manifests, ref_of(service), "spec.publishNotReadyAddresses", message, about)
        for maker in known.bearing(service.spec.selector):
            if maker.ref.namespace == service.metadata.namespace and matches_map(service.spec.selector, maker.labels):
                yield from _unprobed(manifests, service, maker)
                yield from _undeclared(manifests, service, maker, makers)


def _has_slices(manifests: Manifests, objects: tuple[Object, ...], service: Service) -> bool:
    """Tell whether the input says where a Service leads: in slices, in Endpoints, or by a selector it has had."""
    ref = ref_of(service)
    written = any(isinstance(obj, EndpointSlice) and is_slice_of(ref, obj) for obj in objects)
    selecting = any(isinstance(obj, Service) and obj.spec.selector and ref_of(obj) == ref for obj in objects)
    return written or selecting or any(other.ref == evolve(ref, kind="Endpoints") for other in manifests.others)


def _restrictions(manifests: Manifests, objects: tuple[Object, ...], scenario: Scenario) -> Iterator[Assumption]:
    """List whom NetworkPolicies keep from asking a Service: they are not asked whether they reach it."""
    for ref, field, message in network_policies.restrictions(manifests, objects, scenario):
        about = "whether a Service is reached is asked for those whom NetworkPolicies let in there, and out to it"
        yield _at(manifests, ref, field, message, about)


def _nowhere(
    manifests: Manifests, objects: tuple[Object, ...], makers: tuple[Template, ...], scenario: Scenario
) -> Iterator[Assumption]:
    """List what leads nowhere, and probes of ports that nobody declares: perhaps others are meant."""
    for ref, field, message in nowhere.nowhere(manifests, objects, makers, scenario):
        yield _at(manifests, ref, field, message)
    about = "a container answers on the port that a probe asks, though none declares it"
    for ref, field, message in nowhere.undeclared(makers):
        yield _at(manifests, ref, field, message, about)


def _unprobed(manifests: Manifests, service: Service, maker: Template) -> Iterator[Assumption]:
    if STARTS_IN in maker.annotations:
        return
    for index, container in enumerate(maker.spec.containers):
        if container.readiness_probe is None and (container.ports or len(maker.spec.containers) == 1):
            message = f"behind Service {service.metadata.name} and without readinessProbe: it accepts once it runs"
            about = "containers behind a Service and without readinessProbe accept connections once they run"
            yield _at(manifests, maker.ref, f"{maker.path}.containers[{index}]", message, about)


def _undeclared(
    manifests: Manifests, service: Service, maker: Template, versions: tuple[Template, ...]
) -> Iterator[Assumption]:
    for index, port in enumerate(service.spec.ports):
        number = number_of(port)
        if number is None or has_moved(maker, number, port.protocol, versions):
            continue
        others = {"TCP", "UDP", "SCTP"} - {port.protocol}
        if any(number in declared(maker.spec, protocol) for protocol in others):
            continue
        if number not in declared(maker.spec, port.protocol):
            message = f"no container of {maker.ref} declares port {number}/{port.protocol}; one listens there"
            about = "a container listens on the number that a Service asks for, though none declares it"
            yield _at(manifests, ref_of(service), f"spec.ports[{index}]", message, about)
