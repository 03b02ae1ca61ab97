"""A page of Markdown for each kind and an index of them, generated from the kinds."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.contract import Mark
from reconciler.contract.kind import Kind
from reconciler.derive import words
from reconciler.derive.fields import Field, sentence
from reconciler.derive.locate import every
from reconciler.derive.permissions import PAGE, permissions_page, section
from reconciler.derive.probe import is_one_way
from reconciler.derive.values import shown

Cases = Mapping[str, Mapping[str, Sequence[str]]]
"""Kind → field → what its case file tries of that field, such as `set`, `changed`, `cleared`, `left out`."""



@dataclass(frozen=True, slots=True)
class Shown:
    """What a case file adds to a kind's page: an entry as a manifest says it, and who says that the sandbox is right."""

    example: str = ""
    checked: tuple[str, ...] = ()


INDEX = "README.md"
GENERATED = "<!-- Generated from the kinds by `make generate`; edit the kind, not this page. -->"
_CODE = re.compile(r"(`[^`]*`)")
_MARKED = re.compile(r"([\\*_\[\]<>|])")
_TOLD = ("required", "immutable", "set afterwards", "compared by meaning", "at creation only")
"""Marks that other columns say, or that are no business of who writes a manifest."""


def pages(kinds: Iterable[Kind[Any]], cases: Cases | None = None, more: Mapping[str, Shown] | None = None) -> dict[str, str]:
    """Every page by its file name, with the index and the permissions.

    `cases` make a column of what is tried of each field, `more` an example, by kind.
    """
    known = sorted(kinds, key=lambda kind: kind.bound)
    linked = frozenset(kind.bound for kind in known)
    made = {INDEX: index(known), PAGE: permissions_page(known, GENERATED)}
    return made | {f"{kind.bound}.md": page(kind, linked, cases, (more or {}).get(kind.name)) for kind in known}


def index(kinds: Sequence[Kind[Any]]) -> str:
    """All kinds by vendor, a line each."""
    lines = [GENERATED, "# Kinds", "",
             ("One page per kind; `reconciler explain KIND` says the same in a terminal. What every kind has in common, "
             "`lifecycle` above all, is told by `reconciler explain KIND.lifecycle`. What a credential must be allowed is "
             "[one table](permissions.md).")]
    for vendor in dict.fromkeys(kind.vendor for kind in kinds):
        rows = [(f"[{kind.bound}]({kind.bound}.md)", prose(sentence(kind.__doc__)), _key(kind), prose(words.removal(kind)))
                for kind in kinds if kind.vendor == vendor]
        lines += ["", f"## {vendor}", "", *_table(("kind", "what it is", "natural key", "when its entry is removed"), rows)]
    return "\n".join(lines) + "\n"


def _key(kind: Kind[Any]) -> str:
    return " + ".join(f"`{name}`" for name in words.key_fields(kind)) or "none"


def page(kind: Kind[Any], linked: Collection[str] = (), cases: Cases | None = None, more: Shown | None = None) -> str:
    """One kind; `linked` are the kinds that have a page too."""
    more = more or Shown()
    facts = [("Natural key", words.key_of(kind)), ("Known as ours by", words.known_by(kind)),
             ("A new object", f"{words.replace_word(kind)}: {words.replaced(kind)}"),
             ("When its entry is removed", words.removal(kind)), *words.judgements(kind)]
    if more.checked:
        facts.append(("Checked against", "; ".join(more.checked)))
    example = ("## Example", "", "```yaml", more.example.rstrip("\n"), "```", "") if more.example else ()
    return "\n".join([
        GENERATED, f"# {kind.bound}", "", *_paragraphs(kind), "",
        *_table(("", ""), [(label, prose(text)) for label, text in facts]), "",
        *example,
        "## Fields", "", *_fields(kind, linked, cases), "",
        ("A field that is left out is not managed; `null` puts the default there, or clears it. A change in place keeps the "
        "object; a new object is another one at the vendor."), "",
        "## Outputs", "",
        "For other entries, as `{ref: NAME, output: OUTPUT}`; `id` where none is named.", "",
        *(f"- `{name}`" + (f": {prose(said)}" if said else "") for name, said in words.outputs_of(kind)), "",
        *section(kind), ""])


def _paragraphs(kind: Kind[Any]) -> list[str]:
    text = inspect.cleandoc(type(kind).__doc__ or "")
    return ["\n\n".join(prose(" ".join(part.split())) for part in text.split("\n\n"))]


def _fields(kind: Kind[Any], linked: Collection[str], cases: Cases | None) -> list[str]:
    tried = cases.get(kind.name, {}) if cases is not None else None
    heads = ("field", "type", "default", "a change", "impact", "to know", *(("tried",) if tried is not None else ()))
    rows = []
    for field in every(kind):
        row = (f"`{field.path}`", prose(words.type_of(field)), _default(field), _change(kind, field),
               words.impact_of(field.shape).value, _to_know(kind, field, linked))
        rows.append((*row, prose(", ".join(tried.get(field.path, ())))) if tried is not None else row)
    return _table(heads, rows)


def _default(field: Field) -> str:
    shape = field.shape
    if shape.required:
        return "**must be given**"
    if Mark.NAMED in shape.marks:
        return "the entry's name"
    return "" if shape.default is None else f"`{shown(shape.default)}`"


def _change(kind: Kind[Any], field: Field) -> str:
    word = words.change_word(kind, field.shape)
    return f"{word}, once; then a new object" if is_one_way(kind, field) else word


def _to_know(kind: Kind[Any], field: Field, linked: Collection[str]) -> str:
    said = [prose(text) for text in (field.doc.removesuffix("."), *words.limits_of(field)) if text]
    for word, meaning in words.marks_of(kind, field.shape):
        target = word.removeprefix("-> ")
        if target != word:
            said.append(f"refers to {f'[{target}]({target}.md)' if target in linked else target}")
        elif word not in _TOLD:
            said.append(prose(meaning if word.startswith("by ") else word))
    return "; ".join(said)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *(f"| {' | '.join(row)} |" for row in rows)]


def prose(text: str) -> str:
    """A text with nothing in it that Markdown would read, but for what stands in backticks, which stays code."""
    parts = _CODE.split(text)
    return "".join(part.replace("|", "\\|") if n % 2 else _MARKED.sub(r"\\\1", part) for n, part in enumerate(parts))
