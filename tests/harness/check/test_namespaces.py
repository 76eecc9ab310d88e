"""Objects of several namespaces are judged, and steps and errors say which one they mean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.assumed.surroundings import service_range
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.applied import Refused, applied
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.impl.api.core import Namespace, Pod, Service, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.kubectl import script

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %s}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: "nginx:1", resources: {requests: {cpu: %s}}}]
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {team: a}}\n"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: %s}
spec:
  containers: [{name: app, image: "nginx:1"}]
"""


def load(*manifests: str, **options: object) -> Scenario:
    files = {"web.yaml": "---\n".join(manifests)}
    return load_scenario("it", files, immutabledict({"nodes": 1, **options})).scenario


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


@pytest.mark.parametrize("name", ["default", "kube-system", "shop"])
def test_a_namespace_among_the_manifests_is_what_its_objects_go_to(name: str) -> None:
    objects = applied(load(NAMESPACE % name, WEB % (name, 1)))
    (made,) = (one for one in objects if isinstance(one, Namespace) and one.metadata.name == name)
    assert made.metadata.labels["team"] == "a"


def test_a_namespace_that_no_manifest_makes_is_taken_to_exist() -> None:
    names = {one.metadata.name for one in applied(load(WEB % ("shop", 1))) if isinstance(one, Namespace)}
    assert names == {"default", "kube-system", "shop"}


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n"
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n"
RUNTIME = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: kata}\nhandler: kata\n"
CLASS = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 5\n"


def test_what_comes_before_its_namespace_is_refused() -> None:
    late = (WEB % ("shop", 1), CONFIG, NAMESPACE % "shop")
    found = said(*late, start="empty").splitlines()
    assert [line.partition(" (")[0] for line in found] == [
        'web.yaml:3: metadata.namespace: namespaces "shop" not found',
        'web.yaml:14: metadata.namespace: namespaces "shop" not found',
    ]
    assert found[0].endswith("(kubectl apply goes in this order: put Namespace shop of web.yaml:16 before it)")
    assert applied(load(NAMESPACE % "shop", CONFIG, WEB % ("shop", 1)))
    settled = load(*late, start="settled")
    assert applied(settled) == applied(load(*reversed(late), start="settled"))


def test_files_are_applied_in_the_order_in_which_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WEB % ("shop", 1))
    (tmp_path / "z.yaml").write_text(NAMESPACE % "shop")
    with pytest.raises(BadInput, match='namespaces "shop" not found'):
        Cluster.from_manifests(tmp_path, nodes=1).load()
    with pytest.raises(BadInput, match='namespaces "shop" not found'):
        Cluster.from_manifests(tmp_path / "a.yaml", tmp_path / "z.yaml", nodes=1).load()
    assert applied(Cluster.from_manifests(tmp_path / "z.yaml", tmp_path / "a.yaml", nodes=1).load().scenario)


@pytest.mark.parametrize(
    ("spec", "late", "message"),
    [
        (
            "serviceAccountName: robot",
            ACCOUNT,
            'error looking up service account default/robot: serviceaccount "robot" not found',
        ),
        (
            "runtimeClassName: kata",
            RUNTIME,
            'pod rejected: RuntimeClass "kata" not found',
        ),
    ],
)
def test_a_pod_by_itself_that_comes_before_what_it_names_is_refused(spec: str, late: str, message: str) -> None:
    pod = POD % "default" + f"  {spec}\n"
    field = spec.partition(":")[0]
    assert f'web.yaml:6: spec.{field}: pods "lone" is forbidden: {message}' in said(pod, late)
    assert load(late, pod)
    deployment = WEB % ("default", 1) + f"      {spec}\n"
    assert load(deployment, late)  # Its ReplicaSet tries again.


def test_a_pod_that_comes_before_its_priority_class_is_refused() -> None:
    with pytest.raises(Refused, match="no PriorityClass with name high was found"):
        applied(load(POD % "default" + "  priorityClassName: high\n", CLASS))


def test_a_step_into_a_namespace_that_a_later_step_makes_is_refused() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    into = {"apply": {"object": service, "namespace": "far"}}
    makes = {"apply": {"object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "far"}}}}
    linear = {"consistency": "linearizable"}
    (claim, *_) = check(load(WEB % ("default", 1), script=[into, makes], **linear)).claims
    assert claim.status.value == "VIOLATED"
    assert verdicts(check(load(WEB % ("default", 1), script=[makes, into], **linear)))["convergence"] == "HOLDS"


def test_what_a_step_applies_into_a_namespace_of_its_own_finds_it_there() -> None:
    step = {"apply": {"object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}}}
    assert load(WEB % ("shop", 1), script=[step]).script == ()
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    scenario = load(WEB % ("shop", 1), script=[{"apply": {"object": service, "namespace": "far"}}])
    assert scenario.script[0].object.metadata.namespace == "far"
    assert "far" in {one.metadata.name for one in applied(scenario) if isinstance(one, Namespace)}


def test_a_deployment_is_judged_wherever_it_is() -> None:
    two = load(WEB % ("default", 1), WEB % ("shop", 1), consistency="linearizable")
    assert verdicts(check(two))["convergence"] == "HOLDS"
    stuck = check(load(WEB % ("default", 1), WEB % ("shop", 9), consistency="linearizable"))
    assert verdicts(stuck)["convergence"] == "VIOLATED"
    assert str(stuck.claims[0].blame[0].ref) == "Deployment shop/web"


def test_a_step_acts_in_the_namespace_it_names() -> None:
    images = {}
    for there in ("default", "shop"):
        step = {"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2", "namespace": there}}
        prepared = prepare(load(WEB % ("default", 1), WEB % ("shop", 1), script=[step]))
        images[there] = {
            one.metadata.namespace
            for one in prepared.replicasets
            if one.spec.template.spec.containers[0].image == "nginx:2"
        }
    assert images == {"default": {"default"}, "shop": {"shop"}}


def test_pods_of_one_name_in_two_namespaces_each_have_what_runs_for_them() -> None:
    prepared = prepare(load(POD % "default", POD % "shop", start="settled"))
    pods = [one for one in prepared.objects if isinstance(one, Pod)]
    runtimes = prepared.starts[0].runtimes
    assert len(pods) == len(runtimes) == 2
    assert {uid: getattr(runtime, "uid", "") for uid, runtime in runtimes.items()} == {
        "Pod/default/lone": "Pod/default/lone",
        "Pod/shop/lone": "Pod/shop/lone",
    }


def said(*manifests: str, **options: object) -> str:
    with pytest.raises(BadInput) as caught:
        load(*manifests, **options)
    return str(caught.value)


def test_a_step_that_means_another_namespace_is_told_where_the_thing_is() -> None:
    step = {"rolloutRestart": {"kind": "Deployment", "name": "web"}}
    assert said(WEB % ("shop", 1), script=[step]) == (
        "options: script[0].rolloutRestart.name: there is no Deployment 'web' in namespace default "
        "(there is one in namespace shop: give the step a namespace)"
    )
    assert load(WEB % ("shop", 1), script=[step], namespace="shop").script == (
        script.RolloutRestart("Deployment", "web"),
    )


@pytest.mark.parametrize("words", ["serviceaccount/bot", "sa/bot", "serviceaccounts/bot", "ServiceAccount/bot"])
def test_what_no_claim_hangs_on_is_there_though_no_step_can_act_on_it(words: str) -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: bot}\n"
    told = said(WEB % ("default", 1), account, script=[f"delete {words}"])
    assert told.endswith("ServiceAccount default/bot (web.yaml:12) is not modelled, so that no step can act on it")


def test_a_workload_without_a_class_is_not_said_to_be_missing() -> None:
    job = (WEB % ("shop", 1)).replace("Deployment", "Rollout").replace("apps/v1", "argoproj.io/v1alpha1")
    job = job.replace("matchLabels: {app: web}", "app: web")
    step = {"rolloutRestart": {"kind": "Rollout", "name": "web", "namespace": "shop"}}
    what = "Rollout shop/web (web.yaml:1) is not modelled, so that no step can act on it"
    assert said(job, script=[step]).endswith(f": {what}")
    other = {"rolloutRestart": {**step["rolloutRestart"], "name": "wob"}}
    missing = "there is no Rollout 'wob' in namespace shop (there are web)"
    assert said(job, script=[other]).endswith(missing)
    pod = {"deletePod": {"workload": "Rollout/web", "namespace": "shop"}}
    assert said(job, script=[pod]).endswith(f": {what}")


def test_more_pods_than_may_exist_are_refused_with_both_numbers() -> None:
    text = said(POD % "default", POD % "shop", bounds={"pods": 1})
    assert text == "options: bounds.pods: there are 2 Pods among the manifests, and only 1 may exist"
    assert load(POD % "default", POD % "shop", bounds={"pods": 2}).pods == 2


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        ([""], "10.96.0.0/12"),
        (["10.100.0.10", "None"], "10.96.0.0/12"),
        (["10.43.0.10", ""], "10.43.0.0/16"),
        (["172.20.0.10", "172.20.255.1"], "172.20.0.0/16"),
        (["10.0.0.10", "10.3.0.1"], "10.0.0.0/14"),
        (["fd00::1"], "10.96.0.0/12"),
    ],
)
def test_the_range_of_cluster_ips_is_one_that_has_what_is_asked_for(addresses: list[str], found: str) -> None:
    services = [Service(ObjectMeta(name="s"), ServiceSpec(cluster_ip=address)) for address in addresses]
    assert service_range(services) == found


def test_a_service_with_an_address_of_another_range_is_accepted_and_the_others_get_theirs_from_it() -> None:
    fixed = "apiVersion: v1\nkind: Service\nmetadata: {name: dns}\nspec: {clusterIP: 10.43.0.10, ports: [{port: 53}]}\n"
    scenario = load(fixed, fixed.replace("dns", "web").replace("clusterIP: 10.43.0.10, ", ""))
    addresses = {one.metadata.name: one.spec.cluster_ip for one in applied(scenario) if isinstance(one, Service)}
    assert addresses["dns"] == "10.43.0.10"
    assert re.match(r"10\.43\.", addresses["web"])


MISTAKES = [
    ({"labelNode": {"node": "node-1", "labels": 5}}, "script[0].labelNode.labels: expected a map, got 5"),
    ({"scale": {"kind": "Deployment", "name": "web", "replicas": 2147483648}},
     "script[0].scale.replicas: expected at most 2147483647, got 2147483648"),
    ({"drain": {"node": "node-1", "force": "yes"}}, 'script[0].drain.force: expected true or false, got "yes"'),
]  # fmt: skip


@pytest.mark.parametrize(("step", "message"), MISTAKES, ids=[next(iter(row[0])) for row in MISTAKES])
def test_a_value_that_no_step_can_have_is_blamed(step: dict[str, object], message: str) -> None:
    assert message in said(WEB % ("default", 1), script=[step])


def test_an_amount_that_nobody_can_write_out_is_refused_at_once() -> None:
    assert "expected a quantity such as 500m or 64Mi" in said(WEB % ("default", "1e99999999999"))


APART = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {app: web}}
              namespaceSelector: {matchLabels: {team: b}}
      containers: [{name: app, image: "nginx:1"}]
"""


@pytest.mark.parametrize(
    ("team", "wait", "verdict"), [("b", True, "VIOLATED"), ("b", False, "VIOLATED"), ("c", True, "HOLDS")]
)
def test_a_scheduler_sees_the_labels_that_a_step_gives_a_namespace(team: str, wait: bool, verdict: str) -> None:  # noqa: FBT001
    """Who stays away from the Pods of a team's namespaces does so once one of them is the team's."""
    labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bank", "labels": {"team": team}}}
    steps = [
        {"apply": {"object": labelled}},
        {"setImage": {"kind": "Deployment", "name": "web", "namespace": "shop", "image": "nginx:2"}},
    ]
    given = (NAMESPACE % "shop", NAMESPACE % "bank", APART, WEB % ("bank", 1))
    found = verdicts(check(load(*given, script=steps, waitBetweenSteps=wait)))
    assert (found["convergence"], found["placement"]) == (verdict, "HOLDS")


def test_a_step_about_a_namespace_takes_no_other_labels_from_the_scheduler() -> None:
    steps = [
        {"apply": {"object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}}},
        {"scale": {"kind": "Deployment", "name": "web", "namespace": "shop", "replicas": 1}},
    ]
    given = (NAMESPACE % "shop", NAMESPACE % "bank", WEB % ("bank", 1))
    for kind, verdict in (("podAffinity", "HOLDS"), ("podAntiAffinity", "VIOLATED")):
        web = APART.replace("podAntiAffinity", kind).replace("team: b", "team: a").replace("replicas: 1", "replicas: 0")
        found = verdicts(check(load(*given, web, script=steps)))
        assert (found["convergence"], found["placement"]) == (verdict, "HOLDS"), kind
