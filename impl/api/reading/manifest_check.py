"""What is refused in a manifest by itself: no kind, an unknown one, misspelt fields, wrong types, no schedule.

Upstream: kubectl v1.32 with --validate=strict (kubectl/pkg/validation, cli-runtime/pkg/resource), worded for the reader
here; for a CronJob, which has no class here, the API server (pkg/apis/batch/validation, validateScheduleFormat).
Left out on purpose: what else the API server's validation says, and the fields of custom resources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..values.cron import ScheduleError, parse_schedule
from ..values.frozen import as_map
from . import schema
from .convert import FieldError
from .nearest import did_you_mean
from .removed_versions import removed

TYPE_FIELDS = ("apiVersion", "kind")
NAMES = ("name", "generateName", "namespace")


def errors_of(json: Any, *, served: bool = False) -> tuple[FieldError, ...]:
    """List what is wrong with an object, given as parsed YAML.

    `served`: an API server printed it. Then no kind and no field is wrong; one that is not known is of another release.
    """
    if not isinstance(json, dict):
        return (FieldError("", f"expected an object, a map with apiVersion and kind, got {schema.show(json)}"),)
    errors = tuple(_kind_errors(json, served=served))
    if not errors and not served and json["kind"] in schema.table()["kinds"].get(json["apiVersion"], ()):
        errors = schema.errors_in(json, json["apiVersion"], json["kind"])
        if not errors and json["kind"] == "CronJob":
            errors = tuple(_schedule_errors(str(as_map(json.get("spec")).get("schedule") or "")))
    return (*errors, *_name_errors(json))


def _schedule_errors(schedule: str) -> Iterator[FieldError]:
    try:
        parse_schedule(schedule)
    except ScheduleError as error:
        yield FieldError("spec.schedule", f"{schema.show(schedule)} is no schedule: {error}")
    if "TZ" in schedule:
        yield FieldError("spec.schedule", "cannot use TZ or CRON_TZ in schedule", "use the field timeZone instead")


def _kind_errors(json: Mapping[str, Any], *, served: bool) -> Iterator[FieldError]:
    missing = [name for name in TYPE_FIELDS if json.get(name) is None or json[name] == ""]
    yield from (FieldError(name, "every object has one, this one has none", _chart_hint(json)) for name in missing)
    texts = [name for name in TYPE_FIELDS if name not in missing and not isinstance(json[name], str)]
    yield from (FieldError(name, f"expected a string, got {schema.show(json[name])}") for name in texts)
    if missing or texts or served:
        return
    kind, version = json["kind"], json["apiVersion"]
    kinds = schema.table()["kinds"]
    if kind in kinds.get(version, ()) or not schema.is_built_in(version, kind):
        return
    versions = schema.versions_of(kind)
    if was := removed(version, kind):
        what = f"Kubernetes no longer serves {schema.show(version)} for {kind}, since {was.release}"
        yield FieldError("apiVersion", what, was.instead(versions))
    elif versions:
        there = f"{kind} is {' or '.join(versions)}"
        yield FieldError("apiVersion", f"unknown apiVersion {schema.show(version)}", there)
    else:
        yield FieldError("kind", f"unknown kind {schema.show(kind)}", did_you_mean(kind, schema.kind_names(), ""))


def _chart_hint(json: Mapping[str, Any]) -> str:
    chart = "version" in json and json.get("apiVersion") in ("v1", "v2")
    return "it looks like Helm's: render the chart first" if chart else ""


def _name_errors(json: Mapping[str, Any]) -> Iterator[FieldError]:
    metadata = json.get("metadata")
    built_in = schema.is_built_in(str(json.get("apiVersion", "")), str(json.get("kind", "")))
    if metadata is not None and not isinstance(metadata, dict):
        if not built_in:
            yield FieldError("metadata", f"expected a map, got {schema.show(metadata)}")
        return
    if not built_in:
        given = ((name, (metadata or {}).get(name)) for name in NAMES)
        for name, value in given:
            if not isinstance(value, str | None):
                yield FieldError(f"metadata.{name}", f"expected a string, got {schema.show(value)}")
    if all((metadata or {}).get(name) in (None, "") for name in ("name", "generateName")):
        yield FieldError("metadata.name", "every object has a name, this one has none")
