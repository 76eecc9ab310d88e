"""The nine steps of `kubectl run`, each a function of what is in etcd: what is in it afterwards, and what to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml
from attrs import frozen

from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod, Service, ServicePort, ServiceSpec
from ...impl.api.kinds import KINDS, Object
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.policy import EndpointSlice
from ...impl.api.reading.convert import unstructure
from ...impl.api.releases import NEWEST, Release
from ...impl.api.requests import Bind, Create, PatchStatus, Request, Update
from ...impl.api.runtime import IDLE
from ...impl.api.values.frozen import strings
from ...impl.apiserver.access.authentication import ADMIN, SCHEDULER, User, controller, node_user
from ...impl.apiserver.access.authorization import Attributes, allowed
from ...impl.apiserver.server import Server, key_of, request, watch_since
from ...impl.apiserver.verbs.watch import WatchFilter
from ...impl.controllers import nodelifecycle
from ...impl.controllers.endpointslice import endpointslice
from ...impl.etcd import Compacted
from ...impl.kubectl.run import in_namespace, run, run_requests
from ...impl.kubelet.runtime import KubeletStep
from ...impl.kubelet.worker import steps
from ...impl.kubeproxy.chains import ProxyConfig
from ...impl.kubeproxy.packet import Packet
from ...impl.kubeproxy.proxy import rules
from ...impl.kubeproxy.route import destinations
from ...impl.scheduler.profile import default_profile
from ...impl.scheduler.schedule import Decision, schedule

NAMESPACE = "default"
SUFFIX = "x7k2p"
"""What the API server would draw at random for the name of the EndpointSlice."""


@frozen
class Given:
    """What the walk starts from: the command, the nodes there are, and who types it."""

    name: str
    image: str
    port: int
    nodes: tuple[Node, ...]
    user: User = ADMIN
    release: Release = NEWEST

    @property
    def pod(self) -> Pod:
        """The manifest kubectl makes of the command."""
        return run(self.name, self.image)

    @property
    def ref(self) -> Ref:
        """The name of the Pod."""
        return Ref("Pod", NAMESPACE, self.name)


Told = tuple[Server, tuple[str, ...]]


def creation(given: Given) -> Request:
    """Return the one request of `kubectl run` that changes anything."""
    return Create(in_namespace(given.pod, NAMESPACE))


def first_server(given: Given) -> Server:
    """Return an API server with the namespaces and nodes of a fresh cluster, whose nodes have been found ready."""
    server = Server()
    there: tuple[Object, ...] = (
        *(Namespace(ObjectMeta(name=name)) for name in (NAMESPACE, "kube-system")),
        *given.nodes,
    )
    for obj in there:
        server, answer = request(server, ADMIN, Create(obj))
        assert answer.ok, answer.message  # noqa: S101 - the nodes were judged when they were loaded
    for node in given.nodes:
        for asked in nodelifecycle.reconcile(_cache(server), Ref("Node", "", node.metadata.name)):
            server, _ = request(server, controller("node-controller"), asked)
    return server


def _pod(given: Given, server: Server) -> Pod:
    found = server.get(given.ref)
    assert isinstance(found, Pod)  # noqa: S101 - step 5 put it there
    return found


def _cache(server: Server) -> Cache:
    return Cache.of(obj for kind in KINDS for obj in server.list(kind.name, None))


def _sent(server: Server, user: User, asked: Request) -> tuple[Server, str]:
    """Send a request and tell who sent what, the answer, and the revision it was committed at."""
    after, answer = request(server, user, asked, suffix=SUFFIX)
    what = f"{_said(asked)} as {user.name} -> {answer.code}"
    if not answer.ok:
        return after, f"{what} {answer.message}"
    return after, f"{what}, revision {server.store.revision} -> {after.store.revision}"


def _said(asked: Request) -> str:
    match asked:
        case Bind(pod, node):
            return f"POST {pod.name}/binding to {node}"
        case PatchStatus(obj):
            return f"PATCH status of {type(obj).__name__} {obj.metadata.name}"
        case Create(obj):
            return f"POST {type(obj).__name__} {obj.metadata.name or obj.metadata.generate_name}"
        case Update(obj):
            return f"PUT {type(obj).__name__} {obj.metadata.name}"
        case _:
            return type(asked).__name__.upper()


def manifest(given: Given, server: Server) -> Told:
    """Show what kubectl makes of its arguments."""
    shown = yaml.safe_dump(unstructure(given.pod), sort_keys=False).splitlines()
    return server, (f"kubectl run {given.name} --image={given.image}", "", *shown)


def authentication(given: Given, server: Server) -> Told:
    """Show the requests kubectl sends, and whose the API server takes them to be."""
    sent = [f"{request.method} {request.url}" for request in run_requests(given.pod, NAMESPACE)]
    groups = ", ".join(given.user.groups)
    return server, (
        *sent,
        "",
        "the first two ask what the server knows; the third carries the manifest",
        f"its client certificate proves the user {given.user.name}, groups {groups}",
    )


def authorisation(given: Given, server: Server) -> Told:
    """Show the rule that allows it."""
    decision = allowed(server, given.user, Attributes.of("create", given.ref))
    question = f"may {given.user.name} create pods in namespace {NAMESPACE}?"
    if not decision.allowed:
        return server, (question, f"no: {decision.reason}")
    return server, (question, f"yes: role {decision.reason}, bound to one of the groups {', '.join(given.user.groups)}")


def admission(given: Given, server: Server) -> Told:
    """Show what defaulting and admission add to the manifest; validation has nothing against it."""
    _, answer = request(server, given.user, creation(given))
    before, after = dict(_leaves(unstructure(given.pod))), dict(_leaves(unstructure(answer.object)))
    added = [f"+ {path}: {value}" for path, value in after.items() if path not in before]
    changed = [f"~ {path}: {before[path]} -> {after[path]}" for path in before if after.get(path) != before[path]]
    return server, (*added, *changed, "", "validation: no error")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every scalar of plain JSON by its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def storage(given: Given, server: Server) -> Told:
    """Write it to etcd."""
    after, line = _sent(server, given.user, creation(given))
    key = key_of(given.ref).decode()
    return after, (
        f"key {key}",
        f"transaction: if {key} is not there (mod revision 0), put the Pod",
        line,
    )


def notice(given: Given, server: Server) -> Told:
    """Show which watches deliver the new Pod, and who does something about it."""
    since = server.store.revision - 1
    everyone = [
        ("kube-scheduler", WatchFilter("Pod"), "spec.nodeName is empty: into its queue"),
        ("replicaset-controller", WatchFilter("Pod"), "no owner and no ReplicaSet selects it: nothing to do"),
        ("endpointslice-controller", WatchFilter("Pod"), "no Service selects it: nothing to do"),
        *(
            (f"kubelet {node.metadata.name}", WatchFilter("Pod", node_name=node.metadata.name), "bound to it")
            for node in given.nodes
        ),
    ]
    lines = [f"{who}: {_delivered(server, watch, since, then)}" for who, watch, then in everyone]
    return server, ("a bare Pod has no controller; what acts on it is the scheduler", "", *lines)


def _delivered(server: Server, watch: WatchFilter, since: int, then: str) -> str:
    events = watch_since(server, watch, since)
    assert not isinstance(events, Compacted)  # noqa: S101 - nobody compacts here
    if not events:
        of = f" with spec.nodeName={watch.node_name}" if watch.node_name else ""
        return f"its watch{of} delivers nothing"
    return "; ".join(f"{event.type} {type(event.object).__name__} {event.object.metadata.name}" for event in events) + (
        f", {then}"
    )


def scheduling(given: Given, server: Server) -> Told:
    """Decide on a node, tell why each other one was not taken, and bind."""
    decision = schedule(_pod(given, server), _cache(server), default_profile(given.release))
    lines = [line for node in given.nodes for line in _judged(decision, node.metadata.name)]
    if not decision.best:
        return server, (*lines, "", decision.message or decision.skipped, "the Pod stays Pending")
    chosen = decision.best[0]
    after, line = _sent(server, SCHEDULER, Bind(given.ref, chosen))
    tie = (
        f" ({len(decision.best)} nodes are as good; one is drawn, here the first by name)" if decision.best[1:] else ""
    )
    return after, (*lines, "", f"chosen: {chosen}{tie}", line)


def _judged(decision: Decision, node: str) -> Iterator[str]:
    """Tell of one node why it is out, or what each plugin gives it."""
    if node in decision.refusals:
        refusal = decision.refusals[node]
        yield f"{node}: refused by {refusal.plugin}: {', '.join(refusal.reasons)}"
        return
    scores = decision.scores[node]
    parts = ", ".join(f"{plugin} {score}" for plugin, score in sorted(scores.items()))
    yield f"{node}: passes every filter, score {sum(scores.values())} ({parts})"


def kubelet(given: Given, server: Server) -> Told:
    """Let the kubelet of the Pod's node do all it has to do, reporting whenever there is something to report."""
    name = _pod(given, server).spec.node_name
    if not name:
        return server, ("no kubelet sees the Pod: it is bound to no node",)
    node = next(known for known in given.nodes if known.metadata.name == name)
    mine = WatchFilter("Pod", node_name=name)
    lines = [f"kubelet {name}: {_delivered(server, mine, server.store.revision - 1, 'now bound to it')}"]
    runtime = IDLE
    while found := steps(_pod(given, server), runtime, node):
        step = next((candidate for candidate in found if candidate.request is not None), found[0])
        server, line = _taken(server, name, step)
        runtime = step.runtime
        lines.append(f"{step.label}: {line}")
    pod = _pod(given, server)
    ready = "ready" if pod.ready else "not ready"
    return server, (*lines, f"the Pod is {pod.status.phase}, {ready}, with the address {pod.status.pod_ip}")


def _taken(server: Server, node: str, step: KubeletStep) -> tuple[Server, str]:
    if step.request is None:
        return server, f"on the node, now {step.runtime.stage.value}"
    return _sent(server, node_user(node), step.request)


def proxy(given: Given, server: Server) -> Told:
    """Put a Service in front of the Pod, let its endpoints be published, and send a packet."""
    server, exposed = _sent(server, given.user, Create(_service(given)))
    ref = Ref("Service", NAMESPACE, given.name)
    lines = [f"kubectl expose pod {given.name} --port={given.port} (so that there is something to reach)", exposed]
    service = server.get(ref)
    if not isinstance(service, Service):
        return server, (*lines, "without a Service there is nothing to program")
    for asked in endpointslice.reconcile(_cache(server), ref):
        server, line = _sent(server, controller("endpointslice-controller"), asked)
        lines.append(line)
    slices = _cache(server).list(EndpointSlice)
    lines.extend(
        f"endpoint of {endpoint_slice.metadata.name}: {line}"
        for endpoint_slice in slices
        for line in _endpoints(endpoint_slice)
    )
    return server, (*lines, "", *_reached(given, service, slices))


def _service(given: Given) -> Service:
    spec = ServiceSpec(selector=strings({"run": given.name}), ports=(ServicePort(port=given.port),))
    return Service(ObjectMeta(name=given.name, namespace=NAMESPACE, labels=strings({"run": given.name})), spec)


def _endpoints(one: EndpointSlice) -> Iterator[str]:
    for endpoint in one.endpoints:
        state = "ready" if endpoint.conditions.ready else "not ready"
        yield f"{', '.join(endpoint.addresses)} on {endpoint.node_name}, {state}"


def _reached(given: Given, service: Service, slices: tuple[EndpointSlice, ...]) -> Iterator[str]:
    """Tell what kube-proxy programs (the same on every node) and where a packet to the Service goes on each."""
    node = given.nodes[0].metadata.name
    yield f"kube-proxy on {node} programs:"
    own = f"{NAMESPACE}/{given.name}"
    yield from (
        rule.line()
        for rule in rules([service], slices, node, ProxyConfig(release=given.release)).rules
        if own in rule.comment
    )
    packet = Packet("10.244.0.9", service.spec.cluster_ip, given.port)
    yield ""
    for host in given.nodes:
        found = destinations(rules([service], slices, host.metadata.name, ProxyConfig(release=given.release)), packet)
        fates = " or ".join(f"{verdict.fate.name} {verdict.destination}".strip() for verdict in sorted(found, key=str))
        yield f"{host.metadata.name}: {packet.source} -> {packet.destination}:{packet.port} becomes {fates}"


@frozen
class Step:
    """One of the nine steps: what it is called, who acts and why, where the code is, and which way messages go.

    In `routes` the name `node` stands for the node that the Pod is on, once there is one.
    """

    title: str
    does: Callable[[Given, Server], Told]
    by: str
    why: str
    code: tuple[str, ...]
    routes: tuple[tuple[str, ...], ...] = ()


STEPS = (
    Step(
        "kubectl makes a manifest of the command",
        manifest,
        "kubectl",
        "A command is a short way to write a manifest: what goes over the wire is an object, as for kubectl apply.",
        ("impl/kubectl/run.py",),
    ),
    Step(
        "The API server learns whose request it is (authentication)",
        authentication,
        "kube-apiserver",
        "Everybody talks to the API server and nobody past it. So it has to know first who is asking.",
        ("impl/apiserver/access/authentication.py",),
        (("kubectl", "kube-apiserver"),),
    ),
    Step(
        "The API server looks for a rule that allows it (authorisation)",
        authorisation,
        "kube-apiserver",
        "Roles only ever allow: without a rule that allows the verb on the kind in the namespace the answer is 403.",
        ("impl/apiserver/access/authorization.py",),
    ),
    Step(
        "Admission and defaulting complete the object, validation judges it",
        admission,
        "kube-apiserver",
        "What is stored is whole: every default is written down, so that all who read it later read the same.",
        ("impl/apiserver/defaulting", "impl/apiserver/admission", "impl/apiserver/validation"),
    ),
    Step(
        "etcd stores it",
        storage,
        "kube-apiserver",
        "From here on the Pod exists. Asking for revision 0, the transaction makes sure that it is a new one.",
        ("impl/apiserver/storage.py", "impl/etcd/apply.py"),
        (("kube-apiserver", "etcd"),),
    ),
    Step(
        "Watches tell whoever is concerned",
        notice,
        "kube-apiserver",
        "Nobody is called: components watch, and act on what they see. What they see may be old by the time they act.",
        ("impl/etcd/watch.py", "impl/apiserver/verbs/watch.py"),
        tuple(
            ("etcd", "kube-apiserver", who)
            for who in ("scheduler", "replicaset-controller", "endpointslice-controller")
        ),
    ),
    Step(
        "The scheduler chooses a node and binds the Pod to it",
        scheduling,
        "scheduler",
        "Filters say where it can run at all, scores where best. The decision is one more write, a Binding.",
        ("impl/scheduler/schedule.py", "impl/scheduler/plugins"),
        (("scheduler", "kube-apiserver", "etcd"),),
    ),
    Step(
        "The kubelet of that node starts the container and reports",
        kubelet,
        "kubelet",
        "A kubelet watches the Pods of its node. It makes true what they ask for, and reports what is true.",
        ("impl/kubelet/worker.py", "impl/kubelet/status.py"),
        (("etcd", "kube-apiserver", "kubelet:node", "pods:node", "kubelet:node", "kube-apiserver", "etcd"),),
    ),
    Step(
        "Endpoints are published and kube-proxy makes the Service reachable",
        proxy,
        "kube-proxy",
        "A Service is a name and an address. Who answers stands in EndpointSlices; rules lead packets there.",
        ("impl/controllers/endpointslice", "impl/kubeproxy/proxy.py", "impl/kubeproxy/route.py"),
        (
            ("kubectl", "kube-apiserver", "etcd"),
            ("endpointslice-controller", "kube-apiserver", "kube-proxy:node", "pods:node"),
        ),
    ),
)
