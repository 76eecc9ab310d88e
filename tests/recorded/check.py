"""Asking `check` itself what becomes of a recorded scenario, step by step, and holding it against the recorded runs.

Each beginning of a record's script is a scenario: nodes, manifests and the first steps, from an empty cluster, each
step once the one before is at rest. What a recorded run tells of a claim after those steps:

- convergence: it converged, and each step so far did what it was asked to. An unfinished drain and a refused step are
  no convergence here; the recordings say so apart (`actionCompleted`).
- reachability: each Service that Pods are wanted for has a ready address at rest.
- budget: no drain took more Pods at a time from a workload at rest than its budget lets go.

A verdict HOLDS contradicts a run that fails so: a breach that was seen is one. VIOLATED says that some run fails, which
no recorded run contradicts by itself; whether a recorded run can happen at all is asked in `recordings`. A breach that
was found where none was recorded is counted apart: it is right, or a false alarm, and worth reading.

Records with kinds that have no model are asked as manifests: what may hang on these must stay open.

Views are linearizable first: what fails then fails with older views as well. Only what holds is asked again with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from kubeproof.harness.check.check import check
from kubeproof.harness.check.motion import MOVING
from kubeproof.harness.check.results import Claim
from kubeproof.harness.claims.answers import AT_A_STEP
from kubeproof.harness.input.scenario import Consistency, Scenario
from kubeproof.impl.api.apps import Deployment
from kubeproof.impl.api.core import Service
from kubeproof.impl.api.reading.sources import BadInput
from kubeproof.impl.api.values.selectors import matches_map
from kubeproof.impl.kubectl import script as kubectl
from kubeproof.model.checker.results import Limits, Status

from .recordings import Tiers, runs_of
from .scenario import as_written, not_modelled, scenario_of

Record = Mapping[str, Any]
Outcome = Mapping[str, Any]

TIERS: Tiers = (
    (Consistency.LINEARIZABLE, Limits(max_states=20_000, timeout=20)),
    (Consistency.SESSION, Limits(max_states=20_000, timeout=20)),
)
"""How old views may be, and how far a check goes."""
PROPAGATION_SECONDS = 5
"""Without a bound no Service without a long hook is ever reachable."""


@frozen
class Asked:
    """What check says of a claim after so many steps of a record, and of how many recorded runs it fails."""

    record: str
    step: str
    """The step that was last, as the recording calls it."""
    claim: str
    verdict: Status
    failed: int
    """Recorded runs in which the claim fails after the step."""
    runs: int
    kind: str = ""
    reason: str = ""
    """Why the verdict is what it is, in the words of the report."""

    @property
    def contradicts(self) -> bool:
        """Tell whether it holds though a recorded run fails."""
        return self.verdict is Status.HOLDS and self.failed > 0

    @property
    def surprising(self) -> bool:
        """Tell whether a breach was found where no recorded run fails; what goes on in motion was not recorded."""
        return self.verdict is Status.VIOLATED and not self.failed and self.kind not in MOVING | {AT_A_STEP}

    def __str__(self) -> str:
        failing = f"{self.failed} of {self.runs} recorded runs fail"
        return f"{self.record} after {self.step}: {self.claim} {self.verdict.value}, {failing} {self.reason}".rstrip()


def ask(record: Record, tiers: Tiers = TIERS) -> tuple[Asked, ...]:
    """Ask about every beginning of a record's script; nothing about steps that act on what has no model."""
    runs = runs_of(record)
    return tuple(
        one
        for number in range(len(record["script"]) + 1)
        for one in _after(record, number, [run[: number + 1] for run in runs if len(run) > number], tiers)
    )


def _after(record: Record, number: int, runs: list[tuple[Outcome, ...]], tiers: Tiers) -> Iterator[Asked]:
    """Ask about the first steps of a script."""
    if not runs:
        return
    found: dict[str, Claim] = {}
    for consistency, limits in tiers:
        try:
            scenario = _beginning(record, consistency, number)
        except BadInput:
            return
        found |= {one.name: one for one in check(scenario, limits=limits).claims if _news(found.get(one.name), one)}
        if all(one.status is not Status.HOLDS for one in found.values()):
            break
    step = runs[0][-1]["afterAction"]
    for name, fails in FAILS.items():
        if name in found:
            one = found[name]
            failed = sum(fails(scenario, run) for run in runs)
            reason = "" if one.status is Status.HOLDS else next(iter(one.lines), "")
            yield Asked(record["id"], step, name, one.status, failed, len(runs), one.kind, reason)


def _beginning(record: Record, consistency: Consistency, number: int) -> Scenario:
    scenario = as_written(record, consistency, number) if not_modelled(record) else scenario_of(record, consistency)
    bounds = evolve(scenario.bounds, propagation_seconds=PROPAGATION_SECONDS)
    return evolve(scenario, script=scenario.script[:number], bounds=bounds)


def _news(before: Claim | None, now: Claim) -> bool:
    """Tell whether a verdict says more than the one with younger views: a breach does, a limit only at first."""
    return before is None or (before.status is not Status.VIOLATED and now.status is not Status.UNKNOWN)


# --- what a run tells -----------------------------------------------------------------------------------------------


def _fails_to_converge(_: Scenario, run: tuple[Outcome, ...]) -> bool:
    last = run[-1]
    return not (last["quiesced"] and last["converged"] and all(one["actionCompleted"] for one in run))


def _leaves_nobody_to_answer(scenario: Scenario, run: tuple[Outcome, ...]) -> bool:
    """Tell whether a Service ends without a ready address though Pods are wanted for it."""
    last = run[-1]
    wanted = {one["name"]: one["spec"].get("replicas", 1) for one in last["workloads"] if one["kind"] == "Deployment"}
    ready = {one["service"]: any(address["ready"] for address in one["addresses"]) for one in last["endpoints"]}
    deployments = [one for one in scenario.objects if isinstance(one, Deployment)]
    for service in scenario.objects:
        if isinstance(service, Service) and service.spec.selector and service.metadata.name in ready:
            chosen = (
                one.metadata.name
                for one in deployments
                if matches_map(service.spec.selector, one.spec.template.metadata.labels)
            )
            if any(wanted.get(name) for name in chosen) and not ready[service.metadata.name]:
                return True
    return False


def _takes_too_many(scenario: Scenario, run: tuple[Outcome, ...]) -> bool:
    """Tell whether a drain of a converged cluster left fewer ready Pods than the one budget asks for."""
    if len(run) < 2 or not isinstance(scenario.script[-1], kubectl.Drain) or not run[-2]["converged"]:
        return False
    workloads = run[-2]["workloads"]
    budgets = run[-2]["pdbs"]
    if len(workloads) != 1 or len(budgets) != 1:
        return False
    status = budgets[0]["status"]
    if status.get("expectedPods") != workloads[0]["spec"].get("replicas", 1):
        return False
    name = f"{workloads[0]['kind']}/{workloads[0]['name']}"
    least = run[-1]["during"]["minReadyPods"].get(name)
    return least is not None and least < min(status.get("desiredHealthy", 0), status.get("currentHealthy", 0))


FAILS = {
    "convergence": _fails_to_converge,
    "reachability": _leaves_nobody_to_answer,
    "budget": _takes_too_many,
}
"""By claim: whether a run fails it after its last step."""
