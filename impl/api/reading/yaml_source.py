"""YAML and JSON text as Kubernetes' tools read it, with the line of every field.

Upstream: sigs.k8s.io/yaml v1.4 (goyaml.v2, YAMLToJSONStrict), which kubectl v1.32 reads manifests with: YAML 1.1, so
that an unquoted `yes`, `on` or `y` is a boolean, `010` is 8, a date is a string, and a key given twice is an error.
Left out on purpose: binary scalars and base-60 numbers, which are strings here as they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from attrs import frozen
from immutabledict import immutabledict

Path = tuple[str | int, ...]
"""The steps from an object to a field: keys of maps and positions in lists."""

BOOLEANS = {
    spelling: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for spelling in (word, word.capitalize(), word.upper())
}
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
INTEGER = re.compile(r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)", re.ASCII)
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
STANDARD = "tag:yaml.org,2002:"
TEXT = f"{STANDARD}str"
RESOLVER: Any = yaml.resolver.Resolver()
MOST_VALUES = 500_000
"""How many values one document may have once its aliases are written out."""

LONGEST_INTEGER = 100
"""Digits beyond which a number is read as a float, which no field of Kubernetes takes for an integer."""

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


TEMPLATE = "it looks like a template: render it first (helm template ... | kubeproof check -)"


class YamlError(ValueError):
    """Text that is no YAML; `line` counts from 1, `path` names a field or is empty."""

    def __init__(self, line: int, message: str, hint: str = "", path: Path = ()) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint
        self.path = path


@frozen
class Repeated:
    """A key given twice in one map: where, and in which line first. The later value counts."""

    path: Path
    line: int
    first: int


@frozen
class Document:
    """One document: its plain JSON value, the line it begins at, the line of each field, and the keys given twice."""

    value: Any
    line: int
    lines: immutabledict[Path, int]
    repeated: tuple[Repeated, ...] = ()

    def line_of(self, path: Path) -> int:
        """Return the line of a field, or of the nearest thing around it that is written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)

    def items(self) -> tuple[Document, ...]:
        """Return the items of a List as documents of their own."""
        lines: dict[int, dict[Path, int]] = {index: {} for index in range(len(self.value["items"]))}
        for path, line in self.lines.items():
            if len(path) > 1 and path[0] == "items" and isinstance(path[1], int):
                lines[path[1]][path[2:]] = line
        return tuple(
            Document(item, lines[index].get((), self.line), immutabledict(lines[index]))
            for index, item in enumerate(self.value["items"])
        )


def documents(text: str) -> Iterator[Document]:
    """Read the documents of a text one by one, without the empty ones.

    Raise YamlError at the first that is malformed or gives a key twice.
    """
    for document in tolerant_documents(text):
        for repeated in document.repeated:
            raise YamlError(repeated.line, repeated_message(repeated), path=repeated.path)
        yield document


def repeated_message(repeated: Repeated) -> str:
    """Say that a key is given twice; a second `apiVersion` begins a document that nothing parts from the first."""
    parted = "; a line --- parts two documents" if repeated.path == ("apiVersion",) else ""
    return f"the key is already set in line {repeated.first}{parted}"


def tolerant_documents(text: str) -> Iterator[Document]:
    """Read the documents of a text and note the keys given twice; raise YamlError at a malformed one."""
    if text.lstrip().startswith("{"):
        text = _json_as_yaml(text)
    try:
        for node in yaml.compose_all(text, Loader=Loader):
            document = _document(node)
            if document.value is not None:
                yield document
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1 if isinstance(error.position, int) else 1
        raise YamlError(line, f"malformed YAML: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        raise _malformed(text, error) from None
    except RecursionError:
        raise YamlError(1, "malformed YAML: nested too deeply") from None


def steps(path: str) -> Path:
    """Take a path as messages write it apart: `spec.containers[0].resources.limits[cpu]`."""
    found = re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path)
    return tuple(int(inner) if inner.isdigit() else inner or name for inner, name in found)


def _document(node: Any) -> Document:
    lines: dict[Path, int] = {}
    builder = _Builder(lines)
    value = builder.build(node, ())
    return Document(value, node.start_mark.line + 1, immutabledict(lines), tuple(builder.repeated))


class _Builder:
    """Turns nodes into plain values and notes the lines; counts values, because aliases can multiply them."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self.lines = lines
        self.repeated: list[Repeated] = []
        self.open: list[int] = []
        self.count = 0

    def build(self, node: Any, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.count += 1
        if self.count > MOST_VALUES or id(node) in self.open:
            raise YamlError(node.start_mark.line + 1, "malformed YAML: an alias repeats itself without end", path=path)
        if isinstance(node, yaml.ScalarNode):
            return scalar(node.value, plain=not node.style, tag=node.tag)
        self.open.append(id(node))
        value = self.sequence(node, path) if isinstance(node, yaml.SequenceNode) else self.mapping(node, path)
        self.open.pop()
        return value

    def sequence(self, node: Any, path: Path) -> list[Any]:
        return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]

    def mapping(self, node: Any, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                braces = isinstance(key_node, yaml.MappingNode) and bool(node.flow_style)
                hint = TEMPLATE if braces else ""  # {{ .Values.name }} by itself is YAML: a map in a map.
                raise YamlError(line, "malformed YAML: a key is a list or a map", hint, path)
            if key_node.value == "<<" and not key_node.style:
                merged = self.merge(value_node, path) | merged
                continue
            key = _key(scalar(key_node.value, plain=not key_node.style, tag=key_node.tag))
            if key in values:
                self.repeated.append(Repeated((*path, key), line, self.lines[(*path, key)]))
            self.lines[(*path, key)] = line
            values[key] = self.build(value_node, (*path, key))
        return merged | values

    def merge(self, node: Any, path: Path) -> dict[str, Any]:
        """Read what `<<` brings in; the fields written down win over it, earlier maps over later ones."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            value = self.build(source, (*path, "<<"))
            if not isinstance(value, dict):
                raise YamlError(node.start_mark.line + 1, "malformed YAML: << takes a map", path=path)
            merged = value | merged
        return merged


def scalar(text: str, *, plain: bool, tag: str = "") -> Any:
    """Return the value of a scalar; a quoted one, or one tagged !!str, is its text."""
    foreign = tag and not tag.startswith(STANDARD)
    as_text = tag == TEXT and RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) != TEXT
    if not plain or foreign or as_text:
        return text
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if (number := _number(text)) is not None:
        return number
    return text


def _number(text: str) -> int | float | None:
    if INTEGER.fullmatch(text) and len(text) <= LONGEST_INTEGER:
        digits = text.replace("_", "").lstrip("+")
        sign, body = (-1, digits[1:]) if digits.startswith("-") else (1, digits)
        octal = re.fullmatch(r"0[0-7]+", body)
        decimal = re.fullmatch(r"[0-9]+", body)
        return sign * (int(body, 8) if octal else int(body) if decimal else int(body, 0))
    return float(text) if FLOAT.fullmatch(text) else None


def _key(value: Any) -> str:
    """Return the JSON key of a YAML key."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _json_as_yaml(text: str) -> str:
    """Rewrite what JSON allows and YAML 1.1 does not: tabs between values, an escaped slash, surrogate pairs."""
    text = text.replace("\t", " ")
    text = re.sub(r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)", _escape, text)
    return re.sub(r"\}\s*\n\s*\{", "}\n---\n{", text) if re.match(r"\s*\{", text) and _several(text) else text


def _escape(found: re.Match[str]) -> str:
    inner = found[1]
    if inner == "/":
        return "/"
    if len(inner) > 1:
        high, low = int(inner[1:5], 16), int(inner[7:11], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return found[0]


def _several(text: str) -> bool:
    """Tell whether a text is several JSON values in a row, each beginning on a line of its own."""
    return bool(re.search(r"^\}\s*\n\{", text, re.MULTILINE))


def _malformed(text: str, error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    hint = ""
    if any("{{" in row for row in lines):
        hint = TEMPLATE
    elif "\t" in line:
        hint = "indent with spaces, not tabs"
    problem = " ".join(part for part in (error.context, error.problem) if part)
    return YamlError(number, f"malformed YAML: {problem}", hint)
