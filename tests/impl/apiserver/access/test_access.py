"""Who may do what: nobody does anything that no certificate or token, no role and no node of its own allows."""

from __future__ import annotations

import pytest
from immutabledict import immutabledict

from kubeproof.impl.api.core import Node, Pod, PodSpec, PodStatus
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.policy import Lease, PolicyRule, Role, RoleBinding, RoleRef, Subject
from kubeproof.impl.api.requests import Bind, Create, Delete, Evict, PatchStatus, Request, Update
from kubeproof.impl.apiserver import (
    ADMIN,
    ANONYMOUS,
    KUBE_PROXY,
    SCHEDULER,
    Objects,
    User,
    controller,
    handle,
    node_user,
)
from kubeproof.impl.apiserver.access.authentication import NODES, Credentials, authenticate, service_account
from kubeproof.impl.apiserver.access.authorization import Attributes, Decision, allowed, matches
from kubeproof.impl.apiserver.access.node_restriction import restricted
from kubeproof.impl.apiserver.config import Config

POD = Ref("Pod", "default", "web")
BOUND = Pod(ObjectMeta("web", namespace="default"), PodSpec(node_name="n1"), PodStatus(phase="Running"))
TEAM = User("ann", ("devs", "system:authenticated"))


def role(*rules: PolicyRule, namespace: str = "default", name: str = "editor") -> Role:
    return Role(ObjectMeta(name, namespace=namespace), rules)


def binding(subject: Subject, kind: str, *, namespace: str = "default") -> RoleBinding:
    return RoleBinding(ObjectMeta("b", namespace=namespace), (subject,), RoleRef(kind, "editor"))


EDIT_PODS = PolicyRule(("create", "delete"), ("",), ("pods",))


# --- authentication -------------------------------------------------------------------------------------------------


CREDENTIALS = Credentials(immutabledict(secret=User("ann", ("devs",))), immutabledict(cert=SCHEDULER))


@pytest.mark.parametrize(
    ("token", "certificate", "user"),
    [
        ("", "", ANONYMOUS),
        ("secret", "", User("ann", ("devs", "system:authenticated"))),
        ("guess", "", None),
        ("", "cert", SCHEDULER),
        ("guess", "cert", SCHEDULER),
        ("secret", "forged", User("ann", ("devs", "system:authenticated"))),
        ("", "forged", ANONYMOUS),
    ],
    ids=["nothing", "a token", "a wrong token", "a certificate", "the certificate first", "the token next", "unknown"],
)
def test_a_request_is_from_whom_its_credentials_prove(token: str, certificate: str, user: User | None) -> None:
    assert authenticate(CREDENTIALS, token=token, certificate=certificate) == user


def test_an_unproven_request_is_unauthorized_and_changes_nothing() -> None:
    response, writes = handle(Objects.of((BOUND,)), Delete(POD), user=None)
    assert (response.code, response.message, writes) == (401, "Unauthorized", ())


# --- authorisation --------------------------------------------------------------------------------------------------


def test_a_refusal_reads_as_kubernetes_words_it() -> None:
    response, writes = handle(Objects.of((BOUND,)), Delete(POD), user=ANONYMOUS)
    assert response.message == (
        'pods "web" is forbidden: User "system:anonymous" cannot delete resource "pods" in API group "" '
        'in the namespace "default"'
    )
    assert (response.code, response.reason, writes) == (403, "Forbidden", ())


def test_a_refusal_at_the_cluster_scope_says_so() -> None:
    response, _ = handle(Objects(), Delete(Ref("Node", "", "n1")), user=KUBE_PROXY)
    assert response.message.endswith('cannot delete resource "nodes" in API group "" at the cluster scope')


@pytest.mark.parametrize(
    ("subject", "granted"),
    [
        (Subject("User", "ann"), True),
        (Subject("User", "bob"), False),
        (Subject("Group", "devs"), True),
        (Subject("Group", "ops"), False),
        (Subject("ServiceAccount", "ann", "default"), False),
        (Subject("Robot", "ann"), False),
    ],
    ids=["her name", "another name", "her group", "another group", "a service account", "no kind of subject"],
)
def test_a_role_binding_grants_to_its_subjects_only(subject: Subject, granted: bool) -> None:  # noqa: FBT001
    store = Objects.of((BOUND, role(EDIT_PODS), binding(subject, "Role")))
    assert handle(store, Delete(POD), user=TEAM)[0].ok == granted


def test_a_service_account_is_meant_by_name_and_namespace() -> None:
    store = Objects.of((BOUND, role(EDIT_PODS), binding(Subject("ServiceAccount", "ci"), "Role")))
    assert handle(store, Delete(POD), user=service_account("default", "ci"))[0].ok
    assert not handle(store, Delete(POD), user=service_account("other", "ci"))[0].ok


def test_a_role_binding_reaches_no_other_namespace_even_with_a_cluster_role() -> None:
    user = Subject("User", "ann")
    store = Objects.of((role(EDIT_PODS, namespace=""), binding(user, "ClusterRole")))
    assert allowed(store, TEAM, Attributes("delete", "", "pods", namespace="default")).allowed
    assert not allowed(store, TEAM, Attributes("delete", "", "pods", namespace="other")).allowed
    assert not allowed(store, TEAM, Attributes("delete", "", "pods")).allowed


def test_a_cluster_role_binding_reaches_everywhere_and_says_that_it_did() -> None:
    user = Subject("User", "ann")
    store = Objects.of((role(EDIT_PODS, namespace=""), binding(user, "ClusterRole", namespace="")))
    expected = Decision(allowed=True, reason="ClusterRoleBinding b")
    assert allowed(store, TEAM, Attributes("delete", "", "pods", namespace="other")) == expected


def test_a_cluster_role_binding_cannot_use_a_role_and_a_missing_role_grants_nothing() -> None:
    asked = Attributes("delete", "", "pods", namespace="default")
    cluster_wide = binding(Subject("User", "ann"), "Role", namespace="")
    assert not allowed(Objects.of((role(EDIT_PODS), cluster_wide)), TEAM, asked).allowed
    assert not allowed(Objects.of((binding(Subject("User", "ann"), "Role"),)), TEAM, asked).allowed


@pytest.mark.parametrize(
    ("rule", "asked", "covered"),
    [
        (PolicyRule(("*",), ("*",), ("*",)), Attributes("delete", "apps", "deployments", "status"), True),
        (PolicyRule(("get",), ("",), ("pods",)), Attributes("delete", "", "pods"), False),
        (PolicyRule(("get",), ("apps",), ("pods",)), Attributes("get", "", "pods"), False),
        (PolicyRule(("get",), ("",), ("pods",)), Attributes("get", "", "pods", "status"), False),
        (PolicyRule(("get",), ("",), ("pods/status",)), Attributes("get", "", "pods", "status"), True),
        (PolicyRule(("get",), ("",), ("pods/status",)), Attributes("get", "", "pods"), False),
        (PolicyRule(("get",), ("",), ("*/status",)), Attributes("get", "", "pods", "status"), True),
        (PolicyRule(("get",), ("",), ("*/scale",)), Attributes("get", "", "pods", "status"), False),
        (PolicyRule(("get",), ("",), ("pods",), ("a",)), Attributes("get", "", "pods", name="a"), True),
        (PolicyRule(("get",), ("",), ("pods",), ("a",)), Attributes("get", "", "pods", name="b"), False),
    ],
)
def test_a_rule_covers_verb_group_resource_and_name(rule: PolicyRule, asked: Attributes, covered: bool) -> None:  # noqa: FBT001
    assert matches(rule, asked) == covered


@pytest.mark.parametrize(
    ("user", "request_", "ok"),
    [
        (SCHEDULER, Bind(POD, "n2"), True),
        (controller("replicaset-controller"), Bind(POD, "n2"), False),
        (controller("replicaset-controller"), Delete(POD), True),
        (controller("endpointslice-controller"), Delete(POD), False),
        (SCHEDULER, Evict(POD), False),
        (KUBE_PROXY, PatchStatus(BOUND), False),
        (controller("deployment-controller"), Delete(POD), False),
        (ADMIN, Evict(POD), True),
    ],
)
def test_a_component_may_do_its_own_work_and_no_other(user: User, request_: Request, ok: bool) -> None:  # noqa: FBT001
    unbound = Pod(BOUND.metadata, PodSpec(), BOUND.status)
    assert (handle(Objects.of((unbound,)), request_, user=user)[0].code != 403) == ok


def test_a_server_that_does_not_authorise_lets_everyone_in() -> None:
    assert handle(Objects.of((BOUND,)), Delete(POD), user=ANONYMOUS, config=Config(authorize=False))[0].ok


# --- a kubelet and its node -------------------------------------------------------------------------------------------


def lease(name: str, namespace: str = "kube-node-lease") -> Lease:
    return Lease(ObjectMeta(name, namespace=namespace))


MIRROR = Pod(
    ObjectMeta("etcd-n1", namespace="default", annotations=immutabledict({"kubernetes.io/config.mirror": "x"})),
    PodSpec(node_name="n1"),
)


@pytest.mark.parametrize(
    ("node", "request_", "ok"),
    [
        ("n1", PatchStatus(BOUND), True),
        ("n2", PatchStatus(BOUND), False),
        ("n1", Delete(POD, 0), True),
        ("n2", Delete(POD, 0), False),
        ("n2", Evict(POD), False),
        ("n1", Create(Node(ObjectMeta("n1"))), True),
        ("n1", Create(Node(ObjectMeta("n2"))), False),
        ("n1", Update(lease("n1"), None), True),
        ("n1", Update(lease("n2"), None), False),
        ("n1", Update(lease("n1", "default"), None), False),
        ("n1", Create(MIRROR), True),
        ("n2", Create(MIRROR), False),
        ("n1", Create(Pod(ObjectMeta("x"), PodSpec(node_name="n1"))), False),
    ],
)
def test_a_kubelet_changes_only_what_is_its_nodes(node: str, request_: Request, ok: bool) -> None:  # noqa: FBT001
    response, _ = handle(Objects.of((BOUND,)), request_, user=node_user(node))
    assert (response.code != 403) == ok, response.message


def test_without_the_plugin_a_kubelet_may_touch_another_nodes_pod() -> None:
    config = Config(node_restriction=False)
    assert handle(Objects.of((BOUND,)), PatchStatus(BOUND), user=node_user("n2"), config=config)[0].ok


def test_the_built_in_roles_are_asked_before_the_storage() -> None:
    class Untouchable:
        """A storage that must not be listed."""

        def get(self, _ref: Ref) -> None:
            return None

        def list(self, kind: str, _namespace: str | None) -> tuple[()]:
            raise AssertionError(kind)

    assert handle(Untouchable(), Bind(POD, "n1"), user=SCHEDULER)[0].code == 404


@pytest.mark.parametrize(
    ("user", "kept_out"),
    [
        pytest.param(User("system:node:a", (NODES,)), True, id="a kubelet"),
        pytest.param(User("system:node:a"), False, id="called like one, and in no group of them"),
        pytest.param(User("ann", (NODES,)), False, id="in their group, and called otherwise"),
    ],
)
def test_a_kubelet_is_who_is_called_so_and_in_the_group(user: User, *, kept_out: bool) -> None:
    """As NodeIdentity of pkg/auth/nodeidentifier/default.go (1.32)."""
    request = Delete(Ref("Node", "", "b"))
    assert (restricted({}, request, user, request.ref) is not None) is kept_out
