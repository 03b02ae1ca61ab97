"""Which field of a kind has which case: what a test demands and what the docs show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reconciler.conformance.case import Case, changes, fits, patched, reason, values
from reconciler.contract.spec import Mark, Shape
from reconciler.model import Fields

REQUIRED = "required"
PLANNED = {"update": "in place", "replace": "as a new object", "refuse": "by consent alone"}


@dataclass(frozen=True, slots=True)
class Row:
    """The cases of one field, each empty where there is none.

    `set` is yes; `changed` the operation that a change plans, or why it can't be changed; `cleared` the operation of
    its null, or why it has none; `left_out` is `not managed`, or why it can't be left out.
    """

    set: str = ""
    changed: str = ""
    cleared: str = ""
    left_out: str = ""

    @property
    def missing(self) -> list[str]:
        """The cases that are still to be written."""
        return [name for name, text in asdict(self).items() if not text]


def coverage(case: Case) -> Mapping[str, Row]:
    """The cases of every field of the spec by path: `recurring.interval`, `tiers[].up_to`, `currency_options.*.tiers`."""
    found = {}
    for path, shape, asked in fields_of(case.kind(None).shape):
        given = [(name, values(example.fields, path)) for name, example in case.said.examples.items()]
        changed, cleared = _planned(case, path)
        named = Mark.NAMED in shape.marks
        touched = [value for _, before, after, _ in _steps(case, path) for value in (before, after)]
        untried = reason(case.said.untried, path)
        found[path] = Row(
            set="yes" if any(_some(value) for value in [*(v for _, v in given), *touched]) else untried,
            changed=changed or reason(case.said.unchangeable, path) or untried,
            cleared=cleared or (REQUIRED if asked else reason(case.said.unclearable, path) or untried),
            left_out=("the entry's name" if named else REQUIRED if asked else "not managed"))
    return found


def tried(cases: Iterable[Case]) -> dict[str, dict[str, list[str]]]:
    """Kind → field → what is tried of it in a few words, for the pages of the kinds."""
    return {case.kind.name: {path: list(_words(row)) for path, row in coverage(case).items()} for case in cases}


def _words(row: Row) -> Iterator[str]:
    if row.set == "yes":
        yield "set"
    elif row.set:
        yield f"not tried ({row.set})"
        return
    for word, said in (("changed", row.changed), ("cleared", row.cleared)):
        if said and said != REQUIRED:
            ways = [PLANNED.get(one, "") for one in said.split(", ")]
            yield f"{word} {' or '.join(ways)}" if all(ways) else f"not {word} ({said})"
    if row.left_out and row.left_out != REQUIRED:
        yield "left out"


def gaps(case: Case) -> list[str]:
    """What is missing in a case file, as `path: changed, cleared`; and reasons that name no field or are not needed."""
    rows = coverage(case)
    found = [f"{path}: {', '.join(row.missing)}" for path, row in rows.items() if row.missing]
    for word, reasons in (("unchangeable", case.said.unchangeable), ("unclearable", case.said.unclearable),
                          ("untried", case.said.untried), ("one_way", case.said.one_way)):
        for pattern in reasons:
            if not any(fits(pattern, path) for path in rows):
                found.append(f"{word}: {pattern} is no field")
            for path in rows if word.startswith("un") else ():
                planned = _planned(case, path)[word == "unclearable"]
                if pattern == path and planned:
                    found.append(f"{word}: {path} has a case: {planned}")
    return found


def fields_of(shape: Shape, prefix: str = "", asked: bool = True) -> Iterator[tuple[str, Shape, bool]]:
    """Every field of a spec with its path, and whether it must be given (inside a model that is there)."""
    for name, child in shape.children.items():
        path = f"{prefix}{name}"
        yield path, child, child.required
        if child.kind == "model":
            yield from fields_of(child, f"{path}.")
        elif child.item is not None and child.item.kind == "model":
            yield from fields_of(child.item, f"{path}[]." if child.kind == "list" else f"{path}.*.")


def _steps(case: Case, path: str) -> Iterator[tuple[str, list[Any], list[Any], Fields]]:
    for example in case.said.examples.values():
        for change in changes(example):
            if change.word != "same":
                yield (change.word, values(example.fields, path), values(patched(example.fields, change.patch), path),
                       change.patch)


def _planned(case: Case, path: str) -> tuple[str, str]:
    """The operations that changing and clearing a field plan in this case, joined by commas."""
    changed, cleared = [], []
    for word, before, after, _ in _steps(case, path):
        if before == after:
            continue
        if any(value is None for value in after) and _some(before):
            cleared.append(word)
        elif _some(after):
            changed.append(word)
    return ", ".join(dict.fromkeys(changed)), ", ".join(dict.fromkeys(cleared))


def _some(found: list[Any]) -> bool:
    return any(value is not None for value in found)
