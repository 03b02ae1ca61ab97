"""What a check found, as a comment."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model import Problem
from reconciler.output import problems
from reconciler.output.markdown import LIMIT, opening
from reconciler.output.quoting import fence

MARKER = "reconciler validate"


def comment(found: Sequence[Problem], entries: int, source: problems.Source, *, limit: int = LIMIT,
            marker: str = MARKER) -> str:
    """One comment: how many findings, then each with its line, as many as there is room for."""
    errors = sum(one.severity == "error" for one in found)
    counts = [_count(errors, "error", "errors")] if errors else [_count(entries, "entry is fine", "entries are fine")]
    if len(found) > errors:
        counts.append(_count(len(found) - errors, "warning", "warnings"))
    alert = "CAUTION" if errors else "WARNING" if found else "NOTE"
    head = f"{opening(marker)}\n## reconciler validate\n\n> [!{alert}]\n> **{', '.join(counts)}.**\n"
    texts = problems.render(found, source, color=False, counted=False).rstrip("\n").split("\n\n") if found else []
    kept: list[str] = []
    room = limit - len(head) - 200
    for text in texts:
        if len(text) + 2 > room:
            break
        kept.append(text)
        room -= len(text) + 2
    cut = f"\n{len(kept)} of {len(texts)} shown.\n" if len(kept) < len(texts) else ""
    shown = fence("\n\n".join(kept).split("\n"), "text") if kept else ""
    return "\n".join(filter(None, (head + cut, shown))).rstrip("\n") + "\n"


def _count(n: int, one: str, more: str) -> str:
    return f"{n} {one if n == 1 else more}"
