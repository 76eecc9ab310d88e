"""Every recorded decision of the small languages is ours too, and the comparison would notice if it were not."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

import agreement
from places import VECTORS
from planted import planted

MISC = {
    "cron_next": 156,
    "deployment_math": 1035,
    "field_selector": 15,
    "int_or_percent": 416,
    "label_selector": 235,
    "pod_qos_requests": 543,
    "pod_template_hash": 131,
    "quantity": 901,
    "quantity_arith": 543,
    "replicaset_delete_order": 342,
}


def score(name: str) -> Any:
    judge = agreement.judge_for(name)
    assert judge is not None
    return agreement.score(name, VECTORS / f"{name}.jsonl.xz", judge)


@pytest.mark.parametrize(("name", "count"), sorted(MISC.items()))
def test_every_record_of_the_small_languages_agrees(name: str, count: int) -> None:
    found = score(f"misc/{name}")
    assert found.differences == ()
    assert (found.agreeing, found.judged, found.records) == (count, count, count)


API = "kubeproof.impl.api"
MATH = "kubeproof.impl.controllers.deployment.arithmetic"
DELETION = "kubeproof.impl.controllers.replicaset.deletion"
FAULTS = [
    (
        "cron: the day of the week is ignored",
        "cron_next",
        "kubeproof.impl.api.values.cron",
        "in_month or in_week",
        "in_month",
    ),
    (
        "deployments: surge is rounded down",
        "deployment_math",
        MATH,
        "round_up=True)\n    un",
        "round_up=False)\n    un",
    ),
    (
        "fields: != selects what = selects",
        "field_selector",
        "kubeproof.impl.api.values.selector_text",
        ") != self.negated",
        ")",
    ),
    (
        "percentages are rounded down",
        "int_or_percent",
        f"{API}.values.int_or_percent",
        "math.ceil(part)",
        "math.floor(part)",
    ),
    (
        "NotIn needs the label",
        "label_selector",
        f"{API}.values.selectors",
        "value is None or value not in",
        "value is not None and value not in",
    ),
    (
        "a sidecar does not count for init containers after it",
        "pod_qos_requests",
        f"{API}.values.qos",
        "_plus(part(container), sidecars)",
        "part(container)",
    ),
    (
        "init containers do not count for the class",
        "pod_qos_requests",
        f"{API}.values.qos",
        "(*spec.containers, *spec.init_containers)",
        "spec.containers",
    ),
    ("the collision count takes four bytes", "pod_template_hash", f"{API}.values.template_hash", " + bytes(4)", ""),
    ("map entries are not separated", "pod_template_hash", f"{API}.values.go_dump", "map[{' '.join(", "map[{''.join("),
    ("suffixes go by six digits", "quantity", f"{API}.values.quantity", "power -= power % 3", "power -= power % 6"),
    (
        "an int64 saturates",
        "quantity",
        f"{API}.values.int64",
        "return (number + 2**63) % 2**64 - 2**63",
        "return max(MIN, min(MAX, number))",
    ),
    (
        "a sum is a difference",
        "quantity_arith",
        f"{API}.values.quantity",
        "Quantity(mine + others",
        "Quantity(mine - others",
    ),
    ("old Pods go last", "replicaset_delete_order", DELETION, "while place and goes", "while place and not goes"),
]


@pytest.mark.parametrize(
    ("name", "module", "before", "after"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_planted_fault_is_a_difference(name: str, module: str, before: str, after: str) -> None:
    with planted(module, before, after):
        found = score(f"misc/{name}")
    assert found.agreeing < found.judged == MISC[name]


# --- the command --------------------------------------------------------------------------------------------------


def write(folder: Path, name: str, *records: Any) -> None:
    path = folder / f"{name}.jsonl.xz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress("".join(f"{json.dumps(one)}\n" for one in records).encode()))


RIGHT = {"value": "50%", "total": 3, "roundUp": 2, "roundDown": 1}
WRONG = RIGHT | {"roundUp": 1}


def test_it_prints_a_line_per_file_a_total_and_what_it_cannot_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "misc/int_or_percent", RIGHT, RIGHT)
    write(tmp_path, "martian/b", RIGHT)
    write(tmp_path, "martian/a", RIGHT)
    assert agreement.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "misc/int_or_percent.jsonl: 2/2 (100.0 %)",
        "total: 2/2 (100.0 %)",
        "cannot judge yet: martian: 2 files without a judge (a, b)",
    ]


def test_a_difference_is_counted_shown_on_request_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "misc/int_or_percent", WRONG, RIGHT, WRONG)
    assert agreement.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "misc/int_or_percent.jsonl: 1/3 (33.3 %)"
    assert agreement.main([str(tmp_path), "--diff", "1"]) == 1
    shown = capsys.readouterr().out
    assert shown.count("real:") == 1
    assert 'real: {"roundDown": 1, "roundUp": 1}' in shown
    assert 'ours: {"roundDown": 1, "roundUp": 2}' in shown


def test_themes_choose_folders_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "misc/int_or_percent", RIGHT)
    write(tmp_path, "misc/quantity", {"input": "1", "canonical": "2"})
    for theme in ("int_or_percent", "misc/int_or_percent"):
        assert agreement.main([str(tmp_path), theme]) == 0
    assert agreement.main([str(tmp_path), "misc"]) == 1
    assert agreement.main([str(tmp_path), "misc/"]) == 1
    capsys.readouterr()


def test_a_folder_or_theme_that_names_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert agreement.main([str(tmp_path)]) == 2
    write(tmp_path, "misc/int_or_percent", RIGHT)
    assert agreement.main([str(tmp_path), "misc", "mist"]) == 2
    assert "no record files for mist" in capsys.readouterr().err
    (tmp_path / "misc" / "int_or_percent.jsonl.xz").write_bytes(b"no xz")
    assert agreement.main([str(tmp_path)]) == 2
    assert "not a file of records" in capsys.readouterr().err


def test_a_record_the_implementation_fails_on_is_a_difference(tmp_path: Path) -> None:
    write(tmp_path, "misc/int_or_percent", RIGHT, {"value": None, "total": 1})
    found = agreement.score(
        "misc/int_or_percent", tmp_path / "misc" / "int_or_percent.jsonl.xz", agreement.judge_int_or_percent
    )
    assert (found.agreeing, found.judged) == (1, 2)
    assert "AttributeError" in found.differences[0].ours


def test_what_is_not_modelled_is_left_out_of_the_count_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "moon/phase", 1, 2, 3)
    reasons = {1: None, 2: agreement.NotJudged("tides"), 3: agreement.NotJudged("tides")}
    monkeypatch.setitem(agreement.JUDGES, "moon", reasons.__getitem__)
    assert agreement.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "moon/phase.jsonl: 1/1 (100.0 %)",
        "total: 1/1 (100.0 %)",
        "cannot judge yet: moon/phase: 2 records: tides",
    ]


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert agreement.percent(1999, 2000) == "99.9 %"
    assert agreement.percent(2000, 2000) == "100.0 %"
    assert agreement.percent(0, 0) == "nothing to judge"


def test_what_a_limit_left_open_is_neither_agreement_nor_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "e2e/drain", {"id": "1"}, {"id": "2"})
    open_or_not = {
        "1": agreement.Followed(allowed=True, decided=True),
        "2": agreement.Followed(allowed=False, decided=False),
    }
    monkeypatch.setitem(agreement.JUDGES, "e2e", lambda record: open_or_not[record["id"]])
    assert agreement.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "e2e/drain.jsonl: 2 judged of 2: 1 allowed, 1 decided, 1 UNKNOWN (50.0 %)",
        "total: 1/2 (50.0 %), 1 UNKNOWN",
    ]
