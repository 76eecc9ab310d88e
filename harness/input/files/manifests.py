"""Manifests as objects of the cluster, each still knowing its file and lines, and judged as the API server judges them.

What is judged here is what `kubectl apply` would be told at once; what depends on other objects is `cross_check`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen
from immutabledict import immutabledict

from ....impl.api.claim_names import REACHABILITY
from ....impl.api.core import Node, NodeCondition
from ....impl.api.kinds import Kind, Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.reading.load import BadInput, Loaded, LoadedObject, Note, Other, Problem, Source, Text, objects_in
from ....impl.api.releases import NEWEST, Release
from ....impl.apiserver.defaulting.defaulting import default
from ....impl.apiserver.strategy import prepare_for_create
from ....impl.apiserver.validation.data import validate_data
from ....impl.apiserver.validation.validation import validate_create
from .reader import Reader

NO_SOURCES: immutabledict[Ref, Source] = immutabledict()


@frozen
class Manifests:
    """Objects in the order of their files, where each is written, and what of them is not modelled.

    `others` are the objects whose kinds have no class here, `hooks` those that Helm runs by itself.
    """

    objects: tuple[Object, ...] = ()
    sources: immutabledict[Ref, Source] = NO_SOURCES
    notes: tuple[Note, ...] = ()
    others: tuple[Other, ...] = ()
    hooks: tuple[Note, ...] = ()

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """The notes, one line each."""
        return tuple(str(note) for note in self.notes)

    def plus(self, more: tuple[Object, ...]) -> Manifests:
        """Return these and more objects; one that is there already stays as it is."""
        there = {ref_of(obj) for obj in self.objects}
        return evolve(self, objects=(*self.objects, *(obj for obj in more if ref_of(obj) not in there)))

    def place(self, ref: Ref, field: str) -> tuple[str, int]:
        """Return file and line of a field of an object; of one that is in no file, that it comes from the script."""
        source = self.sources.get(ref)
        return (source.file, source.line_of(field)) if source else ("script", 0)

    def note(self, obj: Object, field: str, why: str, claims: tuple[str, ...] = (REACHABILITY,)) -> Note:
        """Say of a field of an object that no component looks at it, and which claims may hang on it."""
        file, line = self.place(ref_of(obj), field)
        return Note(file, line, field, str(ref_of(obj)), why, claims)

    def problem(self, ref: Ref | None, field: str, message: str, hint: str = "") -> Problem:
        """Blame a field of an object; an object that is in no file, or None, is blamed on the input as a whole."""
        source = None if ref is None else self.sources.get(ref)
        if source is None:
            return Problem("input", 0, field, message, hint)
        return Problem(source.file, source.line_of(field), field, message, hint)


def read_manifests(
    files: Mapping[str, str],
    reader: Reader,
    namespace: str,
    kinds: Iterable[Kind] = (),
    release: Release = NEWEST,
) -> Manifests:
    """Read manifests by file name, in their order; what is wrong with them is noted with the reader.

    `kinds` are those without a class that somebody acts on.
    """
    try:
        loaded = objects_in([Text(name, text) for name, text in files.items()], namespace, kinds=kinds)
    except BadInput as bad:
        reader.problems.extend(bad.problems)
        return Manifests()
    for obj in loaded.objects:
        reader.problems.extend(refusals(obj, release))
    for other in loaded.others:
        reader.problems.extend(_refusals_of_other(other))
    return Manifests(
        tuple(settled(obj.object) for obj in loaded.objects),
        sources_of(loaded),
        loaded.unmodelled,
        loaded.others,
        loaded.hooks,
    )


def sources_of(loaded: Loaded) -> immutabledict[Ref, Source]:
    """Return where each object is written, those without a class here too."""
    others = {other.ref: other.source for other in loaded.others}
    return immutabledict({**others, **{ref_of(obj.object): obj.source for obj in loaded.objects}})


def refusals(loaded: LoadedObject, release: Release = NEWEST) -> tuple[Problem, ...]:
    """Say what the API server would refuse."""
    source = loaded.source
    if not loaded.object.metadata.name:
        return (Problem(source.file, source.line_of("metadata.generateName"), "metadata.generateName", UNNAMED),)
    errors = validate_create(prepare_for_create(default(loaded.object), 0), release)
    return tuple(Problem(source.file, source.line_of(error.field), error.field, error.message) for error in errors)


def _refusals_of_other(other: Other) -> tuple[Problem, ...]:
    """Say what the API server would refuse of an object without a class."""
    source = other.source
    errors = () if other.custom else validate_data(other.ref.kind, source.document.value)
    return tuple(Problem(source.file, source.line_of(error.field), error.field, error.message) for error in errors)


def settled(obj: Object) -> Object:
    """Return a node as its kubelet would report it: capacity and allocatable stand for each other, and it is ready."""
    if not isinstance(obj, Node):
        return obj
    status = obj.status
    allocatable = status.allocatable or status.capacity
    capacity = status.capacity or status.allocatable
    ready = () if status.condition("Ready") else (READY,)
    return evolve(
        obj,
        status=evolve(status, allocatable=allocatable, capacity=capacity, conditions=(*status.conditions, *ready)),
    )


UNNAMED = "kubectl apply cannot use it (kubectl create does): give the object a metadata.name"
READY = NodeCondition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
