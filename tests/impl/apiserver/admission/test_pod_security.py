"""Pod Security Standards: what is certainly let in, what certainly is not, and that nobody who is refused ever runs."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.core import Namespace, Pod, PodSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Response
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.apiserver.admission.admission import admit_valid_update
from kubeproof.impl.apiserver.admission.pod_security import APP_ARMOR, ENFORCE, VERSION, allows, forbids
from kubeproof.impl.apiserver.config import Config
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.model.checker import Status
from planted import planted

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
        ("pod.securityContext.seccompProfile", None),
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
    ("path", "value", "level"),
    [
        ("readinessProbe", {"httpGet": {"port": 80, "host": "elsewhere"}}, "baseline"),
        ("securityContext.seLinuxOptions", {"type": "container_engine_t"}, "baseline"),
        ("pod.securityContext.sysctls", [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}], "baseline"),
        ("pod.volumes", [{"name": "data", "image": {"reference": "model:1"}}], "restricted"),
    ],
)
def test_what_some_version_allows_is_not_surely_refused(path: str, value: Any, level: str) -> None:
    spec = spec_of(changed(path, value))
    assert (allows(level, spec), forbids(level, spec)) == (False, False)


def test_a_pod_with_users_of_its_own_may_be_root_in_later_versions() -> None:
    root = changed("pod.securityContext.runAsUser", 0)
    assert forbids("restricted", spec_of(root))
    assert not forbids("restricted", spec_of({**root, "hostUsers": False}))


def test_proc_without_masks_is_for_pods_with_users_of_their_own_at_the_baseline_of_later_versions() -> None:
    bare = spec_of({**changed("securityContext.procMount", "Unmasked"), "hostUsers": False})
    assert (allows("baseline", bare), forbids("baseline", bare)) == (False, False)
    assert forbids("restricted", bare)


def test_windows_has_no_capabilities() -> None:
    plain = {"containers": [{"name": "app", "image": "app:1"}], "securityContext": {"runAsNonRoot": True}}
    assert forbids("restricted", spec_of(plain))
    assert not forbids("restricted", spec_of({**plain, "os": {"name": "windows"}}))


def strict(spec: dict[str, Any], annotations: dict[str, str], labels: dict[str, str], **options: Any) -> Any:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}}
    template = {"metadata": {"labels": {"app": "a"}, "annotations": annotations}, "spec": spec}
    made = {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    app = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "strict"}}
    text = yaml.safe_dump_all([namespace, {**app, "spec": made}])
    return load_scenario("s", {"all.yaml": text}, {"nodes": 1, **options}).scenario


@pytest.mark.parametrize(
    ("spec", "annotations", "version", "open_claims"),
    [
        (CONFINED, {}, "latest", False),
        (changed("securityContext", {"privileged": True}), {}, "latest", False),
        (changed("securityContext", {"privileged": True}), {}, "v1.20", True),
        (changed("readinessProbe", {"httpGet": {"port": 80, "host": "elsewhere"}}), {}, "latest", True),
        (CONFINED, {f"{APP_ARMOR}app": "unconfined"}, "latest", True),
    ],
    ids=["confined", "as root", "as root at an old version", "a probe of another host", "an annotation"],
)
def test_a_namespace_of_which_it_is_known_whom_it_lets_in_leaves_no_claim_open(
    spec: dict[str, Any],
    annotations: dict[str, str],
    version: str,
    open_claims: bool,  # noqa: FBT001 - a column
) -> None:
    found = strict(spec, annotations, {ENFORCE: "restricted", VERSION: version})
    assert bool(found.unmodelled) is open_claims


def convergence(scenario: Any) -> Claim:
    return next(one for one in check(scenario).claims if one.name == "convergence")


def test_who_is_not_let_in_never_runs() -> None:
    """The ReplicaSet asks again and again; the namespace is named, and what it forbids in upstream's words."""
    privileged = changed("securityContext", {"privileged": True})
    found = convergence(strict(privileged, {}, {ENFORCE: "baseline"}))
    assert found.status is Status.VIOLATED
    assert any('violates PodSecurity "baseline:latest": privileged' in line for line in found.lines)
    assert [(one.ref.kind, one.ref.name, one.field) for one in found.blame] == [
        ("Namespace", "strict", "metadata.labels")
    ]
    assert convergence(strict(CONFINED, {}, {ENFORCE: "baseline"})).status is Status.HOLDS
    assert convergence(strict(privileged, {}, {ENFORCE: "privileged"})).status is Status.HOLDS
    with planted(
        "kubeproof.impl.apiserver.admission.admission",
        "refused := pod_security.refusal(storage, obj, config.release)",
        "False",
    ):
        assert convergence(strict(privileged, {}, {ENFORCE: "baseline"})).status is Status.HOLDS


STRICTER = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "strict", "labels": {ENFORCE: "restricted"}},
}


@pytest.mark.parametrize(
    ("more", "status"), [([], Status.HOLDS), (["rollout restart deployment/app"], Status.VIOLATED)]
)
def test_a_label_that_comes_later_is_about_new_pods_alone(more: list[str], status: Status) -> None:
    root = changed("securityContext", {"privileged": True})
    script = [{"apply": {"object": STRICTER}}, *more]
    scenario = strict(root, {}, {}, script=script, namespace="strict", waitBetweenSteps=True)
    assert convergence(scenario).status is status


def test_a_pod_is_looked_at_again_when_it_gets_another_image() -> None:
    def pod(image: str) -> Pod:
        spec = deepcopy(CONFINED)
        spec["containers"][0] |= {"image": image, "securityContext": {"privileged": True}}
        return Pod(ObjectMeta(name="app", namespace="strict"), spec_of(spec))

    meta = ObjectMeta(name="strict", labels=strings({ENFORCE: "baseline"}))
    store = Objects.of([Namespace(meta)])
    refused = admit_valid_update(store, pod("app:2"), pod("app:1"), Config())
    assert isinstance(refused, Response)
    assert refused.code == 403
    assert admit_valid_update(store, pod("app:1"), pod("app:1"), Config()) is None
