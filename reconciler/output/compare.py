"""Two stacks' checked manifests side by side: what only one has, and where the same entry differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reconciler.model import Address, Lifecycle, Ref, Resource, SecretRef, fill, tokens_in
from reconciler.paths import leaves

LEFT_OUT: Any = object()
"""Stands for a field that one of the two does not say."""


@dataclass(frozen=True, slots=True)
class Side:
    """One field in both stacks, as a manifest would say it; LEFT_OUT where one says nothing, no value where it is secret."""

    path: str
    here: Any
    there: Any
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry in two stacks; None where one has none."""

    address: Address
    here: Resource | None
    there: Resource | None
    fields: tuple[Side, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between the stacks `here` and `there`; `same` entries are equal in both."""

    here: str
    there: str
    pairs: tuple[Pair, ...]
    same: int


def compared(here: str, ours: Iterable[Resource], there: str, theirs: Iterable[Resource]) -> Comparison:
    """What differs, in the order of addresses; variables, files and formats are put in, references are compared by name."""
    left, right = ({one.address: one for one in side} for side in (ours, theirs))
    pairs, same = [], 0
    for address in sorted(left.keys() | right.keys()):
        one, other = left.get(address), right.get(address)
        fields = tuple(_sides(one, other)) if one is not None and other is not None else ()
        if fields or one is None or other is None:
            pairs.append(Pair(address, one, other, fields))
        else:
            same += 1
    return Comparison(here, there, tuple(pairs), same)


def _sides(one: Resource, other: Resource) -> Iterator[Side]:
    here, there = leaves({**one.fields, **_handled(one.lifecycle)}), leaves({**other.fields, **_handled(other.lifecycle)})
    for path in dict.fromkeys([*here, *there]):
        a, b = here.get(path, LEFT_OUT), there.get(path, LEFT_OUT)
        if type(a) is type(b) and a == b:
            continue
        secret = any(isinstance(token, SecretRef) for side in (a, b) for token in tokens_in(side))
        yield Side(path, _plainly(a), _plainly(b), secret)


def _handled(lifecycle: Lifecycle) -> Mapping[str, Any]:
    """What a lifecycle says beside its defaults."""
    plain, said = asdict(Lifecycle()), asdict(lifecycle)
    differs = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if value != plain[name]}
    return {"lifecycle": differs} if differs else {}


class _Reference(dict[str, str]):
    """A reference as a manifest says it, in a longer text too."""

    def __str__(self) -> str:
        return "{" + ", ".join(f"{key}: {value}" for key, value in self.items()) + "}"


def _plainly(value: Any) -> Any:
    def find(token: Ref | SecretRef) -> Any:
        if isinstance(token, SecretRef):
            return "(secret)"
        return _Reference({"ref": str(token.address)} | ({"output": token.output} if token.output != "id" else {}))

    return fill(value, find)
