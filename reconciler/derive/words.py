"""What types, limits, marks and impacts mean, in plain words; the schema's descriptions and `explain` say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.contract import Mark, Replace, Shape
from reconciler.contract.kind import Kind
from reconciler.derive.fields import Field, Json, alternatives, sentence, sentences
from reconciler.derive.values import shown
from reconciler.model import Impact

_MARKS: Mapping[Mark, tuple[str, str]] = {
    Mark.NAMED: ("natural key", "the object is found by it; where it is left out, it is the entry's name"),
    Mark.IDENTITY: ("natural key", "the object is found by it"),
    Mark.WRITE_ONLY: ("write-only", "the vendor never shows it again; a change is seen by the ledger's fingerprint"),
    Mark.UNORDERED: ("a set", "order and doubles don't count as a change"),
    Mark.DEFERRED: ("set afterwards", "a second request sets it once both ends exist, so that two may refer to each other"),
    Mark.CREATE_ONLY: ("at creation only", "it can't be read back, so a change of it is never seen and never replaces"),
    Mark.MERGED: ("merged", "key by key; keys that others keep in it are left alone"),
    Mark.SECRET: ("secret", "takes only {secret: NAME} or a reference; it is never shown, and never written down"),
}

_IMPACTS: Mapping[Impact, str] = {
    Impact.IRREVERSIBLE: "can't be undone", Impact.DELETE: "takes something away",
    Impact.MONEY: "changes what customers pay", Impact.ACCESS: "changes who may do what",
    Impact.ADOPT: "takes over what is already there", Impact.DRIFT: "undoes what somebody changed by hand",
    Impact.BEHAVIOURAL: "changes how something behaves", Impact.ADDITIVE: "adds something",
    Impact.COSMETIC: "changes what is shown",
}

_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null",
          "object": "map", "array": "list"}


# kinds


def key_fields(kind: Kind[Any]) -> list[str]:
    """The fields that make up the natural key."""
    return [name for name, shape in kind.shape.children.items() if shape.marks & {Mark.NAMED, Mark.IDENTITY}]


def key_of(kind: Kind[Any]) -> str:
    """The natural key of a kind in one sentence."""
    shapes, names = kind.shape.children, key_fields(kind)
    named = next((name for name in names if Mark.NAMED in shapes[name].marks), None)
    if not names:
        return "none: " + ("its mark tells which object is which" if kind.room else "the ledger tells which object is which")
    said = [name if shapes[name].default is None else f"{name} ({shown(shapes[name].default)} where it is left out)"
            for name in names]
    text = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
    if named is None:
        return text
    return f"{text}{f'; {named}' if len(names) > 1 else ', which'} is the entry's name where it is left out"


def left_out(shape: Shape) -> str:
    """What it means that the manifest does not say a field."""
    if shape.required:
        return "it must be given"
    if Mark.NAMED in shape.marks:
        return "it is the entry's name"
    if Mark.IDENTITY in shape.marks and shape.default is not None:
        return f"it is {shown(shape.default)}"
    return "not managed: it stays as it is at the vendor"


def known_by(kind: Kind[Any]) -> str:
    """How an object is known as ours."""
    if kind.singleton:
        return "there is one, and it always exists"
    return "a mark in the object, and the ledger" if kind.room else "the ledger; the object has no room for a mark"


def outputs_of(kind: Kind[Any]) -> list[tuple[str, str]]:
    """Each output, and what is to be known of it."""
    rows = []
    for name, output in kind.outputs.items():
        said = [*(["secret: it can be delivered or referred to, and is never printed"] if output.secret else []),
                *(["shown once: it is made again when it is lost"] if output.once else []),
                *(["an entry must deliver it, or another one refer to it"] if output.awaited else []),
                *(["DNS records: `reconciler output --format zone` writes them"] if output.zone else []),
                *([f"known before the object is there: it is its {output.foretold}"] if output.foretold else [])]
        rows.append((name, "; ".join(said)))
    return rows


def removal(kind: Kind[Any]) -> str:
    """What removing an entry really does."""
    own = type(kind).fate.__doc__
    return sentence(own if type(kind).fate is not Kind.fate else "The object is deleted.")


def judgements(kind: Kind[Any]) -> Iterator[tuple[str, str]]:
    """What the kind says beyond its fields: checks, one-way fields, what a plan tells, what is read for it."""
    for method, label in (("check", "Checked"), ("forces", "One-way"), ("review", "A plan tells"), ("look", "Looked up")):
        own = getattr(type(kind), method)
        if own is not getattr(Kind, method) and own.__doc__:
            yield label, " ".join(sentences(own.__doc__))


# types and limits


def type_of(field: Field) -> str:
    """The type of a field without its limits; null is left out, for every optional field takes it."""
    return _types(field.json, field)


def _types(schema: Json, field: Field | None) -> str:
    parts = [part for part in alternatives(schema) if part.get("type") != "null"]
    choices = [choice for part in parts for choice in _choices(part)]
    words = [*choices, *(_type(part, field) for part in parts if not _choices(part))]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "anything"


def _type(part: Json, field: Field | None) -> str:
    item = field.item if field is not None else None
    if part.get("type") == "array":
        return f"list of {_types(item.json, item) if item else _types(part.get('items', {}), None)}"
    if part.get("type") == "object" and "properties" not in part:
        inner = part.get("additionalProperties")
        return f"map of {_types(item.json if item else inner, item)}" if isinstance(inner, dict) else "map"
    return _TYPES.get(str(part.get("type")), "map" if "$ref" in part else "anything")


def choices_of(field: Field) -> list[str]:
    """The words that a field, or an item of it, may be."""
    found = [word for part in alternatives(field.json) for word in _choices(part)]
    return found or (choices_of(field.item) if field.item is not None and not field.item.children else [])


def _choices(part: Json) -> list[str]:
    values = part.get("enum", [part["const"]] if "const" in part else [])
    return [shown(value) for value in values]


def limits_of(field: Field) -> list[str]:
    """What pydantic holds a value to, as `at least 1` or `at most 22 characters`."""
    found = [text for part in alternatives(field.json) for text in _limits(part)]
    if field.item is not None and not field.item.children:
        found += [f"each {text}" for part in alternatives(field.item.json) for text in _limits(part)]
    return list(dict.fromkeys(found))


_BOUNDS = {"minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}",
           "exclusiveMaximum": "less than {}", "multipleOf": "a multiple of {}", "pattern": "matches `{}`"}
_COUNTS = (("minLength", "maxLength", "character", "characters"), ("minItems", "maxItems", "entry", "entries"),
           ("minProperties", "maxProperties", "key", "keys"))


def _limits(part: Json) -> Iterator[str]:
    for key, text in _BOUNDS.items():
        if key in part:
            yield text.format(part[key])
    for low, high, one, many in _COUNTS:
        least, most = part.get(low), part.get(high)
        if least is not None and most is not None:
            yield f"{least} to {most} {many}"
        elif least is not None or most is not None:
            count = least if least is not None else most
            yield f"at {'least' if least is not None else 'most'} {count} {one if count == 1 else many}"


# marks


def marks_of(kind: Kind[Any], shape: Shape) -> Iterator[tuple[str, str]]:
    """Each mark of a field: its short word, and what it means for a change."""
    if shape.required:
        yield "required", "an object can't be without it"
    if Mark.IMMUTABLE in shape.marks:
        yield "immutable", f"a change means a new object ({replace_word(kind)}): {replaced(kind)}"
    for mark in Mark:
        if mark in shape.marks and mark in _MARKS:
            yield _MARKS[mark]
    link = shape.link or (shape.item.link if shape.item is not None else None)
    if link is not None:
        target, output = kind.kin(link.kind), "" if link.output == "id" else f", which gives its {link.output}"
        yield f"-> {target}", f"refers to an entry of {target}{output}: {{ref: NAME}}; a plain text is sent as it is"
    if shape.keyed is not None:
        yield f"by {shape.keyed}", f"entries are matched by their {shape.keyed}, not by their place"
    if shape.normal is not None:
        yield "compared by meaning", "two ways to write the same are no change"


def replace_word(kind: Kind[Any]) -> str:
    """How a plan calls a replace of this kind."""
    return "supersede" if kind.replace is Replace.CREATE_FIRST else "replace, delete first"


def replaced(kind: Kind[Any]) -> str:
    """What a replace does, step by step."""
    if kind.replace is Replace.CREATE_FIRST:
        return "the new one is made, whatever refers to it is moved over, then the old one goes"
    return "the old one goes before the new one is made, and whatever refers to it is made again"


def change_word(kind: Kind[Any], shape: Shape) -> str:
    """What a change of a field does to the object, in few words; `shape` with what it inherits."""
    if Mark.CREATE_ONLY in shape.marks:
        return "nothing: given at creation only"
    if Mark.IMMUTABLE in shape.marks:
        return f"new object ({replace_word(kind)})"
    return "in place, afterwards" if Mark.DEFERRED in shape.marks else "in place"


def impact_words(impact: Impact) -> str:
    """What a change of this impact does."""
    return _IMPACTS[impact]


def impact_of(shape: Shape) -> Impact:
    """What a change of a field means."""
    return shape.impact or Impact.BEHAVIOURAL


def null_means(shape: Shape) -> str:
    """What null does to a field."""
    if shape.required:
        return "can't be null: it always has a value"
    if shape.default is None:
        return "null clears it"
    return f"null means {shown(shape.default)}, the vendor's default"


def description(kind: Kind[Any], shape: Shape, doc: str) -> str:
    """All that an editor shows of a field, in sentences."""
    parts = [doc] if doc else []
    for word, meaning in marks_of(kind, shape):
        if word == "immutable":
            parts.append(f"Immutable: a change means a new object ({replace_word(kind)}).")
        elif word.startswith("->"):
            parts.append(f"{_capital(meaning)}.")
        elif word not in ("required", "compared by meaning"):
            parts.append(f"{_capital(word)}: {meaning}.")
    if not shape.required and shape.default is not None:
        parts.append(f"{_capital(null_means(shape))}.")
    if shape.impact is not None:
        parts.append(f"Impact: {shape.impact.value}.")
    return " ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
