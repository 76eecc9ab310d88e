"""Tables: as many cells as recorded columns, ages as Kubernetes shortens them, and the word that a Pod's state gets."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from kubeproof.impl.apiserver.resources import resources
from kubeproof.impl.apiserver.rest.documents.documents import columns
from kubeproof.impl.apiserver.rest.tables.pods import reason
from kubeproof.impl.apiserver.rest.tables.table import PRINTERS, cells, table
from kubeproof.impl.apiserver.rest.tables.words import human
from planted import planted

KINDS = {
    f"{'/apis' if '/' in version else '/api'}/{version}/{plural}": one.kind.name
    for (version, plural), one in resources().items()
}


@pytest.mark.parametrize("place", sorted(columns()))
def test_an_object_has_a_cell_for_each_recorded_column(place: str) -> None:
    kind = KINDS[place]
    bare = {"kind": kind, "metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"}}
    row = cells(kind, bare, columns()[place], 1_767_225_660)
    assert len(row) == len(columns()[place])
    assert row[0] == "x" or kind == "Event"
    ages = [cell for cell, column in zip(row, columns()[place], strict=True) if column["name"] == "Age"]
    assert set(ages) <= {"60s"}


def test_most_kinds_with_columns_have_a_printer() -> None:
    without = {kind for place, kind in KINDS.items() if place in columns() and kind not in PRINTERS}
    assert without == {
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "ComponentStatus",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "VolumeAttachment",
    }


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (11100, "3h5m"),
        (28800, "8h"),
        (172799, "47h"),
        (172800, "2d"),
        (176400, "2d1h"),
        (691200, "8d"),
        (63071999, "729d"),
        (63072000, "2y"),
        (63158400, "2y1d"),
        (252288000, "8y"),
    ],
)
def test_an_age_is_as_short_as_kubernetes_makes_it(seconds: int, shown: str) -> None:
    assert human(seconds) == shown


def pod(**status: Any) -> dict[str, Any]:
    meta = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if status.pop("deleted", False) else {}
    first = [{"name": "i"}, {"name": "j"}]
    return {"metadata": meta, "spec": {"containers": [{"name": "c"}], "initContainers": first}, "status": status}


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"phase": "Running", "deleted": True}, "Terminating"),
        ({"phase": "Succeeded", "deleted": True}, "Succeeded"),
        ({"phase": "Running", "reason": "NodeLost", "deleted": True}, "Unknown"),
        (
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
            "SchedulingGated",
        ),
        (
            {
                "phase": "Running",
                "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
            },
            "CrashLoopBackOff",
        ),
        (
            {"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 3}}}]},
            "ExitCode:3",
        ),
        ({"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated": {"signal": 9}}}]}, "Signal:9"),
        ({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}, "Init:0/2"),
        (
            {"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 1}}}]},
            "Init:ExitCode:1",
        ),
    ],
)
def test_the_state_of_a_pod_has_a_word(status: dict[str, Any], shown: str) -> None:
    assert reason(pod(**status)) == shown


def test_a_table_shows_as_much_of_its_objects_as_is_asked_for() -> None:
    obj = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"a": "b"}}
    rows = {
        include: table("/api/v1/configmaps", "ConfigMap", [obj], {}, 0, version="v1", include=include)["rows"][0]
        for include in ("None", "Metadata", "Object")
    }
    assert "object" not in rows["None"]
    assert rows["Metadata"]["object"]["kind"] == "PartialObjectMetadata"
    assert rows["Object"]["object"] == obj
    assert rows["None"]["cells"] == ["c", 1, "<unknown>"]


def test_a_cell_too_many_would_be_noticed() -> None:
    with planted(
        "kubeproof.impl.apiserver.rest.tables.printers",
        '    return [meta.get("name", ""), *middle,',
        '    return [meta.get("name", ""), "", *middle,',
    ):
        row = cells("Secret", {"metadata": {"name": "x"}}, columns()["/api/v1/secrets"], 0)
    assert len(row) == len(columns()["/api/v1/secrets"]) + 1


def test_the_shipped_documents_are_small() -> None:
    sizes = [len(lzma.compress(json.dumps(one).encode())) for one in (columns(),)]
    assert sum(sizes) < 50_000
