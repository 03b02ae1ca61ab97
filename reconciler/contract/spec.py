"""The desired fields of a kind, and what a field means beyond its type."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticUndefined, core_schema

from reconciler.model import Fields, Impact, has_token


class Mark(Enum):
    """What a field means beyond its type; each is read by at least two of diff, sandbox, docs and schema.

    NAMED natural key, the manifest's name where it is left out · IDENTITY natural key that must be given ·
    IMMUTABLE a change means another object · WRITE_ONLY never read back, compared by the ledger's digest ·
    UNORDERED a set · DEFERRED set by a second step, after both ends exist · CREATE_ONLY given at creation and
    unreadable afterwards, never causes a replace · MERGED a map that the vendor merges per key, foreign keys
    are left alone · SECRET only secrets and references fit, and the value is never shown.
    """

    NAMED = "named"
    IDENTITY = "identity"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "write-only"
    UNORDERED = "unordered"
    DEFERRED = "deferred"
    CREATE_ONLY = "create-only"
    MERGED = "merged"
    SECRET = "secret"  # noqa: S105 - a word, not a password

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list whose items are matched by one of their fields, not by place; `ordered` says that their order counts too."""

    by: str
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Canonical:
    """Compared in normal form; `normal` takes any value, the vendor's or the manifest's, and never raises."""

    normal: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Link:
    """The field holds an output of an entry of another kind (of the same vendor, named `vendor.kind`)."""

    kind: str
    output: str = "id"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        def passing(value: Any, inner: Any) -> Any:
            return value if isinstance(value, str) and has_token(value) else inner(value)

        return core_schema.no_info_wrap_validator_function(passing, handler(source))


@dataclass(frozen=True, slots=True)
class Output:
    """A value that an object gives to others; `foretold` names the field that says it before the object exists.

    `once` says that only the answer to the create shows it, `awaited` that an entry from which nothing takes it is an
    error, not only worth a warning, `zone` that it is a list of DNS records, each with its whole name as `host`.
    """

    secret: bool = False
    once: bool = False
    awaited: bool = False
    foretold: str | None = None
    zone: bool = False


Named = Annotated[str | None, Mark.NAMED]


class Spec(BaseModel):
    """The fields that a manifest may give for one kind; a default is the vendor's own default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    def given(self) -> Fields:
        """What was given, nested models as maps; what was left out is absent."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields if name in self.model_fields_set}


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.given()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Shape:
    """One field as diff, sandbox, docs and schema see it.

    `children` are the fields of a nested model, `item` the elements of a list or the values of a free map.
    """

    marks: frozenset[Mark] = frozenset()
    impact: Impact | None = None
    link: Link | None = None
    keyed: str | None = None
    ordered: bool = False
    normal: Callable[[Any], Any] | None = None
    default: Any = None
    required: bool = False
    kind: str = "value"
    children: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None

    def child(self, key: str) -> Shape:
        """The shape below a key; an unmarked one where the spec says nothing."""
        return self.children.get(key) or self.item or PLAIN


PLAIN = Shape()


@cache
def shape_of(spec: type[Spec]) -> Shape:
    """The marks of a spec as a tree."""
    children = {}
    for name, info in spec.model_fields.items():
        default = None if info.default is PydanticUndefined else info.default
        if info.default_factory is not None:
            default = info.default_factory()  # type: ignore[call-arg]
        children[name] = _shape(info.annotation, tuple(info.metadata), _plain(default), info.is_required())
    return Shape(kind="model", children=children)


@cache
def marked(spec: type[Spec], *marks: Mark) -> tuple[tuple[str, Shape], ...]:
    """The top fields of a spec that have any of these marks."""
    return tuple((name, shape) for name, shape in shape_of(spec).children.items() if shape.marks & {*marks})


def _shape(annotation: Any, metadata: tuple[Any, ...], default: Any = None, required: bool = False) -> Shape:
    metadata, annotation = _unwrap(annotation, metadata)
    kind, children, item = "value", {}, None
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        kind, children = "model", dict(shape_of(annotation).children)
    elif get_origin(annotation) is list:
        kind, item = "list", _shape(get_args(annotation)[0], ())
    elif get_origin(annotation) is dict:
        kind, item = "map", _shape(get_args(annotation)[1], ())
    keyed = next((m for m in metadata if isinstance(m, Keyed)), None)
    return Shape(
        marks=frozenset(m for m in metadata if isinstance(m, Mark)),
        impact=next((m for m in metadata if isinstance(m, Impact)), None),
        link=next((m for m in metadata if isinstance(m, Link)), None),
        keyed=keyed.by if keyed is not None else None, ordered=keyed is not None and keyed.ordered,
        normal=next((m.normal for m in metadata if isinstance(m, Canonical)), None),
        default=default, required=required, kind=kind, children=children, item=item,
    )


def _unwrap(annotation: Any, metadata: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """Take Annotated and `| None` off a type; the first list, map or model among alternatives stands for it."""
    if get_origin(annotation) is Annotated:
        args = get_args(annotation)
        return _unwrap(args[0], metadata + args[1:])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [_unwrap(a, ()) for a in get_args(annotation) if a is not type(None)]
        for more, _ in parts:
            metadata += more
        shaped = [a for _, a in parts if get_origin(a) in (list, dict) or (isinstance(a, type) and issubclass(a, Spec))]
        return metadata, (shaped or [a for _, a in parts])[0]
    return metadata, annotation
