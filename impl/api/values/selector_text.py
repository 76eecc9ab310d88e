"""Selectors as text: `app=web,tier in (a,b),!old` on labels, `status.phase!=Running` on fields.

Upstream: staging/src/k8s.io/apimachinery/pkg/labels/selector.go (Lexer, Parser) and pkg/fields/selector.go (v1.32).
Errors are Kubernetes' own words. Left out on purpose: which fields a kind can be selected by (the API server's
business).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from attrs import field, frozen

from ..meta import LabelSelectorRequirement
from ..releases import OLDEST, Release
from .label_names import key_errors, value_errors
from .selectors import integer, matches_requirement

TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+|$)")
SYMBOLS = frozenset({"=", "==", "!=", "!", "(", ")", ",", "<", ">"})
OPERATORS = {"=": "In", "==": "In", "in": "In", "!=": "NotIn", "notin": "NotIn", ">": "Gt", "<": "Lt"}
BINARY = "in, notin, =, ==, !=, gt, lt"
END = ""


class SelectorError(ValueError):
    """Text that is no selector; the message is Kubernetes' own."""


@frozen
class TextRequirement:
    """One part of a label selector: key, operator as written ("" for exists, "!" for not), values in order."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        operator = {"": "Exists", "!": "DoesNotExist"}.get(self.operator) or OPERATORS[self.operator]
        return matches_requirement(LabelSelectorRequirement(self.key, operator, self.values), labels)

    def __str__(self) -> str:
        match self.operator:
            case "":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(self.values)})"
            case _:
                return f"{self.key}{self.operator}{self.values[0]}"


@frozen
class TextSelector:
    """A label selector: all its requirements must hold; sorted by key."""

    requirements: tuple[TextRequirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


@frozen
class FieldTerm:
    """One part of a field selector: the field equals, or does not equal, a value; an absent field counts as ""."""

    field: str
    value: str
    negated: bool

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Tell whether an object with these fields meets it."""
        return (fields.get(self.field, "") == self.value) != self.negated

    def __str__(self) -> str:
        value = re.sub(r"([\\,=])", r"\\\1", self.value)
        return f"{self.field}{'!=' if self.negated else '='}{value}"


@frozen
class FieldSelector:
    """A field selector: all its terms must hold."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Tell whether an object with these fields is selected."""
        return all(term.matches(fields) for term in self.terms)

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.terms)


def parse_label_selector(text: str, release: Release = OLDEST) -> TextSelector:
    """Read a label selector, or raise SelectorError."""
    requirements = _Parser([token[1] for token in TOKEN.finditer(text.partition("\0")[0])], release).parse()
    return TextSelector(tuple(sorted(requirements, key=lambda requirement: requirement.key)))


def parse_field_selector(text: str) -> FieldSelector:
    """Read a field selector, or raise SelectorError."""
    parts = sorted(part for part in re.findall(r"((?:\\.|[^,\\]|\\$)*)(?:,|$)", text) if part)
    return FieldSelector(tuple(_field_term(text, part) for part in parts))


def _field_term(text: str, part: str) -> FieldTerm:
    split = re.search(r"!=|==|=", part)
    if split is None:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
    return FieldTerm(part[: split.start()], _unescape(part[split.end() :]), split[0] == "!=")


def _unescape(value: str) -> str:
    plain = []
    for piece in re.findall(r"\\.|\\$|[^\\]", value):
        if len(piece) == 1 and piece in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(piece)}")
        if piece.startswith("\\") and piece[1:] not in {"\\", ",", "="}:
            raise SelectorError(f"invalid field selector: invalid escape sequence: {piece}")
        plain.append(piece[-1])
    return "".join(plain)


@frozen
class _Reader:
    """Tokens of a label selector and how many of them are read; the last one is END."""

    tokens: list[str]
    release: Release
    read: list[str] = field(factory=list)

    def look(self) -> str:
        """Return the next token without reading it."""
        return self.tokens[min(len(self.read), len(self.tokens) - 1)]

    def take(self) -> str:
        """Read the next token."""
        token = self.look()
        self.read.append(token)
        return token


class _Parser(_Reader):
    """Recursive descent, in Kubernetes' order, because the order decides which error is reported."""

    def parse(self) -> list[TextRequirement]:
        found: list[TextRequirement] = []
        while (word := self.look()) != END:
            if not _starts(word):
                raise SelectorError(f"found '{word}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self.requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            after = self.take()
            if after == END:
                break
            if after != ",":
                raise SelectorError(f"found '{after}', expected: ',' or 'end of string'")
            if not _starts(self.look()):
                raise SelectorError(f"found '{self.look()}', expected: identifier after ','")
        return found

    def requirement(self) -> TextRequirement:
        key = self.take()
        absent = key == "!"
        key = self.take() if absent else key
        if not _word(key):
            raise SelectorError(f"found '{key}', expected: identifier")
        if errors := key_errors(key, self.release):
            raise SelectorError(f"<nil>: Invalid value: {json.dumps(key)}: {'; '.join(errors)}")
        if absent or self.look() in {END, ","}:
            return TextRequirement(key, "!" if absent else "")
        operator = self.take()
        if operator not in OPERATORS:
            raise SelectorError(f"found '{operator}', expected: {BINARY}")
        values = self.values() if operator in {"in", "notin"} else (self.value(),)
        return _valid(TextRequirement(key, operator, values))

    def value(self) -> str:
        if self.look() in {END, ","}:
            return ""
        word = self.take()
        if not _word(word):
            raise SelectorError(f"found '{word}', expected: identifier")
        return word

    def values(self) -> tuple[str, ...]:
        if (word := self.take()) != "(":
            raise SelectorError(f"found '{word}' expected: '('")
        first = self.look()
        if first == ")":
            self.take()
            return ("",)
        if not _word(first) and first != ",":
            raise SelectorError(f"found '{first}', expected: ',', ')' or identifier")
        found = self.identifiers()
        if self.take() != ")":
            raise SelectorError(f"found '{first}', expected: ')'")
        return tuple(sorted(found))

    def identifiers(self) -> set[str]:
        """Read words and commas up to `)`; two commas, or one at an end, stand for an empty word."""
        found: set[str] = set()
        while True:
            word = self.take()
            if _word(word):
                found.add(word)
                if self.look() == ")":
                    return found
                if self.look() != ",":
                    raise SelectorError(f"found '{self.look()}', expected: ',' or ')'")
            elif word == ",":
                found |= set() if found else {""}
                if self.look() == ")":
                    return found | {""}
                if self.look() == ",":
                    self.take()
                    found.add("")
            else:
                raise SelectorError(f"found '{word}', expected: ',', or identifier")


def _word(token: str) -> bool:
    return token != END and token not in SYMBOLS


def _starts(word: str) -> bool:
    return word == "!" or _word(word)


def _valid(requirement: TextRequirement) -> TextRequirement:
    """Refuse values that cannot be label values, and bounds that are no integers."""
    errors = []
    for index, value in enumerate(requirement.values):
        shown = json.dumps(value, ensure_ascii=False)
        if requirement.operator in {"<", ">"} and integer(value) is None:
            errors.append(
                f"values[{index}]: Invalid value: {shown}: for 'Gt', 'Lt' operators, the value must be an integer"
            )
    for index, value in enumerate(requirement.values):
        if wrong := value_errors(value):
            shown = json.dumps(value, ensure_ascii=False)
            errors.append(f"values[{index}][{requirement.key}]: Invalid value: {shown}: {'; '.join(wrong)}")
    if errors:
        raise SelectorError(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    return requirement
