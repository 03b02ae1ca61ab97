"""JSON Schema of manifest files: kind → `_defaults` or name → fields, each its type or a map that stands for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.contract import Mark, Shape, Spec, shape_of
from reconciler.contract.kind import Kind
from reconciler.contract.spec import PLAIN
from reconciler.derive import keys, words
from reconciler.derive.fields import MODEL, Json, alternatives, described, sentence
from reconciler.model import NAME

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ENTRY = "^" + NAME.pattern.removesuffix(r"\Z") + "$"
CONNECTION = r"[a-z][a-z0-9_]*"
TEXT: Json = {"type": "string", "minLength": 1}
NULL: Json = {"type": "null"}


def manifest_schema(kinds: Mapping[str, type[Kind[Any]]]) -> Json:
    """The schema of manifests with these kinds, by bound name; kinds of other connections are accepted loosely.

    Nothing is required of an entry itself: `_defaults` or the file below an overlay may say the rest.
    """
    defs = Definitions()
    properties = {name: defs.kind(kinds[name], name) for name in sorted(kinds)}
    connections = sorted({name.partition(".")[0] for name in kinds})
    others = "".join(f"(?!{name}\\.)" for name in connections)
    loose = _named("A kind of another connection.", {"type": ["object", "null"]})
    return {
        "$schema": DRAFT,
        "title": "Manifest",
        "description": "What should exist: kind, name, fields. A field left out is not managed, null clears it.",
        "type": "object",
        "properties": properties,
        "patternProperties": {f"^{others}{CONNECTION}\\.{CONNECTION}$": loose},
        "additionalProperties": False,
        "$defs": {**_SHARED, **{name: defs.made[name] for name in sorted(defs.made)}},
    }


@dataclass(frozen=True, slots=True)
class _Source:
    """What pydantic says of one kind's spec: its definitions, and the model of each."""

    kind: Kind[Any]
    defs: Mapping[str, Json]
    models: Mapping[str, type[Any]]

    def model(self, part: Json) -> Json:
        """The definition that a reference names."""
        return self.defs[part["$ref"].rpartition("/")[2]]


class Definitions:
    """Definitions by name, each model once; names are `vendor.Model`, or `kind.Model` where two models share that."""

    def __init__(self) -> None:
        self.made: dict[str, Json] = {}
        self._names: dict[tuple[type[Any], bool], str] = {}

    def kind(self, kind: type[Kind[Any]], bound: str) -> Json:
        """What stands below a kind's name."""
        ref = {"$ref": f"#/$defs/{self._fields(kind(None, bound.partition('.')[0]))}"}
        return _named(sentence(kind.__doc__), {"anyOf": [ref, NULL]}, ref)

    def _fields(self, kind: Kind[Any]) -> str:
        """The definition of a kind's fields, `lifecycle` among them."""
        if (kind.spec, False) not in self._names:
            json, defs, models = described(kind.spec)
            self._names[kind.spec, False] = kind.name
            self.made[kind.name] = {}
            made = self._model(_Source(kind, defs, models), json, secret=False)
            made["properties"]["lifecycle"] = {"anyOf": [{"$ref": "#/$defs/lifecycle"}, NULL]}
            self.made[kind.name] = {**made, "description": sentence(type(kind).__doc__)}
        return self._names[kind.spec, False]

    def _model(self, of: _Source, json: Json, *, secret: bool) -> Json:
        model = of.models[json[MODEL]]
        shapes = shape_of(model).children if issubclass(model, Spec) else {}
        properties = {}
        for name, inner in json.get("properties", {}).items():
            shape = shapes.get(name, PLAIN)
            doc = model.model_fields[name].description or _doc(of, inner)
            text = words.description(of.kind, shape, sentence(doc))
            value = self._value(of, inner, shape, secret=secret, null=not shape.required)
            properties[name] = {**({"description": text} if text else {}), **value}
        said = sentence(json.get("description"))
        return {"type": "object", **({"description": said} if said else {}), "properties": properties,
                "additionalProperties": json.get("additionalProperties", False)}

    def _value(self, of: _Source, json: Json, shape: Shape, *, secret: bool, null: bool = False) -> Json:
        """A type, or what may stand in its place; an empty schema where anything fits."""
        secret = secret or Mark.SECRET in shape.marks
        parts = [self._part(of, part, shape, secret=secret) for part in alternatives(json)]
        if not all(parts):
            return {}
        parts += [NULL] * null + [{"$ref": "#/$defs/indirection"}] * (not secret)
        default = json.get("default")
        return {"anyOf": _once(parts), **({"default": default} if default is not None and not secret else {})}

    def _part(self, of: _Source, part: Json, shape: Shape, *, secret: bool) -> Json:
        if "$ref" in part:
            return {"$ref": f"#/$defs/{self._nested(of, part, secret=secret)}"}
        item = shape.item or PLAIN
        if part.get("type") == "array" and (made := self._value(of, part.get("items", {}), item, secret=secret)):
            return {**part, "items": _whole(made, of, part["items"])}
        inner = part.get("additionalProperties")
        if isinstance(inner, dict) and (made := self._value(of, inner, item, secret=secret)):
            return {**part, "additionalProperties": made}
        if secret and part.get("type") in ("string", "integer", "number"):
            return {"$ref": "#/$defs/secret"}
        return part

    def _nested(self, of: _Source, part: Json, *, secret: bool) -> str:
        json = of.model(part)
        key = (of.models[json[MODEL]], secret)
        if key not in self._names:
            name = f"{of.kind.name.partition('.')[0]}.{key[0].__name__}" + (".secret" if secret else "")
            self._names[key] = name if name not in self.made else f"{of.kind.name}.{name.partition('.')[2]}"
            self.made[self._names[key]] = {}
            self.made[self._names[key]] = self._model(of, json, secret=secret)
        return self._names[key]


def _doc(of: _Source, json: Json) -> str:
    """What the models that a field may hold say of themselves."""
    for part in alternatives(json):
        inner = part.get("items", part.get("additionalProperties"))
        if "$ref" in part:
            return str(of.model(part).get("description", ""))
        if isinstance(inner, dict) and "$ref" in inner:
            return str(of.model(inner).get("description", ""))
    return ""


def _whole(made: Json, of: _Source, inner: Json) -> Json:
    """List items are never merged with others, so that what a model requires can be asked for."""
    models = [part for part in alternatives(inner) if "$ref" in part]
    required = of.model(models[0]).get("required", []) if len(models) == 1 else []
    if not required:
        return made
    first, *others = made["anyOf"]
    return {**made, "anyOf": [{**first, "required": required}, *others]}


def _once(parts: Iterable[Json]) -> list[Json]:
    found: list[Json] = []
    for part in parts:
        if part not in found:
            found.append(part)
    return found


def _named(description: str, entry: Json, defaults: Json | None = None) -> Json:
    """A map of names, `_defaults` among them."""
    said = "Fields for the entries of this kind in this file."
    return {
        **({"description": description} if description else {}),
        "type": "object",
        "minProperties": 1,
        "properties": {"_defaults": {"description": said, **(defaults or {"type": "object"})}},
        "patternProperties": {ENTRY: entry},
        "additionalProperties": False,
    }


def exactly(description: str, required: int = 1, **properties: Json) -> Json:
    """A map with these keys and no others; the first `required` of them must be there."""
    return {"type": "object", "description": description, "properties": properties,
            "required": list(properties)[:required], "additionalProperties": False}


_PATHS: Json = {"type": "array", "items": TEXT}
_WORDS: Mapping[str, Json] = {
    "protect": {"type": "boolean", "default": False},
    "on_remove": {"enum": ["delete", "keep"], "default": "delete"},
    "adopt": {"enum": ["never", "equal", "changes"], "default": "equal"},
    "id": {"type": ["string", "null"], "minLength": 1},
    "manage": {"type": "boolean", "default": True},
    "formerly": {"type": "array", "items": {"type": "string", "pattern": ENTRY}},
    "seed": _PATHS,
    "ignore": _PATHS,
    "deliver": {"type": "object", "additionalProperties": {
        "type": "object", "required": ["to"], "additionalProperties": False,
        "properties": {"to": TEXT, "path": {"type": "string"}, "key": {"type": "string"}}}},
    "rotate": {"type": ["string", "null"], "minLength": 1},
    "keep_old": {"type": ["string", "null"], "pattern": r"^(\d+(\.\d+)?|(\d+(\.\d+)?[smhdw])+)$"},
}

_SHARED: Mapping[str, Json] = {
    "indirection": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("ref", "var", "file", "format", "literal")]},
    "ref": exactly("Another entry: its name, or kind/name; `output` is one of its outputs.", ref=TEXT, output=TEXT),
    "var": exactly("A variable of reconciler.yaml.", var=TEXT),
    "file": exactly("A text file below manifests/.", file=TEXT),
    "format": exactly("A text with {holes}, filled from `with`.", 2,
                       **{"format": {"type": "string"}, "with": {"type": "object"}}),
    "literal": exactly("The value itself, where its map would stand for something else.", literal={}),
    "secret": {"description": "A secret of reconciler.yaml, or a secret output of another entry; never a value.",
               "anyOf": [exactly("A secret of reconciler.yaml.", secret=TEXT), {"$ref": "#/$defs/ref"}]},
    "lifecycle": {
        "type": "object",
        "description": "How the entry is handled, apart from its fields.",
        "properties": {name: {"description": keys.LIFECYCLE[name], **schema} for name, schema in _WORDS.items()},
        "additionalProperties": False,
    },
}
