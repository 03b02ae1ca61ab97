"""Where the nodes of a dependency graph stand: in columns from what is needed to what needs it, few lines crossing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Id = int

ROW, GAP_Y = 42, 12
"""The height of a node, and what is free below it."""

GAP_X, MARGIN = 56, 16
"""Between two columns, and around all."""

SWEEPS = 4
"""How often the columns are put in order after their neighbours."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node's upper left corner and its width."""

    x: float
    y: float
    width: float


@dataclass(slots=True)
class Layout:
    """Where everything stands, and how big the whole is."""

    spots: dict[Id, Spot] = field(default_factory=dict)
    width: float = 0
    height: float = 0


def laid_out(widths: Mapping[Id, float], needs: Mapping[Id, Collection[Id]], room: float) -> Layout:
    """Components side by side where there is `room`, else below each other; loops are cut where they close."""
    layout = Layout(width=room)
    x, y, tallest, widest = float(MARGIN), float(MARGIN), 0.0, 0.0
    for part in _components(widths, needs):
        placed, width, height = _placed(part, widths, needs, room)
        if x > MARGIN and x + width > room - MARGIN:
            x, y, tallest = float(MARGIN), y + tallest + GAP_Y * 1.5, 0.0
        for id, spot in placed.items():
            layout.spots[id] = Spot(x + spot.x, y + spot.y, spot.width)
        tallest, widest = max(tallest, height), max(widest, x + width)
        x += width + GAP_X / 2
    layout.width, layout.height = widest + MARGIN, y + tallest + MARGIN
    return layout


def _components(widths: Mapping[Id, float], needs: Mapping[Id, Collection[Id]]) -> list[list[Id]]:
    """Nodes that hang together, the biggest part first, single ones last and in their own order."""
    near: dict[Id, set[Id]] = {id: set() for id in widths}
    for id, others in needs.items():
        for other in others:
            near[id].add(other)
            near[other].add(id)
    found, seen = [], set[Id]()
    for id in widths:
        if id in seen:
            continue
        part, todo = [], [id]
        seen.add(id)
        while todo:
            here = todo.pop()
            part.append(here)
            fresh = sorted(near[here] - seen)
            seen.update(fresh)
            todo += fresh
        found.append(sorted(part))
    return sorted(found, key=lambda part: -len(part))


def _placed(part: Sequence[Id], widths: Mapping[Id, float], needs: Mapping[Id, Collection[Id]],
            room: float) -> tuple[dict[Id, Spot], float, float]:
    columns = _columns(part, needs)
    _untangle(columns, part, needs)
    tallest = max(map(len, columns)) * (ROW + GAP_Y) - GAP_Y
    spots: dict[Id, Spot] = {}
    x = 0.0
    for column in columns:
        width = max(widths[id] for id in column)
        y = (tallest - len(column) * (ROW + GAP_Y) + GAP_Y) / 2
        for id in column:
            spots[id] = Spot(x, y, widths[id])
            y += ROW + GAP_Y
        x += width + GAP_X
    return spots, x - GAP_X, tallest


def _columns(part: Sequence[Id], needs: Mapping[Id, Collection[Id]]) -> list[list[Id]]:
    """Each node one column behind the last of those that it needs."""
    depth: dict[Id, int] = {}
    for start in part:
        trail: list[tuple[Id, bool]] = [(start, False)]
        open_: set[Id] = set()
        while trail:
            id, done = trail.pop()
            if done:
                depth[id] = max((depth[other] + 1 for other in needs.get(id, ()) if other in depth), default=0)
                open_.discard(id)
            elif id not in depth and id not in open_:
                open_.add(id)
                trail.append((id, True))
                trail += [(other, False) for other in needs.get(id, ()) if other not in depth and other not in open_]
    columns: list[list[Id]] = [[] for _ in range(max(depth.values()) + 1)]
    for id in part:
        columns[depth[id]].append(id)
    return columns


def _untangle(columns: list[list[Id]], part: Iterable[Id], needs: Mapping[Id, Collection[Id]]) -> None:
    """Put each column in the order of the middle of its neighbours, forth and back."""
    near: dict[Id, list[Id]] = {id: [*needs.get(id, ())] for id in part}
    for id in list(near):
        for other in needs.get(id, ()):
            near[other].append(id)
    for sweep in range(SWEEPS):
        at = {id: (n - (len(column) - 1) / 2) for column in columns for n, id in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda id: (sum(at[o] for o in near[id]) / len(near[id]) if near[id] else at[id], at[id]))
            at.update((id, n - (len(column) - 1) / 2) for n, id in enumerate(column))
