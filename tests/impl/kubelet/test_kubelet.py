"""What a kubelet does for a Pod, step by step, and how long each takes."""

from __future__ import annotations

import json
import lzma

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import (
    Affinity,
    Container,
    ContainerPort,
    ExecAction,
    Lifecycle,
    LifecycleHandler,
    Node,
    NodeAffinity,
    NodeCondition,
    NodeSelector,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    Probe,
    ResourceRequirements,
    SleepAction,
    Taint,
    Toleration,
)
from kubeproof.impl.api.meta import LabelSelectorRequirement, ObjectMeta, OwnerReference
from kubeproof.impl.api.reading import convert
from kubeproof.impl.api.requests import Delete, PatchStatus
from kubeproof.impl.api.runtime import IDLE, PodRuntime, Stage
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.kubelet.admission import admit, crowded
from kubeproof.impl.kubelet.behaviour import HOLLOW, WELL, ImageBehaviour
from kubeproof.impl.kubelet.hooks import Length, length_of, length_of_script
from kubeproof.impl.kubelet.runtime import crash, occupies, rebooted, serving
from kubeproof.impl.kubelet.status import status
from kubeproof.impl.kubelet.timings import first_to_stop, pre_stop_seconds, timings, waits_for_hook
from kubeproof.impl.kubelet.worker import steps
from places import VECTORS

NODE = Node(
    ObjectMeta(name="n1", labels=strings({"disk": "ssd"})),
    status=NodeStatus(
        allocatable=immutabledict(
            {"cpu": parse_quantity("1"), "memory": parse_quantity("1Gi"), "pods": parse_quantity("2")}
        )
    ),
)


def pod(*, image: str = "web:1", cpu: str = "100m", hook: int = 0, **spec: object) -> Pod:
    lifecycle = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(hook))) if hook else None
    asks = ResourceRequirements(requests=immutabledict({"cpu": parse_quantity(cpu)}))
    container = Container(name="app", image=image, resources=asks, lifecycle=lifecycle)
    spec = {"containers": (container,), "restart_policy": "Always", "node_name": "n1", **spec}
    return Pod(ObjectMeta(name="p", namespace="d", uid="u1"), PodSpec(**spec))


def deleted(one: Pod, grace: int = 30) -> Pod:
    return evolve(one, metadata=evolve(one.metadata, deletion_timestamp=0, deletion_grace_period_seconds=grace))


def walk(
    one: Pod | None, runtime: PodRuntime = IDLE, images: ImageBehaviour = WELL
) -> tuple[Pod | None, PodRuntime, list[str]]:
    """Take the first step again and again, each request granted; give what is left and the labels."""
    labels: list[str] = []
    while found := steps(one, runtime, NODE, (), images):
        step = found[0]
        labels.append(step.label)
        runtime = step.runtime
        if isinstance(step.request, PatchStatus):
            one = step.request.object  # type: ignore[assignment]
        elif isinstance(step.request, Delete):
            one = None
        assert len(labels) < 30
    return one, runtime, labels


def test_a_pod_starts_is_ready_and_reports_it_once() -> None:
    one, runtime, labels = walk(pod())
    assert labels == ["start containers", "report status"]
    assert one is not None
    assert (one.status.phase, one.ready, serving(runtime)) == ("Running", True, True)
    assert one.status.pod_ip.startswith("10.")
    assert steps(one, runtime, NODE) == ()


def test_a_probe_delays_readiness_and_the_pod_reports_twice() -> None:
    probed = pod(containers=(Container(name="app", readiness_probe=Probe(5, success_threshold=2)),))
    found = steps(probed, steps(probed, IDLE, NODE)[0].runtime, NODE)
    assert [one.label for one in found] == ["become ready", "report status"]
    assert found[0].delay is not None
    assert found[0].delay.seconds == 5 + 10
    assert walk(probed)[2] == ["start containers", "become ready", "report status"]


@pytest.mark.parametrize(
    ("hook", "labels"),
    [
        (0, ["notice deletion", "containers stop", "report status", "delete pod", "forget"]),
        (7, ["notice deletion", "SIGTERM", "containers stop", "report status", "delete pod", "forget"]),
    ],
    ids=["no hook", "a hook"],
)
def test_a_deleted_pod_stops_before_its_object_goes(hook: int, labels: list[str]) -> None:
    live, runtime, _ = walk(pod(hook=hook))
    assert live is not None
    assert walk(deleted(live), runtime) == (None, IDLE, labels)


def test_a_hook_takes_its_seconds_and_sigterm_the_rest_of_the_grace_period() -> None:
    live, runtime, _ = walk(pod(hook=7))
    assert live is not None
    closing = deleted(live, 10)
    hook = steps(closing, steps(closing, runtime, NODE)[0].runtime, NODE)[0]
    assert serving(steps(closing, runtime, NODE)[0].runtime)
    assert (hook.delay and hook.delay.seconds, hook.delay and hook.delay.exact) == (7, True)
    stop = steps(closing, hook.runtime, NODE)[0]
    assert not serving(hook.runtime)
    assert (stop.delay and stop.delay.seconds, stop.delay and stop.delay.exact) == (3, False)


def test_a_pod_that_vanishes_is_killed_and_forgotten() -> None:
    _, runtime, _ = walk(pod(hook=7))
    assert walk(None, runtime) == (None, IDLE, ["kill orphan", "orphan stops", "forget"])
    other = evolve(pod(), metadata=evolve(pod().metadata, uid="u2"))
    assert walk(other, runtime)[2][:4] == ["kill orphan", "orphan stops", "forget", "start containers"]


@pytest.mark.parametrize(
    ("image", "policy", "phase", "ready"),
    [
        ("bad:1", "Always", "Running", False),
        ("crash:1", "Always", "Running", False),
        ("crash:1", "Never", "Failed", False),
        ("nopull:1", "Always", "Pending", False),
        ("slow:1", "Always", "Running", True),
        ("job:1", "Never", "Succeeded", False),
        ("job:1", "Always", "Running", True),
        ("web:1", "Always", "Running", True),
    ],
)
def test_the_hollow_kubelet_goes_by_the_image(image: str, policy: str, phase: str, *, ready: bool) -> None:
    one, runtime, _ = walk(pod(image=image, restart_policy=policy), images=HOLLOW)
    assert one is not None
    assert (one.status.phase, one.ready) == (phase, ready)
    assert serving(runtime) == ready
    assert walk(deleted(one), runtime, HOLLOW)[0] is None


def test_a_finished_pod_never_starts_again() -> None:
    one, _, _ = walk(pod(image="job:1", restart_policy="Never"), images=HOLLOW)
    assert walk(one, IDLE, HOLLOW) == (one, IDLE, [])


def wants(*labels: str) -> Pod:
    """Make a Pod that wants all of some labels, each of them `ssd`."""
    wishes = tuple(LabelSelectorRequirement(one, "In", ("ssd",)) for one in labels)
    required = NodeSelector((NodeSelectorTerm(wishes),))
    return pod(affinity=Affinity(NodeAffinity(required)))


@pytest.mark.parametrize(
    ("one", "node", "reason"),
    [
        (pod(cpu="1"), NODE, None),
        (pod(cpu="1001m"), NODE, "OutOfcpu"),
        (pod(node_selector=strings({"disk": "hdd"})), NODE, "NodeAffinity"),
        (wants("disk"), NODE, None),
        (wants("disk", "cache"), NODE, "NodeAffinity"),
        (pod(), evolve(NODE, spec=NodeSpec(taints=(Taint("k", "NoExecute", "v"),))), "TaintToleration"),
        (pod(), evolve(NODE, spec=NodeSpec(taints=(Taint("k", "NoSchedule", "v"),))), None),
        (
            pod(tolerations=(Toleration("k", "Equal", "v"),)),
            evolve(NODE, spec=NodeSpec(taints=(Taint("k", "NoExecute", "v"),))),
            None,
        ),
        (
            pod(tolerations=(Toleration("k", "Equal", "w"),)),
            evolve(NODE, spec=NodeSpec(taints=(Taint("k", "NoExecute", "v"),))),
            "TaintToleration",
        ),
    ],
)
def test_admission_gives_the_first_reason(one: Pod, node: Node, reason: str | None) -> None:
    found = admit(one, node, ())
    assert (found.reason if found else None) == reason
    if found:
        first = steps(one, IDLE, node)[0]
        assert (first.label, occupies(first.runtime)) == (f"reject {reason}", False)
        report = steps(one, first.runtime, node)[0].request
        assert isinstance(report, PatchStatus)
        assert isinstance(report.object, Pod)
        assert (report.object.status.phase, report.object.status.reason) == ("Failed", reason)


DISK, MEMORY = NodeCondition("DiskPressure", "True"), NodeCondition("MemoryPressure", "True")
MEMORY_TOLERATED = Toleration("node.kubernetes.io/memory-pressure", "Exists", "", "NoSchedule")
FREE = PodSpec(containers=(Container("app"),))


@pytest.mark.parametrize(
    ("spec", "conditions", "reason"),
    [
        (FREE, (), None),
        (FREE, (NodeCondition("DiskPressure", "False"),), None),
        (FREE, (DISK,), "Evicted"),
        (evolve(FREE, tolerations=(Toleration(operator="Exists"),)), (DISK,), "Evicted"),
        (evolve(FREE, priority=2_000_000_000), (DISK,), None),
        (FREE, (MEMORY,), "Evicted"),
        (evolve(FREE, tolerations=(MEMORY_TOLERATED,)), (MEMORY,), None),
        (pod(cpu="1m").spec, (MEMORY,), None),
        (pod(cpu="1m").spec, (MEMORY, DISK), "Evicted"),
    ],
)
def test_a_node_under_pressure_takes_none_but_critical_pods(
    spec: PodSpec, conditions: tuple[NodeCondition, ...], reason: str | None
) -> None:
    node = evolve(NODE, status=evolve(NODE.status, conditions=conditions))
    one = evolve(pod(), spec=spec)
    first = steps(one, IDLE, node)[0]
    assert first.label == (f"reject {reason}" if reason else "start containers")
    report = steps(one, first.runtime, node)[-1].request
    assert isinstance(report, PatchStatus)
    assert isinstance(report.object, Pod)
    assert (report.object.status.phase == "Failed") is (reason is not None)


def test_neighbours_take_room_ports_and_places() -> None:
    assert admit(pod(cpu="600m"), NODE, [pod(cpu="400m")]) is None
    assert getattr(admit(pod(cpu="601m"), NODE, [pod(cpu="400m")]), "reason", "") == "OutOfcpu"
    assert getattr(admit(pod(), NODE, [pod(), pod()]), "reason", "") == "OutOfpods"
    port = Container(name="app", ports=(ContainerPort(80, host_port=8080),))
    holder = pod(containers=(port,))
    assert getattr(admit(holder, NODE, [holder]), "reason", "") == "NodePorts"


PORTS = st.sampled_from(
    [(), (ContainerPort(80, host_port=8080),), (ContainerPort(81, host_port=8080, host_ip="10.0.0.1"),)]
)
ASKED = st.builds(
    lambda cpu, memory, ports, wanted: pod(
        containers=(
            Container(
                name="app",
                ports=ports,
                resources=ResourceRequirements(
                    requests=immutabledict(cpu=parse_quantity(cpu), memory=parse_quantity(memory))
                ),
            ),
        ),
        node_selector=wanted,
    ),
    st.sampled_from(["0", "200m", "600m"]),
    st.sampled_from(["0", "1Mi", "1Gi"]),
    PORTS,
    st.sampled_from([immutabledict(), immutabledict(disk="ssd")]),
)


@given(st.lists(ASKED, max_size=3), st.sampled_from([(), (Taint("gone", "NoExecute"),)]))
def test_pods_crowd_a_node_if_one_would_be_rejected_beside_the_others(
    pods: list[Pod], taints: tuple[Taint, ...]
) -> None:
    node = evolve(NODE, spec=evolve(NODE.spec, taints=taints))
    others = ((one, [other for other in pods if other is not one]) for one in pods)
    assert crowded(tuple(pods), node) is any(admit(one, node, rest) is not None for one, rest in others)


@pytest.mark.parametrize(
    ("stage", "there"),
    [
        (Stage.IDLE, False),
        (Stage.STARTING, True),
        (Stage.RUNNING, True),
        (Stage.PRE_STOP, True),
        (Stage.TERMINATING, True),
        (Stage.STOPPED, False),
    ],
)
def test_a_pod_takes_its_room_until_its_containers_are_gone(stage: Stage, there: bool) -> None:  # noqa: FBT001
    assert occupies(PodRuntime(stage, "u")) is there


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        (LifecycleHandler(sleep=SleepAction(4)), 4),
        (LifecycleHandler(exec=ExecAction(("sleep", "9"))), 9),
        (LifecycleHandler(exec=ExecAction(("/bin/sh", "-c", "sleep 2m; nginx -s quit"))), 120),
        (LifecycleHandler(exec=ExecAction(("nginx", "-s", "quit"))), 0),
        (LifecycleHandler(exec=ExecAction(("sh", "-c", "echo sleep 5"))), 0),
        pytest.param(LifecycleHandler(exec=ExecAction(("sleep 10",))), 0, id="no file is called like that"),
    ],
)
def test_the_seconds_of_a_hook(hook: LifecycleHandler, seconds: float) -> None:
    assert length_of(hook).seconds == seconds


SCRIPTS = {
    "echo bye; sleep 15; kill 1": (15, True),
    "echo bye\nsleep 15\n": (15, True),
    "sleep 15 || true": (15, True),
    "touch /tmp/down && sleep 15": (15, True),
    "sleep 5 # don't stop\nsleep 2": (7, True),
    "sleep 1m 30s": (90, True),
    "exec sleep 15": (15, True),
    "echo bye >/proc/1/fd/1 2>&1; sleep 4": (4, True),
    'echo "$(date) ; kill 1"; sleep 4': (4, True),
    "false || sleep 3": (3, True),
    "true || sleep 3": (0, True),
    "sleep 3; exit 0; sleep 4": (3, True),
    "set -e; false; sleep 4": (0, True),
    "nginx -s quit; sleep 15": (0, True),
    "kill -SIGTERM $(cat /run/pid); sleep 15": (0, True),
    "nodetool drain": (0, True),
    "nodetool flush; sleep 5": (0, False),
    "sleep 3; rabbitmqctl stop_app; sleep 9": (3, True),
    "rabbitmqctl await_startup; sleep 5": (0, False),
    "sleep 5 &": (0, True),
    "sleep 5; /drain; sleep 5": (5, False),
    "kill -HUP 1; sleep 5": (0, False),
    "[ -f /down ] && sleep 5": (0, False),
    "[ -f /down ]; sleep 5": (5, True),
    "set -e; [ -f /down ]; sleep 5": (0, False),
    "/drain & sleep 5": (0, False),
    "echo bye | tee /log; sleep 5": (0, False),
    "echo bye >/dev/tcp/localhost/80; sleep 5": (0, False),
    "echo $(curl localhost); sleep 5": (0, False),
    "sleep $DELAY": (0, False),
    "while [ -f /up ]; do sleep 1; done": (0, False),
    "true || (sleep 3)": (0, False),
    "echo 'open": (0, False),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_shell_command_is_read_up_to_the_first_that_is_not_known(script: str) -> None:
    length = length_of_script(script)
    assert (length.seconds, length.exact) == SCRIPTS[script]


@pytest.mark.parametrize(
    ("command", "exact"),
    [
        (("sh", "-ec", "sleep 5"), True),
        (("bash", "-eo", "pipefail", "-c", "sleep 5"), True),
        (("sh", "/drain.sh"), False),
        (("/drain.sh",), False),
        (("sleep 10",), True),
        (("nginx", "-s", "quit"), True),
        (("nginx", "-s", "reload"), False),
        (("/wait-shutdown",), True),
        (("/usr/local/bin/nodetool", "-h", "localhost", "drain"), True),
        (("/usr/local/bin/nodetool", "status"), False),
    ],
)
def test_how_long_a_command_takes_is_known_or_not(command: tuple[str, ...], exact: bool) -> None:  # noqa: FBT001
    assert length_of(LifecycleHandler(exec=ExecAction(command))).exact is exact


def test_a_hook_that_asks_a_port_has_no_known_length_and_the_pod_may_wait_for_it() -> None:
    asks = LifecycleHandler(extra=freeze({"httpGet": {"port": 80}}))
    assert length_of(asks) == Length(0, exact=False)
    spec = PodSpec(containers=(Container("app", lifecycle=Lifecycle(asks)), Container("log")))
    assert waits_for_hook(spec)
    assert first_to_stop(spec, most=True) == spec.containers[1]


@pytest.mark.parametrize(
    ("targets", "seconds"),
    [
        pytest.param((80,), 10, id="the one that declares it"),
        pytest.param((9090,), 0, id="another one"),
        pytest.param((80, 9090), 0, id="both"),
        pytest.param((8443,), 0, id="nobody declares it: anybody's"),
        pytest.param((8081,), 10, id="the one that is probed there"),
        pytest.param((7000,), 10, id="a sidecar that goes last: it waits for all others"),
        pytest.param((), 0, id="nobody asks: those that declare a port"),
    ],
)
def test_the_hook_that_counts_is_that_of_who_is_asked(targets: tuple[int, ...], seconds: float) -> None:
    hook = Lifecycle(LifecycleHandler(sleep=SleepAction(10)))
    probe = Probe(extra=freeze({"httpGet": {"port": 8081}}))
    app = Container("app", ports=(ContainerPort(80),), lifecycle=hook, liveness_probe=probe)
    metrics = Container("metrics", ports=(ContainerPort(9090),))
    proxy = Container("proxy", ports=(ContainerPort(7000),), restart_policy="Always")
    spec = PodSpec(containers=(app, metrics, Container("logs")), init_containers=(proxy,))
    assert pre_stop_seconds(spec, targets) == seconds


@pytest.mark.parametrize(("gates_open", "ready"), [(False, "False"), (True, "True")])
def test_a_readiness_gate_is_closed_unless_it_is_taken_to_be_open(gates_open: bool, ready: str) -> None:  # noqa: FBT001
    gated = pod(extra=freeze({"readinessGates": [{"conditionType": "example.com/up"}]}))
    running = PodRuntime(Stage.RUNNING, gated.metadata.uid, ready=True)
    (report,) = steps(gated, running, NODE, (), evolve(WELL, gates_open=gates_open))
    assert isinstance(report.request, PatchStatus)
    said = {one.type: one.status for one in report.request.object.status.conditions}
    assert (said["ContainersReady"], said["Ready"]) == ("True", ready)


def test_a_hook_is_cut_off_by_the_grace_period() -> None:
    times = timings(deleted(pod(hook=40), 30))
    assert (times.before_sigterm, times.after_sigterm) == (30, 2)
    assert timings(pod(termination_grace_period_seconds=0)).grace_seconds == 1


def test_faults_restart_or_end_what_runs() -> None:
    running = PodRuntime(Stage.RUNNING, "u1", ready=True)
    assert crash(pod(), running) == PodRuntime(Stage.RUNNING, "u1", restarts=1)
    assert crash(pod(restart_policy="Never"), running).stage is Stage.STOPPED
    assert rebooted(pod(), evolve(running, stage=Stage.PRE_STOP)).stage is Stage.STOPPED
    assert rebooted(pod(), IDLE) == IDLE


RECORDED = VECTORS / "kubelet" / "phase.jsonl.xz"


def runtime_of(record: dict[str, object]) -> PodRuntime | None:
    """Return the runtime a recorded status stands for; None if it has several containers, init containers or a past."""
    pod, statuses, final = record["pod"], record["containerStatuses"], record["podIsTerminal"]
    spec = pod["spec"]
    if spec.get("initContainers") or len(spec["containers"]) != 1 or len(statuses) != 1 or statuses[0]["lastState"]:
        return None
    state, policy = statuses[0]["state"], spec["restartPolicy"]
    if "running" in state and not final:
        return PodRuntime(Stage.RUNNING, "u", ready=statuses[0]["ready"])
    if "waiting" in state and not final:
        return PodRuntime(Stage.STARTING, "u", reason=state["waiting"].get("reason", ""))
    code = state.get("terminated", {}).get("exitCode")
    over = code is not None and (final or policy == "Never" or (policy == "OnFailure" and code == 0))
    return PodRuntime(Stage.STOPPED, "u", exit_code=code) if over else None


@pytest.mark.parametrize(
    ("runtime", "state", "started"),
    [
        (IDLE, {"waiting": {"reason": "ContainerCreating"}}, False),
        (
            PodRuntime(Stage.STARTING, "u", reason="ImagePullBackOff"),
            {"waiting": {"reason": "ImagePullBackOff"}},
            False,
        ),
        (PodRuntime(Stage.RUNNING, "u"), {"running": {}}, True),
        (PodRuntime(Stage.RUNNING, "u", reason="CrashLoopBackOff"), {"waiting": {"reason": "CrashLoopBackOff"}}, False),
        (PodRuntime(Stage.PRE_STOP, "u"), {"running": {}}, True),
        (PodRuntime(Stage.STOPPED, "u", exit_code=0), {"terminated": {"exitCode": 0, "reason": "Completed"}}, False),
        (PodRuntime(Stage.STOPPED, "u", exit_code=1), {"terminated": {"exitCode": 1, "reason": "Error"}}, False),
    ],
    ids=["made", "no image", "runs", "crashes", "hook", "completed", "failed"],
)
def test_a_container_says_what_it_is_doing(runtime: PodRuntime, state: dict[str, object], started: bool) -> None:  # noqa: FBT001
    (said,) = status(pod(), runtime).container_statuses
    assert (said.state, said.started) == (state, started)


def test_phase_and_conditions_are_the_recorded_ones() -> None:
    judged = 0
    with lzma.open(RECORDED, "rt") as lines:
        records = [json.loads(line) for line in lines]
    for record in records:
        if (runtime := runtime_of(record)) is None:
            continue
        judged += 1
        said = status(convert.from_json({**record["pod"], "kind": "Pod", "apiVersion": "v1"}), runtime)
        real = {(one["type"], one["status"], one.get("reason", "")) for one in record["conditions"]}
        mine = {(one.type, one.status, one.reason) for one in said.conditions}
        assert (said.phase, real - mine) == (record["phase"], set()), record["id"]
    assert judged > 250


def test_a_pod_that_nobody_makes_anew_is_restarted_with_another_image() -> None:
    one, runtime, _ = walk(pod())
    assert one is not None
    changed = evolve(one, spec=evolve(one.spec, containers=(evolve(one.spec.containers[0], image="app:2"),)))
    step = steps(changed, runtime, NODE)[0]
    assert (step.label, step.runtime.ready, step.runtime.restarts) == ("restart with another image", False, 1)
    assert walk(changed, runtime)[2] == ["restart with another image", "become ready", "report status"]
    owner = OwnerReference("apps/v1", "ReplicaSet", "web", "u", controller=True)
    adopted = evolve(one, metadata=evolve(one.metadata, owner_references=(owner,)))
    assert steps(adopted, runtime, NODE) == ()


def test_a_pod_is_given_up_when_its_deadline_has_passed() -> None:
    one, _, labels = walk(pod(active_deadline_seconds=60))
    assert labels == ["start containers", "activeDeadlineSeconds pass", "report status"]
    assert one is not None
    assert (one.status.phase, one.status.reason, one.ready) == ("Failed", "DeadlineExceeded", False)


def box(image: str, *, sidecar: bool = False) -> Container:
    return Container(name=image, image=f"{image}:1", restart_policy="Always" if sidecar else "")


@pytest.mark.parametrize(
    ("policy", "before", "containers", "said"),
    [
        ("Always", [], ["web", "web"], "Running True "),
        ("Always", [], ["web", "bad"], "Running False Unhealthy"),
        ("Always", [], ["web", "crash"], "Running False CrashLoopBackOff"),
        ("Always", [], ["web", "nopull"], "Pending False ImagePullBackOff"),
        ("Always", [], ["web", "job"], "Running True "),
        ("Always", [box("web"), box("job"), box("bad")], ["web"], "Running True "),
        ("Always", [box("crash")], ["web"], "Pending False ImagePullBackOff"),
        ("Never", [box("crash")], ["web"], "Failed False "),
        ("Always", [box("nopull", sidecar=True)], ["web"], "Pending False ImagePullBackOff"),
        ("Always", [box("bad", sidecar=True)], ["web"], "Running False Unhealthy"),
        ("Always", [box("job", sidecar=True)], ["web"], "Running True "),
        ("Never", [], ["job", "crash"], "Failed False "),
        ("Never", [], ["job", "job"], "Succeeded False "),
        ("OnFailure", [], ["job", "job"], "Succeeded False "),
        ("Never", [], ["job", "web"], "Running False Unhealthy"),
    ],
)
def test_a_pod_is_as_well_as_all_its_containers(
    policy: str, before: list[Container], containers: list[str], said: str
) -> None:
    boxes = tuple(evolve(box(image), name=f"{image}-{number}") for number, image in enumerate(containers))
    one, runtime, _ = walk(pod(restart_policy=policy, init_containers=tuple(before), containers=boxes), images=HOLLOW)
    assert one is not None
    assert f"{one.status.phase} {one.ready} {runtime.reason}" == said
