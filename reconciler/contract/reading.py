"""Reading many single objects at the same time, where a vendor has no list that shows them whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import Exhausted, Failure

if TYPE_CHECKING:
    from reconciler.contract.http import Api

T = TypeVar("T")
MOST = 16
"""Reads at a time."""


def at_once(api: Api, names: Sequence[str], read: Callable[[str], T]) -> list[T | Failure]:
    """What each read gives, in order, or why it could not be read; a spent quota ends them all (Exhausted)."""
    if not names:
        return []

    def one(name: str) -> T | Failure:
        try:
            return read(name)
        except Exhausted:
            raise
        except Failure as error:
            return error

    workers = min(MOST, api.settings.connections, len(names))
    if workers == 1:
        return [one(name) for name in names]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(one, names))
