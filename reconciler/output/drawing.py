"""A plan's dependencies as a picture: touched entries and their neighbours, those alike drawn as one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from reconciler.model import Action, Address, Op, Plan
from reconciler.output.escape import columns, safe
from reconciler.output.layout import ROW, laid_out
from reconciler.output.words import symbol, word

MOST = 300
"""More nodes than this are not drawn; the gravest are."""

LARGE, ALIKE = 40, 3
"""From so many nodes on only what is touched and its neighbours is drawn, and so many alike become one node."""

LONGEST, LETTER, PADDING = 28, 7.3, 22
"""Letters of a name, the width of one, and what stands around them."""

ROOM = 1150
"""How wide a picture gets before its parts are put below each other; a component of many columns may be wider."""


@dataclass(frozen=True, slots=True)
class Node:
    """One entry, or several that are alike; `action` is None where the plan does not list the entry."""

    address: Address
    action: Action | None
    count: int = 1

    @property
    def op(self) -> Op:
        """What is done to it."""
        return self.action.op if self.action is not None else Op.NOOP

    @property
    def name(self) -> str:
        """What is written on it."""
        text = f"{self.count} of {self.address.kind}" if self.count > 1 else self.address.name
        return safe(text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…")


def picture(plan: Plan, links: Mapping[Address, str]) -> str:
    """The graph as inline SVG, empty where nothing depends on anything; `links` are the entries' own ids in the page."""
    nodes, needs = _chosen(plan)
    if len(nodes) < 2:
        return ""
    kept, left = nodes[:MOST], len(nodes) - MOST
    at = {node.address: n for n, node in enumerate(kept)}
    edges = {at[address]: sorted({at[other] for other in others if other in at and other != address})
             for address, others in needs.items() if address in at}
    if not any(edges.values()):
        return ""
    widths = {n: _width(node) for n, node in enumerate(kept)}
    layout = laid_out(widths, edges, ROOM)
    lines = []
    for n, others in edges.items():
        for other in others:
            a, b = layout.spots[other], layout.spots[n]
            x1, y1, x2, y2 = a.x + a.width, a.y + ROW / 2, b.x, b.y + ROW / 2
            bend = max(abs(x2 - x1) / 2, 24)
            lines.append(f'<path class="edge" data-a="{other}" data-b="{n}" d="M{x1:.0f},{y1:.0f} '
                         f'C{x1 + bend:.0f},{y1:.0f} {x2 - bend:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"/>')
    boxes = [_box(n, node, layout.spots[n].x, layout.spots[n].y, widths[n], links) for n, node in enumerate(kept)]
    note = f'<p class="note">{left} more entries are not drawn.</p>' if left > 0 else ""
    return (f'<div class="scroll"><svg class="graph" role="img" aria-label="Dependencies" width="{layout.width:.0f}" '
            f'height="{layout.height:.0f}" viewBox="0 0 {layout.width:.0f} {layout.height:.0f}">'
            f'<g class="edges">{"".join(lines)}</g>{"".join(boxes)}</svg></div>{note}')


def _width(node: Node) -> float:
    return max(columns(f"+/- {node.name}"), columns(safe(_below(node))) * 0.86) * LETTER + PADDING


def _below(node: Node) -> str:
    """The second line of a node: its kind, or what is done to each of several."""
    if node.count > 1:
        return word(node.action) if node.action is not None else "unchanged"
    kind = node.address.kind
    return kind if len(kind) <= LONGEST else f"{kind[:LONGEST - 1]}…"


def _box(n: int, node: Node, x: float, y: float, width: float, links: Mapping[Address, str]) -> str:
    sign = symbol(node.action).strip() if node.action is not None else ""
    mark = f'<tspan class="sign">{escape(sign)}</tspan> ' if sign else ""
    did = word(node.action) if node.action is not None else "unchanged"
    title = escape(safe(f"{did} {node.address}" if node.count == 1 else f"{node.count} of {node.address.kind}: {did}"))
    impacts = " ".join(impact.value for impact in node.action.impact) if node.action is not None else ""
    box = (f'<g class="node op-{node.op.value}" data-n="{n}" data-op="{node.op.value}" data-impact="{impacts}" '
           f'data-vendor="{escape(safe(node.address.connection))}" transform="translate({x:.0f},{y:.0f})">'
           f"<title>{title}</title>"
           f'<rect width="{width:.0f}" height="{ROW}" rx="7"/>'
           f'<text class="name" x="11" y="17">{mark}'
           f"{escape(node.name)}</text>"
           f'<text class="kind" x="11" y="33">{escape(safe(_below(node)))}</text></g>')
    link = links.get(node.address)
    return f'<a href="#{link}">{box}</a>' if link is not None else box


# which ones


def _chosen(plan: Plan) -> tuple[list[Node], dict[Address, set[Address]]]:
    """The nodes in the plan's order, and what each needs; alike ones are one where there are many."""
    actions = {action.address: action for action in plan.actions}
    needs = {action.address: {*action.needs} for action in plan.actions}
    every = list(dict.fromkeys((*actions, *(other for others in needs.values() for other in others))))
    if len(every) > LARGE:
        touched = {address for address in every if _is_touched(actions.get(address))}
        near = {other for address in touched for other in needs.get(address, ())}
        near |= {address for address, others in needs.items() if others & touched}
        every = [address for address in every if address in touched or address in near]
    needs = {address: needs.get(address, set()) & {*every} for address in every}
    if len(every) <= LARGE:
        return [Node(address, actions.get(address)) for address in every], needs
    return _merged(every, actions, needs)


def _is_touched(action: Action | None) -> bool:
    return action is not None and action.op is not Op.NOOP


def _merged(every: Sequence[Address], actions: Mapping[Address, Action],
            needs: Mapping[Address, Collection[Address]]) -> tuple[list[Node], dict[Address, set[Address]]]:
    """Entries of one kind to which the same is done, and that need and serve the same ones, as one node."""
    users: dict[Address, set[Address]] = {address: set() for address in every}
    for address, others in needs.items():
        for other in others:
            users[other].add(address)
    groups: dict[object, list[Address]] = {}
    for address in every:
        action = actions.get(address)
        did = (action.op, action.effect, action.impact) if action is not None else None
        groups.setdefault((address.kind, did, frozenset(needs[address]), frozenset(users[address])), []).append(address)
    first = {address: members[0] if len(members) >= ALIKE else address for members in groups.values() for address in members}
    counts: dict[Address, int] = {}
    for address in every:
        counts[first[address]] = counts.get(first[address], 0) + 1
    nodes = [Node(address, actions.get(address), count) for address, count in counts.items()]
    return nodes, {node.address: {first[other] for other in needs[node.address]} for node in nodes}
