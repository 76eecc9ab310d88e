"""All components as one picture for the README: what each is called and does, in the words of its own code.

`python tests/overview.py` prints it. It follows the light or dark of whoever looks at it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from html import escape
from textwrap import wrap

from attrs import evolve, frozen

from kubeproof.traces.page.components import (
    API_SERVER,
    CODE,
    ETCD,
    KUBECTL,
    KUBELET,
    PROXY,
    SCHEDULER,
    Component,
    component,
    controllers,
)

WIDTH, MARGIN, GAP, LINE, COLUMNS = 960, 16, 16, 17, 4
LETTER = 7.2
"""How wide a letter of a description is, at most, on average."""
STYLE = """\
text{font:13px system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#55606e}
.t{font-weight:600;font-size:14px;fill:#1b2430}.b{fill:#fff;stroke:#c9d1dc;stroke-width:1.5}
.k{fill:#e9f0fd;stroke:#1f56c3}.g{fill:#f6f7f9;stroke:#c9d1dc;stroke-dasharray:5 4}
.w{stroke:#1f56c3;stroke-width:1.5;fill:none;marker-end:url(#t);marker-start:url(#t)}#t path{fill:#1f56c3}
@media(prefers-color-scheme:dark){text{fill:#a0abb9}.t{fill:#e5e9ef}.b{fill:#181e27;stroke:#3a4656}
.k{fill:#1b2a45;stroke:#8db6ff}.g{fill:#10141a;stroke:#3a4656}.w{stroke:#8db6ff}#t path{fill:#8db6ff}}"""


@frozen
class Box:
    """A component at its place."""

    component: Component
    x: float
    y: float
    width: float
    css: str = "b"

    @property
    def lines(self) -> tuple[str, ...]:
        """What it does, in lines that fit."""
        return tuple(wrap(self.component.does, int((self.width - 20) / LETTER)))

    @property
    def height(self) -> float:
        """How high it must be."""
        return 34 + LINE * len(self.lines)

    def svg(self, height: float) -> Iterator[str]:
        """Yield its elements, as high as its neighbours."""
        size = f'x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{height:g}"'
        yield f'<rect class="{self.css}" {size} rx="10"/>'
        yield f'<text class="t" x="{self.x + 10:g}" y="{self.y + 23:g}">{escape(self.component.title)}</text>'
        for number, line in enumerate(self.lines, start=1):
            yield f'<text x="{self.x + 10:g}" y="{self.y + 23 + LINE * number:g}">{escape(line)}</text>'


def row(parts: Iterable[Component], y: float, inset: float = 0, gap: float = GAP, css: str = "b") -> tuple[Box, ...]:
    """Return components side by side, over the width."""
    found = tuple(parts)
    left = MARGIN + inset
    each = (WIDTH - 2 * left - gap * (len(found) - 1)) / len(found)
    return tuple(Box(one, left + number * (each + gap), y, each, css) for number, one in enumerate(found))


def tallest(boxes: Iterable[Box]) -> float:
    """Return the height of a row."""
    return max(box.height for box in boxes)


def svg() -> str:
    """Return the picture."""
    acting, y = _framed("watch, and act on what they see", (_of(SCHEDULER), *controllers()), MARGIN)
    core = row(map(_of, (KUBECTL, API_SERVER, ETCD)), y + 3 * GAP, gap=4 * GAP)
    _, server, etcd = core
    height, middle = tallest(core), server.x + server.width / 2
    core_end = server.y + height
    agents, end = _framed("on every node", map(_of, (KUBELET, PROXY)), core_end + 3 * GAP)
    wires = (
        _wire(middle, y, middle, server.y),
        _wire(core[0].x + core[0].width, server.y + height / 2, server.x, server.y + height / 2),
        _wire(server.x + server.width, server.y + height / 2, etcd.x, server.y + height / 2),
        _wire(middle, core_end, middle, core_end + 3 * GAP),
    )
    shown = (*acting, *_drawn((core[0], evolve(server, css="k"), evolve(etcd, css="k"))), *agents, *wires)
    return "\n".join((HEAD.format(WIDTH, f"{end + MARGIN:g}"), f"<style>{STYLE}</style>", TIP, *shown, "</svg>", ""))


HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" aria-labelledby="title">
<title id="title">The components that kubeproof has: all talk to the API server, which alone talks to etcd</title>"""
TIP = """\
<defs><marker id="t" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">\
<path d="M0 0 8 4 0 8z"/></marker></defs>"""


def _framed(title: str, parts: Iterable[Component], top: float) -> tuple[list[str], float]:
    """Draw components in a frame, a few in a row; return that, and where it ends."""
    found, y, boxes = tuple(parts), top + 34, list[str]()
    for start in range(0, len(found), COLUMNS):
        placed = row(found[start : start + COLUMNS], y, inset=GAP)
        boxes += _drawn(placed)
        y += tallest(placed) + GAP
    size = f'x="{MARGIN:g}" y="{top:g}" width="{WIDTH - 2 * MARGIN:g}" height="{y - top:g}"'
    frame = f'<rect class="g" {size} rx="14"/>'
    return [frame, f'<text class="t" x="{MARGIN + GAP:g}" y="{top + 23:g}">{escape(title)}</text>', *boxes], y


def _of(name: str) -> Component:
    return component(CODE[name])


def _drawn(boxes: tuple[Box, ...]) -> list[str]:
    return [line for box in boxes for line in box.svg(tallest(boxes))]


def _wire(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path class="w" d="M{x:g} {y:g}L{to_x:g} {to_y:g}"/>'


if __name__ == "__main__":
    sys.stdout.write(svg())
