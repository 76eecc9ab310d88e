"""Controllers of users in the world: what they are asked to be, what of them is found, and by whom."""

from __future__ import annotations

import random
from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import Any

import pytest

from kubeproof import (
    AlreadyExists,
    ApiError,
    BadInput,
    Conflict,
    Faults,
    NotFound,
    always,
    check,
    controller,
    create,
    delete,
    eventually,
    leads_to,
    never,
    owned_by,
    patch,
    read,
    step,
    update,
    update_status,
)
from kubeproof.harness.face import Cluster, Result
from kubeproof.harness.own.controllers import Controller
from kubeproof.harness.own.properties import Said
from planted import planted

Json = dict[str, Any]
COUNTER = "example.com/v1/Counter"
MANIFEST = """
apiVersion: example.com/v1
kind: Counter
metadata: {name: one}
spec: {wanted: 1}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "counter.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


def asked(path: Path, one: Controller, *properties: Said, **options: Any) -> Result:
    return check(manifests=path, controllers=[one], properties=properties, **{"nodes": 1, **options})


def verdicts(result: Result) -> dict[str, str]:
    return {one.name: one.status.value for one in result.outcome.claims if not one.vacuous}


def lines(result: Result, claim: str) -> tuple[str, ...]:
    return next(one.lines for one in result.outcome.claims if one.name == claim)


def config(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


# --- what a controller does wrong is found --------------------------------------------------------------------------


@controller(kind=COUNTER, owns=["ConfigMap"])
def raises(counter: Json, _view: Any) -> list[Any]:
    return [create(config(counter["spec"]["name"]))]


@controller(kind=COUNTER, owns=["ConfigMap"])
def raises_later(counter: Json, _view: Any) -> Iterator[Any]:
    yield create(config("a"))
    yield create(config(counter["spec"]["name"]))


@controller(kind=COUNTER, owns=["ConfigMap"])
def depends_on_chance(_counter: Json, _view: Any) -> list[Any]:
    return [create(config(f"n{random.random()}"))]  # noqa: S311


@controller(kind=COUNTER, owns=["ConfigMap"])
def asks_for_no_request(_counter: Json, _view: Any) -> list[Any]:
    return [3]


@controller(kind=COUNTER)
def looks_elsewhere(_counter: Json, view: Any) -> list[Any]:
    return [create(one) for one in view.list("ConfigMap")]


@controller(kind=COUNTER, owns=["ConfigMap"])
def reads_without_hearing(_counter: Json, _view: Any) -> list[Any]:
    return [read("ConfigMap", "a")]


@controller(kind=COUNTER)
def invents_a_version(counter: Json, _view: Any) -> list[Any]:
    return [update({**counter, "metadata": {**counter["metadata"], "resourceVersion": "17"}})]


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (raises, "in raises: KeyError: 'name'"),
        (raises_later, "in raises_later: KeyError: 'name'"),
        (depends_on_chance, "two calls on the same view ask for different things"),
        (asks_for_no_request, "in asks_for_no_request: TypeError: expected a request"),
        (looks_elsewhere, "LookupError: counter-controller looks at ConfigMap: name it in owns=[...]"),
        (reads_without_hearing, "TypeError: a request to read needs its answer: write yield read(...)"),
        (invents_a_version, "ValueError: the resourceVersion '17' of Counter default/one is none that the view shows"),
    ],
    ids=lambda one: one.reconcile.__name__ if isinstance(one, Controller) else "",
)
def test_an_error_of_a_controller_is_a_finding_with_the_line_in_its_file(
    manifest: Path, one: Controller, line: str
) -> None:
    result = asked(manifest, one)
    assert verdicts(result)["errors"] == "VIOLATED"
    (found,) = lines(result, "errors")
    assert line in found
    assert not found.startswith("harness/")


def test_the_line_is_that_of_the_statement(manifest: Path) -> None:
    (found,) = lines(asked(manifest, raises), "errors")
    number = int(found.partition(":")[2].partition(" ")[0])
    assert 'counter["spec"]["name"]' in Path(__file__).read_text(encoding="utf-8").splitlines()[number - 1]


@controller(kind=COUNTER, owns=["Pod"])
def asks_for_what_is_none(_counter: Json, _view: Any) -> list[Any]:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": []}}
    return [create(pod)]


def test_a_controller_that_is_refused_for_ever_is_never_done(manifest: Path) -> None:
    result = asked(manifest, asks_for_what_is_none)
    assert verdicts(result)["done"] == "VIOLATED"
    assert 'counter-controller one is refused: Pod "x" is invalid' in lines(result, "done")[0]


@controller(kind=COUNTER)
def goes_round(counter: Json, _view: Any) -> list[Any]:
    return [update_status(counter, {"on": not counter.get("status", {}).get("on", False)})]


def test_a_controller_that_goes_round_is_never_done(manifest: Path) -> None:
    result = asked(manifest, goes_round)
    assert verdicts(result)["done"] == "VIOLATED"
    assert next(one.kind for one in result.outcome.claims if one.name == "done") == "livelock"


# --- each request of a sync is a step of its own --------------------------------------------------------------------


@controller(kind=COUNTER, owns=["ConfigMap"])
def makes_two(_counter: Json, view: Any) -> list[Any]:
    names = {one["metadata"]["name"] for one in view.list("ConfigMap")}
    return [create(config(name)) for name in ("a", "b") if name not in names]


@controller(kind=COUNTER, owns=["ConfigMap"])
def makes_two_and_hears(_counter: Json, view: Any) -> Iterator[Any]:
    names = {one["metadata"]["name"] for one in view.list("ConfigMap")}
    for name in ("a", "b"):
        if name not in names:
            yield create(config(name))


@controller(kind=COUNTER, owns=["ConfigMap"])
def makes_two_once(_counter: Json, view: Any) -> list[Any]:
    """After a crash between the two the second is forgotten."""
    return [] if view.list("ConfigMap") else [create(config("a")), create(config("b"))]


@eventually
def both_are_there(view: Any) -> bool:
    """In the end there are both."""
    return len(view.list("ConfigMap")) == 2


@pytest.mark.parametrize("one", [makes_two, makes_two_and_hears], ids=["a list", "a generator"])
def test_a_crash_between_two_requests_is_survived_by_who_looks_again(manifest: Path, one: Controller) -> None:
    result = asked(manifest, one, both_are_there, faults=Faults(crash=1, lost_response=1))
    assert result.holds, result.report


def test_a_crash_between_two_requests_is_found(manifest: Path) -> None:
    result = asked(manifest, makes_two_once, both_are_there, faults=Faults(crash=1))
    assert verdicts(result)["both-are-there"] == "VIOLATED"
    assert [step.label for step in result.documents["both-are-there"].steps][:2] == [
        "creates ConfigMap a",
        "crashes and restarts",
    ]
    assert asked(manifest, makes_two_once, both_are_there).holds


def test_who_hears_answers_and_goes_on_as_before_goes_the_same_ways(manifest: Path) -> None:
    faults = Faults(crash=1)
    one, other = (asked(manifest, each, both_are_there, faults=faults) for each in (makes_two, makes_two_and_hears))
    assert verdicts(one) == verdicts(other)


# --- answers ----------------------------------------------------------------------------------------------------------


@controller(kind=COUNTER, owns=["ConfigMap"], places=2)
def counts_on_the_answer(counter: Json, _view: Any) -> Iterator[Any]:
    """Name what is made, which no view shows yet."""
    if "made" not in counter.get("status", {}):
        made = yield create({**config(""), "metadata": {"generateName": "c-"}})
        yield update_status(counter, {"made": made["metadata"]["name"]})


@eventually
def the_status_names_one(view: Any) -> bool:
    """In the end the status names a ConfigMap."""
    (counter,) = view.list(COUNTER)
    return counter.get("status", {}).get("made") in {one["metadata"]["name"] for one in view.list("ConfigMap")}


def test_an_answer_is_the_object_as_it_is_stored(manifest: Path) -> None:
    result = asked(manifest, counts_on_the_answer, the_status_names_one, consistency="linearizable")
    assert result.holds, result.report


@controller(kind=COUNTER, owns=["ConfigMap"])
def takes_what_is_there(_counter: Json, _view: Any) -> Iterator[Any]:
    try:
        yield create(config("a"))
    except AlreadyExists:
        found = yield read("ConfigMap", "a")
        yield patch(found, {"data": {"taken": "yes"}})


@eventually
def it_is_taken(view: Any) -> bool:
    """In the end it is taken."""
    return [one["data"] for one in view.list("ConfigMap")] == [{"taken": "yes"}]


def test_a_refusal_is_raised_where_the_request_was_made(manifest: Path) -> None:
    result = asked(manifest, takes_what_is_there, it_is_taken)
    assert result.holds, result.report


@controller(kind=COUNTER, owns=["ConfigMap"])
def makes_one_and_takes_another(_counter: Json, view: Any) -> Iterator[Any]:
    """Begin only where the first is not there, so that nothing is made up for later."""
    if view.get("ConfigMap", "a") is None:
        yield create(config("a"))
        try:
            yield delete(config("c"))
        except NotFound:
            yield patch(config("b"), {"data": {"taken": "yes"}})


@eventually
def the_other_is_taken(view: Any) -> bool:
    """In the end the other is taken."""
    return view.get("ConfigMap", "b")["data"] == {"taken": "yes"}


@pytest.mark.parametrize(("faults", "verdict"), [(Faults(), "HOLDS"), (Faults(crash=1), "VIOLATED")])
def test_a_refusal_in_the_middle_of_a_sync_is_no_end_of_it(manifest: Path, faults: Faults, verdict: str) -> None:
    there = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {}\n"
    manifest.write_text(f"{MANIFEST}---\n{there}", encoding="utf-8")
    result = asked(manifest, makes_one_and_takes_another, the_other_is_taken, faults=faults)
    assert verdicts(result)["the-other-is-taken"] == verdict


def test_that_it_is_no_end_can_be_lost(manifest: Path) -> None:
    before, after = "if not turn or onward(turn) or failure(turn):", "if not turn:"
    with planted("kubeproof.model.world.steps", before, after), pytest.raises(AssertionError):
        test_a_refusal_in_the_middle_of_a_sync_is_no_end_of_it(manifest, Faults(), "HOLDS")


def cleaner(*, by_uid: bool) -> Controller:
    """Return a controller that deletes what it sees, by name or by uid."""

    @controller(kind=COUNTER, owns=["ConfigMap"], name="cleaner", places=1)
    def clean(counter: Json, view: Any) -> list[Any]:
        if "deletionTimestamp" in counter["metadata"] or counter["metadata"].get("finalizers"):
            return []
        old = [one for one in view.list("ConfigMap") if one.get("data", {}).get("old")]
        return [delete(one, uid=one["metadata"]["uid"] if by_uid else "") for one in old]

    return clean


@step
def what_is_new_stays(before: Any, after: Any) -> Iterator[str]:
    """Nothing new is deleted."""
    left = {one["metadata"]["uid"] for one in after.list("ConfigMap")}
    for one in before.list("ConfigMap"):
        if one["data"] == {"new": "yes"} and one["metadata"]["uid"] not in left:
            yield f"{one['metadata']['name']} is gone"


@pytest.mark.parametrize(("by_uid", "verdict"), [(True, "HOLDS"), (False, "VIOLATED")])
def test_a_deletion_by_uid_spares_who_has_the_name_now(manifest: Path, by_uid: bool, verdict: str) -> None:  # noqa: FBT001
    manifest.write_text(f"{MANIFEST}---\n{dumps(config('a', old='yes'))}\n", encoding="utf-8")
    script = [{"deleteObject": {"kind": "ConfigMap", "name": "a"}}, {"apply": {"object": config("a", new="yes")}}]
    cluster = Cluster.from_manifests(manifest, nodes=1).given({"script": script})
    result = check(cluster, controllers=[cleaner(by_uid=by_uid)], properties=[what_is_new_stays])
    assert verdicts(result)["what-is-new-stays"] == verdict


@controller(kind=COUNTER)
def writes_over(counter: Json, _view: Any) -> Iterator[Any]:
    status = {"seen": counter["spec"]["wanted"]}
    try:
        yield update_status(counter, status)
    except Conflict:
        bare = {key: value for key, value in counter["metadata"].items() if key != "resourceVersion"}
        yield update_status({**counter, "metadata": bare}, status)


@controller(kind=COUNTER)
def waits_for_news(counter: Json, _view: Any) -> list[Any]:
    return [update_status(counter, {"seen": counter["spec"]["wanted"]})]


@step
def the_status_grows(before: Any, after: Any) -> Iterator[str]:
    """A status never tells of an older wish than the one before."""
    for old, new in zip(before.list(COUNTER), after.list(COUNTER), strict=False):
        was, now = (one.get("status", {}).get("seen", 0) for one in (old, new))
        if now < was:
            yield f"{was} becomes {now}"


@pytest.mark.parametrize(("one", "verdict"), [(writes_over, "VIOLATED"), (waits_for_news, "HOLDS")])
def test_a_conflict_keeps_an_old_view_from_being_written(manifest: Path, one: Controller, verdict: str) -> None:
    again = [{"apply": {"object": _counter(number)}} for number in (2,)]
    other = asked_with_two(manifest, one, again)
    assert verdicts(other)["the-status-grows"] == verdict


def _counter(wanted: int) -> Json:
    return {"apiVersion": "example.com/v1", "kind": "Counter", "metadata": {"name": "one"}, "spec": {"wanted": wanted}}


def asked_with_two(path: Path, one: Controller, script: list[Json]) -> Result:
    """Ask with a second controller of the same kind: two that write the same status."""
    twin = controller(kind=COUNTER, name="twin")(one.reconcile)
    from kubeproof.harness.face import Cluster

    cluster = Cluster.from_manifests(path, nodes=1).given({"script": script})
    return check(cluster, controllers=[one, twin], properties=[the_status_grows])


# --- custom resources -------------------------------------------------------------------------------------------------


@controller(kind=COUNTER, owns=["ConfigMap"])
def owns_one(counter: Json, view: Any) -> list[Any]:
    if "deletionTimestamp" in counter["metadata"] or view.owned("ConfigMap", counter):
        return []
    return [create(owned_by(counter, config("mine")))]


@controller(kind=COUNTER, owns=["ConfigMap"])
def owns_none(counter: Json, view: Any) -> list[Any]:
    return [] if "deletionTimestamp" in counter["metadata"] or view.list("ConfigMap") else [create(config("mine"))]


def is_gone(view: Any) -> bool:
    """Tell whether there is no counter."""
    return not view.list(COUNTER)


def nothing_is_left(view: Any) -> bool:
    """What a counter owns goes with it."""
    return not view.list("ConfigMap")


goes_with_it = leads_to(is_gone, nothing_is_left)


@pytest.mark.parametrize(("one", "verdict"), [(owns_one, "HOLDS"), (owns_none, "VIOLATED")])
def test_what_a_custom_resource_owns_is_collected_with_it(manifest: Path, one: Controller, verdict: str) -> None:
    result = asked(manifest, one, goes_with_it, script=["delete counter/one"])
    assert verdicts(result)["nothing-is-left"] == verdict


@controller(kind=COUNTER)
def follows_generations(counter: Json, _view: Any) -> list[Any]:
    generation, status = counter["metadata"]["generation"], counter.get("status", {})
    if status.get("observedGeneration") == generation:
        return []
    return [update_status(counter, {"observedGeneration": generation, "seen": counter["spec"]["wanted"]})]


@eventually
def the_last_wish_is_seen(view: Any) -> bool:
    """In the end the status tells of the last wish."""
    return all(one.get("status", {}).get("seen") == one["spec"]["wanted"] for one in view.list(COUNTER))


def test_the_generation_counts_wishes(manifest: Path) -> None:
    script = [{"apply": {"object": _counter(number)}} for number in (2, 3)]
    from kubeproof.harness.face import Cluster

    cluster = Cluster.from_manifests(manifest, nodes=1).given({"script": script})
    result = check(cluster, controllers=[follows_generations], properties=[the_last_wish_is_seen])
    assert result.holds, result.report


@controller(kind=COUNTER, owns=["ConfigMap"])
def lets_go_too_late(counter: Json, view: Any) -> list[Any]:
    meta = counter["metadata"]
    if "deletionTimestamp" in meta:
        gone = [delete(one, uid=one["metadata"]["uid"]) for one in view.list("ConfigMap")]
        return [*gone, update({**counter, "metadata": {**meta, "finalizers": []}})]
    if not meta.get("finalizers"):
        return [update({**counter, "metadata": {**meta, "finalizers": ["example.com/hold"]}})]
    return [] if view.list("ConfigMap") else [create(config("mine"))]


def test_a_finalizer_holds_until_it_is_taken_away(manifest: Path) -> None:
    held = asked(manifest, lets_go_too_late, script=["delete counter/one"])
    assert verdicts(held)["convergence"] == "HOLDS"
    kept = controller(kind=COUNTER, owns=["ConfigMap"], name="keeps")(
        lambda counter, view: [] if "deletionTimestamp" in counter["metadata"] else lets_go_too_late(counter, view)
    )
    stuck = asked(manifest, kept, script=["delete counter/one"])
    assert verdicts(stuck)["convergence"] == "VIOLATED"
    assert "Counter one is still being deleted: finalizers example.com/hold" in lines(stuck, "convergence")[0]


# --- properties -------------------------------------------------------------------------------------------------------


@always
def there_is_none(view: Any) -> bool:
    """There is never a ConfigMap."""
    return not view.list("ConfigMap")


@never
def there_are_two(view: Any) -> bool:
    """There are two ConfigMaps."""
    return len(view.list("ConfigMap")) == 2


@never
def names_are_long(view: Any) -> Iterator[str]:
    """A name has more than one letter."""
    yield from (one["metadata"]["name"] for one in view.list("ConfigMap") if len(one["metadata"]["name"]) > 1)


def test_each_sort_of_property_can_fail_and_says_how(manifest: Path) -> None:
    result = asked(manifest, makes_two, there_is_none, there_are_two, names_are_long)
    found = verdicts(result)
    assert [found[one] for one in ("there-is-none", "there-are-two", "names-are-long")] == [
        "VIOLATED",
        "VIOLATED",
        "HOLDS",
    ]
    assert lines(result, "there-is-none") == ("it is not so: There is never a ConfigMap.",)
    assert lines(result, "there-are-two") == ("it is so: There are two ConfigMaps.",)


def test_a_property_that_raises_is_bad_input_with_its_line(manifest: Path) -> None:
    @always
    def misspelt(view: Any) -> bool:
        return bool(view.list("ConfigMop"))

    with pytest.raises(BadInput, match=r"test_checks\.py:\d+ in misspelt: UnknownKindError: .*did you mean"):
        asked(manifest, makes_two, misspelt)


def test_two_claims_of_one_name_are_refused(manifest: Path) -> None:
    with pytest.raises(BadInput, match="two claims are called 'both-are-there'"):
        asked(manifest, makes_two, both_are_there, both_are_there)


def test_too_few_places_are_unknown_and_named(manifest: Path) -> None:
    small = controller(kind=COUNTER, owns=["ConfigMap"], places=1)(makes_two.reconcile)
    result = asked(manifest, small, both_are_there)
    assert verdicts(result)["both-are-there"] == "UNKNOWN"
    assert "raise places of the controller that makes it (now 1)" in lines(result, "both-are-there")[0]


def test_where_a_check_starts_is_not_chosen(manifest: Path) -> None:
    with pytest.raises(BadInput, match="a check starts where the manifests are applied"):
        asked(manifest, makes_two, start="settled", script=["delete counter/one"])


def test_an_error_says_what_kubernetes_said() -> None:
    error = ApiError(409, "Conflict", "it has changed")
    assert (error.code, error.reason, str(error)) == (409, "Conflict", "it has changed")
