"""x-kubernetes-validations: rules in CEL that a value, and a change of it, has to keep.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go (v1.32). The package
cel-python evaluates them. A rule with a function that is not there does not compile, as a wrong one does not.
Left out on purpose: types are not checked before a rule is evaluated; costs; Kubernetes' libraries for URLs,
addresses and quantities, optional values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib import import_module
from itertools import pairwise
from typing import Any

from attrs import frozen

from ...api.values.frozen import thaw
from ..validation.field_error import FieldError, forbidden, invalid_raw, required
from .kind import Schema
from .values import ABSENT, same

RULES = "x-kubernetes-validations"
MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "has", "map", "dyn"})
ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"package", "namespace", "null", "return", "true", "var", "void", "while"}
)
"""Names that are none in CEL."""
NO_LIBRARY = "rules in CEL cannot be evaluated here: the package cel-python is not installed"


class RuleError(ValueError):
    """A rule that does not compile."""


@frozen(eq=False)
class Program:
    """A rule that compiles: what evaluates it, and whether it looks at what was there before."""

    run: Callable[[Mapping[str, Any]], Any]
    transition: bool


@cache
def _library() -> Any:
    """Return the package that knows CEL. Raises RuleError where it is not installed."""
    try:
        return import_module("celpy")
    except ImportError:
        raise RuleError(NO_LIBRARY) from None


@cache
def _environment() -> Any:
    """Return what compiles rules. To make one raises Python's limit of recursion, which is nobody's wish here."""
    limit = sys.getrecursionlimit()
    try:
        return _library().Environment()
    finally:
        sys.setrecursionlimit(limit)


@lru_cache(maxsize=1 << 10)
def compiled(text: str) -> Program:
    """Return the program of a rule. Raises RuleError."""
    celpy, environment = _library(), _environment()
    try:
        tree = environment.compile(text)
    except celpy.CELParseError as error:
        raise RuleError(f"compilation failed: ERROR: <input>: Syntax error: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise RuleError("compilation failed: ERROR: <input>: expression recursion limit exceeded: 250") from None
    functions = _functions(celpy.celtypes)
    known = {*MACROS, *celpy.evaluation.base_functions, *functions}
    called = {str(call.children[1]) for call in tree.find_data("member_dot_arg")}
    called |= {str(call.children[0]) for call in tree.find_data("ident_arg")}
    if unknown := sorted(called - known):
        raise RuleError(f"compilation failed: ERROR: <input>: undeclared reference to {unknown[0]!r}")
    named = {str(leaf.children[0]) for leaf in tree.find_data("ident")}
    return Program(environment.program(tree, functions=functions).evaluate, "oldSelf" in named)


def _functions(types: Any) -> dict[str, Callable[..., Any]]:
    """Return Kubernetes' own functions on lists and strings."""
    number, text, truth, items = types.IntType, types.StringType, types.BoolType, types.ListType
    return {
        "charAt": lambda one, at: text(one[at : at + 1]),
        "indexOf": lambda one, part: number(_place(one, part, last=False)),
        "isSorted": lambda one: truth(all(left <= right for left, right in pairwise(one))),
        "join": lambda one, between="": text(between.join(one)),
        "lastIndexOf": lambda one, part: number(_place(one, part, last=True)),
        "lowerAscii": lambda one: text(one.lower()),
        "max": max,
        "min": min,
        "replace": lambda one, old, new, most=-1: text(one.replace(old, new, int(most))),
        "split": lambda one, between, most=-1: items([text(part) for part in _split(one, between, int(most))]),
        "substring": lambda one, start, end=None: text(one[start:end]),
        "sum": lambda one: number(sum(one)) if not one or isinstance(one[0], int) else types.DoubleType(sum(one)),
        "trim": lambda one: text(one.strip()),
        "upperAscii": lambda one: text(one.upper()),
    }


def _split(text: str, between: str, most: int) -> list[str]:
    if not most:
        return []
    parts = text.split(between) if between else list(text)
    return parts if most < 0 or len(parts) <= most else [*parts[: most - 1], between.join(parts[most - 1 :])]


def _place(value: Any, part: Any, *, last: bool) -> int:
    if isinstance(value, str):
        return value.rfind(part) if last else value.find(part)
    places = [at for at, item in enumerate(value) if item == part]
    return -1 if not places else places[-1 if last else 0]


def rules_in(schema: Schema) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rules of a schema with the paths where they stand, as errors of a definition name them."""
    yield from _rules_in(schema, "")


def _rules_in(schema: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(schema, Mapping):
        return
    for at, rule in enumerate(schema.get(RULES) or ()):
        yield f"{path}.{RULES}[{at}]", rule
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _rules_in(inner, f"{path}.properties[{name}]")
    for name in ("items", "additionalProperties"):
        yield from _rules_in(schema.get(name), f"{path}.{name}")


def against_rules(value: Any, schema: Schema | None, path: str = "", old: Any = ABSENT) -> Iterator[FieldError]:
    """Yield the rules that a value breaks; `old` is what was there before an update."""
    if not isinstance(schema, Mapping):
        return
    for rule in schema.get(RULES) or ():
        yield from _judged(value, schema, rule, path, old)
    if isinstance(value, Mapping):
        declared, other = schema.get("properties") or {}, schema.get("additionalProperties")
        before = old if isinstance(old, Mapping) else {}
        for name in sorted(value):
            where = f"{path}.{name}" if path and name in declared else name if name in declared else f"{path}[{name}]"
            yield from against_rules(value[name], declared.get(name, other), where, before.get(name, ABSENT))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from against_rules(item, schema.get("items"), f"{path}[{at}]")


def _judged(value: Any, schema: Schema, rule: Mapping[str, Any], path: str, old: Any) -> Iterator[FieldError]:
    program = compiled(str(rule.get("rule") or ""))
    if program.transition and old is ABSENT:
        return
    if not program.transition and old is not ABSENT and same(old, value):
        return
    bound = {"self": _as_cel(value, schema)} | ({} if old is ABSENT else {"oldSelf": _as_cel(old, schema)})
    said = str(rule.get("message") or "").strip() or f"failed rule: {str(rule.get('rule') or '').strip()}"
    try:
        if program.run(bound):
            return
        if rule.get("messageExpression"):
            said = str(compiled(str(rule["messageExpression"])).run(bound))
    except _library().CELEvalError as error:
        said = f"rule evaluation error: {error.args[0]} evaluating rule: {said}"
    where = f"{path}{rule.get('fieldPath') or ''}".removeprefix(".") or "<nil>"
    match rule.get("reason"):
        case "FieldValueForbidden":
            yield forbidden(where, said)
        case "FieldValueRequired":
            yield required(where, said)
        case "FieldValueDuplicate":
            yield FieldError("FieldValueDuplicate", where, f'Duplicate value: "{schema.get("type") or ""}"')
        case _:
            yield invalid_raw(where, f'"{schema.get("type") or ""}"', said)


def _as_cel(value: Any, schema: Any) -> Any:
    return _library().json_to_cel(_escaped(thaw(value), schema))


def _escaped(value: Any, schema: Any) -> Any:
    """Return JSON whose fields are called as rules call them: an identifier, also where the name is none."""
    known = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, list):
        return [_escaped(item, known.get("items")) for item in value]
    if not isinstance(value, dict):
        return value
    declared, other = known.get("properties") or {}, known.get("additionalProperties")
    return {
        (identifier(name) if name in declared else name): _escaped(inner, declared.get(name, other))
        for name, inner in value.items()
    }


def identifier(name: str) -> str:
    """Return what a rule calls a field."""
    if name in RESERVED:
        return f"__{name}__"
    parts = re.split(r"(__|\.|-|/)", name)
    escapes = dict(ESCAPES)
    return "".join(escapes.get(part, part) for part in parts)
