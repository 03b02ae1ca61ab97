"""A plan as a person reads it: one head line an action, what changes below it, the summary last."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.model import Action, Impact, Op, Plan
from reconciler.output.details import details, tells
from reconciler.output.escape import columns, pad, safe
from reconciler.output.outcomes import place, report
from reconciler.output.paint import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, Paint
from reconciler.output.words import symbol, word

__all__ = ["place", "render", "report"]

HUES = {Op.CREATE: GREEN, Op.UPDATE: YELLOW, Op.REPLACE: MAGENTA, Op.DELETE: RED, Op.ADOPT: CYAN, Op.MOVE: CYAN,
        Op.FORGET: CYAN, Op.BLOCKED: RED, Op.NOOP: DIM}
LOUD = frozenset({Impact.IRREVERSIBLE, Impact.DELETE, Impact.MONEY, Impact.ACCESS})
SHORT = len("sha256:") + 8
"""How much of a digest a reader needs to tell two plans apart; the whole one stands in the JSON."""

_ADDRESS, _IMPACT = 44, 24
_BLOCK = re.compile(r"( +\| )([-+~@].*)\Z")
_SIGNS = {"+": GREEN, "-": RED, "~": YELLOW, "@": CYAN}


def render(plan: Plan, *, show_unchanged: bool, color: bool, width: int) -> str:
    """The whole plan; colour only repeats what words and symbols say."""
    paint = Paint(color)
    shown = [action for action in plan.actions if show_unchanged or tells(action)]
    lines = [*_actions(shown, paint, width)]
    told = [*_told(plan, paint, width)]
    for part in (told, [*_summary(plan, width)]):
        if lines and part and lines[-1]:
            lines.append("")
        lines += part
    return "\n".join(lines) + "\n"


# actions


def _actions(actions: list[Action], paint: Paint, width: int) -> Iterator[str]:
    sizes = (_size((safe(str(a.address)) for a in actions), _ADDRESS), _size((_did(a) for a in actions), _ADDRESS),
             _size((_impacts(a) for a in actions), _IMPACT))
    for action in actions:
        yield from _head(action, sizes, paint, width)
        for line in details(action, width):
            yield _painted(line, action, paint) if paint.color else line


def _size(cells: Iterable[str], most: int) -> int:
    """The width of a column: its widest cell that is not beyond all measure."""
    return max((size for cell in cells if (size := columns(cell)) <= most), default=0)


def _head(action: Action, sizes: tuple[int, int, int], paint: Paint, width: int) -> Iterator[str]:
    """Address, what is done, impact, place; the place goes below where the line would be too long."""
    cells = (safe(str(action.address)), _did(action), _impacts(action))
    place = _place(action)
    hues = ((BOLD,), (HUES[action.op],), (BOLD,) if LOUD & {*action.impact} else ())
    lengths = [max(columns(cell), size) for cell, size in zip(cells, sizes, strict=True)]
    if sum(lengths) + 3 * 3 + columns(place) > width:
        lengths = [columns(cell) for cell in cells]
    padded = [paint(cell, *hue) + " " * (size - columns(cell))
              for cell, size, hue in zip(cells, lengths, hues, strict=True) if size]
    line = "   ".join(padded)
    if not place or sum(lengths) + 3 * len(padded) + columns(place) <= width:
        yield f"{line}   {paint(place, DIM)}".rstrip() if place else line.rstrip()
        return
    yield line.rstrip()
    yield f"    {pad('at', 14)} {paint(place, DIM)}"


def _did(action: Action) -> str:
    return f"{symbol(action)} {word(action)}"


def _impacts(action: Action) -> str:
    return f"[{', '.join(impact.value for impact in action.impact)}]" if action.impact else ""


def _place(action: Action) -> str:
    """Where the manifest says it; the vendor's id where it is not (or no longer) said, or is about to become ours."""
    at = safe(str(action.at)) if action.at is not None else ""
    id = safe(action.id) if action.id and (action.at is None or action.op is Op.ADOPT) else ""
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


def _told(plan: Plan, paint: Paint, width: int) -> Iterator[str]:
    """What a reader should know of the whole: left out, warnings, thresholds."""
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
        yield "   ".join([f"No changes. {_kept(plan)}.", _requests(plan), *_digest(plan)])
        return
    counts = [(Op.CREATE, "to create"), (Op.UPDATE, "to update"), (Op.REPLACE, "to replace"), (Op.DELETE, "to delete")]
    parts = [f"{plan.count(op)} {words}" for op, words in counts]
    for op, words in ((Op.ADOPT, "to adopt"), (Op.MOVE, "to move"), (Op.FORGET, "to forget"), (Op.BLOCKED, "blocked")):
        if n := plan.count(op):
            parts.append(f"{n} {words}")
    if plan.drifted:
        parts.append(f"{plan.drifted} drifted")
    yield f"Plan: {', '.join([*parts, _kept(plan)])}."
    sentences = [*_impact(plan), _requests(plan), *_digest(plan)]
    line = "   ".join(sentences)
    yield from [line] if columns(line) <= width else sentences


def _kept(plan: Plan) -> str:
    left = sum(action.op is Op.NOOP and bool(action.changes) for action in plan.actions)
    sends = sum(action.op is Op.NOOP and bool(action.after) for action in plan.actions)
    return "".join([f"{left} drifted and left as they are, " if left else "", f"{plan.count(Op.NOOP) - left} unchanged",
                    f" ({sends} with a request of its own)" if sends else ""])


def _impact(plan: Plan) -> Iterator[str]:
    counts = Counter(impact for action in plan.actions if action.acts for impact in action.impact)
    if counts:
        yield f"Impact: {', '.join(f'{impact.value} {counts[impact]}' for impact in Impact if impact in counts)}."


def _requests(plan: Plan) -> str:
    return f"Requests: {plan.reads} read, {plan.writes} write."


def _digest(plan: Plan) -> Iterator[str]:
    """The short digest, where there is anything to consent to."""
    if plan.digests and plan.digest:
        yield f"Digest {safe(plan.digest[:SHORT])}…"
