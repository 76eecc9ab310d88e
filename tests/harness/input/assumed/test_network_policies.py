"""NetworkPolicies that let everybody in leave reachability as it is; others, and what is not known, are told of."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from immutabledict import immutabledict
from yaml import safe_load

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import Loaded, load_scenario
from planted import planted

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
      containers: [{name: app, image: "nginx:1", ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
"""
CONTROLLER = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: db}
spec:
  selector: {app: db}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "postgres:15"}]}}
"""
ALL_OF_WEB = "podSelector: {matchLabels: {app: web}}"
CLOSER = {"detail": {"network": "policies"}}


def policy(spec: str, name: str = "p", namespace: str = "default") -> str:
    meta = f"{{name: {name}, namespace: {namespace}}}"
    return f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {meta}\nspec: {{{spec}}}\n"


def load(*manifests: str, **options: Any) -> Loaded:
    files = immutabledict({"web.yaml": "---\n".join(manifests)})
    return load_scenario("web", files, immutabledict({"nodes": 1, "start": "settled", **options}))


def told(*manifests: str, **options: Any) -> list[str]:
    return [str(note) for note in load(*manifests, **options).notes if note.kind == "NetworkPolicy"]


# --- at rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        f"{ALL_OF_WEB}, ingress: [{{}}]",
        f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 8080}}]}}]",
        f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: http}}]}}]",
        f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 8000, endPort: 9000}}]}}]",
        f"{ALL_OF_WEB}, ingress: [{{from: [{{podSelector: {{}}}}]}}, {{ports: [{{protocol: TCP}}]}}]",
        f"{ALL_OF_WEB}, policyTypes: [Egress], egress: [{{}}]",
        f"{ALL_OF_WEB}, policyTypes: [Ingress, Egress], ingress: [{{ports: [{{port: 8080}}]}}], egress: [{{}}]",
        f"{ALL_OF_WEB}, policyTypes: [Egress], egress: [{{ports: [{{port: http}}]}}]",
    ],
    ids=[
        "everybody",
        "by number",
        "by name",
        "in a range",
        "one rule of two",
        "lets everybody out",
        "as charts have it",
        "lets out to that port",
    ],
)
def test_a_policy_that_drops_nothing_needs_no_note(spec: str) -> None:
    assert told(WEB, policy(spec)) == []


def test_a_policy_that_may_drop_packets_leaves_reachability_open_with_its_line() -> None:
    some = policy(f"{ALL_OF_WEB}, ingress: [{{from: [{{podSelector: {{}}}}]}}]")
    (line,) = told(WEB, some)
    why = "it lets some, but no other Pod of the input, in on 8080/TCP of Service default/web"
    assert line.startswith(f"web.yaml:20: NetworkPolicy default/p spec.ingress: {why}")
    assert set(load(WEB, some).scenario.unmodelled) == {"reachability"}
    assert verdicts(WEB, some) == {"convergence": "HOLDS", "placement": "HOLDS", "reachability": "UNKNOWN"}


def verdicts(*manifests: str, **options: Any) -> dict[str, str]:
    loaded = load(*manifests, bounds={"propagation": "5s"}, **options)
    return {claim.name: claim.status.value for claim in check(loaded.scenario).claims}


def reached(*manifests: str, **options: Any) -> Claim:
    report = check(load(*manifests, bounds={"propagation": "5s"}, **options).scenario)
    return next(claim for claim in report.claims if claim.name == "reachability")


@pytest.mark.parametrize(
    ("spec", "field", "more"),
    [
        (ALL_OF_WEB, "spec.podSelector", ""),
        ("podSelector: {}", "spec.podSelector", ""),
        (
            f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 80}}]}}]",
            "spec.ingress",
            ", where the Pods listen, but on 80, the port of the Service",
        ),
        (f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: web}}]}}]", "spec.ingress", ""),
        (f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 8080, protocol: UDP}}]}}]", "spec.ingress", ""),
    ],
    ids=[
        "nobody",
        "nobody to any Pod",
        "the Service's port, not the Pod's",
        "a name that no container has",
        "another protocol",
    ],
)
def test_where_policies_let_nobody_in_nobody_answers(spec: str, field: str, more: str) -> None:
    assert told(WEB, policy(spec)) == []
    claim = reached(WEB, policy(spec))
    assert claim.status.value == "VIOLATED"
    why = f"nobody answers: NetworkPolicy p lets nobody in on 8080/TCP{more} ({field})"
    assert claim.lines == (f"Service web, port 80: {why}",)
    (blame,) = claim.blame
    assert (str(blame.ref), blame.field, blame.what) == ("NetworkPolicy default/p", field, "it lets nobody in there")


HEADLESS = WEB.replace("spec: {selector: {app: web}, ports:", "spec: {clusterIP: None, selector: {app: web}, ports:")


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        (ALL_OF_WEB, "VIOLATED"),
        (f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 9090}}]}}]", "VIOLATED"),
        (f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 8080}}]}}]", "HOLDS"),
        (f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 80}}]}}]", "UNKNOWN"),
    ],
    ids=["nobody", "on another port", "where it leads", "on the port of the Service, which clients may ask for"],
)
def test_who_looks_up_a_name_is_let_in_by_nobody_where_no_port_is_open(spec: str, status: str) -> None:
    """Headless Services have no number of their own: it is up to clients which they ask."""
    claim = reached(HEADLESS, policy(spec))
    assert claim.status.value == status
    if status == "VIOLATED":
        (line,) = claim.lines
        assert line.startswith("Service web: nobody answers: NetworkPolicy p lets nobody in on 8080/TCP")
        assert [str(blame.ref) for blame in claim.blame] == ["NetworkPolicy default/p"]


def test_a_name_that_is_shut_at_some_of_its_ports_is_open_at_the_others() -> None:
    two = HEADLESS.replace("{port: 80, targetPort: http}", "{port: 80, name: a}, {port: 9000, name: b}")
    assert reached(two, policy(f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 9000}}]}}]")).status.value == "UNKNOWN"
    assert reached(two, SHUT).status.value == "VIOLATED"
    with planted("kubeproof.properties.reachability.answers", "not all(policy for", "not any(policy for"):
        assert reached(two, policy(f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 9000}}]}}]")).status.value == "VIOLATED"


OF_SHOP = f"{ALL_OF_WEB}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{team: shop}}}}}}]}}]"
BY_THE_NAME = OF_SHOP.replace("team: shop", "kubernetes.io/metadata.name: shop")
OPEN = policy(f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 8080}}]}}]", "open")
SHUT = policy(ALL_OF_WEB)
OTHERS = policy("podSelector: {matchLabels: {app: other}}")
BLUE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: blue}
spec:
  replicas: 1
  selector: {matchLabels: {app: web, colour: blue}}
  template:
    metadata: {labels: {app: web, colour: blue}}
    spec: {containers: [{name: app, image: "nginx:1", ports: [{name: http, containerPort: 8080}]}]}
"""


FRONT = """\
apiVersion: v1
kind: Pod
metadata: {name: front, labels: {app: front}}
spec: {containers: [{name: app, image: "front:1"}]}
"""
OF_FRONT = "podSelector: {matchLabels: {app: front}}"
TO_FRONT = f"{ALL_OF_WEB}, ingress: [{{from: [{{{OF_FRONT}}}]}}]"
DNS_ONLY = f"{OF_FRONT}, policyTypes: [Egress], egress: [{{ports: [{{port: 53, protocol: UDP}}]}}]"
OUT_TO_WEB = f"{OF_FRONT}, policyTypes: [Egress], egress: [{{to: [{{{ALL_OF_WEB}}}]}}]"
BY_BLOCK = f"{OF_FRONT}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: 10.0.0.0/8}}}}]}}]"
GUARDED = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
"""
OF_BLUE = "podSelector: {matchLabels: {colour: blue}}"


def step(what: str, manifest: str) -> dict[str, Any]:
    return {what: {"object": yaml.safe_load(manifest)}}


@pytest.mark.parametrize(
    ("manifests", "options", "expected"),
    [
        ((SHUT, OPEN), {}, "HOLDS"),
        ((OTHERS,), {}, "HOLDS"),
        ((policy(ALL_OF_WEB, namespace="elsewhere"),), {}, "HOLDS"),
        ((SHUT,), {"script": [step("apply", OPEN)]}, "UNKNOWN"),
        ((), {"script": [step("apply", SHUT)]}, "VIOLATED"),
        ((), {"script": [step("apply", SHUT), {"deleteObject": {"kind": "NetworkPolicy", "name": "p"}}]}, "UNKNOWN"),
        ((SHUT,), {"script": [{"deleteObject": {"kind": "NetworkPolicy", "name": "p"}}]}, "UNKNOWN"),
        ((SHUT, "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c}\nspec: {}\n"), {}, "UNKNOWN"),
        ((policy(f"{ALL_OF_WEB}, ingress: [{{from: [{{podSelector: {{}}}}]}}]"),), {"complete": True}, "UNKNOWN"),
        (
            (policy(f"{ALL_OF_WEB}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: none}}}}}}]}}]"),),
            {"complete": True},
            "VIOLATED",
        ),
        ((BLUE, policy(OF_BLUE)), {}, "VIOLATED"),
        ((policy(BY_THE_NAME),), {"complete": True}, "VIOLATED"),
        ((SHUT, OPEN), {"script": [{"deleteObject": {"kind": "NetworkPolicy", "name": "open"}}]}, "VIOLATED"),
        ((OPEN,), {"script": [step("apply", policy(ALL_OF_WEB, "open"))]}, "VIOLATED"),
        ((SHUT, OPEN), {"script": [{"deleteObject": {"kind": "NetworkPolicy", "name": "p"}}]}, "HOLDS"),
        (
            (BLUE, policy(OF_BLUE), OPEN),
            {"script": [{"deleteObject": {"kind": "NetworkPolicy", "name": "open"}}]},
            "UNKNOWN",
        ),
        ((FRONT, policy(TO_FRONT), policy(f"{OF_FRONT}, policyTypes: [Egress]", "q")), {"complete": True}, "VIOLATED"),
        ((FRONT, policy(TO_FRONT), policy(DNS_ONLY, "q")), {"complete": True}, "VIOLATED"),
        ((FRONT, policy(TO_FRONT), policy(DNS_ONLY, "q"), policy(OUT_TO_WEB, "r")), {"complete": True}, "HOLDS"),
        ((FRONT, policy(TO_FRONT), policy(BY_BLOCK, "q")), {"complete": True}, "UNKNOWN"),
        ((GUARDED,), {"script": ["drain node-1", step("apply", SHUT)]}, "UNKNOWN"),
        ((GUARDED,), {"script": ["drain node-1", step("apply", SHUT)], "waitBetweenSteps": True}, "VIOLATED"),
        ((FRONT, policy(DNS_ONLY)), {"complete": True}, "UNKNOWN"),
        ((FRONT, policy(DNS_ONLY)), {}, "HOLDS"),
    ],
    ids=[
        "another lets them in",
        "it isolates others",
        "it is of another namespace",
        "a step lets them in",
        "a step shuts them off",
        "only for a while",
        "until a step",
        "policies of a plugin",
        "its own Pods are let in",
        "nobody of a complete input",
        "some of its Pods",
        "a namespace that is not there",
        "until a step takes the rule",
        "until a step changes the rule",
        "a step takes the one that lets in nobody",
        "until a step takes the rule, for some of its Pods",
        "who is let in is not let out",
        "who is let in is let out elsewhere",
        "another lets them out",
        "who is let in is let out to addresses",
        "after a drain that never ends",
        "after a drain that is given up",
        "nobody who might ask is let out",
        "others might ask",
    ],
)
def test_whether_anybody_is_let_in_hangs_on_all_policies(
    manifests: tuple[str, ...], options: dict[str, Any], expected: str
) -> None:
    assert reached(WEB, *manifests, **options).status.value == expected


@pytest.mark.parametrize(
    ("before", "after", "manifests"),
    [
        ("in isolates(self.may, party, INGRESS)", "in isolates(self.stay, party, INGRESS)[:1]", (SHUT, OPEN)),
        ("= isolates(self.stay, party_of(pod, {}), INGRESS)", "= self.stay", (OTHERS,)),
        ("_port(rule, party, number, protocol) for rule", "rule.peers for rule", (OPEN,)),
    ],
    ids=["the others are not asked", "it isolates nobody", "whom its rules are for"],
)
def test_walls_that_are_seen_where_none_are_are_noticed(before: str, after: str, manifests: tuple[str, ...]) -> None:
    assert reached(WEB, *manifests).status.value == "HOLDS"
    with planted("kubeproof.properties.reachability.network_policy", before, after):
        assert reached(WEB, *manifests).status.value == "VIOLATED"


OTHER = WEB.partition("---")[0].replace("web", "old").replace("app: old", "app: web, v: old")
"""A second Deployment behind the Service."""
SOMEWHERE = f"{ALL_OF_WEB}, ingress: [{{from: [{{namespaceSelector: {{}}}}]}}]"
ADDRESSES = f"{ALL_OF_WEB}, ingress: [{{from: [{{ipBlock: {{cidr: 10.0.0.0/8}}}}]}}]"
SHOP = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: shop}}\n"
IN_SHOP = FRONT.replace("name: front, labels", "name: front, namespace: shop, labels")
OF_DEFAULT = BY_THE_NAME.replace(": shop", ": default}}, podSelector: {matchLabels: {app: x")
HOSTED = FRONT.replace("spec: {", "spec: {hostNetwork: true, ")
EMPTIED = f"{ALL_OF_WEB}, ingress: [{{from: [{{ipBlock: {{cidr: 0.0.0.0/0, except: [0.0.0.0/1, 128.0.0.0/1]}}}}]}}]"
NO_TEAM = [{"apply": {"object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}}}]
FRONTS = FRONT.replace("kind: Pod", "kind: Deployment").replace("v1", "apps/v1", 1).replace("spec: {", (
    "spec: {selector: {matchLabels: {app: front}}, template: {metadata: {labels: {app: front, v: a}}, spec: {"
)).rstrip() + "}}\n"  # fmt: skip
TO_A = TO_FRONT.replace("app: front", "v: a")
TO_ADDRESSES = policy(f"{OF_FRONT}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: CIDR}}}}]}}]")
RELABELLED = [{"apply": {"object": safe_load(FRONTS.replace("v: a", "v: b"))}}]
SOMEBODY = FRONT.replace("front", "other")
OF_TWO = OF_SHOP.replace("from: [", "from: [{podSelector: {matchLabels: {app: other}}}, ")
BEHIND = "8080/TCP of Service default/web"
NODE_PORT = WEB.replace("spec: {selector", "spec: {type: NodePort, selector")


def premises(*manifests: str, **options: Any) -> list[str]:
    return [str(one) for one in load(*manifests, **options).assumptions if one.subject.startswith("NetworkPolicy")]


@pytest.mark.parametrize(
    ("manifests", "premise"),
    [
        ((WEB, FRONT, policy(TO_FRONT)), f"spec.ingress: whether {BEHIND} is reached is asked for those whom it lets"),
        ((WEB, OTHER, FRONT, policy(TO_FRONT)), f"spec.ingress: whether {BEHIND} is reached is asked for those whom"),
        ((WEB, policy(SOMEWHERE)), f"spec.ingress: whether {BEHIND} is reached is asked for those whom it lets in"),
        ((NODE_PORT, policy(ADDRESSES)), f"spec.ingress: whether {BEHIND} is reached is asked for those whom it lets"),
        (
            (WEB, policy(f"{ALL_OF_WEB}, policyTypes: [Egress]")),
            f"spec.podSelector: it does not let Deployment default/web out to {BEHIND}, for which that is not asked",
        ),
        (
            (WEB, FRONT, policy(f"{OF_FRONT}, policyTypes: [Egress], egress: [{{ports: [{{port: 53}}]}}]")),
            f"spec.egress: it does not let Pod default/front out to {BEHIND}, for which that is not asked",
        ),
        (
            (
                WEB,
                FRONT,
                TO_ADDRESSES.replace("CIDR", "10.0.0.0/8"),
            ),
            f"spec.egress: it lets Pod default/front out to {BEHIND} by addresses, if at all, for which that is",
        ),
        ((SHOP, WEB, IN_SHOP, policy(OF_SHOP)), f"spec.ingress: whether {BEHIND} is reached is asked for those whom"),
    ],
    ids=[
        "Pods",
        "of two Deployments alike",
        "other namespaces",
        "addresses",
        "nobody out",
        "out to another port",
        "out to addresses",
        "Pods of a namespace of the input",
    ],
)
def test_reachability_is_that_of_those_who_are_let_in_and_out(manifests: tuple[str, ...], premise: str) -> None:
    assert told(*manifests) == []
    (line,) = premises(*manifests)
    assert f"NetworkPolicy default/p {premise}" in line
    report = check(load(*manifests, bounds={"propagation": "5s"}).scenario)
    assert {one.name: one.status.value for one in report.claims}["reachability"] == "HOLDS"


@pytest.mark.parametrize(
    ("manifests", "options"),
    [
        ((WEB, FRONT, policy(TO_FRONT)), {"script": [{"deleteObject": {"kind": "NetworkPolicy", "name": "p"}}]}),
        ((WEB, OTHER, FRONT, policy(TO_FRONT.replace("app: web}", "app: web, v: old}"))), {}),
        ((WEB, policy(TO_FRONT)), {}),
        ((NODE_PORT, FRONT, policy(TO_FRONT)), {}),
        ((WEB, FRONT, policy(TO_FRONT), policy(f"{OF_FRONT}, policyTypes: [Egress]", "q")), {}),
        ((WEB, FRONT, policy(OF_DEFAULT)), {}),
        ((WEB, policy(SOMEWHERE)), {"complete": True}),
        ((WEB, HOSTED, policy(TO_FRONT)), {}),
        ((NODE_PORT, policy(EMPTIED)), {}),
        ((WEB, policy(ADDRESSES.replace("10.0.0.0/8", "'2001:db8::/32'"))), {}),
        ((SHOP, WEB, IN_SHOP, policy(OF_SHOP)), {"script": NO_TEAM, "complete": True}),
        ((WEB, FRONTS, policy(TO_A)), {"script": RELABELLED}),
    ],
    ids=[
        "a step takes it away",
        "of one Deployment of two",
        "nobody of the input",
        "from outside",
        "not let out",
        "nobody of a namespace of the input",
        "nobody anywhere",
        "in the network of its node",
        "no address is left",
        "addresses of another family",
        "its namespace loses the label",
        "its Pods lose the label",
    ],
)
def test_who_is_answered_is_open_where_it_is_not_told(manifests: tuple[str, ...], options: dict[str, Any]) -> None:
    assert any("8080/TCP of Service default/web" in line for line in told(*manifests, **options))
    assert "reachability" in load(*manifests, **options).scenario.unmodelled


def test_who_is_let_out_by_labels_needs_no_premise() -> None:
    out = policy(f"{OF_FRONT}, policyTypes: [Egress], egress: [{{to: [{{{ALL_OF_WEB}}}]}}]")
    assert (told(WEB, FRONT, out), premises(WEB, FRONT, out)) == ([], [])


def test_who_is_let_out_to_a_namespace_by_its_labels_needs_no_premise() -> None:
    out = policy(f"{OF_FRONT}, policyTypes: [Egress], egress: [{{to: [{TEAM}]}}]")
    assert (told(SPACE, WEB, FRONT, out), premises(SPACE, WEB, FRONT, out)) == ([], [])
    (line,) = premises(WEB, FRONT, out)  # Its labels are not known.
    assert f"it does not let Pod default/front out to {BEHIND}" in line
    loses = [{"apply": {"object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}}}]
    assert len(premises(SPACE, WEB, FRONT, out, script=loses)) == 1


NOT_OUT = policy(f"{OF_FRONT}, policyTypes: [Egress]", "q")
ELSEWHERE = policy(SOMEWHERE.replace("app: web}", "app: web, v: old}"), "q")
ITSELF = policy(f"{ALL_OF_WEB}, ingress: [{{from: [{{podSelector: {{}}}}]}}]")


@pytest.mark.parametrize(
    ("before", "after", "manifests"),
    [
        ("stays and closed and alike and", "stays and closed and alike or", (WEB, policy(TO_FRONT))),
        ("self.callers.elsewhere(peer.namespaces) for", "True for", (WEB, FRONT, policy(OF_DEFAULT))),
        ("not own and not maker.spec.host_network and", "not own and", (WEB, HOSTED, policy(TO_FRONT))),
        ("block.num_addresses - sum(network", "1 + sum(network", (NODE_PORT, policy(EMPTIED))),
        ("not own and not maker", "not maker", (WEB, ITSELF)),
        ("maker.ref not in kept and ", "", (WEB, FRONT, policy(TO_FRONT), NOT_OUT)),
        ("and not addresses:", "and addresses:", (NODE_PORT, FRONT, policy(TO_FRONT))),
        ("all(other == first for other in more)", "True", (WEB, OTHER, FRONT, policy(TO_FRONT), ELSEWHERE)),
    ],
    ids=[
        "nobody is let in",
        "a namespace of the input",
        "in the network of its node",
        "no address is left",
        "only its own Pods",
        "not let out",
        "nodes lead there",
        "two are let in otherwise",
    ],
)
def test_a_premise_that_is_made_too_easily_is_noticed(before: str, after: str, manifests: tuple[str, ...]) -> None:
    assert "reachability" in load(*manifests).scenario.unmodelled
    with planted("kubeproof.harness.input.assumed.network_policies", before, after):
        assert "reachability" not in load(*manifests).scenario.unmodelled


@pytest.mark.parametrize(
    ("before", "after", "manifests", "script"),
    [
        (
            "known.setdefault(version[0].ref, answers) != answers",
            "not version",
            (WEB, FRONTS, policy(TO_A)),
            RELABELLED,
        ),
        ("len(set(self._answers(maker))) > 1", "False", (SHOP, WEB, IN_SHOP, SOMEBODY, policy(OF_TWO)), NO_TEAM),
    ],
    ids=["Pods", "a namespace"],
)
def test_labels_that_a_step_takes_are_noticed(
    before: str, after: str, manifests: tuple[str, ...], script: list[Any]
) -> None:
    assert "reachability" in load(*manifests, script=script).scenario.unmodelled
    with planted("kubeproof.harness.input.assumed.network_policies", before, after):
        assert "reachability" not in load(*manifests, script=script).scenario.unmodelled


@pytest.mark.parametrize(
    "cidr", ["10.0.0.0/8", "0.0.0.0/0, except: [169.254.169.254/32]", "0.0.0.0/0, except: [10.0.0.0/8]"]
)
def test_whether_pods_have_the_addresses_of_a_block_is_known_of_all_of_them_only(cidr: str) -> None:
    assert len(premises(WEB, FRONT, TO_ADDRESSES.replace("CIDR", cidr))) == ("169" not in cidr)


OPEN = f"{ALL_OF_WEB}, ingress: [{{}}]"
DELETES = [{"deleteObject": {"kind": "NetworkPolicy", "name": "open"}}]
ALL_GO = [{"deleteObject": {"kind": "Namespace", "name": "default"}}]


@pytest.mark.parametrize(
    ("script", "count"),
    [([], 0), (DELETES, 1), (ALL_GO, 1), ([{"deleteObject": {"kind": "NetworkPolicy", "name": "p"}}], 0)],
    ids=["both stay", "the open one goes", "all go", "the closed one goes"],
)
def test_one_policy_may_let_in_whom_another_does_not_as_long_as_it_is_there(script: list[Any], count: int) -> None:
    found = told(SPACE, WEB, policy("podSelector: {}"), policy(OPEN, "open"), script=script)
    assert len(found) == count


def test_a_policy_that_a_step_applies_counts_and_one_of_another_namespace_does_not() -> None:
    applied = {"apply": {"object": {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                                    "metadata": {"name": "p"}, "spec": {"podSelector": {}}}}}  # fmt: skip
    assert len(told(WEB, script=[applied])) == 1
    (line,) = told(WEB, policy("podSelector: {}", namespace="elsewhere"))
    assert line.endswith("elsewhere/p spec.podSelector: it selects no Pod of the input: it isolates nobody")


def test_the_number_that_a_service_sends_to_counts() -> None:
    by_number = WEB.replace("targetPort: http", "targetPort: 8080")
    assert told(by_number, policy(f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 8080}}]}}]")) == []
    assert reached(by_number, policy(f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 80}}]}}]")).status.value == "VIOLATED"


CUSTOM = "apiVersion: example.com/v1\nkind: Shop\nmetadata: {name: s}\n"


def test_a_policy_that_selects_nobody_leaves_open_only_what_an_operator_may_make() -> None:
    nobody = policy("podSelector: {matchLabels: {app: bd}}")
    assert not load(WEB, nobody, **CLOSER).scenario.unmodelled
    assert set(load(WEB, nobody, CUSTOM, **CLOSER).scenario.unmodelled) == {"isolation", "connectivity"}
    assert not load(WEB, nobody, CUSTOM).scenario.unmodelled


def test_pods_of_a_workload_without_a_class_are_asked_whether_they_get_out() -> None:
    guard = policy("podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]")
    (line,) = premises(WEB, CONTROLLER, guard)
    assert "it does not let Rollout default/db out to 8080/TCP of Service default/web" in line


def test_a_service_without_a_selector_may_lead_to_whom_a_policy_isolates() -> None:
    by_hand = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 1}]}\n"
    line, _ = told(WEB, by_hand, policy("podSelector: {matchLabels: {app: db}}"))
    assert "whether it isolates the endpoints of Service default/x, which has no selector, is not known" in line


def test_a_policy_that_drops_nothing_leaves_a_verdict_that_says_what_it_rests_on() -> None:
    report = check(load(WEB, policy(OPEN), bounds={"propagation": "5s"}).scenario)
    (claim,) = (one for one in report.claims if one.name == "reachability")
    assert (claim.status.value, claim.vacuous is True) == ("HOLDS", False)
    assert any("a network plugin has let in by the time a Pod is ready" in bound for bound in report.bounds)
    assert not any("network plugin" in bound for bound in check(load(WEB).scenario).bounds)


@pytest.mark.parametrize(
    ("before", "after", "spec"),
    [
        (
            "not rule.peers and admits(known, rule,",
            "admits(known, type(rule)((), rule.ports),",
            f"{ALL_OF_WEB}, ingress: [{{from: [{{podSelector: {{}}}}]}}]",
        ),
        (
            'not rule.peers and admits(known, rule, Party(""), _party(door.maker), door.number, door.protocol)',
            "not rule.peers",
            f"{ALL_OF_WEB}, ingress: [{{ports: [{{port: 1}}]}}, {{from: [{{podSelector: {{}}}}]}}]",
        ),
    ],
    ids=["peers are not looked at", "ports are not looked at"],
)
def test_a_policy_that_is_read_too_kindly_is_noticed(before: str, after: str, spec: str) -> None:
    with planted("kubeproof.harness.input.assumed.network_policies", before, after):
        assert told(WEB, policy(spec)) == []
    assert len(told(WEB, policy(spec))) == 1


# --- more closely ---------------------------------------------------------------------------------------------------

SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {team: a}}\n"
TEAM = "{namespaceSelector: {matchLabels: {team: a}}}"
BY_NAME = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}}"


def inside(*manifests: str) -> list[str]:
    """Return what a closer look is told not to know, where reachability is not asked for."""
    without = WEB.partition("---\n")[0]
    return told(without, *manifests, **CLOSER)


@pytest.mark.parametrize(
    ("peer", "field", "why"),
    [
        ("{ipBlock: {cidr: 10.0.0.0/8}}", "ipBlock", "which Pods have these addresses is not known"),
        ("{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}", "ipBlock", "which Pods have these addresses"),
        (TEAM, "namespaceSelector", "the labels of namespace default are not in the input"),
    ],
    ids=["addresses", "all but some", "labels of a namespace"],
)
def test_a_closer_look_says_with_its_line_what_it_does_not_know(peer: str, field: str, why: str) -> None:
    (line,) = inside(policy(f"{ALL_OF_WEB}, ingress: [{{ports: [], from: [{{podSelector: {{}}}}, {peer}]}}]"))
    assert line.startswith(f"web.yaml:15: NetworkPolicy default/p spec.ingress[0].from[1].{field}: {why}")
    (out,) = inside(policy(f"{ALL_OF_WEB}, policyTypes: [Egress], egress: [{{to: [{peer}]}}]"))
    assert f"spec.egress[0].to[0].{field}: {why}" in out


@pytest.mark.parametrize("peer", [BY_NAME, "{namespaceSelector: {}}", "{ipBlock: {cidr: 0.0.0.0/0}}"])
def test_what_every_cluster_has_is_known(peer: str) -> None:
    assert inside(policy(f"{ALL_OF_WEB}, ingress: [{{from: [{peer}]}}]")) == []


def test_labels_of_namespaces_in_the_input_are_known() -> None:
    assert inside(SPACE, policy(f"{ALL_OF_WEB}, ingress: [{{from: [{TEAM}]}}]")) == []


def test_pods_in_the_network_of_their_node_are_up_to_the_plugin() -> None:
    hosted = WEB.partition("---\n")[0].replace("containers:", "hostNetwork: true\n      containers:")
    (line,) = told(hosted, policy(ALL_OF_WEB), **CLOSER)
    assert "Deployment default/web, which is in the network of its node, is up to the network plugin" in line


def test_workloads_without_a_class_leave_it_open_where_there_are_policies() -> None:
    open_claims = {"isolation", "connectivity"}
    assert open_claims <= set(load(WEB, CONTROLLER, policy(OPEN), **CLOSER).scenario.unmodelled)
    assert not open_claims & set(load(WEB, CONTROLLER, **CLOSER).scenario.unmodelled)
    assert not open_claims & set(load(WEB, CONTROLLER, policy(OPEN)).scenario.unmodelled)
