"""Webhooks, APIServices and deschedulers of the input are read, and what of them is not modelled is noted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubeproof.harness.input.files.scenario_file import Loaded, load_scenario
from kubeproof.impl.api.meta import Ref

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "guard"}}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "guard", "namespace": "guard"},
    "spec": {"selector": {"app": "guard"}, "ports": [{"port": 443}]},
}
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"a": "b"}}}
SERVED = {"service": {"namespace": "guard", "name": "guard"}}
WEBHOOK = {
    "name": "w",
    "clientConfig": SERVED,
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}


def loaded(*objects: dict[str, Any], **options: Any) -> Loaded:
    return load_scenario("s", {"all.yaml": yaml.safe_dump_all([NAMESPACE, *objects])}, {"nodes": 1, **options})


def configuration(webhook: dict[str, Any], kind: str = "ValidatingWebhookConfiguration") -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "guard"},
        "webhooks": [webhook],
    }


def test_a_webhook_of_the_input_must_be_asked_and_is_taken_to_allow() -> None:
    found = loaded(SERVICE, configuration(WEBHOOK))
    (webhook,) = found.scenario.webhooks
    assert (webhook.name, webhook.service) == ("w", Ref("Service", "guard", "guard"))
    assert not found.scenario.unmodelled
    assert any("it allows what it is asked about" in str(one) for one in found.assumptions)


@pytest.mark.parametrize(
    ("change", "kind", "must", "open_claims"),
    [
        ({"failurePolicy": "Ignore"}, "ValidatingWebhookConfiguration", 0, False),
        ({"clientConfig": {"url": "https://x"}}, "ValidatingWebhookConfiguration", 0, True),
        ({"matchConditions": [{"name": "a", "expression": "true"}]}, "ValidatingWebhookConfiguration", 0, True),
        ({"rules": [{**RULE, "operations": ["DELETE"]}]}, "ValidatingWebhookConfiguration", 1, True),
        ({"rules": [{**RULE, "resources": ["pods", "pods/status"]}]}, "ValidatingWebhookConfiguration", 1, True),
        ({}, "MutatingWebhookConfiguration", 1, True),
        ({}, "ValidatingWebhookConfiguration", 1, False),
    ],
)
def test_what_else_a_webhook_may_do_leaves_claims_open(
    change: dict[str, Any],
    kind: str,
    must: int,
    open_claims: bool,  # noqa: FBT001 - a column
) -> None:
    found = loaded(SERVICE, configuration({**WEBHOOK, **change}, kind))
    assert len(found.scenario.webhooks) == must
    assert bool(found.scenario.unmodelled) is open_claims


NOT_HERE = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["guard"]}]}
UNLESS = {"matchExpressions": [{"key": "unguarded", "operator": "DoesNotExist"}]}
ALL = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}
FREE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "free", "labels": {"unguarded": ""}}}


@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
@pytest.mark.parametrize(
    ("selector", "objects", "options", "open_claims"),
    [
        (NOT_HERE, (SERVICE,), {}, False),
        (NOT_HERE, (SERVICE, FREE), {}, True),
        (NOT_HERE, (SERVICE, {**SERVICE, "metadata": {"name": "s"}}), {}, True),
        (UNLESS, (SERVICE,), {}, True),
        (NOT_HERE, (SERVICE,), {"script": [{"drain": {"node": "node-1"}}]}, True),
        (NOT_HERE, (SERVICE,), {"script": [{"apply": {"object": NODE}}]}, True),
        (NOT_HERE, (SERVICE,), {"faults": {"nodeCrash": 1}}, True),
    ],
    ids=[
        "left out",
        "one more",
        "no namespace is told",
        "not labelled",
        "a node is written",
        "a node is applied",
        "a node changes",
    ],
)
def test_a_webhook_that_is_asked_about_no_namespace_of_the_input_is_asked_about_nothing(
    kind: str,
    selector: dict[str, Any],
    objects: tuple[dict[str, Any], ...],
    options: dict[str, Any],
    open_claims: bool,  # noqa: FBT001 - a column
) -> None:
    hook = {**WEBHOOK, "rules": [ALL], "namespaceSelector": selector, "clientConfig": {"url": "https://x"}}
    found = loaded(*objects, configuration(hook, kind), **options)
    assert bool(found.scenario.unmodelled) is open_claims
    assert any("leave out what is in the input" in line for line in found.not_modelled) is not open_claims


ITS_OWN = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["guard"]}]}
BY_HASH = {"matchExpressions": [{"key": "pod-template-hash", "operator": "Exists"}]}


def deployment(app: str) -> dict[str, Any]:
    labels = {"app": app}
    spec = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    body = {"selector": {"matchLabels": labels}, "template": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "namespace": "guard"},
        "spec": body,
    }


@pytest.mark.parametrize(
    ("selector", "resources", "apps", "options", "open_claims"),
    [
        (ITS_OWN, ["pods"], ["guard"], {}, False),
        (ITS_OWN, ["pods"], ["guard", "web"], {}, True),
        (ITS_OWN, ["pods", "pods/eviction"], ["guard"], {}, True),
        (ITS_OWN, ["pods", "services"], ["guard"], {}, True),
        (BY_HASH, ["pods"], ["guard"], {}, True),
        (ITS_OWN, ["pods"], ["guard"], {"script": [{"apply": {"object": deployment("web")}}]}, True),
    ],
    ids=["left out", "one more", "an eviction has no labels", "what else has labels", "added later", "by a step"],
)
def test_a_webhook_that_selects_no_pod_of_the_input_by_its_labels_is_asked_about_none(
    selector: dict[str, Any],
    resources: list[str],
    apps: list[str],
    options: dict[str, Any],
    open_claims: bool,  # noqa: FBT001 - a column
) -> None:
    hook = {**WEBHOOK, "rules": [{**RULE, "resources": resources}], "objectSelector": selector}
    found = loaded(SERVICE, *map(deployment, apps), configuration(hook, "MutatingWebhookConfiguration"), **options)
    assert bool(found.scenario.unmodelled) is open_claims
    assert bool(found.scenario.webhooks) is open_claims


def test_a_webhook_of_somebody_else_is_not_known_and_of_a_complete_input_is_missing() -> None:
    assert loaded(configuration(WEBHOOK)).scenario.webhooks == ()
    assert loaded(configuration(WEBHOOK)).scenario.unmodelled
    assert len(loaded(configuration(WEBHOOK), complete=True).scenario.webhooks) == 1


def test_a_group_of_the_api_is_known_by_its_service() -> None:
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.guard.example.com"},
        "spec": {"group": "guard.example.com", "version": "v1", **SERVED},
    }
    script = [{"deleteObject": {"kind": "Namespace", "name": "guard"}}]
    found = loaded(SERVICE, api, script=script)
    assert [one.service.name for one in found.scenario.aggregated] == ["guard"]
    assert "convergence" not in found.scenario.unmodelled
    elsewhere = loaded(api, script=script)
    assert elsewhere.scenario.aggregated == ()
    assert "convergence" in elsewhere.scenario.unmodelled


POLICY = {
    "apiVersion": "descheduler/v1alpha2",
    "kind": "DeschedulerPolicy",
    "profiles": [{"name": "p", "plugins": {"balance": {"enabled": ["RemoveDuplicates"]}}}],
}


def config_map(text: str, name: str = "d") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"policy.yaml": text}}


def test_the_policy_of_a_descheduler_is_found_in_a_config_map() -> None:
    found = loaded(config_map(yaml.safe_dump(POLICY)))
    assert found.scenario.descheduler is not None
    assert found.scenario.descheduler.duplicates
    assert any("a descheduler runs with this policy" in str(one) for one in found.assumptions)
    assert not found.scenario.unmodelled
    assert loaded(config_map("kind: DeschedulerPolicy\n  wrong")).scenario.descheduler is None
    assert loaded(config_map("DeschedulerPolicy")).scenario.descheduler is None


def test_strategies_that_are_not_modelled_and_a_second_descheduler_leave_claims_open() -> None:
    more = {**POLICY, "profiles": [{"plugins": {"balance": {"enabled": ["LowNodeUtilization"]}}}]}
    found = loaded(config_map(yaml.safe_dump(more)))
    assert "convergence" in found.scenario.unmodelled
    assert "the descheduler's LowNodeUtilization is not modelled" in str(found.not_modelled)
    two = loaded(config_map(yaml.safe_dump(POLICY)), config_map(yaml.safe_dump(POLICY), "e"))
    assert "another descheduler is not modelled" in str(two.not_modelled)
