"""A request is refused where a webhook must be asked about it that nobody serves, and nowhere else."""

from __future__ import annotations

import pytest
from attrs import evolve

from kubeproof.impl.api.core import Container, Namespace, Pod, PodCondition, PodSpec, PodStatus, Service, ServiceSpec
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import LabelSelector, LabelSelectorRequirement, ObjectMeta, Ref
from kubeproof.impl.api.requests import Create, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.webhooks import Rule, Webhook
from kubeproof.impl.apiserver.config import DEFAULT
from kubeproof.impl.apiserver.handler import handle
from kubeproof.impl.apiserver.storage import Objects

SERVICE = Ref("Service", "guard", "guard")
RULE = Rule(frozenset({"CREATE"}), frozenset({""}), frozenset({"pods"}))
WEBHOOK = Webhook("pods.guard", Ref("ValidatingWebhookConfiguration", "", "guard"), SERVICE, (RULE,))
SPEC = PodSpec(containers=(Container("c", "web:1"),))
READY = PodStatus("Running", conditions=(PodCondition("Ready", "True"),))

NOT_IN_SHOP = LabelSelectorRequirement("kubernetes.io/metadata.name", "NotIn", ("shop",))


def pod(name: str = "web", namespace: str = "shop", **labels: str) -> Pod:
    return Pod(ObjectMeta(name=name, namespace=namespace, labels=strings(labels)), SPEC)


GUARD = evolve(pod("guard-0", "guard", app="guard"), status=READY)
THERE: tuple[Object, ...] = (
    Namespace(ObjectMeta("guard")),
    Namespace(ObjectMeta("shop", labels=strings({"team": "a"}))),
    Service(ObjectMeta(name="guard", namespace="guard"), ServiceSpec(selector=strings({"app": "guard"}))),
)


def code(webhook: Webhook, obj: Object, *more: Object) -> int:
    config = evolve(DEFAULT, webhooks=(webhook,), authorize=False)
    return handle(Objects.of((*THERE, *more)), Create(obj), config=config)[0].code


def test_what_nobody_answers_for_is_refused_and_says_why() -> None:
    config = evolve(DEFAULT, webhooks=(WEBHOOK,))
    answer, writes = handle(Objects.of(THERE), Create(pod()), config=config)
    assert (answer.code, writes) == (500, ())
    assert 'failed calling webhook "pods.guard": no endpoints available for service "guard"' in answer.message
    assert code(WEBHOOK, pod(), GUARD) == 201


@pytest.mark.parametrize(
    "backend",
    [
        evolve(GUARD, status=PodStatus("Running")),
        evolve(GUARD, metadata=evolve(GUARD.metadata, deletion_timestamp=1)),
        evolve(GUARD, metadata=evolve(GUARD.metadata, labels=strings({"app": "other"}))),
        evolve(GUARD, metadata=evolve(GUARD.metadata, namespace="shop")),
    ],
    ids=["not ready", "leaving", "not selected", "elsewhere"],
)
def test_only_a_ready_pod_of_the_service_answers(backend: Pod) -> None:
    assert code(WEBHOOK, pod(), backend) == 500


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"rules": (evolve(RULE, operations=frozenset({"UPDATE"})),)}, False),
        ({"rules": (evolve(RULE, operations=frozenset({"*"})),)}, True),
        ({"rules": (evolve(RULE, groups=frozenset({"apps"})),)}, False),
        ({"rules": (evolve(RULE, resources=frozenset({"deployments"})),)}, False),
        ({"rules": (evolve(RULE, resources=frozenset({"*/*"}), groups=frozenset({"*"})),)}, True),
        ({"rules": (evolve(RULE, resources=frozenset({"pods/status"})),)}, False),
        ({"rules": (evolve(RULE, scope="Cluster"),)}, False),
        ({"namespaces": LabelSelector(strings({"team": "b"}))}, False),
        ({"namespaces": LabelSelector(strings({"team": "a"}))}, True),
        ({"namespaces": LabelSelector(strings(), (NOT_IN_SHOP,))}, False),
        ({"objects": LabelSelector(strings({"app": "web"}))}, False),
    ],
)  # fmt: skip
def test_who_is_asked_about_what(change: dict[str, object], asked: bool) -> None:  # noqa: FBT001 - a column
    assert (code(evolve(WEBHOOK, **change), pod()) == 500) is asked


def test_a_service_that_is_not_there_answers_nothing_and_one_without_a_selector_is_written_by_hand() -> None:
    assert code(evolve(WEBHOOK, service=Ref("Service", "guard", "other")), pod()) == 500
    by_hand = Service(ObjectMeta(name="other", namespace="guard"))
    assert code(evolve(WEBHOOK, service=Ref("Service", "guard", "other")), pod(), by_hand) == 201


def test_changes_are_asked_about_too() -> None:
    stored = evolve(pod(), metadata=evolve(pod().metadata, uid="u"))
    changed = evolve(stored, metadata=evolve(stored.metadata, labels=strings({"app": "web"})))
    updates = evolve(WEBHOOK, rules=(evolve(RULE, operations=frozenset({"UPDATE"})),))
    for webhook, expected in ((WEBHOOK, 200), (updates, 500)):
        config = evolve(DEFAULT, webhooks=(webhook,))
        assert handle(Objects.of((*THERE, stored)), Update(changed, None), config=config)[0].code == expected
