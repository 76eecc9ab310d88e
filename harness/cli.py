"""The command line: `kubeproof check`, `diff`, `reach`, `place`, `replay`, `show`, `run`, `serve`, `zoo` and others.

Exit codes: 0 everything holds, 1 something is violated (or a trace no longer replays), 2 the input is bad, 3 unknown
(a limit, or Ctrl-C), 70 a defect of kubeproof itself, with a file that says what happened. Nothing a user gives it ends
in a traceback: bad input is told with file, line and field; Ctrl-C and a closed pipe are ordinary ways to end.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..__main__ import INTERRUPTED, listen
from . import examples, manual
from .corpus import corpus
from .defects import report_defect
from .input.files.options import (
    TRACES,
    asked,
    checking,
    cluster_of,
    keywords,
    limits_of,
    manifests,
    nodes_of,
    service_of,
)
from .version import VERSION

if TYPE_CHECKING:
    from ..model.checker.results import Progress
    from ..traces.document import Document
    from .face import Result

HOLDS, VIOLATED, BAD_INPUT, UNKNOWN, DEFECT = 0, 1, 2, 3, 70
CODES = {"HOLDS": HOLDS, "VIOLATED": VIOLATED, "UNKNOWN": UNKNOWN}
WIDTH = 110
"""The width of what is no terminal."""


@click.group(epilog=examples.ALL, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="kubeproof")
def cli() -> None:
    """Prove that a Kubernetes rollout converges, places validly and stays reachable, or print the run that does not."""


@cli.command(epilog=examples.CHECK, short_help="Does a rollout, drain or fault break anything? Every order is tried.")
@manifests
@asked
@checking
@click.pass_context
def check(context: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Check that manifests converge, every placement is valid and every Service stays reachable, or show how not."""
    from .ci import command  # noqa: PLC0415 - --help and --version need nothing of it

    asked = command.asked(paths, given)
    results = []
    with _Progress() as progress:
        for result in command.run(asked, _options(given), progress, keep=not given["no_cache"]):
            results.append(result)
            if not given["as_json"]:
                _print(("\n" if len(results) > 1 else "") + _shown(result, given))
    if given["as_json"]:
        reports = [result.to_json() for result in results]
        _print(json.dumps(reports[0] if len(asked.targets) == 1 else reports, indent=2, ensure_ascii=False) + "\n")
    found = command.findings(asked, results)
    said = command.write(asked, found, given)
    if given["as_json"]:
        sys.stderr.write(said)
    else:
        _print(said)
    if not given["as_json"] and not given["quiet"]:
        _print(command.next_steps(results, sys.argv[1:], given["checkpoint"]))
    if left := len(asked.targets) - len(results):
        sys.stderr.write(f"interrupted: {left} of {len(asked.targets)} paths were not looked at\n")
    if given["expect"]:
        context.exit(HOLDS if all(result.as_expected for result in results) and not left else VIOLATED)
    code = CODES[command.verdict(found).value]
    context.exit(UNKNOWN if left and code == HOLDS else code)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Return how to check, as the Python face takes it."""
    own = {name: given[name] for name in ("trace_dir", "checkpoint", "resume", "seed", "release")}
    return {**keywords(given), **own, "measure": given["statistics"], "walks": given["simulate"]}


@cli.command(epilog=examples.DIFF, short_help="What got worse between two releases, or two revisions of manifests.")
@manifests
@asked
@click.option("--release", multiple=True, metavar="R", help="Twice: two releases on the same manifests.")
@click.option(
    "--switch", multiple=True, metavar="KEY=VALUE", help="Done so on the first side alone: endpoints=before-1.21."
)
@click.option("--why", is_flag=True, help="Also which change between the releases it is: asks once more for each.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.pass_context
def diff(context: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Compare two releases on the same manifests, or two revisions of the manifests (OLD NEW), claim by claim.

    Exit code 0: nothing got worse; 1: something did; 2: bad input; 3: something became UNKNOWN.
    """
    from .diff import command, compare, report  # noqa: PLC0415 - --help and --version need nothing of it

    with _Progress() as progress:
        found = command.diff(paths, given, progress)
    _print(
        json.dumps(report.to_json(found), indent=2, ensure_ascii=False) + "\n"
        if given["as_json"]
        else report.text(found)
    )
    context.exit({compare.Turn.WORSE: VIOLATED, compare.Turn.OPEN: UNKNOWN}.get(found.turn, HOLDS))


@cli.command(epilog=examples.REACH, short_help="Who reaches a Service, through which address, and nothing else.")
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
    context.exit(CODES[answer.status.value])


@cli.command(epilog=examples.PLACE, short_help="Where each Pod can go, why not elsewhere, and what would make room.")
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
    context.exit(CODES[answer.status])


@cli.command(epilog=examples.REPLAY, short_help="Go through a recorded trace again.")
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--against", metavar="URL", help="Perform it on a live API server without controllers, and compare.")
@click.option("--token", default="", metavar="TEXT", help="With --against: who asks.")
@click.option("--authority", default="", metavar="FILE", help="With --against: whose certificates are trusted.")
@click.pass_context
def replay(context: click.Context, trace: Path, against: str | None, token: str, authority: str) -> None:
    """Go through a recorded trace again, comparing every state; or through a session of `serve`, every answer."""
    if against is not None:
        context.exit(_perform(trace, against, token, authority))
    context.exit(_replay_session(trace) if _is_database(trace) else _replay(trace))


@cli.command(epilog=examples.VALIDATE, short_help="Does what really happened break a claim, or the model?")
@click.argument("recordings", nargs=-1, required=True, metavar="FILE|FOLDER|-...")
@click.option("--release", metavar="R", help="Which Kubernetes: 1.32 to 1.36; 1.36 where the recording says nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.pass_context
def validate(context: click.Context, /, recordings: tuple[str, ...], *, release: str | None, as_json: bool) -> None:
    """Hold what really happened in a cluster against the model and the claims.

    Recordings are audit logs (at level RequestResponse), the watch streams of kubectl (one for each kind), or runs with
    their events; all given are of one cluster.
    """
    from ..impl.api.releases import RELEASES  # noqa: PLC0415 - --help and --version need nothing of it
    from .validate import command, report  # noqa: PLC0415

    if release is not None and release not in RELEASES:
        raise click.UsageError(f"--release: expected one of {', '.join(RELEASES)}, got {release}")
    found = command.validated(recordings, None if release is None else RELEASES[release])
    _print(json.dumps(report.to_json(found), indent=2) + "\n" if as_json else report.text(found, WIDTH))
    context.exit(CODES[found.status.value])


@cli.command(epilog=examples.SHOW, short_help="Print a trace, or make a page of it for the browser.")
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--brief", is_flag=True, help="Leave out what each step changed.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write it as one page for a browser.")
@click.option("--itf", type=click.Path(path_type=Path), metavar="FILE", help="Write it in Apalache's trace format.")
def show(trace: Path, *, brief: bool, html: Path | None, itf: Path | None) -> None:
    """Print a recorded trace as text, or write it as a page that shows it step by step."""
    from ..traces import files, render  # noqa: PLC0415 - --help and --version need nothing of it

    document = files.read(trace)
    if html is None and itf is None:
        _print(render.text(document, changes=not brief))
        return
    from ..traces.itf import to_itf  # noqa: PLC0415
    from . import face  # noqa: PLC0415

    document = face.in_full(document)
    if itf is not None:
        itf.write_text(to_itf(document), encoding="utf-8")
        _print(f"trace written to {itf} in the Informal Trace Format; show and replay read it, too\n")
    if html is not None:
        _page(document, html)


def _page(document: Document, path: Path) -> None:
    from ..traces.page.build import html  # noqa: PLC0415

    path.write_text(html(document), encoding="utf-8")
    _print(f"page written to {path}, open it in a browser; it needs nothing beside it\n")


@cli.command(epilog=examples.RUN, short_help="What happens behind kubectl run, step by step.")
@click.argument("name")
@click.option("--image", required=True, help="The image of its container.")
@click.option("--nodes", metavar="N|FILE", help="How many plain nodes, or a file of Node objects; 3 otherwise.")
@click.option("--port", type=click.IntRange(1, 65535), default=80, show_default=True, help="The port of its Service.")
@click.option("--trace", type=click.Path(path_type=Path), metavar="FILE", help="Record the walk, to be replayed later.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write it as one page, a guided tour.")
def run(name: str, image: str, nodes: str | None, port: int, trace: Path | None, html: Path | None) -> None:
    """Walk through what happens on `kubectl run NAME --image=IMAGE`, in nine steps, from the manifest to the packet."""
    from ..traces import files  # noqa: PLC0415 - --help and --version need nothing of it
    from .run import tour as walk  # noqa: PLC0415

    walked = walk.walk(walk.given(name, image, port, nodes_of(nodes)))
    document = walk.record(walked, VERSION)
    if html is not None:
        _page(document, html)
    else:
        _print(walk.text(walked))
    if trace is not None:
        files.write(document, trace)
        _print(f"\ntrace written to {trace}, replay it with: kubeproof replay {trace}\n")


@cli.command(epilog=examples.SERVE, short_help="The control plane on loopback, for kubectl.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0 takes a free one.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE", help="Keep the cluster there; else in memory.")
@click.option(
    "--nodes", type=click.IntRange(min=0), default=3, show_default=True, metavar="N", help="Of a new cluster."
)
@click.option(
    "--tokens",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Who may ask: token,user,uid,groups a line. Without it whoever reaches the port is the administrator.",
)
@click.option("--kubeconfig", type=click.Path(path_type=Path), metavar="FILE", help="Write one that leads there.")
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="What generated names are drawn from."
)
@click.option(
    "--tls",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Serve HTTPS with an authority of its own, kept there with a kubeconfig for each client.",
)
@click.option("--apiservers", type=click.IntRange(1, 9), default=1, show_default=True, help="Behind a balancer.")
@click.option(
    "--lag", type=click.FloatRange(0, 60), default=2, show_default=True, help="Seconds, of the last of several."
)
@click.option("--no-components", is_flag=True, help="Only the API server: no controllers, scheduler and kubelets.")
@click.option(
    "--client",
    "clients",
    multiple=True,
    metavar="NAME[:GROUP]",
    help="With --tls: one more client that has a certificate, and FOLDER/NAME.conf.",
)
def serve(**given: Any) -> None:
    """Serve the control plane on loopback, for kubectl and every other client: docs/serve.md."""
    try:
        from .serve import command as serving  # noqa: PLC0415 - --help and --version need nothing of it

        serving.run(serving.Asked(**given))
    except ModuleNotFoundError as error:
        raise click.UsageError(f"this needs more: pip install 'kubeproof[serve]' ({error.name} is missing)") from None


@cli.command(epilog=examples.COMPLETION, short_help="What a shell needs to complete commands.")
@click.argument("shell", type=click.Choice(manual.SHELLS))
def completion(shell: str) -> None:
    """Print the script that lets a shell complete commands and options."""
    _print(manual.completion(cli, shell))


@cli.command(epilog=examples.MAN, short_help="The manual page.")
def man() -> None:
    """Print the manual page, made of the commands themselves."""
    _print(manual.manual(cli))


@cli.group(invoke_without_command=True, short_help="Documented failures of Kubernetes, each with its repair.")
@click.pass_context
def zoo(context: click.Context) -> None:
    """Tell, run and show documented failures of Kubernetes, each beside what repairs it."""
    if context.invoked_subcommand is None:
        context.invoke(zoo_list)


cli.add_command(corpus)
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

    every = []
    with _known_failures():
        for lines in command.run(names, trace=trace):
            every.append(lines)
            _print(lines.text)
    _print(command.summed_up(every))
    context.exit(HOLDS if all(ran.right for ran in every) else VIOLATED)


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
        hint = did_you_mean(
            str(error.args[0]), known, f"there are the topics {', '.join(topics())}, and kubeproof zoo list"
        )
        raise click.BadParameter(f"no failure or topic is called {error.args[0]!r}; {hint}") from None


def _replay(path: Path) -> int:
    from ..traces import files, render  # noqa: PLC0415 - --help and --version need nothing of it
    from ..traces.replay import Replayed  # noqa: PLC0415

    document = files.read(path)
    if document.what == "walk":
        from .run.tour import replay_walk as again  # noqa: PLC0415 - each kind needs only its own half of the house
    else:
        from .face import replay_check as again  # noqa: PLC0415
    result = again(document)
    _print(render.result(result, str(path)))
    return HOLDS if isinstance(result, Replayed) else VIOLATED


def _perform(path: Path, url: str, token: str, authority: str) -> int:
    from ..impl.api.reading.load import BadInput, Problem  # noqa: PLC0415
    from ..traces import files  # noqa: PLC0415
    from . import against  # noqa: PLC0415 - a replay here needs no network

    document = files.read(path)
    if document.what != "check":
        raise BadInput((Problem(str(path), 0, "what", "only the run of a check can be performed on a server"),))
    try:
        told = against.performed(document, against.client(url, token, authority))
    except (against.UnreachableError, ValueError) as error:
        raise BadInput((Problem("--against", 0, "", str(error)),)) from None
    _print(against.text_of(told, str(path), url))
    return VIOLATED if told.otherwise else HOLDS


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _replay_session(path: Path) -> int:
    from ..impl.api.reading.load import BadInput, Problem  # noqa: PLC0415
    from .serve import database, session  # noqa: PLC0415 - a session needs no checker

    try:
        told = session.replayed(path)
    except database.BadDatabaseError as error:
        raise BadInput((Problem(str(path), 0, "", str(error)),)) from None
    _print(session.text_of(told, str(path)))
    return VIOLATED if told.otherwise else HOLDS


def _shown(result: Result, given: dict[str, Any]) -> str:
    width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
    text = result.quiet if given["quiet"] else result.text(width=width, explain=given["explain"])
    return f"{text}\n{result.statistics}" if given["statistics"] else text


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
    listen()
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


def _run(arguments: list[str] | None) -> int:
    from ..impl.api.reading.load import BadInput  # noqa: PLC0415 - not before something is to be done
    from ..traces.document import BadTraceError  # noqa: PLC0415
    from .input.files.options import named  # noqa: PLC0415

    try:
        return cli.main(arguments, prog_name="kubeproof", standalone_mode=False) or HOLDS
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except BadInput as error:
        sys.stderr.write(f"{BadInput(tuple(map(named, error.problems)))}\n")
        return BAD_INPUT
    except BadTraceError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {(error.strerror or str(error)).lower()}\n")
        return BAD_INPUT
