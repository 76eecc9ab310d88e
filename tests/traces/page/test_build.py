"""The page of a trace needs nothing beside it, says all that the trace says, and never takes a name for markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attrs import evolve

from kubeproof.harness import face
from kubeproof.traces.files import read
from kubeproof.traces.page.build import html
from places import ROOT

CORPUS = ROOT / "traces" / "corpus"
TRACES = sorted(CORPUS.glob("*.json"))
OLD = sorted((ROOT / "tests" / "traces" / "format1").glob("*.json"))
DROPPED = read(CORPUS / "dropped-reachability.json")
VOID = {"meta", "input", "br", "link", "img"}


class Tags(HTMLParser):
    """Which tags are open, whether all close in turn, and the words outside of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that opens, with what it says."""
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Hold it against the last that opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note words."""
        if self.open and self.open[-1] not in {"script", "style"}:
            self.words.append(data)


def data(page: str) -> dict[str, object]:
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_page_is_whole_and_loads_nothing(path: Path) -> None:
    page = html(read(path))
    tags = Tags(page)
    assert tags.open == []
    loading = [(tag, name, value) for tag, name, value in tags.attributes if name in {"src", "href", "action", "data"}]
    assert [one for one in loading if not one[2].startswith("#")] == []
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|import\(", page)
    assert html(read(path)) == page


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_every_step_is_written_out_for_whoever_runs_no_scripts(path: Path) -> None:
    document = read(path)
    words = " ".join(Tags(html(document)).words)
    assert all(step.label.rpartition(": ")[2] in words for step in document.steps)
    assert all(reason in words for reason in document.reasons)
    assert len(data(html(document))["steps"]) == len(document.steps) + 1


def test_the_property_that_broke_stands_where_it_broke() -> None:
    page = html(DROPPED)
    last = page[page.index('id="scene-11"') :]
    assert page.count("Here reachability is VIOLATED") == 1
    assert "Here reachability is VIOLATED" in last
    steps = data(page)["steps"]
    assert [step["broken"] for step in steps] == [False] * 11 + [True]
    assert steps[-1]["blamed"] == ["kube-proxy:node-1"]
    assert [mark for name, _, _, mark in steps[-1]["pods"] if name == "web-6477c4d4f-p0"] == ["blamed"]


def test_a_node_that_is_struck_is_called_by_its_name() -> None:
    dies = evolve(DROPPED.steps[0], by="", verb="dies", on="node-1", action="node node-1: dies", label="it dies")
    step = data(html(evolve(DROPPED, steps=(dies,))))["steps"][1]
    assert (step["who"], step["tone"]) == ("node:node-1", "fault")
    assert step["says"].startswith("1 of 1. node-1: it dies")


def test_one_node_is_not_blamed_for_what_is_said_of_another() -> None:
    reasons = ("kube-proxy on node-10 still sends new connections",)
    assert data(html(evolve(DROPPED, reasons=reasons)))["steps"][-1]["blamed"] == []


def test_a_run_that_repeats_is_drawn_as_a_loop() -> None:
    assert 'class="lasso"' not in html(DROPPED)
    assert data(html(DROPPED))["cycle"] is None
    looped = html(evolve(DROPPED, cycle_start=4))
    assert "calc(var(--thumb) / 2 + (100% - var(--thumb)) * 4 / 11)" in looped
    assert data(looped)["cycle"] == 5
    assert "Steps 5 to 11 repeat for ever." in looped


def test_what_users_wrote_is_text_and_never_markup() -> None:
    bad = "</script><script>alert(1)</script><!--"
    page = html(evolve(DROPPED, reasons=(bad,), sentence=bad, claim=bad, version=bad))
    assert "<script>alert" not in page
    tags = Tags(page)
    assert tags.open == []
    assert any(bad in word for word in tags.words)


def test_words_of_the_template_in_a_trace_are_left_alone() -> None:
    assert "{{css}}" in html(evolve(DROPPED, reasons=("{{css}}",)))


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_a_trace_of_format_1_is_gone_through_again_and_shown_in_full(path: Path) -> None:
    old = read(path)
    assert "only the steps are told" in html(old) or old.what == "walk"
    new = read(CORPUS / path.name)
    if old.what == "walk":  # It is of another release: what is told of it has the same shape.
        full = face.in_full(old)
        assert [(step.action, step.by, step.routes) for step in full.steps] == [
            (step.action, step.by, step.routes) for step in new.steps
        ]
        assert full.objects
    else:
        assert html(face.in_full(old)) == html(new)


def test_a_trace_of_format_1_that_no_longer_replays_is_shown_as_it_is() -> None:
    old = evolve(read(OLD[0]), start="0" * 64)
    assert face.in_full(old) == old
