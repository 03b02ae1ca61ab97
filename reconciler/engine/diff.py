"""What differs between what is wanted and what is live: one walk, for show and for deed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.contract.compare import covers, empty, pairs
from reconciler.contract.spec import PLAIN, Mark, Shape
from reconciler.model import Change, Changes, Fields, Impact, has_token
from reconciler.paths import leaves
from reconciler.secret import Secret

Same = Callable[[str, Any], bool]


@dataclass(frozen=True, slots=True)
class Applied:
    """What the ledger remembers of one address: digests per path, and how to compare a value with one.

    An empty digest is one that nobody here can read. `open` are paths of calls whose outcome is not known: what differs
    there is our own half-done work.
    """

    prints: Mapping[str, str] = field(default_factory=dict)
    same: Same = lambda print, value: False
    open: frozenset[str] = frozenset()
    known: bool = False


NOTHING = Applied()
_LEAVES = frozenset({str, int, float, bool})


def diff(want: Fields, live: Fields, shape: Shape, applied: Applied = NOTHING, skip: tuple[str, ...] = ()) -> Changes:
    """The changes that bring `live` to `want`; fields that are not wanted never count.

    `==` in normal form first, then the walk into what differs. A key of a merged map that the ledger knows as ours
    and the manifest no longer names is a removal. `skip` are paths that are not compared.
    """
    found: list[Change] = []
    for name, value in want.items():
        held = live.get(name)
        if held.__class__ is value.__class__ and held.__class__ in _LEAVES and held == value:
            continue
        child = shape.child(name)
        if Mark.WRITE_ONLY in child.marks or Mark.CREATE_ONLY in child.marks:
            found.extend(_unreadable(name, value, child, applied))
        elif not covers(held, value, child):
            found.extend(_walk(name, value, held, child, child))
    found.extend(_dropped_keys(want, live, shape, applied))
    if not found:
        return ()
    wanted = leaves(want)
    return tuple(_judged(change, applied, wanted) for change in found if not _skipped(change.path, skip))


def _skipped(path: str, skip: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith((one + ".", one + "[")) for one in skip)


def _unreadable(path: str, value: Any, shape: Shape, applied: Applied) -> Iterator[Change]:
    """A field that can't be read back: the ledger's digest alone tells, and without one it is trusted."""
    known = applied.prints.get(path)
    if Mark.CREATE_ONLY in shape.marks or not known or applied.same(known, value):
        return
    yield _change(path, None, value, shape, shape)


def _walk(path: str, want: Any, live: Any, shape: Shape, top: Shape) -> Iterator[Change]:
    if isinstance(want, dict) and (isinstance(live, dict) or (live is None and shape.kind != "model")) and want:
        live = live or {}
        for key, value in want.items():
            child = shape.child(key)
            if not covers(live.get(key), value, child):
                yield from _walk(f"{path}.{key}", value, live.get(key), child, _heir(child, top))
        if shape.kind == "map" and Mark.MERGED not in shape.marks:
            for key in live:
                if key not in want and not empty(live[key]):
                    yield _change(f"{path}.{key}", live[key], None, shape.child(key), top)
    elif isinstance(want, list) and isinstance(live, list) and _pairwise(want, live, shape):
        item = shape.item or PLAIN
        for n, (one, other) in enumerate(pairs(live, want, shape)):
            if not covers(other, one, item):
                label = one.get(shape.keyed) if shape.keyed else n
                yield from _walk(f"{path}[{label}]", one, other, item, _heir(item, top))
    else:
        yield _change(path, live, want, shape, top)


def _pairwise(want: list[Any], live: list[Any], shape: Shape) -> bool:
    """Whether the lists hold the same items, so that only what is inside them differs."""
    if shape.keyed:
        keys = [[i.get(shape.keyed) if isinstance(i, dict) else None for i in side] for side in (want, live)]
        return keys[0] == keys[1] and None not in keys[0]
    inside = shape.item is not None and shape.item.kind == "model"
    return inside and len(want) == len(live) and Mark.UNORDERED not in shape.marks


def _heir(child: Shape, top: Shape) -> Shape:
    """What a field inherits from the field it lies in: marks and impact hold for everything below."""
    return Shape(marks=child.marks | top.marks, impact=child.impact or top.impact, normal=child.normal)


def _change(path: str, before: Any, after: Any, shape: Shape, top: Shape) -> Change:
    marks = shape.marks | top.marks
    return Change(
        path, before, after, replaces=Mark.IMMUTABLE in marks,
        secret=Mark.SECRET in marks or isinstance(after, Secret) or isinstance(before, Secret),
        unknown=has_token(after), impact=shape.impact or top.impact or Impact.BEHAVIOURAL)


def _dropped_keys(want: Fields, live: Fields, shape: Shape, applied: Applied) -> Iterator[Change]:
    for path in applied.prints:
        top, dot, key = path.partition(".")
        child = shape.child(top)
        if top in want and want[top] is None:
            continue  # the whole map is cleared, and that is one change
        if dot and Mark.MERGED in child.marks and top in live and key not in (want.get(top) or {}):
            held = (live.get(top) or {}).get(key)
            if not empty(held):
                yield _change(path, held, None, child.child(key), child)


def _judged(change: Change, applied: Applied, wanted: Mapping[str, Any]) -> Change:
    """Drift is a difference in what the manifest still says as it said when it was last applied."""
    path = change.path.partition("[")[0]
    if not applied.known or change.unknown or path in applied.open:
        return change
    below = _at_or_below(path, wanted)
    if below:
        drift = all(leaf in applied.prints and applied.same(applied.prints[leaf], wanted[leaf]) for leaf in below)
    else:
        drift = change.after is None and not _at_or_below(path, applied.prints)
    return replace(change, drift=True) if drift else change


def _at_or_below(path: str, leaves: Iterable[str]) -> list[str]:
    return [leaf for leaf in leaves if leaf == path or leaf.startswith(f"{path}.")]
