"""What a kind or a field means, and why an entry changes: manifest line, vendor's rule, request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.contract import Mark
from reconciler.contract.kind import Kind
from reconciler.derive import keys, words
from reconciler.derive.fields import Field, fields_of, sentences
from reconciler.derive.locate import below, located
from reconciler.derive.permissions import rows_of
from reconciler.derive.values import columns, labelled, wrapped
from reconciler.derive.why import why
from reconciler.errors import Usage
from reconciler.model import Action, Plan
from reconciler.suggest import did_you_mean

LIFECYCLE = "lifecycle"
LONGEST = 50
"""How much of a type fits in a line beside others; the field's own explanation has the rest."""


def explain_kind(kind: Kind[Any]) -> str:
    """What an object of this kind is, how it is known, replaced and removed, and its fields in a line each."""
    rows = [("Natural key", words.key_of(kind)), ("Known as ours", words.known_by(kind)),
            ("A new object", f"{words.replace_word(kind)}: {words.replaced(kind)}"), ("Removal", words.removal(kind)),
            *words.judgements(kind), *rows_of(kind)]
    return "\n".join([
        kind.bound, *wrapped(" ".join(sentences(kind.__doc__)), "  "), "",
        *labelled(rows, "  "), "",
        "Outputs, for {ref: NAME, output: OUTPUT}; id where none is named:", *labelled(words.outputs_of(kind), "  "), "",
        "Fields; * must be given:", *columns([_line(kind, field) for field in fields_of(kind.spec)]), "",
        f"More: reconciler explain {kind.bound}.FIELD, and {kind.bound}.{LIFECYCLE} for how an entry is handled.", ""])


def _line(kind: Kind[Any], field: Field) -> tuple[str, str, str]:
    star = "*" if field.shape.required else " "
    marks = [word for word, _ in words.marks_of(kind, field.shape) if word not in ("required", "compared by meaning")]
    impact = [field.shape.impact.value] if field.shape.impact is not None else []
    typed = words.type_of(field)
    return f"{star} {field.name}", typed if len(typed) <= LONGEST else f"{typed[:LONGEST]}…", ", ".join([*marks, *impact])


def explain_field(kind: Kind[Any], path: str) -> str:
    """What a field takes, and what a change of it means; Usage with the nearest word where there is no such field."""
    if path.partition(".")[0] == LIFECYCLE:
        return _lifecycle(kind, path.partition(".")[2])
    if path in kind.outputs and path not in kind.shape.children:
        return _output(kind, path)
    field = located(kind, path)
    inner = [_line(kind, child) for child in below(field)]
    return "\n".join([f"{kind.bound}.{field.path}", *(wrapped(field.doc, "  ") if field.doc else ()), "",
                      *labelled(_about(kind, field), "  "),
                      *(["", "Its fields; * must be given:", *columns(inner)] if inner else []), ""])


def _output(kind: Kind[Any], name: str) -> str:
    said = dict(words.outputs_of(kind))[name] or "known once the object is there"
    return "\n".join([f"{kind.bound}.{name}", f"  An output: {{ref: NAME, output: {name}}} stands for it in another entry.", "",
                      *wrapped(f"{_capital(said)}.", "  "), ""])


def _about(kind: Kind[Any], field: Field) -> Iterator[tuple[str, str]]:
    shape = field.shape
    yield "Type", words.type_of(field)
    limits = words.limits_of(field)
    if limits:
        yield "Limits", "; ".join(limits)
    if not field.path.endswith(("[]", ".*")):
        yield "Left out", words.left_out(shape)
        yield "Null", words.null_means(shape)
    changes = words.change_word(kind, shape)
    yield "A change", f"{changes}: {words.replaced(kind)}" if Mark.IMMUTABLE in shape.marks else changes
    impact = words.impact_of(shape)
    yield "Impact", f"{impact.value}: {words.impact_words(impact)}"
    for word, meaning in words.marks_of(kind, shape):
        if word not in ("required", "immutable"):
            yield _capital(word), meaning


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _lifecycle(kind: Kind[Any], word: str) -> str:
    if word and word not in keys.LIFECYCLE:
        raise Usage(f"lifecycle has no word {word}",
                    did_you_mean(word, keys.LIFECYCLE) or f"there are: {', '.join(keys.LIFECYCLE)}")
    told = {word: keys.LIFECYCLE[word]} if word else keys.LIFECYCLE
    return "\n".join([f"{kind.bound}.{LIFECYCLE}{'.' + word if word else ''}",
                      "  How an entry is handled, apart from its fields.", "", *labelled(list(told.items()), "  "), ""])


def explain_address(action: Action, kind: Kind[Any], plan: Plan) -> str:
    """Why one entry changes, field by field, and with which requests; for an unchanged one, that it is."""
    return "\n".join([*why(action, kind, plan), ""])


