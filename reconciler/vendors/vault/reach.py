"""What a policy reaches, over all paths: the places where two policies may differ, each with a path that shows it.

Which pattern speaks at a path hangs only on which patterns fit it. So between two policies it is enough to look at the
places where some of their patterns meet, and at one path of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.vendors.vault.acl import Grant, allowed, matches

MOST = 3000
"""Places that are looked at; a policy whose patterns meet in more is judged by these."""

_WORDS = "xzyqwjkvhfgubnmtrpldsoeica0123456789"
"""Of these the first that stands in no pattern is a path's free part: it begins nothing that a pattern says."""

MORE = "…"
"""After the beginning of a part: any rest of it. No policy can say that, but two can mean it together."""

Held = dict[str, Grant]


@dataclass(frozen=True, slots=True)
class Difference:
    """A capability that one of two policies has: at a place, as a pattern, and at one path of it."""

    capability: str
    place: str
    path: str


def differences(less: Held, more: Held) -> list[Difference]:
    """What `more` allows and `less` does not; a place inside another one that says the same is left out."""
    found: list[Difference] = []
    given = [*dict.fromkeys([*less, *more])]
    for place in places(given):
        for path in paths(place, given):
            for word in sorted(allowed(more, path) - allowed(less, path)):
                covered = any(one.capability == word and (one.place == place or (
                    place not in given and within(place, one.place))) for one in found)
                if not covered:
                    found.append(Difference(word, place, path))
    return found


def places(given: list[str]) -> list[str]:
    """The patterns, and where they meet, the given ones first."""
    found = dict.fromkeys(given)
    fresh = list(given)
    while fresh and len(found) < MOST:
        new = [met for one in fresh for other in list(found) if (met := meet(one, other)) is not None and met not in found]
        fresh = list(dict.fromkeys(new))[:MOST - len(found)]
        found.update(dict.fromkeys(fresh))
    return list(found)


def meet(one: str, other: str) -> str | None:
    """The pattern of all paths that two patterns both mean; None where there are none."""
    first, second = one.removesuffix("*").split("/"), other.removesuffix("*").split("/")
    open_one, open_other = one.endswith("*"), other.endswith("*")
    if len(first) > len(second):
        first, second, open_one, open_other = second, first, open_other, open_one
    if len(first) < len(second) and not open_one:
        return None
    parts = []
    for n, long in enumerate(second):
        last_one, last_other = n >= len(first) - 1 and open_one, n == len(second) - 1 and open_other
        part = _part(first[n] if n < len(first) else "", long, last_one, last_other)
        if part is None:
            return None
        parts.append(part)
    ends = open_other and (open_one or len(first) > len(second))
    return "/".join(parts) + ("*" if ends else "")


def _part(one: str, other: str, open_one: bool, open_other: bool) -> str | None:
    """One part that both mean; a part that begins with something is written `something…`, where the rest is open."""
    begins = [text.removesuffix(MORE) if text.endswith(MORE) else "" if text == "+" else text for text in (one, other)]
    loose = [is_open or text == "+" or text.endswith(MORE) for text, is_open in ((one, open_one), (other, open_other))]
    if not any(loose):
        return one if one == other else None
    if not all(loose):
        beginning, whole = (begins[0], other) if loose[0] else (begins[1], one)
        return whole if whole.startswith(beginning) else None
    longer = max(begins, key=len)
    if not longer.startswith(min(begins, key=len)):
        return None
    return longer if open_one and open_other else f"{longer}{MORE}" if longer else "+"


def paths(place: str, given: Iterable[str]) -> Iterator[str]:
    """Paths of a place that as few other patterns as possible mean: with words in them that stand nowhere else."""
    patterns = list(given)
    used = {*"".join(patterns)}
    word = next((char for char in _WORDS if char not in used), "\N{EURO SIGN}")
    depth = max((one.count("/") for one in patterns), default=0)
    base = "/".join(word if part == "+" else part.replace(MORE, word) for part in place.removesuffix("*").split("/"))
    if not place.endswith("*"):
        yield base
        return
    for more in range(max(depth - place.count("/"), 0) + 2):
        yield base + "/".join([word] * (more + 1))
    if not base.endswith("/"):
        yield base


def within(inner: str, outer: str) -> bool:
    """Whether every path of one place is a path of another."""
    return inner != outer and meet(inner, outer) == inner and (not inner.endswith("*") or matches(outer, inner[:-1] + "x/x"))
