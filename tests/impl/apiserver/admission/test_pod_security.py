"""Pod Security Standards: what is certainly let in, and that each thing which may be refused is not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.core import Pod, PodSpec
from kubeproof.impl.apiserver.admission.pod_security import APP_ARMOR, allows

CONFINED: dict[str, Any] = {
    "containers": [
        {
            "name": "app",
            "image": "app:1",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "readinessProbe": {"httpGet": {"port": 80}},
        }
    ],
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "volumes": [{"name": "data", "emptyDir": {}}],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the confined Pod with one field of another value: `pod.a.b` of the Pod, else of its container."""
    found = deepcopy(CONFINED)
    at: Any = found if path.startswith("pod.") else found["containers"][0]
    *way, last = path.removeprefix("pod.").split(".")
    for key in way:
        at = at.setdefault(key, {})
    at[last] = value
    return found


def spec_of(spec: dict[str, Any]) -> PodSpec:
    one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec}
    found = load_scenario("s", {"all.yaml": yaml.safe_dump(one)}, {"nodes": 1}).scenario.objects
    return next(obj.spec for obj in found if isinstance(obj, Pod))


def test_a_pod_that_says_it_may_run_as_root_is_refused_whatever_its_containers_say() -> None:
    each = changed("securityContext.runAsNonRoot", value=True)
    assert allows("restricted", spec_of(each))
    assert not allows(
        "restricted", spec_of({**each, "securityContext": {**each["securityContext"], "runAsNonRoot": False}})
    )


def test_a_confined_pod_is_let_in_and_a_plain_one_at_the_baseline() -> None:
    plain = spec_of({"containers": [{"name": "app", "image": "app:1"}]})
    assert allows("restricted", spec_of(CONFINED))
    assert (allows("baseline", plain), allows("restricted", plain)) == (True, False)
    assert not allows("unheard-of", plain)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("pod.hostNetwork", True),
        ("pod.hostPID", True),
        ("pod.hostIPC", True),
        ("pod.volumes", [{"name": "data", "hostPath": {"path": "/"}}]),
        ("ports", [{"containerPort": 80, "hostPort": 80}]),
        ("readinessProbe", {"httpGet": {"port": 80, "host": "elsewhere"}}),
        ("lifecycle", {"preStop": {"tcpSocket": {"port": 80, "host": "elsewhere"}}}),
        ("securityContext", {"privileged": True}),
        ("securityContext.procMount", "Unmasked"),
        ("securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        ("securityContext.appArmorProfile", {"type": "Unconfined"}),
        ("securityContext.seccompProfile", {"type": "Unconfined"}),
        ("securityContext.seLinuxOptions", {"type": "spc_t"}),
        ("pod.securityContext.seLinuxOptions", {"user": "me"}),
        ("pod.securityContext.windowsOptions", {"hostProcess": True}),
        ("pod.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    ],
)
def test_what_the_baseline_forbids_is_not_let_in_at_either_level(path: str, value: Any) -> None:
    spec = spec_of(changed(path, value))
    assert not allows("baseline", spec)
    assert not allows("restricted", spec)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("pod.volumes", [{"name": "data", "nfs": {"server": "a", "path": "/"}}]),
        ("pod.securityContext.runAsNonRoot", None),
        ("pod.securityContext.runAsUser", 0),
        ("pod.securityContext.seccompProfile", {}),
        ("securityContext.runAsNonRoot", False),
        ("securityContext.runAsUser", 0),
        ("securityContext.allowPrivilegeEscalation", None),
        ("securityContext.capabilities", {"drop": ["NET_RAW"]}),
        ("securityContext.capabilities", {"drop": ["ALL"], "add": ["CHOWN"]}),
        ("pod.initContainers", [{"name": "first", "image": "first:1"}]),
    ],
)
def test_what_only_the_stricter_level_forbids(path: str, value: Any) -> None:
    spec = spec_of(changed(path, value))
    assert allows("baseline", spec)
    assert not allows("restricted", spec)


@pytest.mark.parametrize(
    ("spec", "annotations", "open_claims"),
    [
        (CONFINED, {}, False),
        (changed("securityContext", {"privileged": True}), {}, True),
        (CONFINED, {f"{APP_ARMOR}app": "unconfined"}, True),
    ],
    ids=["confined", "as root", "an annotation"],
)
def test_a_namespace_that_admits_all_its_pods_leaves_no_claim_open(
    spec: dict[str, Any],
    annotations: dict[str, str],
    open_claims: bool,  # noqa: FBT001 - a column
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}}
    meta = {"name": "app", "namespace": "strict", "annotations": annotations}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    found = load_scenario("s", {"all.yaml": yaml.safe_dump_all([namespace, pod])}, {"nodes": 1})
    assert bool(found.scenario.unmodelled) is open_claims
