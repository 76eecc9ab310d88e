"""NetworkPolicies: what the API promises, case by case; formulas that agree with it; and the line that is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest
import z3
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.harness.cli import main
from kubeproof.harness.input.files.manifests import read_manifests
from kubeproof.harness.input.files.reader import Reader
from kubeproof.harness.reach.policy import policies_of
from kubeproof.impl.api.meta import LabelSelector, LabelSelectorRequirement
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    Blocked,
    Party,
    Peer,
    Policy,
    Ports,
    Rule,
    is_peer,
    verdict,
)
from kubeproof.properties.reachability.symbolic import SymbolicPacket
from places import EXAMPLES
from policy_formulas import Side, admitted, difference, idle_rules, intruder

ALL = LabelSelector()


def labelled(**labels: str) -> LabelSelector:
    return LabelSelector(match_labels=immutabledict(labels))


def pod(name: str, address: str, namespace: str = "shop", **labels: str) -> Party:
    ports = immutabledict({("TCP", "http"): 8080})
    return Party(address, namespace, name, immutabledict(labels), immutabledict(name=namespace), ports)


FRONT, BACK = pod("front", "10.0.0.1", app="front"), pod("back", "10.0.0.2", app="back")
STRANGER, OUTSIDE = pod("spy", "10.0.0.3", "other", app="front"), Party("198.51.100.7")


def policy(**given: object) -> Policy:
    wanted = {"pods": labelled(app="back"), "directions": frozenset({INGRESS}), "where": "p.yaml:1", **given}
    return Policy("shop", "p", **wanted)


def only(*peers: Peer, ports: tuple[Ports, ...] = ()) -> Policy:
    return policy(ingress=(Rule(peers, ports, "p.yaml:7"),))


@pytest.mark.parametrize(
    ("policies", "allowed"),
    [
        ([], "front spy outside"),
        ([policy()], ""),
        ([evolve(policy(), namespace="other")], "front spy outside"),
        ([policy(pods=labelled(app="front"))], "front spy outside"),
        ([policy(pods=ALL)], ""),
        ([only()], "front spy outside"),
        ([only(Peer(pods=labelled(app="front")))], "front"),
        ([only(Peer(pods=labelled(app="back")))], ""),
        ([only(Peer(namespaces=labelled(name="other")))], "spy"),
        ([only(Peer(namespaces=ALL))], "front spy"),
        ([only(Peer(pods=labelled(app="back"), namespaces=ALL))], ""),
        ([only(Peer(pods=labelled(app="front"), namespaces=labelled(name="other")))], "spy"),
        ([only(Peer(pods=labelled(app="front")), Peer(namespaces=labelled(name="other")))], "front spy"),
        ([only(Peer(cidr="198.51.100.0/24"))], "outside"),
        ([only(Peer(cidr="0.0.0.0/0", excepted=("198.51.100.0/29", "10.0.0.3/32")))], "front"),
        ([policy(), only(Peer(pods=labelled(app="front")))], "front"),
        ([only(ports=(Ports("TCP", 8080, 8080),))], "front spy outside"),
        ([only(ports=(Ports("TCP", 8000, 8079), Ports("TCP", 8081, 9000), Ports("UDP")))], ""),
        ([only(ports=(Ports("TCP", name="http"),))], "front spy outside"),
        ([only(ports=(Ports("TCP", name="metrics"),))], ""),
        ([policy(pods=labelled(app="front"), directions=frozenset({EGRESS}))], "spy outside"),
        (
            [policy(pods=ALL, directions=frozenset({EGRESS}), egress=(Rule((Peer(pods=labelled(app="back")),)),))],
            "front spy outside",
        ),
    ],
    ids=[
        "no policy: everybody",
        "a policy without rules: nobody",
        "a policy of another namespace is none",
        "a policy for other Pods is none",
        "an empty podSelector is for every Pod",
        "an empty rule: everybody",
        "Pods by label are of the policy's namespace",
        "other labels",
        "namespaces by label",
        "every namespace has Pods only",
        "both selectors must match: labels",
        "both selectors must match: namespace",
        "peers are alternatives",
        "a block of addresses",
        "exceptions of a block",
        "policies add up",
        "its port",
        "ports around it",
        "a named port",
        "a name the Pod does not have",
        "egress of the front end",
        "egress to the back end",
    ],
)
def test_who_reaches_the_back_end(policies: list[Policy], allowed: str) -> None:
    clients = {"front": FRONT, "spy": STRANGER, "outside": OUTSIDE}
    reaching = [name for name, one in clients.items() if verdict(policies, one, BACK, 8080, "TCP") is None]
    assert " ".join(reaching) == allowed
    assert verdict(policies, BACK, BACK, 8080, "TCP") is None


def test_a_blocked_connection_names_policy_rule_and_line() -> None:
    known = (only(Peer(pods=labelled(app="web")), ports=(Ports("TCP", 80, 80),)), policy())
    peer = "its from has no peer that is shop/front (app=front; namespace: name=shop)"
    first = f"p.yaml:7: shop/p ingress[0]: {peer} and its ports are without 8080/TCP"
    second = "p.yaml:1: shop/p allows no ingress at all"
    assert verdict(known, FRONT, BACK, 8080, "TCP") == Blocked(INGRESS, known, (first, second))


# --- formulas -------------------------------------------------------------------------------------------------------

selectors = st.sampled_from([ALL, labelled(app="front"), labelled(app="back"), labelled(app="none")])
requirements = st.sampled_from(
    [LabelSelector(match_expressions=(LabelSelectorRequirement("app", "NotIn", ("front",)),))]
)
peers = st.one_of(
    st.builds(Peer, pods=selectors | requirements),
    st.builds(Peer, pods=st.none() | selectors, namespaces=st.sampled_from([ALL, labelled(name="other")])),
    st.builds(
        Peer,
        cidr=st.sampled_from(["10.0.0.0/30", "0.0.0.0/0"]),
        excepted=st.sampled_from([(), ("10.0.0.2/31",), ("198.51.100.0/24",)]),
    ),
)
ports = st.sampled_from(
    [Ports("TCP"), Ports("UDP"), Ports("TCP", 8080, 8080), Ports("TCP", 8081, 9000), Ports("TCP", name="http")]
)
rules = st.lists(
    st.builds(Rule, st.lists(peers, max_size=2).map(tuple), st.lists(ports, max_size=2).map(tuple)), max_size=2
)
policies = st.lists(
    st.builds(
        Policy,
        st.sampled_from(["shop", "other"]),
        st.just("p"),
        selectors,
        st.sampled_from([frozenset({INGRESS}), frozenset({EGRESS}), frozenset({INGRESS, EGRESS})]),
        rules.map(tuple),
        rules.map(tuple),
    ),
    max_size=2,
)
PODS = (FRONT, BACK, STRANGER)


@settings(max_examples=60)
@given(policies, st.sampled_from([*PODS, OUTSIDE]), st.sampled_from([8080, 8081, 53]), st.sampled_from(["TCP", "UDP"]))
def test_the_formulas_admit_what_the_verdict_admits(
    known: list[Policy], other: Party, port: int, protocol: str
) -> None:
    for direction in (INGRESS, EGRESS):
        source, destination = (other, BACK) if direction == INGRESS else (BACK, other)
        mine = [evolve(one, directions=one.directions & {direction}) for one in known]
        packet = SymbolicPacket.of(Packet(source.address, destination.address, port, protocol))
        formula = z3.simplify(admitted(mine, Side(BACK, direction, PODS), packet))
        assert z3.is_true(formula) == (verdict(mine, source, destination, port, protocol) is None)


SIDE = Side(BACK, INGRESS, PODS)


def test_two_ways_to_say_the_same_are_proved_equal_and_a_difference_is_shown() -> None:
    front = Peer(pods=labelled(app="front"))
    before = [only(front, ports=(Ports("TCP", 8080, 8081),))]
    after = [only(front, ports=(Ports("TCP", 8080, 8080),)), only(front, ports=(Ports("TCP", 8081, 8081),))]
    assert difference(before, after, SIDE) is None
    assert difference(before, after[:1], SIDE) == Packet(FRONT.address, BACK.address, 8081, "TCP")
    wider = [only(Peer(pods=labelled(app="front"), namespaces=ALL), ports=(Ports("TCP", 8080, 8081),))]
    found = difference(before, wider, SIDE)
    assert found is not None
    assert found.source == STRANGER.address


def test_who_else_gets_through_is_shown() -> None:
    block = Peer(cidr="10.0.0.0/30", excepted=("10.0.0.2/31",))
    assert intruder([only(block)], SIDE, ["10.0.0.0/31"]) is None
    found = intruder([only(block)], SIDE, ["10.0.0.1/32"])
    assert found is not None
    assert found.source == "10.0.0.0"
    assert intruder([], SIDE, ["10.0.0.0/8"]) is not None


def test_a_rule_that_another_one_covers_is_idle() -> None:
    wide, narrow = Rule((Peer(namespaces=ALL),)), Rule((Peer(pods=labelled(app="front")),), (Ports(),))
    assert list(idle_rules([policy(ingress=(wide, narrow))], SIDE)) == [narrow]
    assert list(idle_rules([policy(ingress=(narrow,))], SIDE)) == []
    nobody = Rule((Peer(pods=labelled(app="none")),))
    assert list(idle_rules([policy(ingress=(narrow, nobody))], SIDE)) == [nobody]


# --- manifests ------------------------------------------------------------------------------------------------------

MANIFEST = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: p}
  spec:
    podSelector: {matchLabels: {app: back}}
    ingress:
    - from:
      - podSelector: {matchLabels: {app: front}}
        namespaceSelector: {}
      - ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.0/29]}
      ports:
      - {port: http}
      - {protocol: UDP, port: 8000, endPort: 8100}
      - {port: 9090}
    egress:
    - {}
"""


def test_a_policy_is_read_with_its_lines() -> None:
    peers = (Peer(labelled(app="front"), ALL), Peer(cidr="198.51.100.0/24", excepted=("198.51.100.0/29",)))
    named = (Ports("TCP", name="http"), Ports("UDP", 8000, 8100), Ports("TCP", 9090, 9090))
    assert policies_of(read_manifests({"p.yaml": MANIFEST}, Reader(), "shop")) == (
        Policy(
            "shop",
            "p",
            labelled(app="back"),
            frozenset({INGRESS, EGRESS}),
            (Rule(peers, named, "p.yaml:12"),),
            (Rule(where="p.yaml:21"),),
            "p.yaml:6",
        ),
    )


@pytest.mark.parametrize(
    ("block", "address", "inside"),
    [
        (Peer(cidr="2001:db8::/32"), "10.0.0.1", False),
        (Peer(cidr="2001:db8::/32"), "2001:db8::1", True),
        (Peer(cidr="10.0.0.9/8"), "10.0.0.1", True),
        (Peer(cidr="10.0.0.0/8", excepted=("10.0.0.1/30",)), "10.0.0.2", False),
    ],
    ids=["another family", "IPv6", "bits beyond the prefix", "excepted"],
)
def test_a_block_holds_addresses_of_its_family(*, block: Peer, address: str, inside: bool) -> None:
    assert is_peer(policy(), block, Party(address)) == inside


@pytest.mark.parametrize(
    ("selected", "code", "said"),
    [
        ("frontend", 1, "policy.yaml:6: default/back ingress[0]: its from has no peer that is default/front-"),
        ("front", 0, "80/TCP: allowed"),
    ],
)
def test_the_command_says_why_the_front_end_cannot_reach_the_back_end(
    selected: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in ("nodes", "service", "deployment"):
        (tmp_path / f"{file}.yaml").write_text((EXAMPLES / "web" / f"{file}.yaml").read_text(encoding="utf-8"))
    front = (EXAMPLES / "web" / "deployment.yaml").read_text(encoding="utf-8").replace("replicas: 3", "replicas: 1")
    (tmp_path / "front.yaml").write_text(front.replace("app: web", "app: front").replace("name: web", "name: front"))
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: back}\nspec:\n  ingress:\n"
        f"  - from: [{{podSelector: {{matchLabels: {{app: {selected}}}}}}}]\n"
        "  podSelector: {matchLabels: {app: web}}\n"
    )
    with pytest.raises(SystemExit) as ended:
        main(["reach", str(tmp_path), "--service", "web", "--from", "front"])
    assert ended.value.code == code
    assert said in capsys.readouterr().out


def test_a_client_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reach", str(EXAMPLES / "web"), "--service", "web", "--from", "front"])
    assert ended.value.code == 2
    assert "--from: no Pod of front in namespace default" in capsys.readouterr().err
