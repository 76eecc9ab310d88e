"""Answers kept for later runs: the same question is not asked twice, another one is, and no broken file is believed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from attrs import evolve

from kubeproof.harness import face
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import cache as caches
from kubeproof.harness.islands.cache import SUFFIX, Cache
from kubeproof.harness.islands.check import check
from kubeproof.model.checker import Limits


def deployment(name: str) -> dict[str, object]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": f"{name}:1"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def scenario(*names: str, image: str = "web:2") -> Scenario:
    step = {"setImage": {"kind": "Deployment", "name": "web", "image": image}}
    files = {"all.yaml": yaml.safe_dump_all([deployment(name) for name in names])}
    return load_scenario("kept", files, {"nodes": 2, "script": [step], "consistency": "linearizable"}).scenario


def test_a_second_run_asks_only_what_has_changed(tmp_path: Path) -> None:
    kept = Cache(tmp_path)
    first = check(scenario("web", "db", "api"), cache=kept)
    again = check(scenario("web", "db", "api"), cache=kept)
    changed = check(scenario("web", "db", "api", image="web:3"), cache=kept)
    assert [one.remembered for one in (first, again, changed)] == [0, 3, 2]
    assert [claim.status for claim in again.claims] == [claim.status for claim in first.claims]
    assert again.states == first.states


def test_what_a_limit_cut_short_is_not_kept(tmp_path: Path) -> None:
    kept = Cache(tmp_path)
    check(scenario("web"), cache=kept, limits=Limits(max_states=10))
    assert list(tmp_path.iterdir()) == []
    assert check(scenario("web"), cache=kept).remembered == 0


def test_symmetry_and_the_code_are_part_of_the_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, kept = scenario("web"), Cache(tmp_path)
    keys = {kept.key(one, symmetry=True), kept.key(one, symmetry=False)}
    monkeypatch.setattr(caches, "code", lambda: "another version")
    assert len({*keys, kept.key(one, symmetry=True), kept.key(evolve(one, name="other"), symmetry=True)}) == 4


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x04K\x01."])
def test_a_file_that_is_no_report_is_as_if_it_were_not_there(tmp_path: Path, content: bytes) -> None:
    kept = Cache(tmp_path)
    key = kept.key(scenario("web"), symmetry=True)
    (tmp_path / f"{key}{SUFFIX}").write_bytes(content)
    assert kept.get(key) is None
    assert check(scenario("web"), cache=kept).remembered == 0
    assert check(scenario("web"), cache=kept).remembered == 1


def test_a_folder_that_cannot_be_written_keeps_nothing_and_disturbs_nobody(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    assert check(scenario("web"), cache=Cache(place)).remembered == 0


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "MOST", 2)
    kept = Cache(tmp_path)
    for image in ("web:2", "web:3", "web:4"):
        check(scenario("web", image=image), cache=kept)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert caches.home() == Path("/somewhere/kubeproof")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert caches.home() == Path.home() / ".cache" / "kubeproof"


def test_a_trace_from_the_cache_is_the_same(tmp_path: Path) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
               "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}  # fmt: skip
    files = tmp_path / "all.yaml"
    files.write_text(yaml.safe_dump_all([deployment("web"), service, deployment("db")]))
    cluster, kept = face.Cluster.from_manifests(files, nodes=2), Cache(tmp_path / "cache")
    found = [face.check(cluster, script=["drain node-1"], cache=kept) for _ in range(2)]
    assert found[1].outcome.remembered > 0
    assert found[0].documents == found[1].documents
