"""The claims about NetworkPolicies in time: what they are made of, what they do not know, and that they can fail."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.detail import network_policies
from kubeproof.harness.check.results import Claim
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.impl.api.apps import ReplicaSet
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.kubectl.script import DeleteObject
from kubeproof.model.checker import replay
from kubeproof.model.checker.results import Limits, Status
from planted import planted

CLOSER: dict[str, Any] = {"detail": {"network": "policies"}, "nodes": 1, "consistency": "linearizable"}
POLICY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: db}\nspec:\n"
    "  podSelector: {matchLabels: {app: db}}\n  ingress: [{from: [{podSelector: {matchLabels: {app: front}}}]}]\n---\n"
)


def deployment(name: str, replicas: int = 1, more: str = "", namespace: str = "default") -> str:
    labels = f"{{app: {name}}}"
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{replicas: {replicas}, {more}"
        f"selector: {{matchLabels: {labels}}}, template: {{metadata: {{labels: {labels}}}, spec: {{containers: "
        f"[{{name: c, image: '{name}:1', ports: [{{containerPort: 8080}}]}}]}}}}}}\n---\n"
    )


def bare(name: str, spec: str = "") -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\n"
        f"spec: {{{spec}containers: [{{name: c, image: '{name}:1'}}]}}\n---\n"
    )


def applied(text: str) -> dict[str, Any]:
    return {"apply": {"object": yaml.safe_load(text.removesuffix("---\n"))}}


SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n"
OPEN = {"switches": {"sandboxes": "open"}}
DB, FRONT, OTHER = deployment("db"), deployment("front"), deployment("other")
DELETES = {"deleteObject": {"kind": "NetworkPolicy", "name": "db"}}
RESTART = {"rolloutRestart": {"kind": "Deployment", "name": "db"}}
NEW_FRONT = {"setImage": {"kind": "Deployment", "name": "front", "image": "front:2"}}
RECREATE = "strategy: {type: Recreate}, "


def scenario(manifests: str, *script: Any, **options: Any) -> Scenario:
    given = CLOSER | {"start": "settled", "script": list(script)} | options
    return Cluster("small", immutabledict({"all.yaml": manifests})).given(given).load().scenario


def judged(made: Scenario) -> dict[str, Claim]:
    return network_policies.judge(made, prepare(made), Limits(), None)


def verdicts(manifests: str, *script: Any, **options: Any) -> tuple[str, str]:
    """Return both verdicts; one that is wholly vacuous is told as such."""
    found = judged(scenario(manifests, *script, **options))
    said = ["vacuous" if one.vacuous is True else one.status.value for one in found.values()]
    return said[0], said[1]


# --- too late -------------------------------------------------------------------------------------------------------


def test_a_policy_that_comes_while_connections_are_open_is_too_late_and_the_run_replays() -> None:
    made = scenario(DB + FRONT + OTHER, applied(POLICY))
    claims = {one.name: one for one in check(made).claims}
    claim = claims["isolation"]
    assert claim.status is Status.VIOLATED
    assert claim.kind.startswith("behind walls: outside asks db-")
    assert "and a connection that was allowed before goes on" in claim.lines[0]
    assert [one.ref for one in claim.blame] == [Ref("NetworkPolicy", "default", "db")]
    assert "before Pods that it selects are made" in claim.blame[0].what
    assert claim.trace is not None
    assert replay(machine_for(made, claim.kind), claim.trace).complete
    assert (claims["connectivity"].status, claims["connectivity"].blame) == (Status.HOLDS, ())


@pytest.mark.parametrize(
    ("manifests", "script", "options", "isolation"),
    [
        (POLICY + FRONT, [applied(DB)], {}, "HOLDS"),
        (FRONT, [applied(POLICY), applied(DB)], {}, "VIOLATED"),
        (FRONT, [applied(POLICY), applied(DB)], {"waitBetweenSteps": True}, "HOLDS"),
        (FRONT, [applied(DB), applied(POLICY)], {"waitBetweenSteps": True}, "VIOLATED"),
        (DB + FRONT, [applied(POLICY), RESTART], {"waitBetweenSteps": True}, "HOLDS"),
        (DB + FRONT, [applied(POLICY), RESTART], {}, "VIOLATED"),
        (POLICY + DB + FRONT, [], {"start": "empty"}, "VIOLATED"),
        (DB + POLICY + FRONT, [], {"start": "empty"}, "VIOLATED"),
        (POLICY + DB + FRONT, [], {"start": "empty", "waitBetweenSteps": True}, "VIOLATED"),
        (POLICY + DB + FRONT, [DELETES], {}, "HOLDS"),
        (POLICY + DB + FRONT, [DELETES, applied(POLICY)], {}, "VIOLATED"),
    ],
    ids=[
        "the policy has been there for long",
        "the policy comes just before",
        "the policy is handled before",
        "the policy comes after",
        "Pods are restarted once it is handled",
        "Pods are restarted at once",
        "the first apply, policy first",
        "the first apply, policy last",
        "the first apply does not wait",
        "the policy goes",
        "the policy goes and comes again",
    ],
)
def test_isolation_holds_where_the_policy_is_handled_before_pods_are_made(
    manifests: str, script: list[Any], options: dict[str, Any], isolation: str
) -> None:
    assert verdicts(manifests, *script, **options)[0] == isolation


def test_the_first_breach_of_the_first_that_ask_each_other_is_told() -> None:
    claim = judged(scenario(FRONT, applied(POLICY), applied(DB)))["isolation"]
    assert claim.lines == ("db runs open for ingress, though it was made when policies isolated it",)
    abroad = SPACE + deployment("db", namespace="x") + POLICY.replace("name: db}", "name: db, namespace: x}", 1)
    restart = {"rolloutRestart": {**RESTART["rolloutRestart"], "namespace": "x"}}
    kind = judged(scenario(abroad, restart, **OPEN))
    assert kind["isolation"].kind == "behind walls: outside asks x/db 8080/TCP"


def test_what_holds_says_what_was_looked_at_and_which_half_said_nothing() -> None:
    claim = judged(scenario(POLICY + FRONT, applied(DB)))["isolation"]
    assert (claim.vacuous, claim.lines) == ((), ("with a network plugin: 2 looks at who asks whom, 24 states",))
    assert (
        judged(scenario(POLICY + DB + JOB, applied(OTHER)))["isolation"]
        .lines[0]
        .startswith("with a network plugin: 5 looks")
    )
    settled = judged(scenario(POLICY + FRONT + DB, NEW_FRONT))["isolation"]
    assert settled.vacuous == ()
    assert verdicts(FRONT + DB, NEW_FRONT) == ("vacuous", "vacuous")


# --- plugins --------------------------------------------------------------------------------------------------------

JOB = bare("job", "restartPolicy: Never, ").replace("labels: {app: job}", "labels: {app: front}")
BIG = (
    bare("big", "nodeName: '', ")
    .replace("labels: {app: big}", "labels: {app: front}")
    .replace("image: 'big:1'", "image: 'big:1', resources: {requests: {cpu: '64'}}")
)
ENDS = JOB.replace("restartPolicy: Never", "activeDeadlineSeconds: 9")
FRONT_TOO = bare("front")
ONE = {"scale": {"kind": "Deployment", "name": "front", "replicas": 1}}
ALONE = bare("front") + bare("other")
NEXT = bare("front").replace("name: front,", "name: next,")
LATER = deployment("later", more=RECREATE).replace("labels: {app: later}", "labels: {app: front, it: later}")
LATER = LATER.replace("matchLabels: {app: later}", "matchLabels: {it: later}")
NEW_LATER = {"setImage": {**NEW_FRONT["setImage"], "name": "later"}}
GONE = {"deleteObject": {"kind": "Deployment", "name": "front"}}
ROLLING = "strategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}, "


@pytest.mark.parametrize(
    ("manifests", "script", "switches", "broken"),
    [
        (POLICY + FRONT, [applied(DB)], {"sandboxes": "open"}, (True, False)),
        (POLICY + FRONT + DB, [], {"sandboxes": "open"}, (False, False)),
        (POLICY + DB + deployment("front", more=RECREATE), [NEW_FRONT], {"addressSets": "by-address"}, (False, True)),
        (POLICY + DB + deployment("front", more=ROLLING), [NEW_FRONT], {"addressSets": "by-address"}, (False, True)),
        (POLICY + DB + FRONT, [NEW_FRONT], {"addressSets": "by-address"}, (False, False)),
        (POLICY + DB + JOB, [applied(OTHER)], {"addressSets": "until-deleted"}, (True, False)),
        (POLICY + DB + JOB, [], {"addressSets": "until-deleted"}, (False, False)),
        (POLICY + DB, [applied(ENDS), applied(OTHER)], {"addressSets": "until-deleted"}, (True, False)),
        (POLICY + DB + deployment("front", 2), [ONE, applied(FRONT_TOO)], {"addressSets": "by-address"}, (False, True)),
        (POLICY + DB + FRONT, [GONE, applied(FRONT_TOO)], {"addressSets": "by-address"}, (False, True)),
        (POLICY + DB + FRONT, [applied(FRONT_TOO)], {"addressSets": "by-address"}, (False, False)),
        (POLICY + DB + JOB, [applied(FRONT_TOO), applied(OTHER)], {"addressSets": "until-deleted"}, (True, False)),
        (
            POLICY + DB + ALONE,
            [{"deletePod": {"name": "front"}}, applied(NEXT)],
            {"addressSets": "by-address"},
            (False, True),
        ),
        (POLICY + DB + FRONT + LATER, [NEW_FRONT, NEW_LATER], {"addressSets": "by-address"}, (False, True)),
        (POLICY + DB + BIG, [applied(FRONT)], {"addressSets": "rebuilt-if-all-run"}, (False, True)),
        (POLICY + DB, [applied(FRONT)], {"addressSets": "rebuilt-if-all-run"}, (False, False)),
        (DB + FRONT, [applied(POLICY)], {"connections": "untracked"}, (True, False)),
        (DB + FRONT, [applied(POLICY)], {"connections": "ended"}, (False, False)),
    ],
    ids=[
        "open sandboxes",
        "nobody is made",
        "recreated",
        "one goes first",
        "one comes first",
        "a stranger after a job",
        "nobody after a job",
        "a stranger after a Pod with a deadline",
        "one of two is scaled away",
        "all are deleted",
        "nobody goes",
        "a stranger beside one who is let in",
        "a Pod by itself is deleted",
        "one comes first, another goes first",
        "a Pod that fits nowhere",
        "all Pods fit",
        "connections from before",
        "connections that are ended",
    ],
)
def test_what_a_plugin_does_is_found_where_it_matters(
    manifests: str, script: list[Any], switches: dict[str, str], broken: tuple[bool, bool]
) -> None:
    found = verdicts(manifests, *script, switches=switches)
    assert tuple(one == "VIOLATED" for one in found) == broken
    if "connections" not in switches:
        assert "VIOLATED" not in verdicts(manifests, *script)


def test_a_plugin_of_old_is_not_blamed_on_the_policy() -> None:
    claim = judged(scenario(POLICY + FRONT, applied(DB), switches={"sandboxes": "open"}))["isolation"]
    assert (claim.status, claim.blame) == (Status.VIOLATED, ())


def test_answers_that_a_wall_does_not_know_are_lost() -> None:
    out = POLICY.replace("  ingress: [{from: [{podSelector: {matchLabels: {app: front}}}]}]\n", "")
    switches = {"connections": "untracked"}
    claim = judged(scenario(DB, applied(out), switches=switches))["connectivity"]
    assert claim.status is Status.HOLDS  # Nobody but itself and nobody asks: its own connections are not looked at.
    egress = out.replace("spec:\n", "spec:\n  policyTypes: [Ingress, Egress]\n  egress: [{}]\n")
    claim = judged(scenario(DB, applied(egress), switches=switches))["connectivity"]
    assert claim.status is Status.VIOLATED
    assert "a wall does not know the connection" in claim.lines[0]
    assert claim.blame == ()
    assert judged(scenario(DB, applied(egress)))["connectivity"].status is Status.HOLDS


# --- what is followed -----------------------------------------------------------------------------------------------

SCALE_UP = {"scale": {"kind": "Deployment", "name": "db", "replicas": 2}}
TO_ZERO = {"scale": {"kind": "Deployment", "name": "db", "replicas": 0}}


@pytest.mark.parametrize(
    ("manifests", "script", "isolation"),
    [
        (POLICY + FRONT + DB, [SCALE_UP], "VIOLATED"),
        (POLICY + FRONT + DB, [TO_ZERO], "HOLDS"),
        (POLICY + FRONT + DB, [TO_ZERO, SCALE_UP], "VIOLATED"),
        (POLICY + FRONT + DB, [RESTART], "VIOLATED"),
        (POLICY + FRONT + DB, [{"deletePod": {"workload": "Deployment/db"}}], "VIOLATED"),
        (POLICY + FRONT + DB, [NEW_FRONT], "HOLDS"),
        (POLICY + FRONT, [applied(bare("db"))], "VIOLATED"),
        (POLICY + FRONT + DB, [GONE], "HOLDS"),
        (POLICY.replace("name: db}", "name: db, namespace: x}", 1) + FRONT + DB, [RESTART], "vacuous"),
    ],
    ids=[
        "more of them",
        "none of them",
        "none, and some again",
        "restarted",
        "one is deleted and made again",
        "others are replaced",
        "a Pod by itself",
        "others are deleted",
        "a policy of another namespace",
    ],
)
def test_pods_that_steps_lead_to_are_looked_at(manifests: str, script: list[Any], isolation: str) -> None:
    """A plugin that wires them up open is found wherever one is made that the policy isolates."""
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n" if "namespace: x" in manifests else ""
    assert verdicts(space + manifests, *script, **OPEN)[0] == isolation


def test_connections_end_with_the_pod_that_is_scaled_away() -> None:
    one = {"scale": {"kind": "Deployment", "name": "db", "replicas": 1}}
    wait = {"waitBetweenSteps": True}
    assert verdicts(deployment("db", 2), applied(POLICY), TO_ZERO, SCALE_UP, **wait)[0] == "HOLDS"
    assert verdicts(deployment("db", 2), applied(POLICY), one, **wait)[0] == "VIOLATED"


PORTS = POLICY.replace("ingress: [{from", "ingress: [{ports: [{port: 8080}]}, {from")


def test_who_is_let_in_on_a_port_may_stay() -> None:
    assert verdicts(DB + FRONT, applied(PORTS))[0] == "vacuous"
    other_port = PORTS.replace("8080", "9090")
    assert verdicts(DB + FRONT, applied(other_port))[0] == "VIOLATED"
    served = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {selector: {app: db}, ports: [{port: 7}]}\n---\n"
    )
    assert verdicts(DB + FRONT + served + "---\n", applied(PORTS))[0] == "VIOLATED"
    elsewhere = served.replace("{app: db}", "{app: front}") + "---\n"
    assert verdicts(DB + FRONT + elsewhere, applied(PORTS))[0] == "vacuous"
    seven = applied(PORTS.replace("8080", "7"))
    assert verdicts(bare("db") + served + "---\n", seven)[0] == "vacuous"
    assert verdicts(bare("db"), seven)[0] == "VIOLATED"


def test_two_pods_of_one_workload_are_looked_at_beside_each_other() -> None:
    among = POLICY.replace("app: front", "app: db")
    assert judged(scenario(DB, applied(among)))["connectivity"].vacuous == ("allowed passes",)
    assert judged(scenario(deployment("db", 2), applied(among)))["connectivity"].vacuous == ()


# --- what is not known ----------------------------------------------------------------------------------------------

ROLE = deployment("db", more="paused: true, ")
BIGGER = deployment("db").replace("image: 'db:1'", "image: 'db:1', resources: {requests: {cpu: '64'}}")
HALF = ", resources: {requests: {cpu: '3'}}"
RANK = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 9\n---\n"
THROWS = (
    "apiVersion: v1\nkind: Node\nmetadata: {name: aside}\nspec: {taints: [{key: k, effect: NoExecute}]}\n"
    "status: {allocatable: {cpu: 1, memory: 1Gi, pods: 9}}\n---\n"
)
WAITS = bare("db").replace("image: 'db:1'", "image: 'db:1', envFrom: [{configMapRef: {name: nix}}]")
TWO = {"scale": {"kind": "Deployment", "name": "db", "replicas": 2}}
LESS = {"scale": {"kind": "Deployment", "name": "db", "replicas": 1}}


@pytest.mark.parametrize(
    ("manifests", "script", "options", "why"),
    [
        (POLICY + DB, [{"cordon": {"node": "node-1"}}], {}, "after a step: cordon node-1"),
        (POLICY + DB, [RESTART], {"faults": {"nodeCrash": 1}}, "after a node crash"),
        (POLICY + DB, [RESTART], {"faults": {"crash": 1}}, "after a crash"),
        (POLICY + DB, [RESTART], {"images": "byName"}, "images that behave as they are called"),
        (POLICY + DB, [{"rolloutUndo": {"kind": "Deployment", "name": "db"}}], {}, "after a step: rollout undo"),
        (POLICY + ROLE, [{"setImage": {"kind": "Deployment", "name": "db", "image": "db:2"}}], {}, "is paused: db"),
        (POLICY + DB, [applied(SPACE)], {}, "a step about a namespace: x"),
        (
            POLICY + DB,
            [{"deleteObject": {"kind": "Deployment", "name": "db", "cascade": "orphan"}}],
            {},
            "left behind: delete deployment/db",
        ),
        (
            POLICY.replace("podSelector: {matchLabels: {app: front}}", "ipBlock: {cidr: 10.0.0.0/8}") + DB,
            [RESTART],
            {},
            "NetworkPolicy default/db spec.ingress[0].from[0].ipBlock: which Pods have these addresses is not known",
        ),
        (POLICY + DB, [RESTART, {"deletePod": {"workload": "Deployment/db"}}], {}, "after its workload has changed"),
        (POLICY + DB, [TWO, LESS], {}, "which Pods of db go"),
        (POLICY + DB, [applied(BIGGER)], {}, "a rollout whose Pods fit nowhere: db"),
        (POLICY + RANK + DB + bare("top", "priorityClassName: high, "), [RESTART], {}, "Pods that may evict others"),
        (POLICY + THROWS + DB, [RESTART], {}, "nodes that throw Pods out"),
        (
            POLICY + ENDS + DB,
            [applied(OTHER)],
            {"switches": {"addressSets": "until-deleted"}},
            "Pod job, which has ended by the start",
        ),
        (POLICY + WAITS, [], {"complete": True}, "Pod db, which neither waits nor runs at the start"),
        (POLICY + DB, [{"deletePod": {"workload": "Deployment/db"}}], {"start": "empty"}, "which Pod a step is about"),
        (
            POLICY + "".join(bare(one).replace(":1'", f":1'{HALF}") for one in ("db", "front")),
            [DELETES],
            {},
            "differ in which Pods run",
        ),
        (POLICY + bare("db"), [applied(bare("db").replace("{app: db}", "{app: x}"))], {}, "bears other labels: db"),
    ],
    ids=[
        "a cordon",
        "a node crash",
        "a crash",
        "images",
        "an undo",
        "paused",
        "a namespace",
        "orphans",
        "addresses",
        "a Pod of a new template",
        "which of several go",
        "no room for a rollout",
        "preemption",
        "a NoExecute taint",
        "a Pod that has ended",
        "a Pod that does not start",
        "a Pod by its workload",
        "several states of rest",
        "other labels",
    ],
)
def test_what_it_does_not_know_leaves_both_claims_open(
    manifests: str, script: list[Any], options: dict[str, Any], why: str
) -> None:
    for claim in judged(scenario(manifests, *script, **options)).values():
        assert claim.status is Status.UNKNOWN
        assert why in claim.lines[0]


def test_a_step_that_deletes_what_is_made_again_leaves_both_claims_open() -> None:
    made = scenario(POLICY + DB)
    prepared = prepare(made)
    owned = next(one.metadata.name for one in prepared.objects if isinstance(one, ReplicaSet))
    deletes = evolve(made, script=(DeleteObject("ReplicaSet", owned),))
    for claim in network_policies.judge(deletes, prepared, Limits(), None).values():
        assert claim.status is Status.UNKNOWN
        assert f"deletes what is made again: ReplicaSet {owned}" in claim.lines[0]


def test_a_search_that_is_cut_short_leaves_the_claims_open() -> None:
    made = scenario(POLICY + FRONT, applied(DB))
    for claim in network_policies.judge(made, prepare(made), Limits(max_states=3), None).values():
        assert claim.status is Status.UNKNOWN
        assert "limit" in claim.lines[0]


def test_what_is_not_modelled_beside_the_policies_leaves_them_open_in_the_report() -> None:
    stateful = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: s}\nspec: {selector: "
        "{app: s}, template: {metadata: {labels: {app: s}}, spec: {containers: [{name: c, image: 's:1'}]}}}\n---\n"
    )
    (claim,) = (
        one for one in check(scenario(POLICY + FRONT + stateful, applied(DB))).claims if one.name == "isolation"
    )
    assert claim.status is Status.UNKNOWN
    assert "may hang on Rollout default/s" in claim.lines[0]


def test_they_are_made_only_where_they_are_asked_for() -> None:
    made = scenario(POLICY + DB, RESTART, detail={})
    assert not {"isolation", "connectivity"} & {one.name for one in check(made).claims}
    with pytest.raises(BadInput, match=r"nobody would see it \(write detail: {network: policies}"):
        scenario(POLICY + DB, detail={}, switches={"sandboxes": "open"})


# --- planted --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        (
            "kubeproof.harness.world.grains.network_policies.policies",
            "wall = Wall.CLOSED if closed else Wall.NONE",
            "wall = Wall.NONE",
        ),
        ("kubeproof.harness.check.detail.network_policies", "starts_closed=not has", "starts_closed=has"),
        ("kubeproof.harness.check.lives", "policies != self.versions[-1]", "False"),
    ],
    ids=["walls come late", "the switch the other way", "steps change no policy"],
)
def test_a_world_that_is_wrong_is_noticed(module: str, before: str, after: str) -> None:
    right = (verdicts(POLICY + FRONT, applied(DB)), verdicts(DB + FRONT, applied(POLICY)))
    assert right == (("HOLDS", "HOLDS"), ("VIOLATED", "HOLDS"))
    with planted(module, before, after):
        assert (verdicts(POLICY + FRONT, applied(DB)), verdicts(DB + FRONT, applied(POLICY))) != right


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return _without_idle_steps(whole)", "return whole"),
        ("if like in known:", "if False:"),
        ("and any(is_peer(policy, peer, party) for policy, peer in self.peers)", ""),
    ],
    ids=["steps that mean nothing", "looks that are alike", "who is nobody's peer"],
)
def test_what_is_left_out_changes_no_verdict(before: str, after: str) -> None:
    """Ask again with everything left in: the plainest search is the oracle."""
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        (POLICY + DB + FRONT + OTHER, (NEW_FRONT, applied(bare("db")), RESTART), {}),
        (FRONT + OTHER, (applied(OTHER), applied(POLICY), applied(DB)), {"waitBetweenSteps": True}),
        (DB + OTHER, (applied(POLICY), NEW_FRONT | {"setImage": {**NEW_FRONT["setImage"], "name": "other"}}), {}),
        (POLICY + DB + JOB, (applied(OTHER),), {"switches": {"addressSets": "until-deleted"}}),
        (POLICY + DB + deployment("front", 2, RECREATE), (NEW_FRONT,), {"switches": {"addressSets": "by-address"}}),
        (OTHER + POLICY + FRONT + DB, (), {"start": "empty"}),
    ]
    found = [verdicts(manifests, *script, **options) for manifests, script, options in asked]
    with planted("kubeproof.harness.check.detail.network_policies", before, after):
        assert [verdicts(manifests, *script, **options) for manifests, script, options in asked] == found
    assert len(set(found)) > 2
