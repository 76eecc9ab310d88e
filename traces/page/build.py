"""A trace as one self-contained page of HTML: a template, its style and script, and what is told of each step.

Every step is written out as HTML, so that the page can be read without scripts, printed and searched; the script shows
one step at a time, lights up who acts and lets the message travel. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from ...impl.api.meta import Ref
from ..document import Document, Moment
from .components import API_SERVER, CODE, ETCD
from .diff import Line, written
from .scenes import Difference, OldView, Scene, Story, node_of, rank, state_of, story, summary, when

HERE = Path(__file__).parent
NODE = "node"
FEW = 2
"""Reasons that are shown beside the first one without being asked for."""
MARKS = {"+": "plus", "-": "minus", "~": "gap", " ": "same"}


def html(document: Document) -> str:
    """Return the page of a trace: the same text for the same trace."""
    told = story(document)
    parts = {
        "title": escape(_title(document)),
        "css": _file("page.css"),
        "header": "\n".join(_header(document)),
        "stage": "\n".join(_stage(told)),
        "marks": _lasso(document),
        "last": str(len(told.scenes) - 1),
        "scenes": "\n".join(_scene(scene, document) for scene in told.scenes),
        "list": "\n".join(_item(scene, document) for scene in told.scenes),
        "footer": "\n".join(_footer(document)),
        "data": json.dumps(_data(told), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "js": _file("page.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("page.html"))


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8").rstrip()


def _title(document: Document) -> str:
    if document.what == "walk":
        return document.sentence or "What happens on kubectl run"
    return f"{document.claim} {document.verdict}".strip() or "A run"


def _header(document: Document) -> Iterator[str]:
    if document.what == "walk":
        yield '<p class="what">kubeproof <span class="badge">a tour</span></p>'
        yield f"<h1>{escape(_title(document))}</h1>"
        yield f'<p class="sentence">{len(document.steps)} steps, each worked out by the component it speaks of.</p>'
        return
    first, *others = document.reasons or (document.sentence,)
    verdict = escape(document.verdict)
    kind = f" ({escape(document.kind)})" if document.kind else ""
    yield f'<p class="what">kubeproof <span class="badge {verdict}">{verdict}</span> {escape(document.claim)}{kind}</p>'
    yield f"<h1>{escape(first)}</h1>"
    yield f'<p class="sentence">The claim: {escape(document.sentence)}</p>'
    if others:
        listed = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in others)}</ul>"
        few = len(others) <= FEW
        yield listed if few else f"<details><summary>{len(others)} more reasons</summary>{listed}</details>"
    if document.island:
        yield f'<p class="sentence">A run of {escape(document.island)} by itself, all others at rest.</p>'


def _footer(document: Document) -> Iterator[str]:
    version = escape(document.version)
    yield f"<p>Made by kubeproof {version}. <code>kubeproof replay</code> goes through the trace again.</p>"
    for name, text in sorted(document.inputs.files.items()):
        yield f'<details><summary>{escape(name)}</summary><pre tabindex="0">{escape(text)}</pre></details>'


# --- the diagram --------------------------------------------------------------------------------------------------


def _stage(told: Story) -> Iterator[str]:
    yield f'<div class="clients">{"".join(map(_box, told.clients))}</div>'
    yield f'<div class="core">{_box(API_SERVER)}{_box(ETCD)}</div>'
    if any(not node_of(scene.store[ref]) for scene in told.scenes for ref in scene.pods):
        yield '<div class="node waiting none" data-id="node:"><p>on no node yet</p>'
        yield '<ul class="pods" data-id="pods:"></ul></div>'
    yield '<div class="nodes">'
    for name in told.nodes:
        node = escape(name)
        boxes = "".join(_box(f"{agent}:{name}", agent) for agent in told.agents)
        yield f'<div class="node" data-id="node:{node}"><p>{node}</p><div class="agents">{boxes}</div>'
        yield f'<ul class="pods" data-id="pods:{node}" aria-label="Pods on {node}"></ul></div>'
    yield "</div>"


def _box(name: str, title: str = "") -> str:
    return f'<div class="box" data-id="{escape(name)}"><b>{escape(title or name)}</b><small></small></div>'


def _lasso(document: Document) -> str:
    """Draw the part that repeats for ever as a loop over the steps: from after the last back to where it begins."""
    if document.cycle_start is None:
        return ""
    begin = f"calc(var(--thumb) / 2 + (100% - var(--thumb)) * {document.cycle_start} / {len(document.steps)})"
    return f'<div class="lasso" style="left: {begin}; right: calc(var(--thumb) / 2)"><span>for ever</span></div>'


# --- a step -------------------------------------------------------------------------------------------------------


def _scene(scene: Scene, document: Document) -> str:
    moment = scene.moment
    body = [] if moment is None else [*_told(scene, moment), *_changes(scene, moment)]
    if moment is None:
        body = [f'<p class="why">{escape(_start(scene, document))}</p>']
    if _is_breach(scene, document):
        body.insert(0, _breach(document))
    number = f"{scene.number}. " if scene.number else ""
    return (
        f'<article class="scene" id="scene-{scene.number}"><h2>{number}{escape(scene.title)}</h2>'
        f"{''.join(body)}</article>"
    )


def _start(scene: Scene, document: Document) -> str:
    if document.what == "walk":
        return "A fresh cluster: namespaces, and nodes that were found ready. Step on to see what the command does."
    if not scene.store:
        return "Of this run only the steps are told, and none of the objects in the store."
    return f"{len(scene.store)} objects are in the store. Step on to see what happens."


def _is_breach(scene: Scene, document: Document) -> bool:
    return bool(document.verdict) and scene.number == len(document.steps)


def _breach(document: Document) -> str:
    begin = document.cycle_start
    cycle = "" if begin is None else f"<p>Steps {begin + 1} to {len(document.steps)} repeat for ever.</p>"
    why = "".join(f"<li>{escape(line)}</li>" for line in document.reasons)
    return (
        f'<section class="breach"><h3>Here {escape(document.claim)} is {escape(document.verdict)}</h3>'
        f"<p>{escape(document.sentence)}</p>{cycle}<ul>{why}</ul></section>"
    )


def _told(scene: Scene, moment: Moment) -> Iterator[str]:
    yield f'<p class="by">{_by(scene, moment)}</p>'
    if moment.why:
        yield f'<p class="why">{escape(moment.why)}</p>'
    if moment.then:
        yield f"<ul>{''.join(f'<li>then {escape(line)}</li>' for line in moment.then)}</ul>"
    yield from map(_old_view, scene.views)
    if moment.lines:
        shown = "".join(f"<span>{escape(line) or '&nbsp;'}</span>" for line in moment.lines)
        yield f'<pre tabindex="0" aria-label="What is told of this step">{shown}</pre>'


def _by(scene: Scene, moment: Moment) -> str:
    who = scene.who.partition(":")[0]
    parts = [f"<b>{escape(_name(scene.who))}</b>"]
    if isinstance(moment.on, Ref) and moment.on in scene.known:
        parts.append(f"about {escape(str(moment.on))}")
    code = moment.code or ((CODE[who],) if who in CODE else ())
    if code:
        parts.append(f"code: {', '.join(f'<code>{escape(path)}</code>' for path in code)}")
    return " &middot; ".join(parts)


def _old_view(view: OldView) -> str:
    kinds = " and ".join(view.of)
    return (
        f'<section class="old"><h3>It goes by an old view</h3><p>It has seen {escape(kinds)} objects as of '
        f"{when(view.step)}. Since then, in the store:</p>{''.join(map(_difference, view.since))}</section>"
    )


def _changes(scene: Scene, moment: Moment) -> Iterator[str]:
    if scene.differences:
        yield f"<section><h3>In the store</h3>{''.join(map(_difference, scene.differences))}</section>"
    inner = [change.line for change in moment.changes if change.object is None]
    if inner:
        opened = "" if scene.differences else " open"
        lines = _pre((" ", line) for line in inner)
        yield f"<details{opened}><summary>Beside the store</summary>{lines}</details>"


def _difference(one: Difference) -> str:
    return f'<div class="diff"><p><b>{escape(str(one.ref))}</b> {one.what}</p>{_pre(one.lines, str(one.ref))}</div>'


def _pre(lines: Iterable[Line], label: str = "") -> str:
    shown = ((MARKS[mark], "&#8943;" if mark == "~" else f"{mark} {escape(text)}") for mark, text in lines)
    spans = (f'<span class="{name}">{text}</span>' for name, text in shown)
    return f'<pre tabindex="0" aria-label="{escape(label) or "What changes"}">{"".join(spans)}</pre>'


def _item(scene: Scene, document: Document) -> str:
    broken, begin = _is_breach(scene, document), document.cycle_start
    marks = {
        "cycle": begin is not None and scene.number > begin,
        "first": begin is not None and scene.number == begin + 1,
        "broken": broken,
    }
    here = f"<i>{escape(document.claim)} {escape(document.verdict)}</i>" if broken else ""
    who = f"<i>{escape(_name(scene.who))}</i>" if scene.who else ""
    return (
        f'<li class="{" ".join(name for name in marks if marks[name])}">'
        f'<button type="button"><span>{scene.number}</span>'
        f"<span>{escape(scene.title)}{who}{here}</span></button></li>"
    )


def _name(who: str) -> str:
    name, _, node = who.partition(":")
    return f"{name} on {node}" if node and name != NODE else node or name


# --- what the script needs ----------------------------------------------------------------------------------------


def _data(told: Story) -> dict[str, Any]:
    return {
        "cycle": None if told.document.cycle_start is None else told.document.cycle_start + 1,
        "steps": [_step(scene, told) for scene in told.scenes],
        "objects": [*_objects(told.scenes)],
    }


def _step(scene: Scene, told: Story) -> dict[str, Any]:
    document = told.document
    changed = {difference.ref for difference in scene.differences}
    blamed = " ".join(document.reasons) if _is_breach(scene, document) else ""

    def mark(ref: Ref) -> str:
        return "blamed" if _names(blamed, ref.name) else "changed" if ref in changed else ""

    of = f"{scene.number} of {len(document.steps)}. {_name(scene.who)}: " if scene.number else ""
    says = f"{of}{scene.title}"
    return {
        "who": scene.who,
        "says": f"{says}. {document.claim} {document.verdict}" if _is_breach(scene, document) else says,
        "message": scene.title,
        "tone": scene.tone,
        "broken": _is_breach(scene, document),
        "routes": scene.routes,
        "notes": dict(scene.notes),
        "pods": [[ref.name, node_of(pod := scene.store[ref]), state_of(pod), mark(ref)] for ref in scene.pods],
        "blamed": [name for name in told.boxes if _names(blamed, _name(name))],
    }


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


def _objects(scenes: tuple[Scene, ...]) -> Iterator[dict[str, Any]]:
    """Yield each object with its versions: since which step, as YAML, in a few words; "" where it is gone."""
    for ref in sorted({ref for scene in scenes for ref in scene.store}, key=rank):
        versions: list[tuple[int, str, str]] = []
        last = None
        for scene in scenes:
            value = scene.store.get(ref)
            if value != last:
                versions.append((scene.number, written(value), summary(value)))
                last = value
        yield {"ref": str(ref), "versions": versions}
