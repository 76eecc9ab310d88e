"""A recorded run replays exactly, and a replay says precisely where and how it no longer does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from attrs import evolve, field, frozen
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.model.checker.results import Step, Trace
from kubeproof.model.machine import Action, Fairness, Machine, Outcome, State, View
from kubeproof.traces.canonical import canonical, digest
from kubeproof.traces.document import BadTraceError, Document, Inputs, from_text, to_text
from kubeproof.traces.files import read, write
from kubeproof.traces.render import result, text
from kubeproof.traces.replay import Differs, Impossible, Replayed, record, replay


def counter(top: int = 3, by: int = 1, name: str = "up") -> Machine:
    """Count to `top`; an urgent mirror follows; a fault sets the count back."""

    def up(view: View) -> Iterator[Outcome]:
        if view["count"] < top:
            yield Outcome(f"to {view['count'] + 1}", {"count": view["count"] + by})

    def follow(view: View) -> Iterator[Outcome]:
        yield Outcome("follow", {"mirror": view["count"]})

    def reset(view: View) -> Iterator[Outcome]:
        if view["count"] and not view["used"]:
            yield Outcome("reset", {"count": 0, "used": True})

    return Machine(
        ({"count": 0, "mirror": 0, "used": False},),
        (
            Action(name, "up", up),
            Action("mirror", "mirror", follow, urgent=True),
            Action("fault", "fault", reset, fairness=Fairness.NONE),
        ),
    )


def run(*steps: tuple[str, str, dict[str, object]], cycle_start: int | None = None) -> Trace:
    """Make a trace of the counter: each step with the mirror that follows."""
    made = tuple(
        Step(who, Outcome(what, updates), (Step("mirror", Outcome("follow", {"mirror": updates["count"]})),))
        for who, what, updates in steps
    )
    return Trace(State.of({"count": 0, "mirror": 0, "used": False}), made, cycle_start)


RUN = run(
    ("up", "to 1", {"count": 1}),
    ("fault", "reset", {"count": 0, "used": True}),
    ("up", "to 1", {"count": 1}),
)
INPUTS = Inputs(immutabledict({"web.yaml": "kind: Pod\n"}), immutabledict({"faults": immutabledict({"crash": 1})}))
DOCUMENT = record(
    RUN,
    version="0.1.0",
    inputs=INPUTS,
    claim="convergence",
    sentence="It comes to rest.",
    verdict="VIOLATED",
    kind="livelock",
    reasons=("it never ends",),
)


def test_a_recorded_run_replays_with_every_state_as_recorded() -> None:
    assert replay(counter(), DOCUMENT) == Replayed(3)


def test_a_document_survives_being_written_and_read() -> None:
    looped = evolve(DOCUMENT, cycle_start=1)
    assert from_text(to_text(looped)) == looped


def test_writing_is_atomic_and_reading_gives_the_same_document(tmp_path: Path) -> None:
    place = write(DOCUMENT, tmp_path / "new" / "trace.json")
    assert read(place) == DOCUMENT
    assert [path.name for path in place.parent.iterdir()] == ["trace.json"]
    (tmp_path / "plain").touch()
    assert place.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write(DOCUMENT, tmp_path / "trace.json")

    def broken(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="No space"):
        write(evolve(DOCUMENT, claim="another"), place)
    assert read(place) == DOCUMENT
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]


def test_a_step_that_is_no_longer_possible_is_named_with_what_was_possible_instead() -> None:
    found = replay(counter(name="increase"), DOCUMENT)
    assert found == Impossible(1, "up: to 1", ("increase: to 1",))
    assert "step 1 is no longer possible: up: to 1\n  possible instead:\n    increase: to 1" in result(found, "t")


def test_where_nothing_is_possible_the_replay_says_so() -> None:
    found = replay(counter(top=0), DOCUMENT)
    assert found == Impossible(1, "up: to 1", ())
    assert "nothing at all" in result(found, "t")


def test_the_first_state_that_differs_is_named() -> None:
    found = replay(counter(by=2), DOCUMENT)
    assert isinstance(found, Differs)
    assert (found.number, found.recorded) == (1, DOCUMENT.steps[0].digest)
    assert "the state differs after step 1 (up: to 1)" in result(found, "t")


def test_another_start_is_a_difference_before_the_first_step() -> None:
    found = replay(counter(), evolve(DOCUMENT, start="0" * 64))
    assert isinstance(found, Differs)
    assert found.number == 0
    assert "at the start" in result(found, "t")


def test_of_two_outcomes_with_one_name_the_recorded_one_is_taken() -> None:
    def toss(view: View) -> Iterator[Outcome]:
        if view["coin"] == 0:
            yield Outcome("falls", {"coin": 1})
            yield Outcome("falls", {"coin": 2})

    machine = Machine(({"coin": 0},), (Action("coin", "coin", toss),))
    second = Trace(State.of({"coin": 0}), (Step("coin", Outcome("falls", {"coin": 2})),))
    assert replay(machine, record(second, version="x", inputs=Inputs())) == Replayed(1)


def test_the_text_shows_claim_steps_what_followed_and_what_changed() -> None:
    assert text(evolve(DOCUMENT, cycle_start=1)).splitlines() == [
        "convergence VIOLATED (livelock): It comes to rest.",
        "  it never ends",
        "made by kubeproof 0.1.0 from web.yaml",
        "",
        "1. up: to 1",
        "     then mirror: follow",
        "     | count: 0 -> 1",
        "     | mirror: 0 -> 1",
        "   from here on for ever:",
        "2. fault: reset",
        "     then mirror: follow",
        "     | count: 1 -> 0",
        "     | mirror: 1 -> 0",
        "     | used: false -> true",
        "3. up: to 1",
        "     then mirror: follow",
        "     | count: 0 -> 1",
        "     | mirror: 0 -> 1",
    ]


def test_an_action_that_is_called_after_what_it_does_is_named_once() -> None:
    step = evolve(DOCUMENT.steps[0], action="kubectl: drain node-1", label="drain node-1")
    assert "\n1. kubectl: drain node-1\n" in text(evolve(DOCUMENT, steps=(step,)))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda _: "not json", "is no JSON"),
        (lambda _: "[]", "is no kubeproof trace"),
        (lambda d: json.dumps({**d, "format": 99}), "has format 99; this kubeproof reads formats 1 and 2"),
        (lambda d: json.dumps({**d, "steps": 3}), "steps: expected a list"),
        (lambda d: json.dumps({**d, "steps": [{"action": "a", "label": 3}]}), r"steps\[0\].label: expected a text"),
        (lambda d: json.dumps({**d, "steps": ["a"]}), r"steps\[0\].: expected an object"),
        (lambda d: json.dumps({**d, "steps": [{**d["steps"][0], "changes": [{"slot": "count", "object": None}]}]}),
         r"steps\[0\].changes\[0\].field: expected a text"),
        (lambda d: json.dumps({**d, "reasons": [1]}), "reasons: expected a list of texts"),
        (lambda d: json.dumps({**d, "cycleStart": 3}), "cycleStart: expected the index of a step"),
        (lambda d: json.dumps({**d, "inputs": {"files": {"a": 1}, "options": {}}}), "inputs.files.a: expected a text"),
        (lambda d: json.dumps({key: d[key] for key in d if key != "start"}), "start: expected a text"),
    ],
    ids=["no json", "no object", "a later format", "no steps", "a label that is no text", "a step that is no object",
         "a change of no field",
         "a reason that is no text", "a cycle beyond the end", "a file that is no text", "no start"],
)  # fmt: skip
def test_a_damaged_document_is_refused_with_file_and_field(damage: object, words: str) -> None:
    with pytest.raises(BadTraceError, match=f"t.json: {words}"):
        from_text(damage(json.loads(to_text(DOCUMENT))), "t.json")


@pytest.mark.parametrize(("content", "words"), [(b"\xff\xfe\x00", "is no text file"), (None, "cannot be read")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(BadTraceError, match=f"t.json: {words}"):
        read(tmp_path / "t.json")


class Colour(Enum):
    """A value that is also called by a text."""

    RED = 1


@frozen
class Thing:
    """A value with defaults."""

    name: str = ""
    sort: str = "usual"
    count: int = 0


@frozen
class Noted:
    """A value with a field that makes no difference."""

    name: str
    note: str = field(default="", eq=False)


def test_what_makes_no_difference_is_not_in_the_text() -> None:
    assert Noted("a", "seen") == Noted("a", "not seen")
    assert canonical(Noted("a", "seen")) == canonical(Noted("a", "not seen"))
    assert digest({"slot": Noted("a", "seen")}) == digest({"slot": Noted("a")}) != digest({"slot": Noted("b")})


def test_the_canonical_text_tells_apart_what_python_takes_for_equal() -> None:
    values = (
        0,
        False,
        0.0,
        "0",
        None,
        (),
        Colour.RED,
        1,
        True,
        "Colour.RED",
        b"0",
        frozenset(),
        immutabledict(),
        Thing(),
    )
    assert len({canonical(value) for value in values}) == len(values)


def test_a_field_at_its_default_is_not_in_the_text_so_that_classes_may_grow() -> None:
    assert canonical(Thing("a")) == 'Thing(name="a")'
    assert canonical(Thing("a", count=False)) == 'Thing(name="a",count=false)'
    assert canonical(Pod(ObjectMeta(name="a"))) == 'Pod(metadata=ObjectMeta(name="a"))'


def test_a_value_without_a_canonical_text_is_refused() -> None:
    with pytest.raises(TypeError, match="holds a object"):
        canonical(object())


SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=2)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.tuples(inner, inner)
        | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2).map(immutabledict)
        | st.frozensets(SCALARS, max_size=2)
    ),
    max_leaves=4,
)


@given(VALUES, VALUES)
def test_two_values_share_a_text_only_if_they_are_equal(one: object, two: object) -> None:
    assert (canonical(one) != canonical(two)) or one == two


def test_the_digest_does_not_depend_on_the_hash_seed_or_the_order_of_slots() -> None:
    code = (
        "from kubeproof.traces.canonical import digest\n"
        "print(digest({'b': frozenset({'x', 'y', 'z'}), 'a': (1, 'two')}))\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert runs == {digest({"a": (1, "two"), "b": frozenset({"z", "y", "x"})})}


def test_a_document_holds_only_plain_values() -> None:
    assert isinstance(DOCUMENT, Document)
    assert json.loads(to_text(DOCUMENT))["inputs"]["options"] == {"faults": {"crash": 1}}


def test_kubeproofs_own_folder_is_left_out_of_version_control(tmp_path: Path) -> None:
    kept = write(DOCUMENT, tmp_path / ".kubeproof" / "traces" / "a.json").parent.parent / ".gitignore"
    assert kept.read_text() == "*\n"
    kept.write_text("mine\n")
    write(DOCUMENT, tmp_path / ".kubeproof" / "traces" / "b.json")
    assert kept.read_text() == "mine\n"
    write(DOCUMENT, tmp_path / "kept" / "a.json")
    assert not (tmp_path / "kept" / ".gitignore").exists()
