"""Handlers of the real kopf, wrapped: called for the causes that kopf has, again after a crash, each request a step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import kopf
import pytest

from kubeproof import AlreadyExists, Faults, always, check, eventually, owned_by
from kubeproof import kopf as wrapped
from kubeproof.harness.own import importing
from kubeproof.harness.own.controllers import Controller

DATABASE = "example.com/v1/Database"
WHERE = ("example.com", "v1", "databases")
MANIFEST = "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: orders}\nspec: {region: eu-west}\n"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "db.yaml").write_text(MANIFEST)
    return tmp_path / "db.yaml"


def config(body: Any, name: str, **data: str) -> dict[str, Any]:
    meta = {"name": name}
    return owned_by(dict(body), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


def of(*handlers: tuple[Callable[..., Any], Callable[..., Any]]) -> Controller:
    registry = kopf.OperatorRegistry()
    for cause, function in handlers:
        cause(*WHERE, registry=registry)(function)
    return wrapped.controller(registry, kind=DATABASE, owns=["ConfigMap"])


def verdicts(manifest: Path, reconcile: Controller, *properties: Any, **more: Any) -> dict[str, str]:
    result = check(manifests=manifest, controllers=[reconcile], properties=properties, nodes=1, **more)
    return {claim.name: claim.status.value for claim in result.outcome.claims}


@eventually
def it_says_where(view: Any) -> bool:
    """In the end the status has what the handler returned."""
    return all(db.get("status", {}).get("made") == {"config": "orders"} for db in view.list(DATABASE))


@always
def config_while_there_is_a_database(view: Any) -> bool:
    """No ConfigMap outlives its database."""
    return bool(view.list(DATABASE)) or not view.list("ConfigMap")


def made(body: Any, name: str, memo: Any, **_: Any) -> dict[str, str]:
    memo.api.create(config(body, name))
    return {"config": name}


def test_what_a_handler_returns_is_written_to_the_status(manifest: Path) -> None:
    found = verdicts(manifest, of((kopf.on.create, made)), it_says_where)
    assert set(found.values()) == {"HOLDS"}


def test_a_crash_before_kopf_writes_down_that_a_handler_is_done_calls_it_again(manifest: Path) -> None:
    """It makes what is there already, is refused, and tries for ever."""
    found = verdicts(manifest, of((kopf.on.create, made)), it_says_where, faults=Faults(crash=1))
    assert (found["it-says-where"], found["done"]) == ("VIOLATED", "VIOLATED")


def test_a_change_calls_the_handlers_of_updates_with_what_was_there(manifest: Path) -> None:
    def changed(body: Any, name: str, old: Any, spec: Any, memo: Any, **_: Any) -> None:
        was = old["spec"]["region"]
        memo.api.patch(config(body, name), {"data": {"was": was, "is": spec["region"]}})

    @eventually
    def moved(view: Any) -> bool:
        """In the end the ConfigMap says from where to where."""
        return [one.get("data") for one in view.list("ConfigMap")] == [{"was": "eu-west", "is": "us-east"}]

    (manifest.parent / "later").mkdir()
    (manifest.parent / "later" / "db.yaml").write_text(MANIFEST.replace("eu-west", "us-east"))
    (manifest.parent / "scenario.yaml").write_text("script: [{apply: {file: later/db.yaml}}]\nwaitBetweenSteps: true\n")
    both = of((kopf.on.create, made), (kopf.on.update, changed))
    found = verdicts(manifest.parent, both, moved)
    assert found["moved"] == "HOLDS"


def test_a_handler_of_deletions_holds_the_object_until_it_is_done(manifest: Path) -> None:
    def gone(body: Any, name: str, memo: Any, **_: Any) -> None:
        memo.api.delete(config(body, name))

    script = ["delete database/orders"]
    held = of((kopf.on.create, made), (kopf.on.delete, gone))
    assert verdicts(manifest, held, config_while_there_is_a_database, script=script)[
        "config-while-there-is-a-database"
    ] == "HOLDS"  # fmt: skip
    free = of((kopf.on.create, made))
    assert verdicts(manifest, free, config_while_there_is_a_database, script=script)[
        "config-while-there-is-a-database"
    ] == "VIOLATED"  # fmt: skip


def test_what_fails_for_the_moment_is_tried_again_and_what_fails_for_good_is_not(manifest: Path) -> None:
    def for_the_moment(**_: Any) -> None:
        raise kopf.TemporaryError("not yet")

    def for_good(**_: Any) -> None:
        raise kopf.PermanentError("never")

    assert verdicts(manifest, of((kopf.on.create, for_the_moment)))["done"] == "VIOLATED"
    assert verdicts(manifest, of((kopf.on.create, for_good)))["done"] == "HOLDS"


def test_a_handler_may_catch_a_refusal_and_be_async(manifest: Path) -> None:
    async def careful(body: Any, name: str, memo: Any, **_: Any) -> dict[str, str]:
        try:
            memo.api.create(config(body, name))
        except AlreadyExists:
            memo.api.read("ConfigMap", name)
        return {"config": name}

    named = partial(kopf.on.create, id="made")
    found = verdicts(manifest, of((named, careful)), it_says_where, faults=Faults(crash=1))
    assert set(found.values()) == {"HOLDS"}


def test_an_error_in_a_handler_is_a_finding(manifest: Path) -> None:
    def broken(spec: Any, **_: Any) -> Any:
        return spec["no such field"]

    assert verdicts(manifest, of((kopf.on.create, broken)))["errors"] == "VIOLATED"


def test_a_handler_that_waits_for_something_else_is_told(manifest: Path) -> None:
    class Never:
        def __await__(self) -> Any:
            yield

    async def waits(**_: Any) -> None:
        await Never()

    result = check(manifests=manifest, controllers=[of((kopf.on.create, waits))], nodes=1)
    (errors,) = [claim for claim in result.outcome.claims if claim.name == "errors"]
    assert "waits for something that is not memo.api" in " ".join(errors.lines)


@pytest.mark.parametrize(
    ("add", "words"),
    [
        (lambda registry: kopf.timer(*WHERE, interval=1, registry=registry)(made), "handlers of spawning"),
        (lambda registry: kopf.on.event(*WHERE, registry=registry)(made), "handlers of watching"),
        (lambda registry: kopf.on.create(*WHERE, field="spec.a", registry=registry)(made), "made/spec.a: field"),
        (lambda registry: kopf.on.create(*WHERE, labels={"a": "b"}, registry=registry)(made), "made: labels"),
        (lambda registry: kopf.on.resume(*WHERE, registry=registry)(made), "handler made: initial"),
        (lambda registry: kopf.on.create("x.y", "v1", "others", registry=registry)(made), "has no handler of"),
    ],
)
def test_what_is_left_out_is_refused(add: Callable[[Any], Any], words: str) -> None:
    registry = kopf.OperatorRegistry()
    add(registry)
    with pytest.raises(ValueError, match=words):
        wrapped.controller(registry, kind=DATABASE)


RECONCILE = of((kopf.on.create, made))


def test_a_trace_finds_the_file_of_the_handlers() -> None:
    found = importing.source_of(RECONCILE)
    assert found.name == "RECONCILE"
    assert found.place.endswith(("test_kopf", "test_kopf.py"))
