"""Case files: what one kind's suite is made from, as YAML that is checked like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler import yaml
from reconciler.contract import registry
from reconciler.contract.kind import Kind
from reconciler.contract.spec import Mark
from reconciler.contract.vendor import Vendor
from reconciler.errors import Invalid
from reconciler.findings import findings
from reconciler.manifest.entries import DEFAULTS, merged
from reconciler.model import Fields, Location, Op, Problem
from reconciler.suggest import did_you_mean

Manifest = dict[str, dict[str, Fields]]
"""Kind → name → fields, as a manifest file says it."""

ENTRY = "one"
"""The name of the entry that a case is about."""

WITHOUT = "without"
"""The word of a patch that lists paths to leave out beside what it sets."""

Trait = Literal["singleton", "unmarked", "keyless", "vendor_made"]
Patch = dict[str, Any]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Removal(_Said):
    """What becomes of the object when its entry goes.

    `does` is the vendor's word for it, `irreversible` that it takes a consent by address, `again` what declaring the
    entry once more plans, where that is not what the fate suggests.
    """

    does: str = "delete"
    irreversible: bool = False
    again: Literal["create", "restore"] | None = None


class Page(_Said):
    """How many objects one list answer holds, what a plan over one more costs, and how copies differ (`{n}`)."""

    size: Annotated[int, Field(ge=1)]
    requests: Annotated[int, Field(ge=1)]
    copy_: Annotated[Patch, Field(alias="copy")] = {}


class Request(_Said):
    """One request that somebody else makes before a trial begins."""

    method: str
    path: str
    body: Any = None


class Example(_Said):
    """One whole entry, and what can be changed about it: each patch alone, by dotted path; `without` lists paths to leave out.

    `update`, `replace` and `refuse` are the operations that a patch must plan (`refuse`: blocked until consented to by
    address), `same` patches that mean the same, `clear` paths whose null must plan an update.
    """

    fields: Fields
    beside: Manifest = {}
    update: list[Patch] = []
    replace: list[Patch] = []
    refuse: list[Patch] = []
    same: list[Patch] = []
    clear: list[str] = []
    removal: Removal | None = None


class CaseFields(_Said):
    """A case file as it is written; docs/conformance.md explains it. `checked` is who else says that the sandbox is right."""

    kind: str
    checked: list[str] = []
    examples: Annotated[dict[str, Example], Field(min_length=1)]
    requests: Annotated[int, Field(ge=0)]
    beside: Manifest = {}
    traits: list[Trait] = []
    secrets: dict[str, str] = {}
    given: list[Request] = []
    page: Page | None = None
    removal: Removal = Removal()
    unchangeable: dict[str, str] = {}
    unclearable: dict[str, str] = {}
    untried: dict[str, str] = {}
    one_way: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One patch of one example, and the operation that it must plan (`refuse` and `same` are told apart by `word`)."""

    word: str
    patch: Patch

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that it sets or leaves out."""
        return (*(path for path in self.patch if path != WITHOUT), *self.patch.get(WITHOUT, ()))

    @property
    def op(self) -> Op:
        """The operation that the plan must show."""
        return {"update": Op.UPDATE, "replace": Op.REPLACE, "refuse": Op.BLOCKED, "same": Op.NOOP}[self.word]

    def __str__(self) -> str:
        said = {path: value for path, value in self.patch.items() if path != WITHOUT}
        clears = self.word == "update" and all(value is None for value in said.values())
        return f"{'clear' if clears else self.word}-{'+'.join(said)}"


def changes(example: Example) -> Iterator[Change]:
    """Every patch of an example, in the order of the file's words."""
    for word in ("update", "replace", "refuse", "same"):
        for patch in getattr(example, word):
            yield Change(word, patch)
    for path in example.clear:
        yield Change("update", {path: None})


@dataclass(frozen=True, slots=True)
class Case:
    """One kind's case: the vendor and the kind that the file names, and what it says."""

    file: str
    vendor: Vendor
    kind: type[Kind[Any]]
    said: CaseFields

    def __str__(self) -> str:
        return self.kind.name

    @property
    def traits(self) -> frozenset[str]:
        """What this kind can't do, as the file declares it."""
        return frozenset(self.said.traits)

    def beside(self, example: Example) -> Manifest:
        """What is declared beside the entry; `_defaults` there are not for the entry itself."""
        found: Manifest = {}
        for declared in (self.said.beside, example.beside):
            for kind, entries in declared.items():
                defaults = entries.get(DEFAULTS, {})
                found.setdefault(kind, {}).update({name: merged(defaults, fields) for name, fields in entries.items()
                                                   if name != DEFAULTS})
        return found

    def removal(self, example: Example) -> Removal:
        """What becomes of this example's object when its entry goes."""
        return example.removal or self.said.removal


def read(path: Path, vendor: Vendor | None = None) -> Case:
    """One case file, of `vendor` or of the one that its kind names; Invalid with every mistake in it."""
    document = yaml.parse(path.read_bytes(), str(path))
    try:
        said = CaseFields.model_validate(document.value)
    except ValidationError as error:
        raise Invalid(_problems(document, error)) from error
    found = vendor or registry.vendor(said.kind.partition(".")[0])
    kind = found.kind(said.kind) if found is not None else None
    if found is None or kind is None:
        near = did_you_mean(said.kind, [one.name for one in found.kinds] if found is not None else registry.names())
        raise Invalid([Problem(f"there is no kind {said.kind}", document.at(("kind",)), hint=near)])
    wrong = traits_of(kind) ^ frozenset(said.traits)
    if wrong:
        at = document.at(("traits",) if said.traits else ())
        raise Invalid([Problem(f"{kind.name} is {', '.join(sorted(traits_of(kind))) or 'without traits'}, and the case says "
                               f"otherwise: {', '.join(sorted(wrong))}", at, help="traits say what a kind can't do")])
    return Case(str(path), found, kind, said)


def read_all(folder: Path, vendor: Vendor | None = None) -> tuple[Case, ...]:
    """Every case file below a folder, sorted."""
    return tuple(read(path, vendor) for path in sorted(folder.rglob("*.yaml")))


def traits_of(kind: type[Kind[Any]]) -> frozenset[str]:
    """What a kind can't do, as its class says it."""
    shape = kind(None).shape
    keyed = any(child.marks & {Mark.NAMED, Mark.IDENTITY} for child in shape.children.values())
    found = {"singleton": kind.singleton, "unmarked": not kind.room, "keyless": not keyed, "vendor_made": not kind.creatable}
    return frozenset(name for name, holds in found.items() if holds)


def _problems(document: yaml.Document, error: ValidationError) -> Iterator[Problem]:
    for found in findings(error.errors(), document.value, _known):
        at: Location = document.at(found.path, key=found.about_key)
        where = ".".join(map(str, found.path))
        yield Problem(f"{where}: {found.message}" if where else found.message, at, where, found.hint)


def _known(path: tuple[Any, ...]) -> list[str]:
    models: Mapping[int, type[BaseModel]] = {0: CaseFields, 2: Example} if path[:1] in ((), ("examples",)) else {}
    return list(models[len(path)].model_fields) if len(path) in models else []


def patched(fields: Fields, patch: Mapping[str, Any]) -> Fields:
    """The fields with each dotted path of a patch set, or left out; maps on the way are made where there are none."""
    found = fields
    for path in patch.get(WITHOUT, ()):
        found = without(found, path)
    for path, value in patch.items():
        found = found if path == WITHOUT else _put(found, path.split("."), value)
    return found


def without(fields: Fields, path: str) -> Fields:
    """The fields without one dotted path."""
    head, _, rest = path.partition(".")
    if not rest or not isinstance(fields.get(head), dict):
        return {name: value for name, value in fields.items() if name != head}
    return {**fields, head: without(fields[head], rest)}


def _put(fields: Any, parts: list[str], value: Any) -> Fields:
    held = dict(fields) if isinstance(fields, dict) else {}
    held[parts[0]] = value if len(parts) == 1 else _put(held.get(parts[0]), parts[1:], value)
    return held


_ABSENT: Any = object()


def values(fields: Any, path: str) -> list[Any]:
    """What stands at a path, once for every item of the lists and maps on the way; nothing where it is left out."""
    found = [fields]
    for part in path.replace("[]", ".[]").split("."):
        found = [inner for value in found for inner in _inside(value, part)]
    return [value for value in found if value is not _ABSENT]


def _inside(value: Any, part: str) -> list[Any]:
    if part == "[]":
        return list(value) if isinstance(value, list) else []
    if not isinstance(value, dict):
        return []
    return list(value.values()) if part == "*" else [value.get(part, _ABSENT)]


def reason(reasons: Mapping[str, str], path: str) -> str:
    """The declared reason of a path, by its name or by a beginning that ends in `*`."""
    return next((text for pattern, text in reasons.items() if fits(pattern, path)), "")


def fits(pattern: str, path: str) -> bool:
    """Whether a declared path means this one."""
    return path == pattern or (pattern.endswith("*") and path.startswith(pattern[:-1]) and path != pattern[:-1])
