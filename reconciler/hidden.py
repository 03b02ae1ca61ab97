"""Which characters can't be seen as what they are: controls, marks of direction, blanks of no width."""

from __future__ import annotations

import unicodedata

_SEEN = " \u3000"
"""Blanks that a reader sees as blanks."""

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
"""Letters and marks that show nothing, though their category does not say so."""


def hidden(one: str) -> bool:
    """Whether a character can't be seen as what it is."""
    if " " <= one <= "~":
        return False
    category = unicodedata.category(one)
    if category[0] == "C":
        return True
    if category[0] == "Z":
        return one not in _SEEN
    return one in _UNSEEN or "\ufe00" <= one <= "\ufe0f" or "\U000e0100" <= one <= "\U000e01ef"
