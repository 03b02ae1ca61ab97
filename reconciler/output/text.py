"""A plan as a person reads it: one head line an action, what changes below it, the summary last."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from reconciler.model import Action, Impact, Op, Plan
from reconciler.output import verdict
from reconciler.output.details import details, tells
from reconciler.output.escape import columns, pad, safe
from reconciler.output.outcomes import place, report
from reconciler.output.paint import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, Paint
from reconciler.output.words import symbol, word

__all__ = ["entries", "place", "remarks", "render", "report"]

HUES = {Op.CREATE: GREEN, Op.UPDATE: YELLOW, Op.REPLACE: MAGENTA, Op.DELETE: RED, Op.ADOPT: CYAN, Op.MOVE: CYAN,
        Op.FORGET: CYAN, Op.BLOCKED: RED, Op.NOOP: DIM}
LOUD = frozenset({Impact.IRREVERSIBLE, Impact.DELETE, Impact.MONEY, Impact.ACCESS})
SHORT = len("sha256:") + 8
"""How much of a digest a reader needs to tell two plans apart; the whole one stands in the JSON."""

NARROW = 100
"""On a terminal that is narrower even the counts are wrapped, which are a line to be searched for in a log."""

GAP, MOST = 3, 44
"""Between columns; and the widest cell that still sets the width of its column."""

SHRINK = ((2, 9), (1, 13), (0, 24))
"""Which columns give way where the room is short (impact, what is done, address), and down to what."""

_BLOCK = re.compile(r"( +\| )([-+~@].*)\Z")
_SIGNS = {"+": GREEN, "-": RED, "~": YELLOW, "@": CYAN}


def render(plan: Plan, *, show_unchanged: bool, color: bool, width: int) -> str:
    """The whole plan; colour only repeats what words and symbols say."""
    shown = [action for action in plan.actions if show_unchanged or tells(action)]
    lines = [*entries(shown, color=color, width=width)]
    told = [*remarks(plan, color=color, width=width)]
    for part in (told, [*_summary(plan, width)]):
        if lines and part and lines[-1]:
            lines.append("")
        lines += part
    return "\n".join(lines) + "\n"


# actions


def entries(actions: list[Action], *, color: bool, width: int) -> Iterator[str]:
    """The lines of these actions, their columns set by all of them."""
    paint = Paint(color)
    stops = _stops([(*_cells(action), safe(str(action.at or ""))) for action in actions], width)
    for action in actions:
        yield from _head(action, stops, paint, width)
        for line in details(action, width):
            yield _painted(line, action, paint) if paint.color else line


def _stops(rows: list[tuple[str, ...]], width: int) -> list[int]:
    """Where the columns begin; where the room is short they move together, and wide cells hang over."""
    sizes = [max((size for row in rows if (size := columns(row[n])) <= MOST), default=0) for n in range(4)]
    gap = GAP if sum(sizes) + GAP * 3 <= width else GAP - 1
    for n, least in SHRINK:
        over = sum(sizes) + gap * 3 - width
        sizes[n] -= max(0, min(over, sizes[n] - least))
    return [sum(sizes[:n]) + gap * n for n in range(4)]


def _cells(action: Action) -> tuple[str, str, str]:
    return safe(str(action.address)), _did(action), _impacts(action)


def _head(action: Action, stops: list[int], paint: Paint, width: int) -> Iterator[str]:
    """Address, what is done, impact, place; the place goes below where the line would be too long."""
    hues = ((BOLD,), (HUES[action.op],), (BOLD,) if LOUD & {*action.impact} else ())
    line, at = "", 0
    for cell, stop, hue in zip(_cells(action), stops, hues, strict=False):
        if cell:
            gap = max(stop - at, 2) if at else 0
            line, at = f"{line}{' ' * gap}{paint(cell, *hue)}", at + gap + columns(cell)
    place = _place(action)
    for gap in (max(stops[3] - at, 2), 2):
        if place and at + gap + columns(place) <= width:
            yield f"{line}{' ' * gap}{paint(place, DIM)}"
            return
    yield line
    if place:
        label = "at" if action.at is not None else "id"
        yield f"    {pad(label, 14)} {paint(place.removeprefix('id '), DIM)}"


def _did(action: Action) -> str:
    return f"{symbol(action)} {word(action)}"


def _impacts(action: Action) -> str:
    return f"[{', '.join(impact.value for impact in action.impact)}]" if action.impact else ""


def _place(action: Action) -> str:
    """Where the manifest says it; the vendor's id where it is not (or no longer) said, or is about to become ours."""
    at = safe(str(action.at)) if action.at is not None else ""
    id = f"id {safe(action.id)}" if action.id and (action.at is None or action.op is Op.ADOPT) else ""
    return "  ".join(filter(None, (at, id)))


def _painted(line: str, action: Action, paint: Paint) -> str:
    hit = _BLOCK.match(line)
    if hit:
        return hit[1] + paint(hit[2], _SIGNS[hit[2][0]])
    if action.op is Op.BLOCKED and line.startswith("    blocked "):
        return f"    {paint('blocked', RED, BOLD)}{line[11:]}"
    text, mark, remark = line.partition("   # ")
    return f"{text}   {paint(f'# {remark}', DIM)}" if mark else line


# the whole


def remarks(plan: Plan, *, color: bool, width: int) -> Iterator[str]:
    """What a reader should know of the whole: left out, warnings, thresholds."""
    paint = Paint(color)
    for sentence in plan.left_out:
        yield from _wrapped("", sentence, width)
    for label, hue, sentences in (("warning:", YELLOW, plan.warnings), ("stopped:", RED, plan.stopped)):
        for sentence in sentences:
            first, *rest = _wrapped(label + " ", sentence, width)
            yield paint(label, hue, BOLD) + first[len(label):]
            yield from rest


def _wrapped(label: str, sentence: str, width: int) -> list[str]:
    return textwrap.wrap(label + safe(sentence), max(width, 40), subsequent_indent="  " if label else "",
                         break_long_words=False, break_on_hyphens=False)


def _summary(plan: Plan, width: int) -> Iterator[str]:
    if plan.empty:
        yield "   ".join([f"No changes. {verdict.unchanged(plan)}.", verdict.requests(plan), *_digest(plan)])
        return
    counts = f"{', '.join([*verdict.counts(plan), verdict.unchanged(plan)])}."
    yield from [f"Plan: {counts}"] if width >= NARROW else _wrapped("Plan: ", counts, width)
    sentences = [*verdict.impact_sentence(plan), verdict.requests(plan), *_digest(plan)]
    line = "   ".join(sentences)
    yield from [line] if columns(line) <= width else sentences


def _digest(plan: Plan) -> Iterator[str]:
    """The short digest, where there is anything to consent to."""
    if plan.digests and plan.digest:
        yield f"Digest {safe(plan.digest[:SHORT])}…"
