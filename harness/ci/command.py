"""`kubeproof check` as a command: what it is asked of, what kubeproof.toml adds, which files it writes, how it ends."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.claim_names import SENTENCES
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.reading.nearest import did_you_mean
from ...model.checker.results import Limits, Progress, Status
from .. import face
from ..check.results import Claim
from ..face import Cluster, Result
from ..input.files.options import limits_of, nodes_of
from ..input.files.project import NAME, OWN, Project, below_scenario, read_project
from ..input.files.scenario_file import OPTIONS
from ..islands import cache as answers
from ..own.importing import named_own
from ..own.properties import sentences
from . import baseline
from .findings import Checked, checked, worst
from .github import commands, summary
from .junit import junit
from .sarif import sarif

NOT_JUDGED = "it is not judged of this input: nothing in it is what the claim speaks of, or it needs a detail"
STEP_SUMMARY, ON_GITHUB = "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"
OUTPUTS = {"junit": junit, "sarif": sarif, "summary": summary}
"""What is written to a file that is named, by option."""


@frozen
class Target:
    """One question: a cluster, which claims are asked (none: all), how far the search may go."""

    cluster: Cluster
    limits: Limits
    claims: tuple[str, ...] = ()
    path: str = "."
    project: Project = Project(NAME)

    def blamed(self, problem: Problem, options: Mapping[str, Any]) -> Problem:
        """Return a problem with an option at its place in kubeproof.toml, unless the command says the option itself."""
        key = re.split(r"[.\[ ]", problem.field)[0]
        return problem if problem.file != OPTIONS or options.get(key) else self.project.blamed(problem, self.path)


@frozen
class Asked:
    """All questions of a command, and the file that knows violations, if there is one."""

    targets: tuple[Target, ...]
    baseline: Path | None = None


def asked(paths: tuple[str, ...], given: dict[str, Any]) -> Asked:
    """Return what a command is asked: manifests that are named, else every path of kubeproof.toml. Raises BadInput."""
    project = _project(given["config"])
    named = (*paths, *given["filename"])
    if named or given["from_cluster"]:
        targets = [_target(named, project.of(named[0] if named else "."), given, project)]
    elif project.targets:
        targets = [_target((path,), project.of(path), given, project) for path in project.targets]
    else:
        raise click.UsageError(
            "Missing argument: name manifests (files, folders, or - for standard input: kubeproof check deploy/), "
            f"here or under [paths] in {NAME}"
        )
    known = given["baseline"] or project.everywhere.get("baseline")
    folder = Path() if given["baseline"] else Path(project.file).parent
    return Asked(tuple(targets), folder / known if known else None)


def _project(config: str | None) -> Project:
    if config is None and not Path(NAME).is_file():
        return Project(NAME)
    return read_project(Path(config or NAME))


def _target(named: tuple[str, ...], said: dict[str, Any], given: dict[str, Any], project: Project) -> Target:
    options = {key: value for key, value in said.items() if key not in OWN}
    nodes: Any = nodes_of(given["nodes"])
    if nodes is None and isinstance(options.get("nodes"), str):
        nodes = str(Path(project.file).parent / options.pop("nodes"))
    cluster = Cluster.from_manifests(
        *named,
        nodes=nodes,
        namespace=given["namespace"],
        recursive=given["recursive"],
        from_cluster=given["from_cluster"],
    )
    cluster = evolve(cluster, own=named_own(given["controllers"], given["properties"]))
    below = below_scenario(options, cluster.files)
    own = {key: value for key, value in below.items() if key not in cluster.options}
    claims = tuple(given["claim"] or said.get("claims", ()))
    known = {**SENTENCES, **sentences(cluster.own)}
    for claim in claims:
        if claim not in known:
            where = "--claim" if given["claim"] else project.file
            problem = Problem(where, 0, "claims", f"there is no claim {claim!r}", did_you_mean(str(claim), known))
            raise BadInput((problem,))
    limits = limits_of({**given, "timeout": given["timeout"] or str(said.get("timeout", ""))})
    return Target(cluster.given(own), limits, claims, named[0] if named else ".", project)


def run(
    asked: Asked, options: dict[str, Any], progress: Callable[[Progress], None] | None, *, keep: bool
) -> Iterator[Result]:
    """Ask each question; after an interrupt the rest is left."""
    for target in asked.targets:
        cache = answers.Cache(answers.home()) if keep else None
        try:
            found = face.check(target.cluster, limits=target.limits, progress=progress, cache=cache, **options)
        except BadInput as bad:
            raise BadInput(tuple(target.blamed(problem, options) for problem in bad.problems)) from None
        result = only(found, target.claims)
        yield result
        if result.outcome.interrupted:
            return


def next_steps(results: Iterable[Result], arguments: list[str], checkpoint: str | None) -> str:
    """Say what to do next: how to see what went wrong, how to go on where a limit or Ctrl-C came first."""
    found = tuple(results)
    again = shlex.join(["kubeproof", *(word for word in arguments if word != "--resume")])
    traces = [path for result in found for path in result.paths.values()]
    lines = []
    if traces:
        lines.append(f"Next: kubeproof show {shlex.quote(traces[0])} --html run.html shows the run in a browser")
    if any(_cut(result) for result in found):
        more = f"{again} --resume goes on from there" if checkpoint else "--checkpoint FILE keeps a search for --resume"
        lines.append(f"Next: what was decided stays decided; {more}")
        if not checkpoint:
            lines.append("      or ask less: one step of the script at a time, no faults, one --claim")
    return "".join(f"{line}\n" for line in lines)


def _cut(result: Result) -> bool:
    """Tell whether something is open because a limit or an interrupt came first, whatever else was found."""
    return not result.outcome.complete and any(claim.status is Status.UNKNOWN for claim in result.outcome.claims)


def only(result: Result, claims: tuple[str, ...]) -> Result:
    """Return a result with those claims alone that are asked, which the report says."""
    if not claims:
        return result
    report = result.outcome
    judged = {claim.name: claim for claim in report.claims}
    known = {**SENTENCES, **sentences(report.scenario.own)}
    open_ = (Claim(name, known[name], Status.UNKNOWN, "", (NOT_JUDGED,)) for name in claims if name not in judged)
    return evolve(
        result,
        outcome=evolve(
            report,
            scenario=evolve(
                report.scenario,
                expected=tuple(expected for expected in report.scenario.expected if expected[0] in claims),
            ),
            claims=(*(claim for name, claim in judged.items() if name in claims), *open_),
            bounds=(f"asked are these claims only: {', '.join(claims)}", *report.bounds),
        ),
        documents=immutabledict((name, document) for name, document in result.documents.items() if name in claims),
    )


def findings(asked: Asked, results: Iterable[Result]) -> tuple[Checked, ...]:
    """Return what was found, beside what is known."""
    known = baseline.read(asked.baseline) if asked.baseline else frozenset()
    return tuple(checked(result.outcome, result.told, known) for result in results)


def write(asked: Asked, found: tuple[Checked, ...], given: dict[str, Any]) -> str:
    """Write the files that are asked for; return what is to be said beside the report. Raises OSError."""
    for option, text in OUTPUTS.items():
        if given[option]:
            Path(given[option]).write_text(text(found), encoding="utf-8")
    if not given["summary"] and (page := os.environ.get(STEP_SUMMARY)):
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(summary(found))
    said = baseline.told(found)
    if given["update_baseline"]:
        if asked.baseline is None:
            raise BadInput((Problem("--update-baseline", 0, "", "say with --baseline which file to write"),))
        asked.baseline.write_text(baseline.text(found, baseline.read(asked.baseline)), encoding="utf-8")
        number = sum(len(checked.violated) for checked in found)
        are = "1 violation is" if number == 1 else f"{number} violations are"
        said = f"{are} known in {asked.baseline} from now on\n"
    return said + (commands(found) if os.environ.get(ON_GITHUB) == "true" else "")


def verdict(found: tuple[Checked, ...]) -> Status:
    """Return the worst of all that is not known."""
    return worst(checked.status for checked in found)
