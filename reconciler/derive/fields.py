"""The fields of a spec as a tree: types from pydantic's JSON Schema, marks from shapes, words from docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from reconciler.contract import Shape, Spec, shape_of
from reconciler.contract.spec import PLAIN

Json = dict[str, Any]

MODEL, SECRET = "x-model", "x-secret"
"""Keys of our own in generated schemas: the model that a definition came from, and a credential's type."""

_PROBES: Mapping[str, Any] = {"number": 1, "boolean": True}


class Generated(GenerateJsonSchema):
    """Pydantic's JSON Schema without made-up titles; it also knows what a text is made from before it is checked."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.models: dict[str, type[BaseModel]] = {}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A field's title would only repeat its name."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        """Remembers the model."""
        model = schema["cls"]
        key = f"{model.__module__}:{model.__qualname__}"
        self.models[key] = model
        made = {name: value for name, value in super().model_schema(schema).items() if name != "title"}
        return {**made, MODEL: key}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> Json:
        """A text that may be written as a number or a boolean takes these too."""
        made = dict(super().function_before_schema(schema))
        call: Callable[..., Any] = schema["function"]["function"]
        if schema["function"]["type"] == "with-info" or not _is_text(made):
            return made
        more = [name for name, probe in _PROBES.items() if _makes_text(call, probe)]
        return {"anyOf": [made, *({"type": name} for name in more)]} if more else made

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> Json:
        """A credential, or anything."""
        credential = schema["function"]["function"].__qualname__.startswith("Secret.")
        return {SECRET: True} if credential else {}


def _is_text(made: Json) -> bool:
    parts = made.get("anyOf", [made])
    return any(part.get("type") == "string" for part in parts) and all(
        part.get("type") in ("string", "null") for part in parts)


def _makes_text(call: Callable[..., Any], probe: Any) -> bool:
    try:
        return isinstance(call(probe), str)
    except (TypeError, ValueError):
        return False


@cache
def described(model: type[BaseModel]) -> tuple[Json, Mapping[str, Json], Mapping[str, type[BaseModel]]]:
    """A model's own JSON Schema, the definitions that it refers to, and the model of each by its MODEL key."""
    model.model_rebuild()
    made = Generated(ref_template="#/$defs/{model}")
    whole = made.generate(model.__pydantic_core_schema__, mode="validation")
    defs: dict[str, Json] = whole.pop("$defs", {})
    if "$ref" in whole:
        whole = defs[whole["$ref"].rpartition("/")[2]]
    return whole, defs, made.models


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `path` as people write it (`tiers[].up_to`, `metadata.*`), `json` its own schema with `defs` resolved.

    `children` are the fields of a nested model; for a list or map those of its items, `item` the item itself.
    """

    path: str
    json: Json
    shape: Shape
    doc: str = ""
    children: tuple[Field, ...] = ()
    item: Field | None = None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition(".")[2].removesuffix("[]")

    def walk(self) -> Iterator[Field]:
        """The field and all below it that have names of their own."""
        yield self
        for child in self.children or (self.item.children if self.item is not None else ()):
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class _Walk:
    defs: Mapping[str, Json]
    models: Mapping[str, type[BaseModel]]
    above: tuple[str, ...] = field(default=())

    def model(self, json: Json, shape: Shape, path: str) -> Iterator[Field]:
        key = json.get(MODEL, "")
        if key in self.above:
            return
        deeper = _Walk(self.defs, self.models, (*self.above, key))
        model = self.models.get(key)
        shapes = shape_of(model).children if model is not None and issubclass(model, Spec) else shape.children
        docs = {name: info.description or "" for name, info in model.model_fields.items()} if model is not None else {}
        for name, inner in json.get("properties", {}).items():
            yield deeper.field(inner, shapes.get(name, PLAIN), f"{path}{name}", docs.get(name, ""))

    def field(self, json: Json, shape: Shape, path: str, doc: str = "") -> Field:
        own = [self._resolved(part) for part in alternatives(json)]
        joined: Json = {**json, "anyOf": own} if len(own) > 1 else {**json, **own[0]}
        joined.pop("$ref", None)
        children: list[Field] = []
        item = None
        for part in own:
            if "properties" in part:
                children = children or list(self.model(part, shape, f"{path}."))
                doc = doc or part.get("description", "")
            elif part.get("type") == "array" and "items" in part:
                item = item or self.field(part["items"], shape.item or PLAIN, f"{path}[]")
            elif isinstance(part.get("additionalProperties"), dict):
                item = item or self.field(part["additionalProperties"], shape.item or PLAIN, f"{path}.*")
        if not doc and item is not None:
            doc = item.doc
        return Field(path, joined, shape, sentence(doc), tuple(children), item)

    def _resolved(self, json: Json) -> Json:
        if "$ref" not in json:
            return json
        return {**self.defs[json["$ref"].rpartition("/")[2]], **{k: v for k, v in json.items() if k != "$ref"}}


def alternatives(json: Json) -> list[Json]:
    """The types that a value may have, unions opened; null among them."""
    parts = json.get("anyOf") or json.get("oneOf")
    if not parts:
        return [{key: value for key, value in json.items() if key not in ("default", "description")}]
    return [inner for part in parts for inner in alternatives(part)]


@cache
def fields_of(spec: type[Spec]) -> tuple[Field, ...]:
    """The fields of a spec, in the order in which it declares them."""
    json, defs, models = described(spec)
    return tuple(_Walk(defs, models).model(json, shape_of(spec), ""))


def sentence(text: str | None) -> str:
    """The first sentence of a docstring, on one line."""
    found = sentences(text)
    return found[0] if found else ""


def sentences(text: str | None) -> list[str]:
    """The sentences of a docstring, each on one line."""
    found: list[str] = []
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        words, start = " ".join(paragraph.split()), 0
        for n, char in enumerate(words):
            ends = char in ".!?" and (n + 1 == len(words) or (words[n + 1] == " " and words[n + 2: n + 3].isupper()))
            if ends or n + 1 == len(words):
                found.append(words[start:n + 1].strip())
                start = n + 1
    return [one for one in found if one]
