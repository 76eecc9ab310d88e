"""What a check takes for granted is listed with its place; in a complete input it is missing."""

from __future__ import annotations

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.results import Report
from kubeproof.harness.face import Result
from kubeproof.harness.input.assumed.surroundings import behaviour_of
from kubeproof.harness.input.files.scenario_file import Loaded, load_scenario
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.kubelet.obstacles import is_image
from kubeproof.model.checker import replay

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      %s
      containers:
        - name: app
          image: "nginx:1"
          ports: [{containerPort: 80}]
          readinessProbe: {httpGet: {port: 80}}
          %s
"""
NOTHING = "restartPolicy: Always"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80}]\n"
GOOD = "1 image: pulled, running and ready in the end: nginx:1"


def load(*manifests: str, **options: object) -> Loaded:
    return load_scenario("it", {"web.yaml": "---\n".join(manifests)}, immutabledict({"nodes": 1, **options}))


def web(spec: str = NOTHING, container: str = "tty: false") -> str:
    return WEB % (spec, container)


def listed(*manifests: str, **options: object) -> list[str]:
    return [str(one) for one in load(*manifests, **options).assumptions]


def test_an_input_that_needs_nothing_assumes_only_that_its_images_are_good() -> None:
    assert listed(web(), SERVICE) == [GOOD]


def test_the_images_that_steps_roll_out_are_good_as_well() -> None:
    step = {"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}
    (said,) = listed(web(), SERVICE, script=[step, step])
    assert said == "2 images: pulled, running and ready in the end: nginx:1, nginx:2"


REFERENCES = [
    ("serviceAccountName: robot", "", 10, "serviceAccountName", "ServiceAccount default/robot"),
    ("volumes: [{name: v, configMap: {name: c}}]", "", 10, "volumes[0].configMap.name", "ConfigMap default/c"),
    ("volumes: [{name: v, secret: {secretName: s}}]", "", 10, "volumes[0].secret.secretName", "Secret default/s"),
    ("volumes: [{name: v, projected: {sources: [{secret: {name: s}}]}}]", "", 10,
     "volumes[0].projected.sources[0].secret.name", "Secret default/s"),
    ("runtimeClassName: gvisor", "", 10, "runtimeClassName", "RuntimeClass gvisor"),
    ("", "envFrom: [{secretRef: {name: s}}]", 16, "containers[0].envFrom[0].secretRef.name", "Secret default/s"),
    ("", "env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]", 16,
     "containers[0].env[0].valueFrom.configMapKeyRef.name", "ConfigMap default/c"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "container", "line", "field", "what"), REFERENCES, ids=[row[3] for row in REFERENCES])
def test_what_a_pod_names_and_the_input_lacks_is_assumed_with_its_place(
    spec: str, container: str, line: int, field: str, what: str
) -> None:
    text = web(spec or NOTHING, container or "tty: false")
    said = f"web.yaml:{line}: Deployment default/web spec.template.spec.{field}: the {what} exists, which is not in the"
    assert listed(text) == [f"{said} input", GOOD]


def test_what_the_input_has_is_no_assumption() -> None:
    text = web("serviceAccountName: robot", "envFrom: [{configMapRef: {name: c}}]")
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n"
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    assert listed(text, account, settings) == [GOOD]
    elsewhere = settings.replace("{name: c}", "{name: c, namespace: kube-system}")
    assert len(listed(text, account, elsewhere)) == 2


def test_what_is_optional_or_in_every_cluster_is_no_assumption() -> None:
    volumes = "[{name: r, configMap: {name: kube-root-ca.crt}}, {name: v, secret: {secretName: s, optional: true}}]"
    spec = f"{{serviceAccountName: default, priorityClassName: system-cluster-critical, volumes: {volumes}}}"
    assert listed(web(spec[1:-1].replace(", ", "\n      ", 2))) == [GOOD]


def test_a_priority_class_that_is_assumed_has_the_value_0() -> None:
    (said, _) = listed(web("priorityClassName: high"))
    assert said.endswith("the PriorityClass high exists, which is not in the input; its value is taken to be 0")
    assert verdicts(check(load(web("priorityClassName: high")).scenario))["convergence"] == "HOLDS"


@pytest.mark.parametrize(
    ("hook", "known"),
    [
        ("{httpGet: {port: 80}}", False),
        ("{exec: {command: [/drain.sh]}}", False),
        ("{exec: {command: [nginx, -s, quit]}}", True),
        ("{exec: {command: [sleep, '5']}}", True),
        ("{sleep: {seconds: 5}}", True),
    ],
)
def test_a_hook_of_unknown_length_is_told(hook: str, known: bool) -> None:  # noqa: FBT001
    said = [line for line in listed(web(container=f"lifecycle: {{preStop: {hook}}}")) if "preStop" in line]
    place = "web.yaml:16: Deployment default/web spec.template.spec.containers[0].lifecycle.preStop"
    told = f"{place}: nobody can read off how long this hook takes: where a claim hangs on it, nothing is said"
    assert said == ([] if known else [told])


def test_what_a_hook_surely_takes_is_told() -> None:
    hook = "lifecycle: {preStop: {exec: {command: [sh, -c, sleep 5; /drain.sh]}}}"
    assert "preStop: at least 5 s, and nobody can read off" in listed(web(container=hook))[0]


def test_a_hook_that_asks_a_port_leaves_no_claim_open_by_itself() -> None:
    for kind in ("httpGet", "tcpSocket"):
        found = load(web(container=f"lifecycle: {{preStop: {{{kind}: {{port: 80}}}}}}"))
        assert (found.notes, found.scenario.unmodelled) == ((), {})


GATED = "readinessGates: [{conditionType: example.com/up}]"


def test_readiness_gates_are_taken_to_be_open_and_told() -> None:
    (said, good) = listed(web(GATED))
    place = "web.yaml:10: Deployment default/web spec.template.spec.readinessGates[0]"
    assert (said, good) == (f"{place}: a controller sets the condition example.com/up of each Pod that runs", GOOD)
    found = load(web(GATED), SERVICE, bounds={"propagation": "5s"})
    assert found.notes == ()
    assert set(verdicts(check(found.scenario)).values()) == {"HOLDS"}


def test_nothing_in_a_complete_input_opens_a_readiness_gate() -> None:
    found = load(web(GATED), complete=True)
    assert [str(one) for one in found.assumptions] == [GOOD]
    report = check(found.scenario)
    found_out = verdicts(report)
    assert found_out.pop("reachability") == "HOLDS"  # There is no Service.
    assert set(found_out.values()) == {"UNKNOWN"}
    assert "spec.template.spec.readinessGates[example.com/up]" in report.claims[0].lines[0]


def test_a_container_without_a_probe_is_told_only_behind_a_service() -> None:
    text = web().replace("          readinessProbe: {httpGet: {port: 80}}\n", "")
    assert listed(text) == [GOOD]
    assert (
        "web.yaml:12: Deployment default/web spec.template.spec.containers[0]: behind Service web"
        in listed(text, SERVICE)[0]
    )


@pytest.mark.parametrize(
    ("port", "told"),
    [("{port: 80}", False), ("{port: 8080, targetPort: 80}", False), ("{port: 8080}", True),
     ("{port: 80, protocol: UDP}", False), ("{port: 9, targetPort: http}", False)],
)  # fmt: skip
def test_a_number_that_no_container_declares_is_told(port: str, told: bool) -> None:  # noqa: FBT001
    lines = listed(web(), SERVICE.replace("{port: 80}", port))
    assert any("one listens there" in line for line in lines) == told


def test_the_classes_of_claims_and_ingresses_are_told() -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec:\n  storageClassName: fast\n"
    claim += "  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n"
    ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {ingressClassName: nginx}\n"
    said = listed(web(), claim, ingress)
    assert "the StorageClass fast exists, which is not in the input" in said[0]
    assert "the IngressClass nginx exists, which is not in the input" in said[1]
    (told, _) = listed(web(), claim.replace("fast", "standard"))  # A fresh cluster has one of that name.
    assert told.endswith("PersistentVolumeClaim default/c spec: it gets a volume that can be reached from every node")


def test_a_claim_that_names_a_volume_and_no_class_is_given_the_default_one() -> None:
    volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {capacity: {storage: 1Gi}, "
    volume += "accessModes: [ReadWriteOnce], hostPath: {path: /data}}\n"
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec:\n  volumeName: v\n"
    claim += "  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n"
    told = "it is given the default StorageClass standard, which is not in the input: PersistentVolume v is not of that"
    assert [line for line in listed(web(), volume, claim) if told in line]
    none = claim.replace("volumeName: v", 'volumeName: v\n  storageClassName: ""')
    assert not [line for line in listed(web(), volume, none) if told in line]


def test_a_namespace_that_is_used_and_not_made_is_told_once() -> None:
    text = web().replace("{name: web}", "{name: web, namespace: shop}")
    other = SERVICE.replace("{name: web}", "{name: web, namespace: shop}")
    said = "web.yaml:3: Deployment shop/web metadata.namespace: the Namespace shop exists, which is not in the input"
    assert listed(text, other) == [said, GOOD]
    assert listed("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", text) == [GOOD]
    with pytest.raises(BadInput, match=r"web\.yaml:3: metadata\.namespace: there is no Namespace shop"):
        load(text, complete=True)


# --- a complete input -------------------------------------------------------------------------------------------------


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


MISSING = [
    ("serviceAccountName: robot", "", 10),
    ("priorityClassName: high", "", 10),
    ("runtimeClassName: gvisor", "", 10),
    ("", "envFrom: [{configMapRef: {name: c}}]", 16),
    ("volumes: [{name: v, secret: {secretName: s}}]", "", 10),
]


@pytest.mark.parametrize(("spec", "container", "line"), MISSING, ids=[row[0] or row[1] for row in MISSING])
def test_what_a_complete_input_lacks_keeps_its_pods_from_running_and_the_trace_replays(
    spec: str, container: str, line: int
) -> None:
    text = web(spec or NOTHING, container or "tty: false")
    assert verdicts(check(load(text).scenario))["convergence"] == "HOLDS"
    loaded = load(text, complete=True)
    report = check(loaded.scenario)
    (claim, *_) = report.claims
    assert (claim.name, claim.status.value, claim.kind) == ("convergence", "VIOLATED", "stuck")
    assert claim.trace is not None
    assert replay(machine_for(loaded.scenario), claim.trace).divergence is None
    shown = Result(report, loaded).report
    assert f"First: web.yaml:{line}: Deployment default/web spec.template.spec." in shown
    assert "Assumed:\n  - 1 image" in shown


def test_what_is_there_is_not_missing_in_a_complete_input() -> None:
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    text = web(container="envFrom: [{configMapRef: {name: c}}]")
    assert verdicts(check(load(text, settings, complete=True).scenario))["convergence"] == "HOLDS"


def test_what_a_job_of_a_complete_input_may_make_is_not_known_to_be_missing() -> None:
    job = (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: keys}\nspec:\n  template:\n"
        "    spec: {restartPolicy: Never, containers: [{name: a, image: keys}]}\n"
    )
    loaded = load(web("volumes: [{name: v, secret: {secretName: s}}]"), job, complete=True)
    assert loaded.scenario.absent == frozenset()
    assert any("the Secret default/s is not in the input" in str(note) for note in loaded.notes)
    assert verdicts(check(loaded.scenario))["convergence"] == "UNKNOWN"


# --- what can never start ---------------------------------------------------------------------------------------------

SETTINGS = "apiVersion: v1\nkind: %s\nmetadata: {name: c, annotations: {kubernetes.io/service-account.name: a}}\n%s\n"
ASKS = "env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]"
ASKS_SECRET = "env: [{name: A, valueFrom: {secretKeyRef: {name: c, key: token}}}]"  # noqa: S105
ITEMS = "volumes: [{name: v, configMap: {name: c, items: [{key: k, path: p}]}}]"
JOB = (
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: keys}\nspec:\n  template:\n"
    "    spec: {restartPolicy: Never, containers: [{name: a, image: keys}]}\n"
)

NEVER = [
    (NOTHING, ASKS, "data: {other: b}", "containers[0].env[0].valueFrom.configMapKeyRef.key"),
    (ITEMS, "tty: false", "data: {other: b}", "volumes[0].configMap.items[0].key"),
    ("securityContext: {runAsNonRoot: true, runAsUser: 0}", "tty: false", "", "securityContext.runAsUser"),
    ("securityContext: {runAsNonRoot: true}", "securityContext: {runAsUser: 0}", "",
     "containers[0].securityContext.runAsUser"),
    ("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}", "tty: false", "",
     "securityContext.sysctls[0].name"),
    (NOTHING, "resources: {limits: {memory: 128m}}", "", "containers[0].resources.limits.memory"),
    ("initContainers: [{name: i, image: 'Web:1'}]", "tty: false", "", "initContainers[0].image"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "container", "data", "field"), NEVER, ids=[row[3] for row in NEVER])
def test_a_container_that_can_never_start_keeps_its_pod_waiting(
    spec: str, container: str, data: str, field: str
) -> None:
    loaded = load(web(spec, container), SETTINGS % ("ConfigMap", data))
    report = check(loaded.scenario)
    assert verdicts(report)["convergence"] == "VIOLATED"
    (blame,) = report.claims[0].blame
    assert blame.field == f"spec.template.spec.{field}"
    assert any("is never started" in line for line in report.claims[0].lines)


@pytest.mark.parametrize("account", ["", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"])
def test_a_token_of_an_account_that_is_not_there_is_never_written(account: str) -> None:
    manifests = (web(NOTHING, ASKS_SECRET), SETTINGS % ("Secret", "type: kubernetes.io/service-account-token"), account)
    assumed = [line for line in listed(*manifests) if "a token of it is written here" in line]
    assert [line.partition(": ")[0] for line in assumed] == ([] if account else ["web.yaml:20"])
    complete = load(*manifests, complete=True)
    assert verdicts(check(complete.scenario))["convergence"] == ("HOLDS" if account else "VIOLATED")


@pytest.mark.parametrize(("key", "status"), [("ca.crt", "HOLDS"), ("ca", "VIOLATED")])
def test_the_root_ca_is_published_under_one_key(key: str, status: str) -> None:
    asks = f"env: [{{name: A, valueFrom: {{configMapKeyRef: {{name: kube-root-ca.crt, key: {key}}}}}}}]"
    assert verdicts(check(load(web(NOTHING, asks)).scenario))["convergence"] == status


STARTS = [
    (NOTHING, ASKS, "ConfigMap", "data: {k: b}"),
    (NOTHING, ASKS, "ConfigMap", "binaryData: {k: YQ==}"),
    (NOTHING, ASKS.replace("key: k", "key: k, optional: true"), "ConfigMap", ""),
    (NOTHING, ASKS_SECRET, "Secret", "stringData: {token: b}"),
    (NOTHING, ASKS_SECRET, "Secret", "type: kubernetes.io/service-account-token"),
    ("securityContext: {runAsNonRoot: true, runAsUser: 0}", "securityContext: {runAsUser: 7}", "Secret", ""),
    (
        "nodeSelector: {kubernetes.io/os: windows}\n      securityContext: {runAsNonRoot: true, runAsUser: 0}",
        "tty: false",
        "Secret",
        "",
    ),
    ("securityContext: {sysctls: [{name: net.ipv4.tcp_rmem, value: '1'}]}", "tty: false", "Secret", ""),
    (NOTHING, "resources: {limits: {memory: 512Ki}}", "Secret", ""),
]


@pytest.mark.parametrize(("spec", "container", "kind", "data"), STARTS)
def test_what_can_start_has_no_obstacle(spec: str, container: str, kind: str, data: str) -> None:
    loaded = load(web(spec, container), SETTINGS % (kind, data))
    assert behaviour_of(loaded.scenario).known is None
    assert loaded.scenario.unmodelled == {}


@pytest.mark.parametrize(
    ("name", "good"),
    [("nginx", True), ("nginx:1.25", True), ("Web:1", False), ("REGISTRY/web:1", True), ("localhost/web", True),
     ("a.io:5000/b/c@sha256:" + 64 * "a", True), ("a.io/Web", False), ("web:", False), ("web:a b", False),
     ("a//b", False), (64 * "a", False), ("${IMAGE}", False), ("quay.io/a__b/c-d.e:v1_2", True)],
)  # fmt: skip
def test_the_name_of_an_image_is_one_or_none(name: str, good: bool) -> None:  # noqa: FBT001
    assert is_image(name) == good


def test_an_image_that_the_script_sets_and_that_has_no_name_never_starts() -> None:
    script = [{"setImage": {"kind": "Deployment", "name": "web", "image": "Web:2", "container": "app"}}]
    assert verdicts(check(load(web(), script=script).scenario))["convergence"] == "VIOLATED"


@pytest.mark.parametrize(("labels", "job"), [("", JOB), ("  labels: {config.openshift.io/inject-ca: 't'}", "")])
def test_a_key_that_somebody_may_add_is_not_known_to_be_missing(labels: str, job: str) -> None:
    settings = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n{labels}\n"
    loaded = load(web(container=ASKS), settings, *([job] if job else []))
    said = "the ConfigMap default/c has no key 'k'; what is not modelled may add it"
    assert any(said in str(one) for one in loaded.notes)
    assert verdicts(check(loaded.scenario))["convergence"] == "UNKNOWN"


def test_that_init_containers_end_and_beside_which_user_an_image_runs_is_assumed() -> None:
    first = "initContainers: [{name: i, image: 'busybox:1'}, {name: s, image: 'proxy:1', restartPolicy: Always}]"
    assert listed(web(first)) == [
        "2 images: pulled, running and ready in the end: nginx:1, proxy:1",
        "1 image of init containers: pulled, and each of these containers ends, without an error: busybox:1",
    ]
    (_, said) = listed(web("securityContext: {runAsNonRoot: true}"))
    assert said.startswith("web.yaml:12: Deployment default/web spec.template.spec.containers[0]: runAsNonRoot without")
    assert listed(web("securityContext: {runAsNonRoot: true, runAsUser: 7}")) == [GOOD]


def test_a_service_that_requires_both_families_is_of_a_cluster_that_has_them() -> None:
    both = SERVICE.replace("spec:\n", "spec:\n  ipFamilyPolicy: RequireDualStack\n")
    (said, _) = listed(web(), both)
    assert said.endswith(
        "spec.ipFamilyPolicy: the cluster has addresses of both families: one that has not refuses the Service"
    )


def test_a_service_that_publishes_who_is_not_ready_takes_them_to_accept() -> None:
    early = SERVICE.replace("spec:", "spec:\n  publishNotReadyAddresses: true")
    told = "spec.publishNotReadyAddresses: it sends connections to Pods that are not ready yet: they accept them"
    assert any(told in line for line in listed(web(), early))
    assert listed(web(), early.replace("spec:", "spec:\n  clusterIP: None")) == [GOOD]  # Names are looked up.


DAEMONS = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: gpu}}
spec:
  selector: {{matchLabels: {{app: gpu}}}}
  template:
    metadata: {{labels: {{app: gpu}}}}
    spec: {{nodeSelector: {{{selector}}}, containers: [{{name: gpu, image: "gpu:1"}}]}}
"""


@pytest.mark.parametrize(("selector", "somewhere"), [("kubernetes.io/os: linux", True), ("gpu: present", False)])
def test_a_daemonset_that_no_node_takes_a_pod_of_is_told(selector: str, somewhere: bool) -> None:  # noqa: FBT001
    said = [line for line in listed(DAEMONS.format(selector=selector)) if "DaemonSet" in line]
    told = "DaemonSet default/gpu spec.template.spec: no node takes a Pod of it, by its selectors"
    assert not said if somewhere else told in said[0]
