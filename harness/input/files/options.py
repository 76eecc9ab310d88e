"""What commands are given, as values: manifests, nodes, limits and faults, each mistake told with its option."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

if TYPE_CHECKING:
    from ....impl.api.reading.load import Problem
    from ....model.checker.results import Limits
    from ...face import Cluster


def manifests(options: Callable[..., None]) -> Callable[..., None]:
    """Add to a command the manifests it is about, named as for kubectl."""
    for add in (
        click.option("--nodes", metavar="N|FILE", help="Add N nodes (4 cpu, 8Gi, 110 pods each), or those of a file."),
        click.option("-n", "--namespace", metavar="NAME", help="Where manifests go that name no namespace."),
        click.option("-R", "--recursive", is_flag=True, help="Also the manifests in the folders below."),
        click.option("-f", "--filename", multiple=True, metavar="FILE|FOLDER|-", help="Manifests, as for kubectl."),
        click.argument("paths", nargs=-1, metavar="[FOLDER|FILE|-]..."),
    ):
        options = add(options)
    return options


TRACES = ".kubeproof/traces"


def checking(options: Callable[..., None]) -> Callable[..., None]:
    """Add to a command what a check does with its answers, and how it searches."""
    for add in (
        click.option(
            "--explain", is_flag=True, help="Print every bound, assumption and remark, also those that change nothing."
        ),
        click.option("--quiet", is_flag=True, help="Print the verdicts only."),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        click.option("--update-baseline", is_flag=True, help="Write the violations that are found to the baseline."),
        click.option("--baseline", metavar="FILE", help="Violations that are known there are told, and do not count."),
        click.option("--summary", metavar="FILE", help="Write a summary in Markdown; on GitHub it goes to the step's."),
        click.option(
            "--sarif", metavar="FILE", help="Write SARIF: violations at the lines of the manifests that cause them."
        ),
        click.option("--junit", metavar="FILE", help="Write a JUnit report."),
        click.option("--config", metavar="FILE", help="What holds for each check; kubeproof.toml, if it is there."),
        click.option(
            "--property",
            "properties",
            multiple=True,
            metavar="WHERE:NAME",
            help="A property of yours (docs/controllers.md).",
        ),
        click.option(
            "--controller",
            "controllers",
            multiple=True,
            metavar="WHERE:NAME",
            help="A controller of yours takes part: module:function, or file.py:function (docs/controllers.md).",
        ),
        click.option("--claim", multiple=True, metavar="NAME", help="Ask this claim only (again for more)."),
        click.option(
            "--statistics", is_flag=True, help="Print what the search cost and covered; with --json: time it, too."
        ),
        click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Which random walks."),
        click.option(
            "--simulate",
            type=click.IntRange(min=1),
            metavar="N",
            help="Take N random walks instead: they find, but prove nothing.",
        ),
        click.option("--resume", is_flag=True, help="Go on from the checkpoint, if it exists."),
        click.option(
            "--checkpoint", metavar="FILE", help="Keep the search in FILE, so that it can be killed and resumed."
        ),
        click.option(
            "--expect",
            "expect",
            is_flag=True,
            help="Exit 0 if and only if the verdicts are those scenario.yaml expects.",
        ),
        click.option(
            "--trace-dir", default=TRACES, show_default=True, metavar="DIR", help="Where traces of violations go."
        ),
        click.option("--release", metavar="R", help="Which Kubernetes: 1.32 to 1.36; 1.36 where nothing says."),
    ):
        options = add(options)
    return options


def asked(options: Callable[..., None]) -> Callable[..., None]:
    """Add to a command what is asked of the manifests, and within which limits."""
    for add in (
        click.option("--max-depth", type=click.IntRange(min=1), metavar="N", help="Look at runs of at most N steps."),
        click.option("--timeout", metavar="TIME", help="Give up after so long: 60s, 5m."),
        click.option(
            "--max-memory",
            metavar="SIZE",
            help="Give up when the process holds so much: 4Gi; three quarters of the machine by default.",
        ),
        click.option("--max-states", type=click.IntRange(min=1), metavar="N", help="Give up after N states."),
        click.option(
            "--no-islands", is_flag=True, help="Look at workloads together that have nothing to do with each other."
        ),
        click.option("--no-cache", is_flag=True, help="Look anew at what an earlier run has an answer for."),
        click.option(
            "--jobs", type=click.IntRange(min=1), metavar="N", help="Use N processes; one for each core by default."
        ),
        click.option(
            "--ray", metavar="ADDRESS", help="Use the processors of a Ray cluster: auto, local, or its address."
        ),
        click.option(
            "--no-symmetry", is_flag=True, help="Keep apart what differs only in which of several like nodes is which."
        ),
        click.option("--no-clock", is_flag=True, help="Take any order of waits for possible, however long they take."),
        click.option("--complete", is_flag=True, help="The input is all there is: what it uses and lacks is missing."),
        click.option("--accept-unmodelled", is_flag=True, help="Take what is not modelled not to matter."),
        click.option(
            "--start",
            metavar="WHERE",
            help="settled: the manifests are applied already; empty: applying them is the first step.",
        ),
        click.option(
            "--propagation",
            metavar="TIME",
            help="From a Pod's deletion until every kube-proxy has dropped it, at most: 5s.",
        ),
        click.option(
            "--consistency",
            metavar="HOW",
            help="How old views may be: linearizable, session (the default), resettable.",
        ),
        click.option(
            "--fault",
            multiple=True,
            metavar="NAME=N",
            help="How often a fault may strike: crash=1, node-crash=1, partition=1; docs/scenario-format.md has all.",
        ),
        click.option(
            "--script",
            multiple=True,
            metavar="STEPS",
            help="What happens, as for kubectl: 'set image deployment/web app=nginx:1.29; drain node-1'.",
        ),
        click.option(
            "--from-cluster",
            metavar="DUMP|-",
            help="Start from a live cluster, kubectl get -A -o json; manifests are applied to it.",
        ),
        click.option(
            "--node-capacity", metavar="AMOUNTS", help="What each added node has: cpu=8,memory=32Gi,pods=110."
        ),
    ):
        options = add(options)
    return options


def keywords(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked (`asked`) as `face.check` takes it, but for limits and the cache."""
    if given["ray"] and find_spec("ray") is None:
        raise click.UsageError("--ray needs more: pip install 'kubeproof[ray]'")
    return {
        "script": given["script"] or None,
        "propagation": given["propagation"],
        "consistency": given["consistency"],
        "start": given["start"],
        "accept_unmodelled": given["accept_unmodelled"] or None,
        "complete": given["complete"] or None,
        "clock": False if given["no_clock"] else None,
        "node_capacity": capacity_of(given["node_capacity"]),
        "faults": faults_of(given["fault"]),
        "symmetry": not given["no_symmetry"],
        "islands": not given["no_islands"],
        "jobs": given["jobs"] or os.cpu_count() or 1,
        "ray": given["ray"] or "",
    }


FLAGS = {
    "script": "--script",
    "faults": "--fault",
    "bounds.propagation": "--propagation",
    "consistency": "--consistency",
    "start": "--start",
    "fromCluster": "--from-cluster",
    "nodeCapacity": "--node-capacity",
    "nodes": "--nodes",
    "release": "--release",
}
"""The options of the command line that set fields of scenario.yaml."""


def named(problem: Problem) -> Problem:
    """Return a problem with an option as one of what the command line calls it."""
    from .scenario_file import OPTIONS  # noqa: PLC0415 - --help and --version need nothing of it

    key = next((key for key in FLAGS if problem.file == OPTIONS and re.match(rf"{key}\b", problem.field)), None)
    if key is None:
        return problem
    field = re.sub(r"^(\[\d+\])?[. ]?", "", problem.field.removeprefix(key))
    return evolve(problem, file=FLAGS[key], field=field)


def cluster_of(paths: tuple[str, ...], given: dict[str, Any]) -> Cluster:
    """Read the manifests that are named, by position or with -f."""
    from ...face import Cluster  # noqa: PLC0415 - --help and --version need nothing of it

    named = (*paths, *given["filename"])
    dump = given.get("from_cluster")
    if not named and not dump:
        raise click.UsageError("Missing argument: name manifests: files, folders, or - for standard input")
    return Cluster.from_manifests(
        *named,
        nodes=nodes_of(given["nodes"]),
        namespace=given["namespace"],
        recursive=given["recursive"],
        from_cluster=dump,
    )


def nodes_of(given: str | None) -> int | str | None:
    """Tell a number of nodes from the name of a file."""
    if given is None or not given.removeprefix("-").isdecimal():
        return given
    if int(given) < 1:
        raise click.BadParameter("expected at least 1 node, or a file", param_hint="--nodes")
    return int(given)


def capacity_of(text: str | None) -> dict[str, str] | None:
    """Read cpu=8,memory=32Gi; amounts that are none are left for the scenario to refuse."""
    if text is None:
        return None
    pairs = [word.partition("=") for word in text.split(",")]
    if not all(name and equals and amount for name, equals, amount in pairs):
        raise click.BadParameter(f"expected cpu=8,memory=32Gi, got {text!r}", param_hint="--node-capacity")
    return {name: amount for name, _, amount in pairs}


def service_of(text: str) -> tuple[str, str]:
    """Split [NAMESPACE/]service/NAME into namespace and name."""
    from ..script.commands import KINDS, parts  # noqa: PLC0415 - --help and --version need nothing of it

    if "/" not in text:
        return "", text
    try:
        namespace, kind, name = parts(text)
    except ValueError:
        namespace, kind, name = "", "", ""
    if KINDS.get(kind.lower()) != "Service":
        raise click.BadParameter(f"expected [NAMESPACE/]service/NAME, got {text!r}", param_hint="--service")
    return namespace, name


def limits_of(given: dict[str, Any]) -> Limits:
    """Read how far a search may go."""
    from ....impl.api.values.duration import DurationError, seconds  # noqa: PLC0415
    from ....impl.api.values.quantity import QuantityError, parse_quantity  # noqa: PLC0415
    from ....model.checker.results import Limits  # noqa: PLC0415

    try:
        memory = parse_quantity(given["max_memory"]).value() if given.get("max_memory") else None
        timeout = seconds(given["timeout"]) if given["timeout"] else None
    except QuantityError:
        raise click.BadParameter(
            f"expected a size like 4Gi, got {given['max_memory']!r}", param_hint="--max-memory"
        ) from None
    except DurationError as error:
        raise click.BadParameter(str(error), param_hint="--timeout") from None
    return Limits(given.get("max_states"), memory or _most_memory(), timeout, given.get("max_depth"))


def _most_memory() -> int:
    """Return what a search may hold unless told otherwise: three quarters of the machine, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


def faults_of(given: tuple[str, ...]) -> dict[str, Any] | None:
    """Read crash=1 node-crash=2 into the faults of scenario.yaml; a number that is none is left for it to refuse."""
    from ....impl.api.reading.json_fields import json_name  # noqa: PLC0415 - --help needs nothing of it

    faults: dict[str, Any] = {}
    for fault in given:
        name, equals, number = fault.partition("=")
        budget = number if equals else "1"
        faults[json_name(name.replace("-", "_"))] = int(budget) if budget.isdecimal() else budget
    return faults or None
