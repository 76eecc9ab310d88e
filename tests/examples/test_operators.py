"""The operators among the examples: each breaks what it is said to break, and holds once it is repaired."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from kubeproof.harness import face
from places import EXAMPLES

OPERATORS = {
    "finalizer": ("buckets", {"deleted_buckets_go"}, {"convergence", "done", "deleted-buckets-go"}),
    "stale-restart": (
        "datacenters",
        {"live_data_stays", "it_has_its_claim"},
        {"live-data-stays", "it-has-its-claim"},
    ),
    "twice": ("fleets", {"no_pod_too_many", "the_fleet_runs"}, {"no-pod-too-many"}),
}


def module_of(folder: str) -> ModuleType:
    name = OPERATORS[folder][0]
    spec = spec_from_file_location(f"example_{name}", EXAMPLES / "operators" / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(folder: str, controller: str) -> face.Result:
    module = module_of(folder)
    said = [getattr(module, name) for name in sorted(OPERATORS[folder][1])]
    return face.check(EXAMPLES / "operators" / folder, controllers=[getattr(module, controller)], properties=said)


@pytest.mark.parametrize("folder", OPERATORS)
def test_the_operator_breaks_what_it_is_said_to_break(folder: str) -> None:
    found = checked(folder, "reconcile").outcome
    assert {one.name for one in found.claims if one.status.value == "VIOLATED"} == OPERATORS[folder][2]


@pytest.mark.parametrize("folder", OPERATORS)
def test_the_repaired_operator_breaks_nothing(folder: str) -> None:
    result = checked(folder, "repaired")
    assert result.holds, result.report
    assert result.outcome.complete


def test_the_run_of_the_stale_restart_is_the_one_that_was_reported() -> None:
    trace = checked("stale-restart", "reconcile").documents["live-data-stays"]
    said = [step.label for step in trace.steps]
    assert said.index("crashes and lists from apiserver-2") < said.index("deletes PersistentVolumeClaim data-dc1")
    assert trace.reasons == ("data-dc1 is deleted, and DataCenter/default/dc1~2 lives",)
