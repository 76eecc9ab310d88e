"""Versions that are no longer served: since when, and what is written instead."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.reading import schema
from kubeproof.impl.api.reading.manifest_check import errors_of
from kubeproof.impl.api.reading.removed_versions import ALL, removed


@pytest.mark.parametrize(
    ("version", "kind", "told"),
    [
        (
            "policy/v1beta1",
            "PodDisruptionBudget",
            "since 1.25 (write policy/v1: an empty selector then selects every Pod of the namespace)",
        ),
        ("batch/v1beta1", "CronJob", "since 1.25 (write batch/v1)"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "since 1.26 (write autoscaling/v2)"),
        ("events.k8s.io/v1beta1", "Event", "since 1.25 (write events.k8s.io/v1)"),
        ("rbac.authorization.k8s.io/v1beta1", "ClusterRole", "since 1.22 (write rbac.authorization.k8s.io/v1)"),
        ("policy/v1beta1", "PodSecurityPolicy", "since 1.25 (nothing takes its place; "),
    ],
)
def test_a_version_that_is_gone_is_told_with_its_release_and_what_to_write(version: str, kind: str, told: str) -> None:
    (error,) = errors_of({"apiVersion": version, "kind": kind, "metadata": {"name": "old"}})
    assert error.path == "apiVersion"
    assert f"{error.message} ({error.hint})".startswith(f'Kubernetes no longer serves "{version}" for {kind}, {told}')


def test_what_is_served_is_not_said_to_be_gone() -> None:
    kinds = schema.table()["kinds"]
    assert ALL
    assert not [(version, kind) for version, kind in ALL if kind in kinds.get(version, ())]


def test_only_a_kind_that_is_gone_altogether_has_nothing_in_its_place() -> None:
    assert {kind for _, kind in ALL if not schema.versions_of(kind)} == {"PodSecurityPolicy"}
    assert removed("policy/v1", "PodDisruptionBudget") is None
