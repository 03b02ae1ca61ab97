"""Tells how far the reading of the vendors is: so many requests of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.contract.http import Api


@contextmanager
def counted(apis: Mapping[str, Api], progress: Callable[[str], None]) -> Iterator[None]:
    """Inside, each read is told with the requests so far; how often that is seen is up to `progress`."""
    before = {name: apis[name].reads_made for name in sorted(apis)}

    def tell() -> None:
        made = {name: apis[name].reads_made - n for name, n in before.items()}
        every = sum(made.values())
        count = "1 request" if every == 1 else f"{every} requests"
        each = ", ".join(f"{name} {n}" for name, n in made.items())
        progress(f"reading {next(iter(made))}: {count}" if len(made) == 1 else f"reading: {count} ({each})")

    for api in apis.values():
        api.on_read = tell
    try:
        yield
    finally:
        for api in apis.values():
            api.on_read = lambda: None
