"""The nearest of some known words, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is."""
    from difflib import get_close_matches  # nobody mistypes most of the time

    words = list(known)
    low = {one.lower(): one for one in words}
    hit = get_close_matches(word.lower(), list(low), n=1, cutoff=0.6)
    if hit:
        return low[hit[0]]
    starts = [
        one for one in words if len(word) > 2 and (one.lower().startswith(word.lower()) or word.lower().startswith(one.lower()))
    ]
    return starts[0] if starts else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint, or nothing."""
    hit = nearest(word, known)
    return f'did you mean "{hit}"?' if hit is not None and hit != word else ""
