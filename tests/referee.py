"""The referee: recorded requests and answers against the vendor's own published API document.

A document is worth what its vendor put into it. A known fault of a document is forgiven with its reason, beside the
test that met it; everything else is a complaint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "shared" / "contracts"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer: the path as sent, the query as pairs, the body decoded, the answer parsed."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    status: int = 200
    answer: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @classmethod
    def of(cls, recorded: Any) -> Exchange:
        """A sandbox's or transport's record, whatever its class, by the names of its fields."""
        return cls(recorded.method, recorded.path, tuple((k, v) for k, v in recorded.query), recorded.body,
                   recorded.status, recorded.answer)


def same(exchange: Exchange) -> Exchange:
    """The exchange as it is."""
    return exchange


@dataclass(frozen=True)
class Habits:
    """What is special about one vendor's document.

    `place` rewrites an exchange into the document's terms (strip a prefix, name a mount); `unwrap` takes an envelope
    off an answer; `form` says that bodies are forms, whose values are texts until the schema says what they are;
    `decode` reads a body's bytes, where an exchange was recorded as it went over the wire;
    `deep` lets a last placeholder hold slashes; `forgiven` maps a regular expression on a complaint to the reason why
    it is the document's fault.
    """

    place: Callable[[Exchange], Exchange] = same
    unwrap: Callable[[Any], Any] = lambda answer: answer
    form: bool = False
    decode: Callable[[bytes], Any] = json.loads
    deep: bool = False
    forgiven: Mapping[str, str] = field(default_factory=dict)


def judge(file: str, habits: Habits, wire: Iterable[Any]) -> list[str]:
    """What a document does not allow of exchanges as they went over the wire; each different one is looked at once.

    Refused requests are left out, most of them being wrong on purpose, and so is everything where the folder is missing.
    """
    if not (CONTRACTS / file).exists():
        return []
    found, referee = [], appointed(file, habits)
    for one in wire:
        print = hashlib.sha256(repr((one.method, one.path, one.query, one.body, one.answer)).encode()).digest()
        if one.status >= 300 or print in JUDGED:
            continue
        JUDGED.add(print)
        body = habits.decode(one.body) if one.body else None
        answer = json.loads(one.answer) if one.answer.strip() else None
        found += referee.complaints([Exchange(one.method, one.path, one.query, body, one.status, answer)])
    return found


JUDGED: set[bytes] = set()
_APPOINTED: dict[str, Referee] = {}


def appointed(file: str, habits: Habits) -> Referee:
    """The one referee of a document in this run; it counts what was forgiven."""
    if file not in _APPOINTED:
        _APPOINTED[file] = Referee(file, habits)
    return _APPOINTED[file]


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    template: str
    body: dict[str, Any]


class Referee:
    """Checks exchanges against one document; a missing folder skips the test and says so."""

    def __init__(self, file: str, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self.used: dict[str, int] = {}
        path = CONTRACTS / file
        if not path.exists():
            pytest.skip(f"the API documents are not here ({file}): nothing to check against")
        self.document = document(str(path))
        self.routes = routes(str(path), self.habits.deep)

    def complaints(self, exchanges: Iterable[Exchange]) -> list[str]:
        """Everything that the document does not allow, in order; what is forgiven is counted in `used`."""
        found = []
        for exchange in exchanges:
            for complaint in self.check(exchange):
                line = f"{exchange}: {complaint}"
                reason = next((p for p in self.habits.forgiven if re.search(p, line)), None)
                if reason is None:
                    found.append(line)
                else:
                    self.used[reason] = self.used.get(reason, 0) + 1
        return found

    def check(self, exchange: Exchange) -> list[str]:
        """What is wrong with one exchange."""
        exchange = self.habits.place(exchange)
        operation = self.find(exchange)
        if operation is None:
            return [f"{exchange.method} {exchange.path} is not in the document"]
        return [*self._query(operation, exchange), *self._body(operation, exchange), *self._answer(operation, exchange)]

    def find(self, exchange: Exchange) -> Operation | None:
        """The operation of an exchange; literal paths go before placeholders, and a placeholder that is named is meant."""
        verb, named = exchange.method.lower(), re.findall(r"\{[^}]+\}", exchange.path)
        for pattern, template in self.routes:
            fits = pattern.fullmatch(exchange.path) and all(name in template for name in named)
            if fits and verb in self.document["paths"][template]:
                return Operation(template, self.document["paths"][template][verb])
        return None

    def _query(self, operation: Operation, exchange: Exchange) -> list[str]:
        known, found = {}, []
        shared = self.document["paths"][operation.template].get("parameters", [])
        for parameter in [*shared, *operation.body.get("parameters", [])]:
            parameter = self._resolved(parameter)
            if parameter["in"] == "query":
                known[parameter["name"]] = parameter
        given = {re.sub(r"\[.*", "", name) for name, _ in exchange.query}
        for name in sorted(given - known.keys()):
            if f"{name}[]" not in known:
                found.append(f"the query parameter {name} is not in the document")
        for name, parameter in known.items():
            values = [value for key, value in exchange.query if key == name]
            if parameter.get("required") and name not in given:
                found.append(f"the query parameter {name} is required")
            schema = parameter.get("schema")
            for value in values if schema else ():
                found.extend(self._errors({**self.document, **schema}, coerced(value, schema, self._resolved), f"?{name}"))
        return found

    def _body(self, operation: Operation, exchange: Exchange) -> list[str]:
        described = self._resolved(operation.body.get("requestBody") or {})
        kinds = described.get("content") or {}
        if not kinds:
            return ["a body is sent, the document has none"] if exchange.body else []
        if exchange.body in (None, "", {}):
            schema = next(iter(kinds.values())).get("schema") or {}
            if exchange.body is None and described.get("required") and not self.habits.form and schema.get("required"):
                return ["the body is missing"]
            return []
        schema = next(iter(kinds.values())).get("schema") or {}
        body = coerced(exchange.body, schema, self._resolved) if self.habits.form else exchange.body
        return self._errors({**self.document, **schema}, body, "body")

    def _answer(self, operation: Operation, exchange: Exchange) -> list[str]:
        responses = operation.body.get("responses", {})
        status = str(exchange.status)
        described = responses.get(status) or responses.get(f"{status[0]}XX")
        if described is None:
            if exchange.status < 300 and "default" not in responses:
                return [f"status {status} is not in the document ({', '.join(responses)})"]
            return []
        content = self._resolved(described).get("content") or {}
        schema = next(iter(content.values())).get("schema") if content else None
        if schema is None or exchange.status >= 300:
            return []
        return self._errors({**self.document, **schema}, self.habits.unwrap(exchange.answer), "answer")

    def _errors(self, schema: dict[str, Any], value: Any, where: str) -> list[str]:
        checker = jsonschema.Draft202012Validator(schema)
        return [f"{where}{_path(error.absolute_path)}: {error.message[:300]}" for error in checker.iter_errors(value)]

    def _resolved(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node


@cache
def document(path: str) -> dict[str, Any]:
    """A document with OpenAPI 3.0's `nullable` said as JSON Schema says it."""
    found: dict[str, Any] = _nullable(json.loads(Path(path).read_text()))
    return found


@cache
def routes(path: str, deep: bool) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Every path template as a pattern, the more literal ones first."""
    found = []
    for template in document(path)["paths"]:
        parts = re.split(r"(\{[^}]+\})", template)
        last = max((n for n, part in enumerate(parts) if part.startswith("{")), default=-1)
        text = ""
        for n, part in enumerate(parts):
            whole = deep and n == last and not "".join(parts[n + 1:]).strip("/")
            text += (".+?" if whole else "[^/]+") if part.startswith("{") else re.escape(part)
        found.append((template.count("{"), -len(template), re.compile(text), template))
    return tuple((pattern, template) for _, _, pattern, template in sorted(found, key=lambda f: (f[0], f[1], f[3])))


def _nullable(node: Any) -> Any:
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _nullable(value) for key, value in node.items()}
    for bound in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(found.get(bound), bool):
            del found[bound]
    if found.pop("nullable", False) is True:
        if isinstance(found.get("enum"), list):
            found["enum"] = [*found["enum"], None]
        if isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        elif "$ref" in found or "allOf" in found or "anyOf" in found or "oneOf" in found:
            found = {"anyOf": [found, {"type": "null"}]}
    return found


def coerced(value: Any, schema: Any, resolved: Callable[[Any], Any]) -> Any:
    """A form's or query's texts as the schema types them; what does not fit stays a text and is complained about."""
    schema = resolved(schema) or {}
    for choice in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(choice, ()):
            typed = coerced(value, option, resolved)
            if typed != value or _fits(value, resolved(option)):
                return typed
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if isinstance(value, str):
        return _typed(value, kinds)
    if isinstance(value, dict):
        fields, rest = schema.get("properties", {}), schema.get("additionalProperties")
        if "array" in kinds and all(key.isdigit() for key in value):
            return [coerced(value[key], schema.get("items"), resolved) for key in sorted(value, key=int)]
        return {key: coerced(item, fields.get(key, rest if isinstance(rest, dict) else {}), resolved)
                for key, item in value.items()}
    if isinstance(value, list):
        return [coerced(item, schema.get("items"), resolved) for item in value]
    return value


def _typed(value: str, kinds: list[Any]) -> Any:
    if "integer" in kinds and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "number" in kinds and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if "boolean" in kinds and value in ("true", "false"):
        return value == "true"
    return value


def _fits(value: Any, schema: Any) -> bool:
    kinds = schema.get("type")
    names = kinds if isinstance(kinds, list) else [kinds]
    if isinstance(value, str) and "string" in names:
        return "enum" not in schema or value in schema["enum"]
    return (isinstance(value, dict) and "object" in names) or (isinstance(value, list) and "array" in names)


def _path(parts: Iterable[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
