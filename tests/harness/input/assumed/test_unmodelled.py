"""What is not modelled is named, and only the claims that may hang on it are left open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from immutabledict import immutabledict

from kubeproof.harness import face
from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.face import Result
from kubeproof.harness.input.files.scenario_file import Loaded, load_scenario
from kubeproof.impl.api.claim_names import ALL
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.reading.unmodelled_kinds import effect_of, scales
from places import EXAMPLES, TESTS

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
      containers: [{name: app, image: "nginx:1"}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: db}
spec:
  selector: {app: db}
  ports: [{port: 5432}]
"""
WORKLOAD = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: db}
spec:
  selector: {app: db}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "postgres:15"}]
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}
"""
DB = Ref("Service", "default", "db")


def load(*manifests: str, **options: object) -> Loaded:
    """Make a scenario of some manifests and one node."""
    return load_scenario("it", {"web.yaml": "---\n".join(manifests)}, immutabledict({"nodes": 1, **options}))


def open_claims(*manifests: str) -> set[str]:
    """Return the claims that may hang on something that is not modelled."""
    return set(load(*manifests).scenario.unmodelled)


def test_a_field_that_came_after_1_32_is_known_and_not_modelled() -> None:
    image = 'image: "nginx:1"'
    stopped = WEB.replace(image, f"{image}, lifecycle: {{stopSignal: SIGINT}}")
    assert "convergence" in open_claims(stopped)
    named = WEB.replace("      containers:", "      hostnameOverride: me\n      containers:", 1)
    assert named != WEB
    assert open_claims(named) == set()
    with pytest.raises(BadInput, match=r"hostnameOverride: expected a string, got 5"):
        load(named.replace("hostnameOverride: me", "hostnameOverride: 5"))


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


@pytest.mark.parametrize("kind", ["Rollout", "DeploymentConfig"])
def test_a_service_whose_pods_come_from_a_workload_without_a_class_is_no_error(kind: str) -> None:
    loaded = load(WEB, SERVICE, WORKLOAD.replace("Rollout", kind))
    assert loaded.scenario.served_elsewhere == {DB}
    said = [str(note) for note in loaded.notes if note.kind == "Service"]
    whose = f"its Pods come from {kind} default/db (web.yaml:19): nothing is said of its endpoints"
    assert said == [f"web.yaml:16: Service default/db spec.selector: {whose}"]
    assert loaded.scenario.unmodelled["reachability"] == (f"{kind} default/db", "Service default/db spec.selector")


def test_a_workload_in_another_namespace_serves_nobody_here() -> None:
    loaded = load(WEB, SERVICE, WORKLOAD.replace("{name: db}", "{name: db, namespace: other}", 1))
    assert loaded.scenario.served_elsewhere == frozenset()


def test_a_service_that_a_modelled_workload_serves_as_well_is_known_in_part_only() -> None:
    both = WEB.replace("app: web", "app: db")
    assert load(both, SERVICE, WORKLOAD).scenario.served_elsewhere == {DB}
    assert "reachability" in open_claims(both, SERVICE, WORKLOAD)
    assert load(both, SERVICE).scenario.served_elsewhere == frozenset()
    assert open_claims(both, SERVICE) == set()


CUSTOM = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec: {instances: 3}\n"


def test_an_operator_may_serve_a_service_that_nobody_else_does() -> None:
    loaded = load(WEB, SERVICE, CUSTOM)
    assert loaded.scenario.served_elsewhere == {DB}
    assert set(loaded.scenario.unmodelled) == {"reachability"}
    assert "may come from an operator (Cluster)" in str(loaded.notes[-1])


def test_a_custom_resource_that_no_service_needs_harms_nobody() -> None:
    assert open_claims(WEB, CUSTOM) == set()


def test_a_selector_that_nobody_bears_is_no_error_and_has_a_suggestion() -> None:
    loaded = load(WEB, SERVICE.replace("app: db", "app: wbe"))
    why = "it selects app=wbe, which no Pod template of the input has (did you mean app=web?)"
    assert [str(note) for note in loaded.notes] == [f"web.yaml:16: Service default/db spec.selector: {why}"]
    assert (loaded.scenario.served_elsewhere, set(loaded.scenario.unmodelled)) == (frozenset(), set())


LEADERS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: leaders}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, patch]}]
"""


@pytest.mark.parametrize(
    ("role", "unknown"),
    [
        (LEADERS, True),
        (
            LEADERS.replace("kind: Role", "kind: ClusterRole").replace("[pods]", '["*"]').replace("patch", "update"),
            True,
        ),
        (LEADERS.replace(", patch", ", list"), False),
        (LEADERS.replace("pods", "configmaps"), False),
        (LEADERS.replace('[""]', "[apps]"), False),
        (LEADERS.replace("{name: leaders}", "{name: leaders, namespace: other}"), False),
        (LEADERS.replace("verbs:", "resourceNames: [web-0], verbs:"), False),
    ],
    ids=["may label", "may do all", "may look", "other things", "other groups", "elsewhere", "one by name"],
)
def test_a_program_that_may_label_pods_may_serve_a_service_that_nobody_else_does(
    role: str,
    unknown: bool,  # noqa: FBT001 - a column
) -> None:
    loaded = load(WEB, SERVICE.replace("app: db", "app: web, role: leader"), role)
    assert (loaded.scenario.served_elsewhere == {DB}) is unknown
    assert ("reachability" in loaded.scenario.unmodelled) is unknown
    told = str(next(note for note in loaded.notes if note.kind == "Service"))
    assert "labels of Pod templates: app=web" in told
    assert ("leaders may label Pods" in told) is unknown


def test_a_budget_hangs_on_the_workload_whose_pods_it_counts() -> None:
    assert "budget" in open_claims(WEB, BUDGET, WORKLOAD)
    assert "budget" not in open_claims(WEB, BUDGET.replace("app: db", "app: web"), WORKLOAD)


WALLS = {"reachability", "isolation", "connectivity"}
QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {count/configmaps: 1, pods: 9}}\n"
SCALER = (
    "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"
    "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
)
ACCESS = (
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\n"
    "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n"
)
SERVER = (
    "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.metrics.k8s.io}\n"
    "spec: {group: metrics.k8s.io, version: v1, groupPriorityMinimum: 1, versionPriority: 1}\n"
)
LIMITS = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: l}\nspec: {limits: []}\n"


@pytest.mark.parametrize(
    ("manifest", "claims"),
    [
        (QUOTA, {"convergence", "priority", "deadline", "reachability"}),
        (QUOTA.replace("count/configmaps: 1", "count/configmaps: 2"), set()),
        (SCALER, set()),
        (ACCESS, set()),
        (SERVER, set()),
        (LIMITS, set()),
    ],
    ids=["ResourceQuota", "one with room", "HorizontalPodAutoscaler", "Role", "APIService", "LimitRange"],
)
def test_each_kind_leaves_open_the_claims_it_may_touch(manifest: str, claims: set[str]) -> None:
    assert open_claims(WEB, manifest) == claims


def custom(version: str, kind: str, spec: str) -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: c}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("version", "kind", "spec", "claims"),
    [
        ("keda.sh/v1alpha1", "ScaledObject", "{scaleTargetRef: {name: web}}", set(ALL) - {"placement"}),
        ("keda.sh/v1alpha1", "ScaledJob", "{jobTargetRef: {}}", set()),
        ("cilium.io/v2", "CiliumNetworkPolicy", "{endpointSelector: {}}", WALLS),
        ("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "{selector: all()}", WALLS),
        ("crd.projectcalico.org/v1", "NetworkPolicy", "{selector: all()}", WALLS),
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "{priority: 1}", WALLS),
        ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "{targetRef: {name: web}}", set(ALL)),
        ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "{updatePolicy: {updateMode: 'Off'}}", set()),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "{}", set()),
    ],
)
def test_a_custom_resource_counts_as_the_kind_it_stands_for(
    version: str, kind: str, spec: str, claims: set[str]
) -> None:
    assert open_claims(WEB, custom(version, kind, spec)) == claims


def test_a_kind_of_kubernetes_in_a_group_that_it_does_not_have_is_an_error() -> None:
    with pytest.raises(BadInput, match="unknown apiVersion"):
        load(WEB, custom("autoscaling.k8s.io/v1", "HorizontalPodAutoscaler", "{}"))


def test_what_a_step_applies_counts_as_in_the_manifests() -> None:
    step = {"apply": {"object": {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"},
                                 "spec": {"hard": {"count/configmaps": "1", "pods": "9"}}}}}  # fmt: skip
    loaded = load(WEB, script=[step])
    assert set(loaded.scenario.unmodelled) == open_claims(WEB, QUOTA)
    assert [note.subject for note in loaded.notes] == ["ResourceQuota default/q spec.hard"]


def test_what_a_step_applies_from_a_file_is_noted_there() -> None:
    pods = "{restartPolicy: Never, containers: [{name: c, image: 'c:1'}]}"
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {managedBy: example.com/me, "
    later = f"{job}template: {{spec: {pods}}}}}\n"
    files = {"web.yaml": WEB, "later.yaml": later, "scenario.yaml": "script: [{apply: {file: later.yaml}}]\nnodes: 1\n"}
    (note,) = load_scenario("it", files).notes
    assert str(note).startswith("later.yaml:4: Job default/j spec.managedBy")


RUN_ELSEWHERE = (
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  managedBy: example.com/me\n  "
    "template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'c:1'}]}}\n"
)


STUCK_JOB = (
    RUN_ELSEWHERE.replace("  managedBy: example.com/me\n", "")
    .replace("restartPolicy: Never", "restartPolicy: Never, nodeSelector: {gpu: 'yes'}")
    .replace("name: j}", "name: stuck}")
)


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        ((RUN_ELSEWHERE,), "UNKNOWN"),
        ((RUN_ELSEWHERE, STUCK_JOB), "VIOLATED"),
        ((RUN_ELSEWHERE.replace("example.com/me", "kubernetes.io/job-controller"),), "HOLDS"),
    ],
    ids=["by another", "beside one that is stuck", "by its own"],
)
def test_what_another_controller_would_do_is_no_breach(manifests: tuple[str, ...], expected: str) -> None:
    scenario = load_scenario("it", {"it.yaml": "---\n".join(manifests), "scenario.yaml": "nodes: 1\n"}).scenario
    (claim,) = (claim for claim in check(scenario).claims if claim.name == "convergence")
    assert claim.status.value == expected
    if expected == "UNKNOWN":
        assert claim.lines == ("Job default/j is run by example.com/me (spec.managedBy), which is not modelled",)


ABOVE = "{priorityClassName: system-node-critical, containers:"


@pytest.mark.parametrize(
    ("budget", "spec", "claims"),
    [("web", ABOVE, True), ("db", "{containers:", False), ("web", "{containers:", False),
     ("web", "{priorityClassName: mine, containers:", True), ("nobody", ABOVE, False)],
    ids=["above", "its own", "not above", "of a class nobody knows", "no budget"],
)  # fmt: skip
def test_pods_that_are_not_made_touch_a_budget_where_they_may_preempt_its_pods(
    budget: str,
    spec: str,
    claims: bool,  # noqa: FBT001
) -> None:
    agent = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: agent}\n"
        "spec:\n  selector: {app: agent}\n"
        f"  template: {{metadata: {{labels: {{app: agent}}}}, spec: {spec} [{{name: a, image: a}}]}}}}\n"
    )
    large = requesting(agent.replace("image: a", 'image: "a"').replace("name: a,", "name: app,"), "{cpu: 3}")
    found = load(WEB, BUDGET.replace("app: db", f"app: {budget}"), large)
    assert ("budget" in found.scenario.unmodelled) == claims
    assert (", budget may hang on it" in str(found.notes[0])) == claims  # It says what hangs on it in truth.


def test_pods_that_are_not_made_touch_no_budget_where_there_is_room_for_all() -> None:
    agent = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: agent}\n"
        "spec:\n  selector: {app: agent}\n"
        f"  template: {{metadata: {{labels: {{app: agent}}}}, spec: {ABOVE} [{{name: a, image: a}}]}}}}\n"
    )
    assert "budget" not in open_claims(WEB, BUDGET.replace("app: db", "app: web"), agent)


# --- namespaces that are deleted --------------------------------------------------------------------------------------

SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
DELETED = [{"deleteObject": {"kind": "Namespace", "name": "shop"}}]
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop, finalizers: [%s]}\n"


@pytest.mark.parametrize(
    ("finalizer", "script", "held"),
    [("x.io/hold", DELETED, True), ("x.io/hold", [], False), ("batch.kubernetes.io/job-tracking", DELETED, False),
     ("foregroundDeletion", DELETED, False)],
)  # fmt: skip
def test_a_finalizer_that_nobody_takes_away_holds_its_namespace(
    finalizer: str,
    script: list[object],
    held: bool,  # noqa: FBT001
) -> None:
    loaded = load(WEB, SPACE, SETTINGS % finalizer, script=script)
    assert bool(loaded.scenario.holders) == held


def test_a_namespace_that_is_held_is_never_gone() -> None:
    loaded = load(SPACE, SETTINGS % "x.io/hold", script=DELETED)
    report = check(loaded.scenario)
    (claim, *_) = report.claims
    assert (claim.name, claim.status.value) == ("convergence", "VIOLATED")
    assert "ConfigMap shop/c is still there: finalizers x.io/hold" in claim.lines
    assert (
        "First: web.yaml:7: ConfigMap shop/c metadata.finalizers: x.io/hold keeps it" in Result(report, loaded).report
    )
    assert verdicts(check(load(SPACE, SETTINGS % "orphan", script=DELETED).scenario))["convergence"] == "HOLDS"


def test_finalizers_of_custom_resources_and_api_services_leave_open_whether_a_namespace_is_ever_gone() -> None:
    thing = custom("x.io/v1", "Thing", "{}").replace("{name: c}", "{name: c, namespace: shop, finalizers: [x.io/hold]}")
    service = SERVER.replace("spec: {", "spec: {service: {name: s, namespace: kube-system}, ")
    for one in (thing, service):
        assert set(load(WEB, SPACE, one, script=DELETED).scenario.unmodelled) == {"convergence"}
        assert open_claims(WEB, SPACE, one) == set()
    assert set(load(WEB, SPACE, SERVER, script=DELETED).scenario.unmodelled) == set()


# --- owners -----------------------------------------------------------------------------------------------------------


def owned(kind: str, version: str = "x.io/v1") -> str:
    owner = f"{{apiVersion: {version}, kind: {kind}, name: o, uid: 1-2-3}}"
    return WEB.replace("metadata: {name: web}", f"metadata: {{name: web, ownerReferences: [{owner}]}}", 1)


THING = "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: o}\n"
DEFINED = (
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.x.io}\n"
    "spec: {group: x.io, scope: Namespaced, names: {kind: Thing, plural: things}, versions: []}\n"
)
OTHER_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: o}\n"


@pytest.mark.parametrize(
    ("manifests", "complete", "gone", "noted"),
    [
        ((owned("ConfigMap", "v1"), OTHER_MAP), False, True, False),
        ((owned("Thing"), THING), False, True, False),
        ((owned("Thing"),), False, False, True),
        ((owned("Thing"),), True, False, True),
        ((owned("Thing"), DEFINED), True, True, False),
        ((owned("ConfigMap", "v1"),), False, False, True),
        ((owned("ConfigMap", "v1"),), True, True, False),
        ((owned("Service", "serving.knative.dev/v1"),), False, False, True),
    ],
    ids=["other uid", "custom, other uid", "not here", "unknown kind", "defined, not here", "perhaps", "complete",
         "only called like one"],
)  # fmt: skip
def test_an_owner_is_there_if_its_uid_may_be(
    manifests: tuple[str, ...],
    complete: bool,  # noqa: FBT001
    gone: bool,  # noqa: FBT001
    noted: bool,  # noqa: FBT001
) -> None:
    loaded = load(*manifests, complete=complete)
    assert bool(loaded.scenario.absent_owners) == gone
    assert (set(loaded.scenario.unmodelled) == set(ALL) - {"placement"}) == noted


def test_what_an_owner_that_is_not_there_owns_is_deleted() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n"
    pod += "  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: o, uid: u-1}]\n"
    pod += 'spec: {containers: [{name: a, image: "a:1"}]}\n'
    report = check(load(pod, OTHER_MAP).scenario)
    assert report.claims[0].lines[0] == "Pod p is gone, though nobody was asked to delete it"


# --- ports ------------------------------------------------------------------------------------------------------------

PORT = WEB.replace('image: "nginx:1"', 'image: "nginx:1", ports: [{containerPort: %d}]')
TO = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    "spec: {selector: {app: web}, ports: [{port: 80, targetPort: %d}]}\n"
)


def applying(*manifests: str) -> list[object]:
    return [{"apply": {"object": yaml.safe_load(one)}} for one in manifests]


@pytest.mark.parametrize(
    ("script", "wait", "touched"),
    [
        (applying(PORT % 9090, TO % 9090), False, True),
        (applying(PORT % 9090, TO % 9090), True, True),
        (applying(WEB), False, False),
        (applying((PORT % 8080).replace("nginx:1", "nginx:2")), False, False),
        (applying(BOTH := (PORT % 8080).replace("8080}", "8080}, {containerPort: 9090}"), TO % 9090, PORT % 9090),
         True, False),
        (applying(BOTH, TO % 9090, PORT % 9090), False, True),
    ],
    ids=["moved", "moved, in steps", "declares none", "same", "both for a while", "both for a while, hastily"],
)  # fmt: skip
def test_a_port_that_moves_is_not_taken_to_be_listened_on(script: list[object], wait: bool, touched: bool) -> None:  # noqa: FBT001
    loaded = load(PORT % 8080, TO % 8080, script=script, waitBetweenSteps=wait)
    assert ("reachability" in loaded.scenario.unmodelled) == touched
    assert not touched or not any("one listens there" in str(one) for one in loaded.assumptions)


def requesting(manifest: str, amounts: str) -> str:
    """Let the containers of a manifest ask for something."""
    return manifest.replace(", image:", f", resources: {{requests: {amounts}}}, image:")


@pytest.mark.parametrize(
    ("web", "stateful", "touched"),
    [
        (WEB, WORKLOAD, False),
        (WEB, requesting(WORKLOAD, "{cpu: 2}"), False),
        (WEB, requesting(WORKLOAD, "{cpu: 3}"), True),
        (requesting(WEB, "{cpu: 300m}"), requesting(WORKLOAD, "{cpu: 100m}"), False),
        (requesting(WEB, "{cpu: 400m}"), requesting(WORKLOAD, "{cpu: 100m}"), True),
        (WEB, WORKLOAD.replace("  selector", "  replicas: 60\n  selector"), True),
        (WEB, requesting(WORKLOAD, "{nvidia.com/gpu: 1}"), True),
        (WEB.replace("      containers", "      hostNetwork: true\n      containers"), WORKLOAD, True),
        (WEB, WORKLOAD.replace("image: ", "ports: [{containerPort: 1, hostPort: 1}], image: "), True),
    ],
    ids=["nothing", "2 x 2 of 4 cpu", "2 x 3 of 4 cpu", "12 x 300m", "12 x 400m", "120 Pods of 110", "no such resource",
         "host network", "host port"],
)  # fmt: skip
def test_pods_that_are_not_made_touch_reachability_where_room_is_short(
    web: str,
    stateful: str,
    touched: bool,  # noqa: FBT001
) -> None:
    assert ("reachability" in open_claims(web, stateful)) == touched


CRON_JOB = (
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec:\n  schedule: '* * * * *'\n"
    "  %s\n  jobTemplate: {spec: {template: {metadata: {labels: {app: job}}, "
    "spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}\n"
)


@pytest.mark.parametrize("says", ["concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "timeZone: UTC"])
def test_nothing_hangs_on_a_cron_job_but_that_its_programs_end(says: str) -> None:
    found = load(WEB, CRON_JOB % says)
    assert found.scenario.unmodelled == {}
    said = [str(one) for one in found.assumptions if one.subject == "CronJob default/c"]
    wanted = "spec.jobTemplate.spec.template.spec.containers: the programs of its Jobs end, with exit code 0"
    assert [one.partition("CronJob default/c ")[2] for one in said] == [wanted]


@pytest.mark.parametrize("asks", ["app: db", "app: web"])
def test_a_note_names_the_claims_that_are_left_open(asks: str) -> None:
    service = SERVICE.replace("app: db", asks)
    found = load(WEB, service, CRON_JOB % "timeZone: UTC", requesting(WORKLOAD, "{cpu: 3}" if "web" in asks else "{}"))
    assert "reachability" in found.scenario.unmodelled
    assert any(
        "convergence, priority, deadline, spread, reachability may hang on it" in str(one) for one in found.notes
    )
    agree(found)


def agree(found: Loaded) -> None:
    """Check that what a line says may hang on an object is what is left open because of it."""
    for note in found.notes:
        said = re.search(r"; (.*) (?:may hang|hangs) on it", note.told)
        if said:
            named = {"no claim": (), "every claim": ALL}.get(said[1], tuple(said[1].split(", ")))
            assert set(named) == set(note.claims), note
    for claim, things in found.scenario.unmodelled.items():
        assert set(things) == {note.subject for note in found.notes if claim in note.claims}
    assert {claim for note in found.notes for claim in note.claims} == set(found.scenario.unmodelled)


SCENARIOS = {path.parent for at in (TESTS / "scenarios", EXAMPLES) for path in at.rglob("scenario.yaml")}
OWN = {path.parent for path in (EXAMPLES / "operators").rglob("scenario.yaml")}
"""Those that are read with the controllers of a user, which bring kinds of their own."""
FOLDERS = sorted(SCENARIOS - OWN)


@pytest.mark.parametrize("folder", FOLDERS, ids=[path.name for path in FOLDERS])
def test_what_is_told_of_examples_and_cases_is_what_is_left_open(folder: Path) -> None:
    agree(face.Cluster.from_manifests(folder).load())


EXTERNAL = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: e}\nspec: {type: ExternalName, externalName: db.example.com}\n"
)


def test_nothing_is_claimed_of_an_external_name_and_so_nothing_hangs_on_it() -> None:
    found = load(WEB, EXTERNAL)
    assert found.scenario.unmodelled == {}
    (claim,) = (one for one in check(found.scenario).claims if one.name == "reachability")
    assert (claim.status.value, claim.vacuous) == ("HOLDS", True)


CLOSE = SERVICE.replace("  ports", "  trafficDistribution: PreferClose\n  ports").replace("app: db", "app: web")
FAR = """\
apiVersion: v1
kind: Node
metadata: {name: far, labels: {topology.kubernetes.io/zone: far}}
status: {capacity: {cpu: 4, memory: 8Gi, pods: 110}}
"""


@pytest.mark.parametrize("wish", ["PreferClose", "PreferSameZone", "PreferSameNode"])
def test_who_is_close_matters_to_none_but_udp_senders(wish: str) -> None:
    manifests = (WEB, CLOSE.replace("PreferClose", wish), FAR)
    found = load(*manifests)
    assert found.scenario.unmodelled == {}
    assert not any("trafficDistribution" in note.field for note in found.notes)
    assert set(load(*manifests, detail={"proxy": "connections"}).scenario.unmodelled) == {"flows"}


@pytest.mark.parametrize(("version", "touched"), [("v1.20", True), ("latest", False)])
def test_a_namespace_that_may_refuse_some_pods_is_noted(version: str, touched: bool) -> None:  # noqa: FBT001
    labels = (
        f"{{pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: {version}}}"
    )
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\n  labels: {labels}\n"
    assert ("convergence" in open_claims(WEB, namespace)) == touched


def hook(kind: str, group: str, resource: str) -> str:
    return (
        f"apiVersion: admissionregistration.k8s.io/v1\nkind: {kind}\nmetadata: {{name: w}}\nwebhooks:\n"
        "- {name: w.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: https://w},\n"
        f"   rules: [{{apiGroups: ['{group}'], apiVersions: ['*'], operations: ['*'], resources: ['{resource}']}}]}}\n"
    )


@pytest.mark.parametrize(
    ("kind", "group", "resource", "claims"),
    [
        ("ValidatingWebhookConfiguration", "networking.k8s.io", "ingresses", set()),
        ("ValidatingWebhookConfiguration", "", "pods", {"convergence", "priority", "deadline", "reachability"}),
        ("MutatingWebhookConfiguration", "", "pods", set(ALL)),
        ("MutatingWebhookConfiguration", "*", "*", set(ALL)),
        ("MutatingWebhookConfiguration", "apps", "pods", set()),
        ("MutatingWebhookConfiguration", "apps", "deployments/scale", set(ALL)),
    ],
)
def test_a_webhook_touches_what_its_rules_name(kind: str, group: str, resource: str, claims: set[str]) -> None:
    assert open_claims(WEB, hook(kind, group, resource)) == claims


def test_a_runtime_class_matters_where_it_adds_to_a_pod() -> None:
    assert effect_of("RuntimeClass", {"handler": "runsc"}, custom=False).claims == ()
    assert effect_of("RuntimeClass", {"overhead": {"podFixed": {"cpu": "1"}}}, custom=False).claims == ALL


def test_a_kind_of_kubernetes_that_is_not_listed_may_touch_every_claim() -> None:
    assert effect_of("SomethingNew", {}, custom=False).claims == ALL


def test_what_helm_runs_by_itself_is_left_out_and_listed() -> None:
    annotated = "metadata: {name: web, annotations: {helm.sh/hook: pre-install}}"
    loaded = load(WEB, WEB.replace("metadata: {name: web}", annotated))
    assert [type(one).__name__ for one in loaded.scenario.objects].count("Deployment") == 1
    assert [str(note) for note in loaded.manifests.hooks] == [
        "web.yaml:12: Deployment default/web: Helm runs it by itself (pre-install): left out"
    ]


def test_placement_is_vacuous_where_no_pod_is_ever_placed() -> None:
    report = check(load(SERVICE, WORKLOAD).scenario)
    assert [one.vacuous for one in report.claims if one.name == "placement"] == [True]
    huge = requesting(WEB, "{cpu: 99}")
    assert [one.vacuous for one in check(load(huge).scenario).claims if one.name == "placement"] == [False]


VOLUME = "      volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]\n"
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: "", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
"""Nothing makes a volume for it; somebody may, by hand."""


def test_a_pod_that_fits_nowhere_is_stuck_whatever_becomes_of_its_volume() -> None:
    large = WEB.replace('image: "nginx:1"', 'image: "nginx:1", resources: {requests: {cpu: 9}}')
    report = check(load(large + VOLUME, CLAIM).scenario)
    assert verdicts(report)["convergence"] == "VIOLATED"
    (blame, *_) = report.claims[0].blame
    assert (blame.ref, blame.field) == (Ref("Deployment", "default", "web"), "spec.template.spec")


@pytest.mark.parametrize("accepted", [False, True])
def test_a_pod_that_waits_only_for_a_volume_by_hand_is_no_breach(accepted: bool) -> None:  # noqa: FBT001
    report = check(load(WEB + VOLUME, CLAIM, acceptUnmodelled=accepted).scenario)
    found = {claim.name: claim for claim in report.claims}
    assert found["convergence"].status.value == "UNKNOWN"
    told = "waits for PersistentVolumeClaim data: the input does not tell of its volume"
    assert told in found["convergence"].lines[0]
    assert found["placement"].status.value == ("HOLDS" if accepted else "UNKNOWN")


def test_a_claim_of_a_class_that_makes_volumes_is_no_reason_to_doubt() -> None:
    report = check(load(WEB + VOLUME, CLAIM.replace('storageClassName: "", ', "")).scenario)
    assert set(verdicts(report).values()) == {"HOLDS"}


def test_another_pod_that_does_not_run_is_a_breach_beside_one_that_waits_for_a_volume() -> None:
    large = WEB.replace('image: "nginx:1"', 'image: "nginx:1", resources: {requests: {cpu: 9}}')
    report = check(load(WEB + VOLUME, CLAIM, large.replace("web", "big")).scenario)
    assert verdicts(report)["convergence"] == "VIOLATED"


SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: by-hand, labels: {kubernetes.io/service-name: SERVICE}}
addressType: IPv4
ports: [{name: "", port: 80, protocol: TCP}]
endpoints: [{addresses: [10.9.9.9], conditions: {ready: true}}]
"""


@pytest.mark.parametrize(("service", "open_claims"), [("web", ["reachability"]), ("other", [])])
def test_endpoints_by_hand_beside_those_of_a_selector_leave_reachability_open(
    service: str, open_claims: list[str]
) -> None:
    files = {
        "web.yaml": WEB,
        "service.yaml": SERVICE.replace("db", "web"),
        "slice.yaml": SLICE.replace("SERVICE", service),
    }
    found = load_scenario("by hand", files, immutabledict({"nodes": 1})).scenario.unmodelled
    assert [claim for claim in ALL if claim in found] == open_claims


@pytest.mark.parametrize(
    ("kind", "custom", "spec", "found"),
    [
        ("ScaledObject", True, {"scaleTargetRef": {"name": "web"}}, True),
        ("VerticalPodAutoscaler", True, {}, True),
        ("VerticalPodAutoscaler", True, {"updatePolicy": {"updateMode": "Off"}}, False),
        ("Certificate", True, {}, False),
        ("Rollout", False, {}, False),
    ],
)
def test_what_changes_how_many_pods_there_are_is_known(
    kind: str, spec: dict[str, Any], *, custom: bool, found: bool
) -> None:
    """Where one is, nobody knows whether there is room enough for all."""
    assert scales(kind, {"spec": spec}, custom=custom) is found


NO_SELECTOR = {"spec": {"ports": [{"port": 80}]}}
ELSEWHERE = {"spec": {"type": "ExternalName", "externalName": "example.com"}}
OTHER = {"spec": {"selector": {"app": "web", "tier": "front"}, "ports": [{"port": 80}]}}


@pytest.mark.parametrize(("spec", "left"), [(NO_SELECTOR, True), (ELSEWHERE, True), (OTHER, False)])
def test_a_step_that_takes_a_selector_leaves_the_endpoints_to_nobody(spec: dict[str, Any], *, left: bool) -> None:
    """Its slices stay as they are: connections still go to Pods that have gone since."""
    web = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, **spec}
    loaded = load(WEB, SERVICE.replace("db", "web"), script=[{"apply": {"object": web}}])
    assert ("Service default/web spec.selector" in loaded.scenario.unmodelled.get("reachability", ())) is left


SET = WEB.replace("Deployment", "ReplicaSet")
ALONE = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: solo, labels: {app: web}}\nspec: {containers: [{name: c, image: i}]}\n"
)
TAKEN = {"convergence": ("Pod default/solo metadata.labels",), "reachability": ("Pod default/solo metadata.labels",)}


@pytest.mark.parametrize(
    ("manifests", "found"),
    [
        ((SET, ALONE), TAKEN),
        ((ALONE, SET), {}),
        ((SET, ALONE.replace("app: web", "app: other")), {}),
        ((SET, ALONE.replace("name: solo", "name: solo, namespace: kube-system")), {}),
        ((WEB, ALONE), {}),
    ],
)
def test_a_replica_set_may_take_a_pod_that_is_applied_after_it_for_one_too_many(
    manifests: tuple[str, ...], found: dict[str, tuple[str, ...]]
) -> None:
    """The Pods of a Deployment bear a hash that others do not; a Pod that is there first is counted, not deleted."""
    assert load(*manifests).scenario.unmodelled == found
