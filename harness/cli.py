"""The command line: `kubeproof check`, `reach`, `place`, `replay`, `show`, `run` and `zoo`.

Exit codes: 0 everything holds, 1 something is violated (or a trace no longer replays), 2 the input is bad, 3 unknown
(a limit, or Ctrl-C), 70 a defect of kubeproof itself, with a file that says what happened. Nothing a user gives it ends
in a traceback: bad input is told with file, line and field; Ctrl-C and a closed pipe are ordinary ways to end.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..__main__ import INTERRUPTED
from .defects import report_defect
from .input.options import capacity_of, cluster_of, faults_of, limits_of, manifests, nodes_of, service_of
from .version import VERSION

if TYPE_CHECKING:
    from ..model.checker.results import Progress
    from .face import Result

HOLDS, VIOLATED, BAD_INPUT, UNKNOWN, DEFECT = 0, 1, 2, 3, 70
TRACES = ".kubeproof/traces"
WIDTH = 110
"""The width of what is no terminal."""

EXAMPLES = """
\b
Examples:
  kubeproof check examples/web
  kubeproof check -f web.yaml --nodes 3 --script 'set image deployment/web app=nginx:1.29' --fault crash=1
  helm template ./chart | kubeproof check - -n prod --nodes 3
  kubeproof reach examples/web --service web
  kubeproof replay .kubeproof/traces/web-reachability.json
  kubeproof run nginx-pod --image=nginx:latest
  kubeproof zoo run placement

\b
Exit codes: 0 everything holds, 1 something is violated, 2 bad input, 3 unknown (a limit was hit, or Ctrl-C),
70 a defect of kubeproof (the message says where the report is).
"""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="kubeproof")
def cli() -> None:
    """Prove that a Kubernetes rollout converges, places validly and stays reachable, or print the run that does not."""


@cli.command(
    epilog="What happens and what may fail can stand in a scenario.yaml beside the manifests: docs/scenario-format.md."
)
@manifests
@click.option("--node-capacity", metavar="AMOUNTS", help="What each added node has: cpu=8,memory=32Gi,pods=110.")
@click.option(
    "--from-cluster",
    metavar="DUMP|-",
    help="Start from a live cluster, kubectl get -A -o json; manifests are applied to it.",
)
@click.option(
    "--script",
    multiple=True,
    metavar="STEPS",
    help="What happens, as for kubectl: 'set image deployment/web app=nginx:1.29; drain node-1'.",
)
@click.option(
    "--fault",
    multiple=True,
    metavar="NAME=N",
    help="How often a fault may strike: crash=1, node-crash=1, partition=1 and so on (docs/scenario-format.md).",
)
@click.option(
    "--consistency", metavar="HOW", help="How old views may be: linearizable, session (the default), resettable."
)
@click.option(
    "--propagation", metavar="TIME", help="From a Pod's deletion until every kube-proxy has dropped it, at most: 5s."
)
@click.option(
    "--start",
    metavar="WHERE",
    help="settled: the manifests are applied already; empty: applying them is the first step.",
)
@click.option("--accept-unmodelled", is_flag=True, help="Take what is not modelled not to matter.")
@click.option("--no-clock", is_flag=True, help="Take any order of waits for possible, however long they take.")
@click.option("--complete", is_flag=True, help="The input is all there is: what it uses and lacks is missing.")
@click.option(
    "--no-symmetry", is_flag=True, help="Keep apart what differs only in which of several like nodes is which."
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Use N processes; one for each core by default.")
@click.option("--no-cache", is_flag=True, help="Look anew at what an earlier run has an answer for.")
@click.option("--no-islands", is_flag=True, help="Look at workloads together that have nothing to do with each other.")
@click.option("--max-states", type=click.IntRange(min=1), metavar="N", help="Give up after N states.")
@click.option(
    "--max-memory",
    metavar="SIZE",
    help="Give up when the process holds so much: 4Gi; three quarters of the machine by default.",
)
@click.option("--timeout", metavar="TIME", help="Give up after so long: 60s, 5m.")
@click.option("--max-depth", type=click.IntRange(min=1), metavar="N", help="Look at runs of at most N steps.")
@click.option("--trace-dir", default=TRACES, show_default=True, metavar="DIR", help="Where traces of violations go.")
@click.option(
    "--expect", "expect", is_flag=True, help="Exit 0 if and only if the verdicts are those scenario.yaml expects."
)
@click.option("--checkpoint", metavar="FILE", help="Keep the search in FILE, so that it can be killed and resumed.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint, if it exists.")
@click.option(
    "--simulate",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take N random walks instead: they find, but prove nothing.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Which random walks.")
@click.option("--statistics", is_flag=True, help="Print what the search cost and covered; with --json: time it, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--quiet", is_flag=True, help="Print the verdicts only.")
@click.option(
    "--explain", is_flag=True, help="Print every bound, assumption and remark, also those that change nothing."
)
@click.pass_context
def check(context: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Check that manifests converge, every placement is valid and every Service stays reachable, or show how not."""
    from . import face  # noqa: PLC0415 - --help and --version need nothing of it
    from .islands import cache as answers  # noqa: PLC0415

    cluster = cluster_of(paths, given)
    with _Progress() as progress:
        result = face.check(
            cluster,
            script=given["script"] or None,
            propagation=given["propagation"],
            limits=limits_of(given),
            trace_dir=given["trace_dir"],
            progress=progress,
            consistency=given["consistency"],
            start=given["start"],
            accept_unmodelled=given["accept_unmodelled"] or None,
            complete=given["complete"] or None,
            clock=False if given["no_clock"] else None,
            node_capacity=capacity_of(given["node_capacity"]),
            faults=faults_of(given["fault"]),
            checkpoint=given["checkpoint"],
            resume=given["resume"],
            measure=given["statistics"],
            walks=given["simulate"],
            seed=given["seed"],
            symmetry=not given["no_symmetry"],
            islands=not given["no_islands"],
            jobs=given["jobs"] or os.cpu_count() or 1,
            cache=None if given["no_cache"] else answers.Cache(answers.home()),
        )
    _print(_shown(result, as_json=given["as_json"], quiet=given["quiet"], explain=given["explain"]))
    if given["statistics"] and not given["as_json"]:
        _print(f"\n{result.statistics}")
    context.exit(_code(result, expect=given["expect"]))


@cli.command()
@manifests
@click.option(
    "--service", default="", metavar="NAME", help="The Service, also NAMESPACE/service/NAME; all of the namespace else."
)
@click.option(
    "--from", "client", default="", metavar="NAME", help="A Pod or workload: do NetworkPolicies let it through?"
)
@click.option("--during", default="", metavar="STEPS", help="What happens meanwhile: 'set-image web nginx:1.29'.")
@click.option(
    "--propagation", metavar="TIME", help="From a Pod's deletion until every kube-proxy has dropped it, at most: 5s."
)
@click.option("--timeout", metavar="TIME", help="Give up on what happens meanwhile after so long: 60s, 5m.")
@click.option("--trace-dir", default=TRACES, show_default=True, metavar="DIR", help="Where traces of violations go.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_context
def reach(context: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Say from where, through which address, a Service is reached, who answers, and why nobody does."""
    from .reach import command as reach_command  # noqa: PLC0415 - --help and --version need nothing of it

    namespace, service = service_of(given["service"])
    answer = reach_command.reach(
        cluster_of(paths, given),
        service,
        namespace=namespace or given["namespace"] or "",
        client=given["client"],
        during=given["during"],
        propagation=given["propagation"],
        limits=limits_of(given),
        trace_dir=given["trace_dir"],
    )
    _print(json.dumps(answer.to_json(), indent=2) + "\n" if given["as_json"] else answer.text())
    context.exit({"HOLDS": HOLDS, "VIOLATED": VIOLATED, "UNKNOWN": UNKNOWN}[answer.status.value])


@cli.command()
@manifests
@click.option("--from-cluster", metavar="DUMP", help="Start from kubectl get nodes,pods,... -A -o json.")
@click.option("--survive", type=click.IntRange(min=1), metavar="K", help="After the loss of any K nodes too?")
@click.option("--survive-zones", type=click.IntRange(min=1), metavar="K", help="After the loss of any K zones too?")
@click.option(
    "--minimise",
    type=click.Choice(["nodes", "changes", "capacity"]),
    help="The smallest pool, the fewest changes, or the least added capacity.",
)
@click.option("--pool", multiple=True, metavar="NAME=cpu:2,memory:8Gi", help="A kind of node that can be added.")
@click.option("--timeout", metavar="TIME", default="10s", show_default=True, help="Give up on one proof after so long.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_context
def place(context: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Say where each Pod can go and why not elsewhere, whether all can at once, and on how few nodes."""
    from .place import place as placing  # noqa: PLC0415 - --help and --version need nothing of it
    from .place import pool as place_pool  # noqa: PLC0415
    from .place import report as place_report  # noqa: PLC0415

    limits = limits_of({"timeout": given["timeout"]})
    if (given["minimise"] == "nodes") != bool(given["pool"]):
        raise click.UsageError("--minimise nodes and --pool go together")
    paths = (*paths, *given["filename"])
    if not paths and not given["from_cluster"]:
        raise click.UsageError("give manifests, or --from-cluster")
    asked = place_report.Asked(
        survive=given["survive"] or 0,
        survive_zones=given["survive_zones"] or 0,
        minimise=given["minimise"] or "",
        pools=dict(place_pool.pool(text) for text in given["pool"]),
        milliseconds=int((limits.timeout or 10) * 1000),
    )
    wanted = placing.wanted(
        paths,
        nodes_of(given["nodes"]),
        given["from_cluster"],
        namespace=given["namespace"] or "default",
        recursive=given["recursive"],
    )
    answer = place_report.report(wanted, asked)
    _print(json.dumps(answer.to_json(), indent=2) + "\n" if given["as_json"] else answer.text())
    context.exit({"HOLDS": HOLDS, "VIOLATED": VIOLATED, "UNKNOWN": UNKNOWN}[answer.status])


@cli.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.pass_context
def replay(context: click.Context, trace: Path) -> None:
    """Go through a recorded trace again, step by step, comparing every state."""
    context.exit(_replay(trace))


@cli.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--brief", is_flag=True, help="Leave out what each step changed.")
def show(trace: Path, *, brief: bool) -> None:
    """Print a recorded trace as text."""
    from ..traces import files, render  # noqa: PLC0415 - --help and --version need nothing of it

    _print(render.text(files.read(trace), changes=not brief))


@cli.command()
@click.argument("name")
@click.option("--image", required=True, help="The image of its container.")
@click.option("--nodes", metavar="N|FILE", help="How many plain nodes, or a file of Node objects; 3 otherwise.")
@click.option("--port", type=click.IntRange(1, 65535), default=80, show_default=True, help="The port of its Service.")
@click.option("--trace", type=click.Path(path_type=Path), metavar="FILE", help="Record the walk, to be replayed later.")
def run(name: str, image: str, nodes: str | None, port: int, trace: Path | None) -> None:
    """Walk through what happens on `kubectl run NAME --image=IMAGE`, in nine steps, from the manifest to the packet."""
    from ..traces import files  # noqa: PLC0415 - --help and --version need nothing of it
    from .walk import tour as walk  # noqa: PLC0415

    walked = walk.walk(walk.given(name, image, port, nodes_of(nodes)))
    _print(walk.text(walked))
    if trace is not None:
        files.write(walk.record(walked, VERSION), trace)
        _print(f"\ntrace written to {trace}, replay it with: kubeproof replay {trace}\n")


@cli.group(invoke_without_command=True)
@click.pass_context
def zoo(context: click.Context) -> None:
    """Tell, run and show documented failures of Kubernetes, each beside what repairs it."""
    if context.invoked_subcommand is None:
        context.invoke(zoo_list)


WHICH = click.argument("names", nargs=-1, metavar="[NAME|TOPIC]...")


@zoo.command("list")
@WHICH
def zoo_list(names: tuple[str, ...] = ()) -> None:
    """List the failures of these names and topics; all of them otherwise."""
    from .zoo import command  # noqa: PLC0415 - --help and --version need nothing of it

    with _known_failures():
        _print(command.told(names))


@zoo.command("run")
@WHICH
@click.option("--trace", is_flag=True, help="Print the run that shows each failure.")
@click.pass_context
def zoo_run(context: click.Context, names: tuple[str, ...], *, trace: bool) -> None:
    """Find each failure without its repair, and nothing with it; exit 1 if one is not as documented."""
    from .zoo import command  # noqa: PLC0415

    right = count = 0
    with _known_failures():
        for one, text in command.run(names, trace=trace):
            right, count = right + one, count + 1
            _print(text)
    _print(f"{right} of {count} documented failures are found, and gone with their repairs\n")
    context.exit(HOLDS if right == count else VIOLATED)


@zoo.command("show")
@WHICH
def zoo_show(names: tuple[str, ...]) -> None:
    """Print what failures are about, and their manifests with what the repair changes in them."""
    from .zoo import command  # noqa: PLC0415

    with _known_failures():
        _print(command.shown(names))


@contextmanager
def _known_failures() -> Iterator[None]:
    from ..impl.api.reading.nearest import did_you_mean  # noqa: PLC0415
    from .zoo.registry import NoSuchFailureError, topics  # noqa: PLC0415

    try:
        yield
    except NoSuchFailureError as error:
        known = (*topics(), *(pair.name for some in topics().values() for pair in some))
        hint = did_you_mean(str(error.args[0]), known, f"there are the topics {', '.join(topics())}")
        raise click.BadParameter(f"no failure or topic is called {error.args[0]!r}; {hint}") from None


def _replay(path: Path) -> int:
    from ..traces import files, render  # noqa: PLC0415 - --help and --version need nothing of it
    from ..traces.replay import Replayed  # noqa: PLC0415

    document = files.read(path)
    if document.what == "walk":
        from .walk.tour import replay_walk as again  # noqa: PLC0415 - each kind needs only its own half of the house
    else:
        from .face import replay_check as again  # noqa: PLC0415
    result = again(document)
    _print(render.result(result, str(path)))
    return HOLDS if isinstance(result, Replayed) else VIOLATED


def _shown(result: Result, *, as_json: bool, quiet: bool, explain: bool) -> str:
    if as_json:
        return json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n"
    if quiet:
        return result.quiet
    width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
    return result.text(width=width, explain=explain)


def _code(result: Result, *, expect: bool) -> int:
    if expect:
        return HOLDS if result.as_expected else VIOLATED
    return {"HOLDS": HOLDS, "VIOLATED": VIOLATED, "UNKNOWN": UNKNOWN}[result.status.value]


class _Progress:
    """The progress line, if stderr is a terminal."""

    def __enter__(self) -> Callable[[Progress], None] | None:
        from ..model.checker.guard import resident_memory  # noqa: PLC0415
        from .progress import Line  # noqa: PLC0415

        self.line = Line(sys.stderr, resident_memory) if sys.stderr.isatty() else None
        return self.line

    def __exit__(self, *_: object) -> None:
        if self.line is not None:
            self.line.close()


def _print(text: str) -> None:
    """Print, with colours on a terminal. A reader that has seen enough and closes the pipe changes no verdict."""
    try:
        _write(text)
    except BrokenPipeError:
        # Keep Python from complaining a second time when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(text: str) -> None:
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.text import Text  # noqa: PLC0415

    coloured = Text(text)
    for word, style in (("HOLDS", "bold green"), ("VIOLATED", "bold red"), ("UNKNOWN", "bold yellow")):
        coloured.highlight_words([word], style)
    Console(soft_wrap=True, highlight=False).print(coloured, end="")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupts)
    raise SystemExit(_guarded(arguments))


def _guarded(arguments: list[str] | None) -> int:
    """Run a command; every way it can end becomes an exit code and, where something is wrong, a message on stderr."""
    try:
        return _run(arguments)
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write(INTERRUPTED)
        return UNKNOWN
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever was not foreseen is told as a defect
        sys.stderr.write(report_defect(error, sys.argv[1:] if arguments is None else arguments))
        return DEFECT


def _interrupts(_number: int, _frame: object) -> None:
    """End as Ctrl-C does: a search writes its checkpoint and says what it knows."""
    raise KeyboardInterrupt


def _run(arguments: list[str] | None) -> int:
    from ..impl.api.reading.load import BadInput  # noqa: PLC0415 - not before something is to be done
    from ..traces.document import BadTraceError  # noqa: PLC0415

    try:
        return cli.main(arguments, prog_name="kubeproof", standalone_mode=False) or HOLDS
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except (BadInput, BadTraceError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {(error.strerror or str(error)).lower()}\n")
        return BAD_INPUT
