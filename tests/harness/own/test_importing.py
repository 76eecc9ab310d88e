"""Functions of users by name: on the command line, and in a trace, which takes no other text than it was made with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kubeproof.harness import face
from kubeproof.harness.cli import cli
from kubeproof.harness.own.importing import Source, load, named_own, parse, source_of
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.traces import files
from kubeproof.traces.replay import Replayed
from places import EXAMPLES

FINALIZER = EXAMPLES / "operators" / "finalizer"
CODE = (FINALIZER / "buckets.py").read_text(encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with an operator of its own, in which one is."""
    for name in ("bucket.yaml", "scenario.yaml", "buckets.py"):
        (tmp_path / name).write_text((FINALIZER / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def check_in(folder: Path, where: str, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        cli, ["check", str(folder), "--controller", where, *more, "--trace-dir", str(folder / "traces")]
    )
    if isinstance(result.exception, BadInput):
        return 2, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("place", ["buckets.py", "buckets"])
def test_the_command_takes_controllers_and_properties_by_name(here: Path, place: str) -> None:
    properties = ("--property", f"{place}:deleted_buckets_go")
    code, said = check_in(here, f"{place}:reconcile", *properties)
    assert code == 1
    assert "deleted-buckets-go VIOLATED" in said
    code, said = check_in(here, f"{place}:repaired", *properties, "--claim", "deleted-buckets-go")
    assert code == 0
    assert "asked are these claims only: deleted-buckets-go" in said


def test_a_trace_names_the_function_and_replays(here: Path) -> None:
    check_in(here, "buckets.py:reconcile")
    (path,) = (here / "traces").glob("*convergence.json")
    document = files.read(path)
    assert document.inputs.options["controllers"][0]["function"] == "buckets.py:reconcile"
    assert isinstance(face.replay_check(document), Replayed)


def test_a_trace_takes_no_other_text(here: Path) -> None:
    check_in(here, "buckets.py:reconcile")
    document = files.read(next((here / "traces").glob("*convergence.json")))
    (here / "buckets.py").write_text(f"{CODE}\nraise SystemExit\n", encoding="utf-8")
    with pytest.raises(BadInput, match="is not the one that was recorded"):
        face.replay_check(document)


@pytest.mark.usefixtures("here")
def test_a_function_is_named_by_its_file_or_module() -> None:
    own = named_own(["buckets.py:reconcile"], ["buckets.py:deleted_buckets_go"])
    assert str(source_of(own.controllers[0])) == "buckets.py:reconcile"
    assert str(source_of(own.properties[0])) == "buckets.py:deleted_buckets_go"
    own = named_own(["buckets:repaired"], [])
    assert str(source_of(own.controllers[0])) == "buckets:repaired"
    assert load(source_of(own.controllers[0]), "trace") is own.controllers[0]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("buckets", "names no function"),
        ("nowhere.py:reconcile", "there is no file nowhere.py"),
        ("nowhere:reconcile", "there is no module nowhere"),
        ("no.where:reconcile", "there is no module no.where"),
        ("buckets.py:reconcil", "did you mean reconcile?"),
        ("buckets.py:held", "is a function"),
        ("broken.py:reconcile", "cannot be imported: broken.py:1 in <module>: ZeroDivisionError"),
    ],
)
def test_what_is_named_wrongly_is_told(here: Path, where: str, told: str) -> None:
    (here / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    code, said = check_in(here, where)
    assert (code, told in said) == (2, True), said


def test_an_option_is_read() -> None:
    assert parse("a.b:c", "--controller") == Source("a.b", "c")
