"""Go's view of a template as text: what Kubernetes hashes.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/dump (ForHash) over github.com/davecgh/go-spew v1.1.1 (format.go),
with `%#v`, sorted keys and methods disabled (v1.32). Which fields there are is the release's.
Left out on purpose: cycles and interfaces, which a template cannot hold, and managedFields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .go_structs import MAPS, GoField
from .quantity import Quantity, parse_quantity
from .timestamps import parse_time

NIL = "<nil>"
WORD = 2**64
YEAR_ONE = 62135596800
"""Seconds from the year 1 to 1970: Go counts from there."""


Structs = Mapping[str, tuple[GoField, ...]]


def dump(json: Any, kind: str, structs: Structs) -> str:
    """Write JSON as spew writes the Go value of that type it decodes to."""
    return _typed(json, kind, structs)


def _typed(json: Any, kind: str, structs: Structs) -> str:
    """Write a value with its type in front."""
    if not kind.startswith("*"):
        return f"({kind}){_bare(json, kind, structs)}"
    return f"({kind}){NIL}" if json is None else f"({kind}){_bare(json, kind[1:], structs)}"


def _bare(json: Any, kind: str, structs: Structs) -> str:
    """Write a value whose type is plain from what holds it."""
    match kind:
        case "bool":
            return "true" if json else "false"
        case "int32" | "int64" | "uint8":
            return str(int(json or 0))
        case "v1.Time":
            return _time(json)
        case "intstr.IntOrString":
            return _int_or_string(json)
        case "resource.Quantity":
            return _quantity(Quantity() if json is None else parse_quantity(str(json).strip()))
        case _ if kind.startswith("[]"):
            return f"[{' '.join(_bare(item, kind[2:], structs) for item in json)}]" if json else NIL
        case _ if kind.startswith("map[") or kind in MAPS:
            return _map(json, MAPS.get(kind, kind).split("]", 1)[1], structs)
        case _ if kind in structs:
            return _struct(json or {}, structs[kind], structs)
        case _:
            return json or ""


def _map(json: Mapping[str, Any] | None, kind: str, structs: Structs) -> str:
    if not json:
        return NIL
    return f"map[{' '.join(f'{key}:{_bare(json[key], kind, structs)}' for key in sorted(json, key=str.encode))}]"


def _struct(json: Mapping[str, Any], fields: tuple[GoField, ...], structs: Structs) -> str:
    parts = (
        f"{field.name}:{_typed(json.get(field.json) if field.json else json, field.type, structs)}" for field in fields
    )
    return f"{{{' '.join(parts)}}}"


def _int_or_string(json: int | str | None) -> str:
    text = json if isinstance(json, str) else ""
    number = 0 if json is None or isinstance(json, str) else json
    return f"{{Type:(intstr.Type){int(isinstance(json, str))} IntVal:(int32){number} StrVal:(string){text}}}"


def _time(json: str | None) -> str:
    seconds = parse_time(json) if json else None
    ext = 0 if seconds is None else seconds + YEAR_ONE
    return f"{{Time:(time.Time){{wall:(uint64)0 ext:(int64){ext} loc:(*time.Location){NIL}}}}}"


def _quantity(quantity: Quantity) -> str:
    """Write a quantity with its unexported fields: int64 or big decimal, cached spelling, format."""
    short = (0, 0) if quantity.big else (quantity.unscaled, quantity.exponent)
    big = f"(*inf.Dec){NIL}"
    if quantity.big:
        negative = "true" if quantity.unscaled < 0 else "false"
        number = f"{{neg:(bool){negative} abs:(big.nat){_words(abs(quantity.unscaled))}}}"
        big = f"(*inf.Dec){{unscaled:(big.Int){number} scale:(inf.Scale){-quantity.exponent}}}"
    return (
        f"{{i:(resource.int64Amount){{value:(int64){short[0]} scale:(resource.Scale){short[1]}}}"
        f" d:(resource.infDecAmount){{Dec:{big}}}"
        f" s:(string){quantity.text} Format:(resource.Format){quantity.format}}}"
    )


def _words(number: int) -> str:
    """Write the machine words of a big number, the lowest first."""
    words = []
    while number:
        words.append(str(number % WORD))
        number //= WORD
    return f"[{' '.join(words)}]" if words else NIL
