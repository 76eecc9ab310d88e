"""The picture of the README shows every component there is, in the words of its code, and is the one that is shown."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from kubeproof.traces.page.components import CODE, component
from overview import svg
from places import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_current() -> None:
    assert (ROOT / "docs" / "overview.svg").read_text(encoding="utf-8") == svg(), "run: make overview"


def test_every_component_is_in_it_with_all_that_is_said_of_it() -> None:
    told = [text.text or "" for text in ET.fromstring(svg()).iter(f"{SVG}text")]  # noqa: S314 - our own
    for one in map(component, CODE.values()):
        assert one.title in told
        assert one.does in " ".join(told)


def test_nothing_lies_outside_or_on_top_of_something_else() -> None:
    tree = ET.fromstring(svg())  # noqa: S314 - our own
    _, _, width, height = map(float, tree.attrib["viewBox"].split())
    boxes = [one for one in tree.iter(f"{SVG}rect") if one.attrib["class"] != "g"]
    places = [tuple(float(one.attrib[name]) for name in ("x", "y", "width", "height")) for one in boxes]
    assert len(places) == len(CODE)
    assert all(x >= 0 and y >= 0 and x + wide <= width and y + high <= height for x, y, wide, high in places)
    for number, (x, y, wide, high) in enumerate(places):
        for left, top, right, down in places[number + 1 :]:
            assert x + wide <= left or left + right <= x or y + high <= top or top + down <= y


def test_the_readme_shows_it() -> None:
    assert "](docs/overview.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")
