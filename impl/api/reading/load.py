"""Manifests into objects: everything wrong is reported at once, with file, line, field and what was expected.

Upstream: what kubectl v1.32 does with -f (cli-runtime's resource builder) and with --validate=strict: files, a folder's
*.yaml, *.yml and *.json (those below it with -R), `-` for standard input, several documents a file, and List objects;
unknown and duplicate fields are errors. A field Kubernetes has and the components here do not look at is no error: it
is a note.
Left out on purpose: fetching URLs, kustomize and templates (their tools print manifests that can be piped in), and
whether the values are allowed, which the API server's validation says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..claim_names import ALL
from ..kinds import BY_NAME, Kind, Object, ref_of
from ..meta import Ref
from ..versions import stored
from . import schema
from .convert import BadObject, FieldError, from_json, unstructured
from .manifest_check import errors_of
from .relevance import unmodelled
from .sources import STDIN, BadInput, Problem, Text, read_sources
from .unmodelled_kinds import effect_of, pod_template, template_labels
from .yaml_source import Document, YamlError, repeated_message, steps, tolerant_documents

__all__ = [
    "STDIN",
    "BadInput",
    "Loaded",
    "LoadedObject",
    "Note",
    "Other",
    "Problem",
    "Source",
    "Text",
    "objects_in",
    "read_sources",
]

HOOK = "helm.sh/hook"
RENDERED = "# Source: "
"""What `helm template` writes above each object."""
CLUSTER_SCOPED = frozenset(
    {
        *(kind.name for kind in BY_NAME.values() if not kind.namespaced),
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "ClusterTrustBundle",
        "CustomResourceDefinition",
        "DeviceClass",
        "DeviceTaintRule",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageVersionMigration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    }
)
"""Kinds of Kubernetes that live in no namespace."""


Kinds = Mapping[tuple[str, str], Kind]
"""Kinds by apiVersion and name."""


@frozen
class Source:
    """Where an object is written down; `number` counts the objects that are written before it, in all texts."""

    file: str
    document: Document
    number: int = 0
    template: str = ""
    """The file of a chart that it was rendered from, where Helm says so in a comment above it."""

    @property
    def line(self) -> int:
        """The line the object begins at."""
        return self.document.line

    def line_of(self, path: str) -> int:
        """Return the line of a field, `spec.template.spec.containers[0].image`, or of the nearest thing around it."""
        return self.document.line_of(steps(path))

    def place(self, path: str = "") -> str:
        """Say where a field is written, and of what is rendered, from which template."""
        template = f" ({self.template})" if self.template else ""
        return f"{self.file}:{self.line_of(path) if path else self.line}{template}"


@frozen
class LoadedObject:
    """An object and where it is written down."""

    object: Object
    source: Source


@frozen(order=True)
class Note:
    """Something in the input that no component looks at; `field` "" is the whole object.

    `claims` are those that may hang on it, and cannot be said to hold for certain.
    """

    file: str
    line: int
    field: str
    object: str
    message: str
    claims: tuple[str, ...] = ALL
    why: str = ""
    """What the claims may hang on, or why none does; told with their names where it is given."""

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.subject}: {self.told}"

    @property
    def told(self) -> str:
        """What is said of it, with the claims that may hang on it where they are told by name."""
        if not self.why:
            return self.message
        hangs = f"{_listed(self.claims)} may hang on it" if self.claims else "no claim hangs on it"
        return f"{self.message}; {hangs}: {self.why}"

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return self.object.partition(" ")[0]

    @property
    def about(self) -> str:
        """What notes that are alike share: the kind, the field and what is said of it."""
        return f"{self.kind}{f' {self.field}' if self.field else ''}: {self.told}"

    @property
    def subject(self) -> str:
        """The object, and the field if it is about one."""
        return f"{self.object}{f' {self.field}' if self.field else ''}"


@frozen
class Other:
    """An object of a kind without a class here: what others may refer to, and the labels of the Pods it makes."""

    ref: Ref
    source: Source
    custom: bool = False
    labels: immutabledict[str, str] | None = None


@frozen
class Loaded:
    """The objects of all sources in the order they are written, and what of them is not modelled.

    `hooks` are those that Helm runs by itself, before or after: they are left out.
    """

    objects: tuple[LoadedObject, ...]
    unmodelled: tuple[Note, ...]
    others: tuple[Other, ...] = ()
    hooks: tuple[Note, ...] = ()


def objects_in(
    texts: Sequence[Text],
    namespace: str = "default",
    problems: tuple[Problem, ...] = (),
    *,
    served: bool = False,
    kinds: Iterable[Kind] = (),
) -> Loaded:
    """Turn texts into objects; raise BadInput with the problems given and all that are found.

    `served`: an API server printed them (`kubectl get -o json`). `kinds` are those without a class whose objects are
    none the less taken as objects.
    """
    known = {(kind.api_version, kind.name): kind for kind in kinds}
    wrong = list(problems)
    objects: list[LoadedObject] = []
    notes: list[Note] = []
    others: list[Other] = []
    hooks: list[Note] = []
    seen: dict[tuple[str, Ref], Source] = {}
    count = 0
    for text in texts:
        for found_at in _sources(text, wrong):
            source = evolve(found_at, number=count)
            count += 1
            before = len(wrong)
            wrong += [_problem(source, error) for error in errors_of(source.document.value, served=served)]
            if len(wrong) > before:
                continue
            json = _placed(source.document.value, namespace, known)
            if not served and (hook := _hook(json)):
                hooks.append(_hook_note(json, source, hook))
                continue
            first = _first(json, source, seen)
            if first is not None and first.document.value == source.document.value:
                notes.append(_again(json, source, first))
                continue
            found = _convert(json, source, wrong, notes, known)
            if isinstance(found, LoadedObject) and first is not None:
                wrong.append(_repeated(json, source, first))
            elif isinstance(found, LoadedObject):
                objects.append(found)
            elif found is not None:
                others.append(found)
    if wrong:
        raise BadInput(tuple(sorted(wrong)))
    return Loaded(tuple(objects), tuple(notes), tuple(others), tuple(hooks))


# --- reading ------------------------------------------------------------------------------------------------------


def _sources(text: Text, wrong: list[Problem]) -> Iterator[Source]:
    """Yield the objects of a text, the items of a List one by one; report a text that is malformed or has none."""
    empty = True
    lines = text.text.splitlines() if RENDERED in text.text else []
    try:
        for document in tolerant_documents(text.text):
            empty = False
            wrong += [
                Problem(text.file, repeated.line, _join(repeated.path), repeated_message(repeated))
                for repeated in document.repeated
            ]
            yield from (Source(text.file, item, template=_template(lines, item.line)) for item in _items(document))
    except YamlError as error:
        wrong.append(Problem(text.file, error.line, _join(error.path), error.message, error.hint))
        return
    if empty:
        wrong.append(Problem(text.file, 0, "", "the file is empty" if not text.text.strip() else "no objects in it"))


def _template(lines: Sequence[str], line: int) -> str:
    """Return the template that a document at a line was rendered from, "" where nothing says so."""
    for above in reversed(lines[:line]):
        if above.startswith(RENDERED):
            return above.removeprefix(RENDERED).strip()
        if above.startswith("---"):
            break
    return ""


def _items(document: Document) -> Iterator[Document]:
    value = document.value
    is_list = (
        isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list)
    )
    if not is_list:
        yield document
        return
    for item in document.items():
        yield from _items(item)


def _join(path: tuple[str | int, ...]) -> str:
    joined = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return joined.removeprefix(".")


def _problem(source: Source, error: FieldError) -> Problem:
    return Problem(source.file, source.line_of(error.path), error.path, error.message, error.hint)


def _placed(json: dict[str, Any], namespace: str, kinds: Kinds) -> dict[str, Any]:
    """Return an object where it lives: in a namespace, if it names none in the default one; or in none at all.

    What one without a namespace says of one is left out, as kubectl and the API server do
    (EnsureObjectNamespaceMatchesRequestNamespace in apiserver/pkg/registry/rest/meta.go). Custom resources are placed
    only where their kind is known.
    """
    named = (json.get("metadata") or {}).get("namespace")
    own = kinds.get((json["apiVersion"], json["kind"]))
    built_in = schema.is_built_in(json["apiVersion"], json["kind"])
    outside = json["kind"] in CLUSTER_SCOPED and built_in if own is None else not own.namespaced
    inside = (built_in and not outside) or pod_template(json) is not None if own is None else own.namespaced
    if named and outside:
        metadata = {key: value for key, value in json["metadata"].items() if key != "namespace"}
    elif inside and not named:
        metadata = {**json["metadata"], "namespace": namespace}
    else:
        return json
    return {**json, "metadata": metadata}


def _hook(json: Mapping[str, Any]) -> str:
    """Return when Helm runs an object by itself (pre-install, test, ...); "" for one that is part of the release."""
    annotations = json["metadata"].get("annotations")
    return str(annotations.get(HOOK) or "") if isinstance(annotations, Mapping) else ""


def _hook_note(json: Mapping[str, Any], source: Source, hook: str) -> Note:
    why = f"Helm runs it by itself ({hook}): left out"
    return Note(source.file, source.line, "", _label(json), why, ())


def _label(json: Mapping[str, Any]) -> str:
    """Name an object, with its namespace where it has one."""
    meta = json["metadata"]
    name = meta.get("name") or meta.get("generateName") or ""
    return str(Ref(json["kind"], meta.get("namespace") or "", name))


def _first(json: Mapping[str, Any], source: Source, seen: dict[tuple[str, Ref], Source]) -> Source | None:
    """Return where the same object was written before; None where this is the first time."""
    metadata = json["metadata"]
    if not metadata.get("name"):
        return None
    ref = Ref(json["kind"], metadata.get("namespace") or "", metadata["name"])
    first = seen.setdefault((json["apiVersion"].rpartition("/")[0], ref), source)
    return None if first is source else first


def _again(json: Mapping[str, Any], source: Source, first: Source) -> Note:
    """Note an object that is written twice in the same words: to apply it again changes nothing."""
    why = f"it is written in the same words in {first.file}:{first.line}: left out"
    return Note(source.file, source.line, "", _label(json), why, ())


def _repeated(json: Mapping[str, Any], source: Source, first: Source) -> Problem:
    """Refuse an object that is written twice, and otherwise: kubectl would apply one after the other."""
    message = f"{_label(json)} is already defined in {first.file}:{first.line}"
    return Problem(source.file, source.line, "metadata.name", message)


# --- converting ---------------------------------------------------------------------------------------------------


def _with_conditions(json: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a slice that says of each endpoint what it is where nothing is said: one that takes connections.

    Upstream: addEndpoints in pkg/proxy/endpointslicecache.go (v1.32), which asks whether a condition is nil.
    """
    endpoints = json.get("endpoints")
    if json.get("kind") != "EndpointSlice" or not isinstance(endpoints, list | tuple):
        return json
    usual = {"ready": True, "serving": True}
    return {**json, "endpoints": [_filled(end, usual) for end in endpoints]}


def _filled(endpoint: Any, usual: Mapping[str, bool]) -> Any:
    said = endpoint.get("conditions") if isinstance(endpoint, Mapping) else None
    if not isinstance(endpoint, Mapping) or not isinstance(said, Mapping | None):
        return endpoint
    given = {name: value for name, value in (said or {}).items() if value is not None}
    return {**endpoint, "conditions": {**usual, **given}}


def _convert(
    json: dict[str, Any], source: Source, wrong: list[Problem], notes: list[Note], kinds: Kinds
) -> LoadedObject | Other | None:
    """Make the object, or note that its kind is not modelled."""
    own = kinds.get((json["apiVersion"], json["kind"]))
    if own is not None:
        try:
            return LoadedObject(unstructured(json, own), source)
        except BadObject as bad:
            wrong += [_problem(source, error) for error in bad.errors]
            return None
    kind = BY_NAME.get(json["kind"])
    json = json if kind is None else stored(json, json["apiVersion"])
    if kind is None or json["apiVersion"] != kind.api_version:
        return _other(json, source, notes)
    try:
        loaded = from_json(_with_conditions(json))
    except BadObject as bad:
        wrong += [_problem(source, error) for error in bad.errors]
        return None
    label = str(ref_of(loaded))
    found = (
        Note(source.file, source.line_of(finding.path), finding.path, label, finding.why, finding.claims)
        for finding in unmodelled(loaded)
    )
    notes += sorted(found)
    return LoadedObject(loaded, source)


def _other(json: Mapping[str, Any], source: Source, notes: list[Note]) -> Other:
    """Keep what others may refer to in an object without a class, and note which claims hang on it."""
    custom = not schema.is_built_in(json["apiVersion"], json["kind"])
    effect = effect_of(json["kind"], json, custom=custom)
    what = "this custom resource" if custom else "this kind"
    why = effect.why if effect.claims or not custom else ""
    notes.append(Note(source.file, source.line, "", _label(json), f"{what} is not modelled", effect.claims, why))
    meta = json["metadata"]
    ref = Ref(json["kind"], meta.get("namespace") or "", meta.get("name") or "")
    return Other(ref, source, custom, template_labels(json))


def _listed(claims: tuple[str, ...]) -> str:
    return "every claim" if set(claims) == set(ALL) else ", ".join(claims)
