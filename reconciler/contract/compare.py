"""Whether what is wanted is there, and the vendor's body with what is wanted laid over it."""

from __future__ import annotations

from typing import Any

from reconciler.contract.spec import PLAIN, Mark, Shape

EMPTY: tuple[Any, ...] = (None, "", [], {})


def empty(value: Any) -> bool:
    """None, an empty text, list or map: what vendors use for one another; 0 and false are values."""
    return value is None or value == "" or value == [] or value == {}


def covers(live: Any, want: Any, shape: Shape = PLAIN) -> bool:
    """Whether what is wanted is there, at every depth.

    Models: only the keys that are wanted count. Free maps are owned whole, unless merged. Lists are owned
    whole and matched by place, by key or as a set, as their marks say; inside their items only what is wanted
    counts. A vendor's null, "" and [] are one.
    """
    if live is None and shape.default is not None:
        live = shape.default
    if want is None:
        want = shape.default
    if shape.normal is not None:
        live, want = shape.normal(live), shape.normal(want)
    if type(live) is type(want) and live == want:
        return True
    if empty(want):
        return empty(live) or (want is not None and Mark.MERGED in shape.marks) or (want == {} and shape.kind == "model")
    if isinstance(want, dict):
        return _covers_map(live, want, shape)
    if isinstance(want, list):
        return isinstance(live, list) and len(live) == len(want) and _covers_list(live, want, shape)
    return bool(live == want) and isinstance(live, bool) == isinstance(want, bool)


def _covers_map(live: Any, want: dict[str, Any], shape: Shape) -> bool:
    live = {} if live is None else live
    if not isinstance(live, dict):
        return False
    owned = shape.kind == "map" and Mark.MERGED not in shape.marks
    if owned and any(key not in want and not empty(value) for key, value in live.items()):
        return False
    return all(covers(live.get(key), value, shape.child(key)) for key, value in want.items())


def _covers_list(live: list[Any], want: list[Any], shape: Shape) -> bool:
    item = shape.item or PLAIN
    if shape.ordered and _keys(live, shape) != _keys(want, shape):
        return False
    return all(other is not _NOTHING and covers(other, one, item) for one, other in pairs(live, want, shape))


def _keys(items: list[Any], shape: Shape) -> list[Any]:
    return [item.get(shape.keyed) if isinstance(item, dict) else None for item in items]


_NOTHING: Any = object()


def pairs(live: list[Any], want: list[Any], shape: Shape) -> list[tuple[Any, Any]]:
    """Each wanted item beside its live one, by place, by key, or the first that covers it; NOTHING where none does."""
    if shape.keyed:
        by_key = {i.get(shape.keyed): i for i in live if isinstance(i, dict)}
        return [(one, by_key.get(one.get(shape.keyed), _NOTHING) if isinstance(one, dict) else _NOTHING) for one in want]
    if Mark.UNORDERED in shape.marks:
        left, found = list(live), []
        for one in want:
            hit = next((n for n, other in enumerate(left) if covers(other, one, shape.item or PLAIN)), None)
            found.append((one, _NOTHING if hit is None else left.pop(hit)))
        return found
    return [(one, live[n] if n < len(live) else _NOTHING) for n, one in enumerate(want)]


def overlay(body: Any, want: Any, shape: Shape = PLAIN) -> Any:
    """The vendor's body with what is wanted laid over it; foreign keys, child ids and wiring in it survive.

    Lists take the wanted items in the wanted order, each laid over the live item it matches.
    """
    if isinstance(want, dict) and isinstance(body, dict):
        keep = {} if shape.kind == "map" and Mark.MERGED not in shape.marks else body
        return {**keep, **{key: overlay(body.get(key), value, shape.child(key)) for key, value in want.items()}}
    if isinstance(want, list) and isinstance(body, list):
        item = shape.item or PLAIN
        return [one if other is _NOTHING else overlay(other, one, item) for one, other in pairs(body, want, shape)]
    return want
