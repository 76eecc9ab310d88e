"""Volumes in the world: when a Pod gets its own, who waits for whom, and where the order of steps decides."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.islands.split import islands_of
from kubeproof.harness.world.at_rest import starts
from kubeproof.harness.world.controllers import volumes
from kubeproof.harness.world.controllers.volumes import disputed, kinds, made_for_sets, tied
from kubeproof.harness.world.reductions import roomy
from planted import planted

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers: [{name: app, image: "app:1", volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
"""
CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: PROVISIONER
volumeBindingMode: WaitForFirstConsumer
"""
NETWORK = CLASS.replace("PROVISIONER", "disk.csi.azure.com")
LOCAL = CLASS.replace("PROVISIONER", "rancher.io/local-path")
BY_HAND = CLASS.replace("PROVISIONER", "kubernetes.io/no-provisioner")
SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: REPLICAS
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1"}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [MODE], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
"""
DRAIN = {"drain": {"node": "node-1"}}
ROLL = {"setImage": {"kind": "Deployment", "name": "app", "image": "app:2"}}


def a_set(replicas: int = 1, mode: str = "ReadWriteOnce") -> str:
    return SET.replace("REPLICAS", str(replicas)).replace("MODE", mode)


def by_hand(name: str, node: str) -> str:
    terms = f"[{{matchExpressions: [{{key: kubernetes.io/hostname, operator: In, values: [{node}]}}]}}]"
    spec = f"storageClassName: fast, capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], local: {{path: /{name}}}"
    affinity = f"nodeAffinity: {{required: {{nodeSelectorTerms: {terms}}}}}"
    meta = f"metadata: {{name: {name}}}"
    return f"---\napiVersion: v1\nkind: PersistentVolume\n{meta}\nspec: {{{spec}, {affinity}}}\n"


def said(text: str, *script: dict[str, Any], nodes: int = 2, **options: Any) -> Report:
    given = {"nodes": nodes, "script": list(script), "consistency": "linearizable", **options}
    return check(load_scenario("it", {"it.yaml": text}, given).scenario)


def verdict(report: Report, name: str = "convergence") -> str:
    return next(one.status.value for one in report.claims if one.name == name)


def told(report: Report) -> str:
    return "; ".join(line for one in report.claims if one.name == "convergence" for line in one.lines)


@pytest.mark.parametrize(
    ("text", "script", "holds"),
    [
        pytest.param(APP + NETWORK, [ROLL], False, id="a rolling update with one volume for one node"),
        pytest.param(
            APP.replace("  replicas: 1\n", "  replicas: 1\n  strategy: {type: Recreate}\n") + NETWORK,
            [ROLL],
            True,
            id="a Deployment that recreates",
        ),
        pytest.param(APP.replace("[ReadWriteOnce]", "[ReadWriteMany]") + NETWORK, [ROLL], True, id="for many writers"),
        pytest.param(APP + LOCAL, [ROLL], True, id="of a node, where the new Pod goes, too"),
        pytest.param(a_set() + NETWORK, [DRAIN], True, id="a set whose volume other nodes reach"),
        pytest.param(a_set() + LOCAL, [DRAIN], False, id="a set whose volume one node reaches"),
        pytest.param(a_set(2) + BY_HAND + by_hand("v", "node-1"), [], False, id="two claims and one volume by hand"),
        pytest.param(
            a_set(2) + BY_HAND + by_hand("v", "node-1") + by_hand("w", "node-2"), [], True, id="and two of them"
        ),
    ],
)
def test_what_becomes_of(text: str, script: list[dict[str, Any]], holds: bool) -> None:  # noqa: FBT001
    report = said(text, *script)
    assert verdict(report) == ("HOLDS" if holds else "VIOLATED")
    assert verdict(report, "placement") == "HOLDS"


def with_disk(source: str, details: str, *, recreate: bool = False) -> str:
    """Return a Deployment whose Pods name a disk themselves."""
    text = APP.partition("---\n")[0].replace("persistentVolumeClaim: {claimName: data}", f"{source}: {{{details}}}")
    return text.replace("  replicas: 1\n", "  replicas: 1\n  strategy: {type: Recreate}\n") if recreate else text


@pytest.mark.parametrize(
    ("text", "nodes", "holds"),
    [
        pytest.param(with_disk("gcePersistentDisk", "pdName: d"), 2, False, id="the new Pod waits for the disk"),
        pytest.param(with_disk("gcePersistentDisk", "pdName: d"), 1, False, id="the node has one for one Pod"),
        pytest.param(with_disk("gcePersistentDisk", "pdName: d", recreate=True), 2, True, id="one after the other"),
        pytest.param(with_disk("gcePersistentDisk", "pdName: d, readOnly: true"), 2, True, id="both only read"),
        pytest.param(with_disk("awsElasticBlockStore", "volumeID: v, readOnly: true"), 2, False, id="one of AWS"),
        pytest.param(with_disk("azureDisk", "diskName: d, diskURI: /d"), 2, False, id="one of Azure"),
        pytest.param(with_disk("azureDisk", "diskName: d, diskURI: /d"), 1, True, id="two Pods of a node may have it"),
        pytest.param(
            with_disk("iscsi", "targetPortal: t, iqn: 'iqn.2001-04.com.example:d', lun: 0"), 2, True, id="iSCSI"
        ),
        pytest.param(with_disk("nfs", "server: s, path: /"), 2, True, id="an export has any number of users"),
        pytest.param(with_disk("glusterfs", "endpoints: e, path: p"), 2, False, id="no plugin for it"),
    ],
)
def test_a_disk_that_a_pod_names_itself_is_on_one_node(text: str, nodes: int, holds: bool) -> None:  # noqa: FBT001
    assert verdict(said(text, ROLL, nodes=nodes)) == ("HOLDS" if holds else "VIOLATED")


def of_source(source: str, mode: str = "ReadWriteOnce") -> str:
    """Return a Deployment with a claim of a volume that somebody made by hand."""
    spec = f"capacity: {{storage: 1Gi}}, accessModes: [{mode}], {source}"
    volume = f"apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: v}}\nspec: {{{spec}}}\n"
    return APP.replace("storageClassName: fast", 'storageClassName: ""').replace("ReadWriteOnce", mode) + volume


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param(of_source("gcePersistentDisk: {pdName: d}"), False, id="a disk of GCE"),
        pytest.param(of_source("gcePersistentDisk: {pdName: d}", "ReadWriteMany"), False, id="which has one writer"),
        pytest.param(of_source("gcePersistentDisk: {pdName: d}", "ReadOnlyMany"), True, id="or many readers"),
        pytest.param(of_source("awsElasticBlockStore: {volumeID: v}"), False, id="a disk of AWS"),
        pytest.param(of_source("azureFile: {secretName: s, shareName: f}", "ReadWriteMany"), True, id="files of Azure"),
        pytest.param(of_source("glusterfs: {endpoints: e, path: p}", "ReadWriteMany"), False, id="no plugin for it"),
    ],
)
def test_a_volume_by_hand_is_attached_as_its_source_lets_it(text: str, holds: bool) -> None:  # noqa: FBT001
    assert verdict(said(text, ROLL)) == ("HOLDS" if holds else "VIOLATED")


def test_a_volume_that_no_kubelet_mounts_is_blamed() -> None:
    report = said(of_source("rbd: {monitors: [m], image: i}"))
    blamed = [blame.what for claim in report.claims for blame in claim.blame]
    assert any(what.endswith("of claim data, and no kubelet has a plugin for rbd any more") for what in blamed)


def test_who_has_the_disk_is_told_and_that_it_is_there_is_assumed() -> None:
    report = said(with_disk("gcePersistentDisk", "pdName: d"), ROLL)
    blamed = [blame.what for claim in report.claims for blame in claim.blame]
    assert any("for the disk d (gcePersistentDisk), which app-" in what for what in blamed)
    loaded = load_scenario("it", {"it.yaml": with_disk("gcePersistentDisk", "pdName: d")}, {"nodes": 1})
    about = "spec.template.spec.volumes[0].gcePersistentDisk: the disk exists, and every node can attach it"
    assert any(about in str(assumption) for assumption in loaded.assumptions)


@pytest.mark.parametrize(
    ("disk", "same"), [("gcePersistentDisk", False), ("iscsi", False), ("azureDisk", False), ("emptyDir", True)]
)
def test_nodes_make_a_difference_to_pods_that_name_a_disk(disk: str, same: bool) -> None:  # noqa: FBT001
    details = {"gcePersistentDisk": "pdName: d", "iscsi": "targetPortal: t, iqn: i, lun: 0", "emptyDir": ""}
    text = with_disk(disk, details.get(disk, "diskName: d, diskURI: u"))
    assert roomy.all_the_same(load_scenario("it", {"it.yaml": text}, {"nodes": 2}).scenario) is same


def test_states_of_rest_differ_in_who_has_a_volume_that_two_pods_name() -> None:
    text = APP.replace("replicas: 1", "replicas: 2") + NETWORK
    report = said(text, start="settled", bounds={"scores": False})
    assert verdict(report) == "VIOLATED"
    assert "waits on node-" in next(claim for claim in report.claims if claim.name == "convergence").blame[0].what
    assert verdict(said(text, start="settled", bounds={"scores": False}, nodes=1)) == "HOLDS"


def test_a_pod_waits_for_the_other_one_also_on_its_node_where_the_claim_is_for_one_pod() -> None:
    text = APP.replace("[ReadWriteOnce]", "[ReadWriteOncePod]") + NETWORK
    assert verdict(said(text, ROLL, nodes=1)) == "VIOLATED"
    assert verdict(said(APP + NETWORK, ROLL, nodes=1)) == "HOLDS"


def test_a_claim_in_use_is_not_gone_before_its_pod() -> None:
    delete = {"deleteObject": {"kind": "PersistentVolumeClaim", "name": "data"}}
    report = said(APP + NETWORK, delete)
    assert verdict(report) == "VIOLATED"
    assert "PersistentVolumeClaim data is still being deleted: finalizers kubernetes.io/pvc-protection" in told(report)
    gone = {"deleteObject": {"kind": "Deployment", "name": "app"}}
    assert verdict(said(APP + NETWORK, delete, gone)) == "HOLDS"


def test_who_binds_a_volume_that_a_node_does_not_reach_breaks_placement() -> None:
    text = a_set(2) + BY_HAND + by_hand("v", "node-1") + by_hand("w", "node-2")
    with planted(
        "kubeproof.impl.scheduler.plugins.volumes.volume_binding",
        "    return selector is None or any(",
        "    return True or any(",
    ):
        assert verdict(said(text, start="empty"), "placement") == "VIOLATED"


def test_volumes_by_hand_join_whoever_may_get_them() -> None:
    other = a_set().replace("name: db", "name: other").replace("app: db", "app: other")
    given = {"nodes": 2, "consistency": "linearizable"}
    apart = load_scenario("it", {"it.yaml": a_set() + other + NETWORK}, given).scenario
    joined = load_scenario("it", {"it.yaml": a_set() + other + BY_HAND + by_hand("v", "node-1")}, given).scenario
    assert len(islands_of(apart)) == 2
    assert len(islands_of(joined)) == 1


def test_what_may_change_is_known() -> None:
    found = load_scenario("it", {"it.yaml": a_set(2) + NETWORK}, {"nodes": 2}).scenario
    assert [one.name for one in made_for_sets(found)] == ["data-db-0", "data-db-1"]
    assert kinds(found, found.objects) == {"PersistentVolume", "PersistentVolumeClaim"}
    assert tied(found)
    assert not disputed(found)
    now = load_scenario("it", {"it.yaml": a_set() + NETWORK.replace("WaitForFirstConsumer", "Immediate")}, {"nodes": 2})
    assert disputed(now.scenario)


OTHER = """
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: other}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
"""


@pytest.mark.parametrize(
    ("text", "open_to_order"),
    [
        (APP + BY_HAND + by_hand("v", "node-1"), False),
        (APP + NETWORK + by_hand("v", "node-1"), True),
        (APP.replace("fast,", "fast, volumeName: v,") + NETWORK + by_hand("v", "node-1"), False),
        (APP + BY_HAND + by_hand("v", "node-1") + by_hand("w", "node-2"), True),
        (APP.replace("fast,", "fast, volumeName: v,") + BY_HAND + by_hand("v", "") + by_hand("w", ""), False),
        (APP + BY_HAND + by_hand("v", "node-1") + OTHER, True),
        (APP + BY_HAND + by_hand("v", "node-1") + OTHER.replace("fast", '""'), False),
        (APP.replace("storageClassName: fast, ", "") + by_hand("v", "").replace("fast", '""'), True),
        (a_set(2) + BY_HAND + by_hand("v", "node-1"), True),
        (a_set(1) + BY_HAND + by_hand("v", "node-1"), False),
    ],
)
def test_a_volume_that_one_claim_alone_may_get_is_not_disputed(text: str, open_to_order: bool) -> None:  # noqa: FBT001
    assert disputed(load_scenario("it", {"it.yaml": text}, {"nodes": 2}).scenario) is open_to_order


def test_the_only_claim_of_the_only_volume_starts_where_every_order_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    text = APP + BY_HAND + by_hand("v", "node-1")
    ordered = said(text, ROLL)
    for module in (starts, volumes, roomy):
        monkeypatch.setattr(module, "disputed", lambda _: True)
    explored = said(text, ROLL)
    assert [(one.name, one.status) for one in ordered.claims] == [(one.name, one.status) for one in explored.claims]
    assert [one for one in ordered.bounds if "start" in one] == [one for one in explored.bounds if "start" in one]


@pytest.mark.parametrize("policy", ["whenDeleted: Delete", "whenScaled: Delete"])
def test_claims_go_with_their_set_or_with_a_pod_too_many_and_come_again(policy: str) -> None:
    text = a_set(2).replace(
        "  serviceName: db\n", f"  serviceName: db\n  persistentVolumeClaimRetentionPolicy: {{{policy}}}\n"
    )
    scale = [{"scale": {"kind": "StatefulSet", "name": "db", "replicas": number}} for number in (1, 2)]
    gone = {"deleteObject": {"kind": "StatefulSet", "name": "db"}}
    report = said(text + NETWORK, *(scale if "Scaled" in policy else [gone]), nodes=1, waitBetweenSteps=True)
    assert verdict(report) == "HOLDS"
    assert report.not_modelled == ()


def test_of_which_claim_the_input_does_not_tell_is_said_once_with_who_names_it() -> None:
    alone = APP.partition("---")[0]
    report = said(alone, ROLL)
    line = "Deployment default/app spec.volumes: the input does not tell of the volume of PersistentVolumeClaim data"
    assert (verdict(report, "placement"), report.not_modelled) == ("UNKNOWN", (line,))
    own = alone.replace("persistentVolumeClaim: {claimName: data}", "ephemeral: {volumeClaimTemplate: {spec: {}}}")
    assert any(one.endswith(" POD-data") for one in said(own, ROLL).not_modelled)
