"""`kubeproof corpus`: traces that are kept, so that what was found once is gone through again ever after.

A folder of traces, of which each replays. Of two runs of one question (the same input, claim and kind of breach) the
one with fewer steps is worth keeping.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from attrs import frozen

from ..traces.document import Document, to_text
from ..traces.files import read, write
from ..traces.render import result
from ..traces.replay import Replay, Replayed

FOLDER = Path("traces")
EXAMPLES = """
\b
Examples:
  kubeproof corpus add .kubeproof/traces/web-reachability.json
  kubeproof corpus explain
  kubeproof corpus prune --dry-run
"""
INTO = click.option(
    "--corpus",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    show_default=True,
    metavar="DIR",
    help="The folder of traces.",
)


@frozen
class Kept:
    """A trace of a corpus, and how it goes when it is gone through again."""

    path: Path
    document: Document
    replay: Replay

    @property
    def replays(self) -> bool:
        """Whether every state is as recorded."""
        return isinstance(self.replay, Replayed)

    @property
    def question(self) -> tuple[object, ...]:
        """What it answers: two runs of one question show the same."""
        one = self.document
        return (one.what, one.inputs, one.claim, one.kind, one.island)


def kept_in(folder: Path) -> Iterator[Kept]:
    """Go through every trace of a folder again. Raises BadTraceError."""
    for path in sorted(folder.glob("*.json")):
        document = read(path)
        yield Kept(path, document, _again(document))


def _again(document: Document) -> Replay:
    from .face import replay_check  # noqa: PLC0415 - --help needs nothing of it
    from .run.tour import replay_walk  # noqa: PLC0415

    return replay_walk(document) if document.what == "walk" else replay_check(document)


def superfluous(kept: Iterable[Kept]) -> Iterator[tuple[Kept, str]]:
    """Yield the traces that are not worth keeping, and why: they do not replay, or a shorter one shows the same."""
    best: dict[tuple[object, ...], Kept] = {}
    for case in kept:
        if not case.replays:
            yield case, "it does not replay any more"
            continue
        other = best.setdefault(case.question, case)
        if other is case:
            continue
        if len(case.document.steps) < len(other.document.steps):
            best[case.question] = case
            yield other, f"{case.path.name} shows the same in {_steps(case)}"
        else:
            yield case, f"{other.path.name} shows the same in {_steps(other)}"


def _steps(one: Kept) -> str:
    count = len(one.document.steps)
    return f"{count} step{'' if count == 1 else 's'}"


@click.group(epilog=EXAMPLES, short_help="Keep traces, and go through them again.")
def corpus() -> None:
    """Keep traces in a folder, tell what they show, and take out what is not worth keeping."""


@corpus.command()
@click.argument("traces", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@INTO
@click.pass_context
def add(context: click.Context, traces: tuple[Path, ...], folder: Path) -> None:
    """Keep traces that replay, under their names; exit 1 if one does not, or another trace has its name."""
    failed = False
    for path in traces:
        document = read(path)
        again, there = _again(document), folder / path.name
        if not isinstance(again, Replayed):
            click.echo(result(again, str(path)), nl=False)
            failed = True
        elif there.exists() and there.read_text(encoding="utf-8") != to_text(document):
            click.echo(f"{there}: another trace has this name: rename {path}, or remove the old one")
            failed = True
        else:
            click.echo(f"{write(document, there)}: kept, {len(document.steps)} steps")
    context.exit(int(failed))


@corpus.command()
@INTO
@click.pass_context
def explain(context: click.Context, folder: Path) -> None:
    """Tell what each trace shows, and whether it still replays; exit 1 if one does not."""
    every = tuple(kept_in(folder))
    for kept in every:
        shows = (
            " ".join(part for part in (kept.document.claim, kept.document.verdict) if part) or kept.document.sentence
        )
        click.echo(f"{kept.path}: {shows}, {_steps(kept)}")
        click.echo("".join(f"  {line}\n" for line in kept.document.reasons[:1]), nl=False)
        if not kept.replays:
            click.echo(f"  {result(kept.replay, kept.path.name)}", nl=False)
    if not every:
        click.echo(f"{folder}: no traces; kubeproof corpus add TRACE keeps one")
    context.exit(int(any(not kept.replays for kept in every)))


@corpus.command()
@INTO
@click.option("--dry-run", is_flag=True, help="Tell what would go, and remove nothing.")
def prune(folder: Path, *, dry_run: bool) -> None:
    """Remove traces that do not replay any more, or that a shorter one of the same question makes superfluous."""
    gone = tuple(superfluous(kept_in(folder)))
    for trace, why in gone:
        if not dry_run:
            trace.path.unlink()
        click.echo(f"{trace.path}: {'would be removed' if dry_run else 'removed'}: {why}")
    if not gone:
        click.echo(f"{folder}: nothing to remove")
