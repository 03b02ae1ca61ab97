"""What is going on right now, on stderr: a moving line on a terminal, few and quiet lines elsewhere."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from reconciler.clock import Clock
from reconciler.model import Address
from reconciler.output.escape import cut, safe

EVERY = 10.0
"""Seconds between two lines that only say what is going on, where nothing can move."""

AT_ONCE = 3
"""How many of the entries under way the moving line names."""


SPINNER = 3
"""Columns that the turning sign takes beside the text, and one that stays free."""


class Event(Protocol):
    """What an apply tells while it runs."""

    @property
    def type(self) -> str:
        """One of the event names of `apply --format json`."""

    @property
    def address(self) -> Address:
        """The entry it is about."""

    @property
    def text(self) -> str:
        """What is done, or why it failed."""

    @property
    def seconds(self) -> float:
        """Since the action began."""


class Room(Protocol):
    """How much of a vendor's rate is left."""

    @property
    def free(self) -> float:
        """The share, 0 to 1."""

    @property
    def wait(self) -> float:
        """Seconds until the next request may go."""


class Progress:
    """Call it with what begins, or hand it an apply's events; threads may.

    `stop()` takes the moving line away, so that something else can be written; the next call brings it back.
    """

    def __init__(self, stream: TextIO, clock: Clock, *, quiet: bool, clean: Callable[[str], str],
                 moving: bool = True) -> None:
        self.stream, self.clock, self.quiet, self.clean = stream, clock, quiet, clean
        self.moving = moving and not quiet and stream.isatty()
        self._status: Any = None
        self._said: float | None = None
        self._under_way: dict[Address, str] = {}
        self._done: Counter[str] = Counter()
        self._every: Mapping[str, int] = {}
        self._room: Callable[[str], Room | None] = lambda connection: None
        self._lock = threading.RLock()  # a signal's handler writes too, maybe in the middle of this

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def __call__(self, text: str) -> None:
        """Say what begins."""
        if self.quiet:
            return
        text = self.clean(safe(text))
        with self._lock:
            if self.moving:
                self._move(text)
            elif self._said is None or self.clock.monotonic() - self._said >= EVERY:
                self._said = self.clock.monotonic()
                self._line(text)

    def begin(self, every: Mapping[str, int], room: Callable[[str], Room | None]) -> None:
        """An apply begins: how many actions each connection has, and how much room its rate has."""
        with self._lock:
            self._every, self._room = {name: every[name] for name in sorted(every)}, room

    def event(self, event: Event) -> None:
        """Take in one event of an apply; what ended is a line of its own, done things only where nothing moves."""
        with self._lock:
            if event.type == "apply_start":
                self._under_way[event.address] = event.text
            elif event.type in ("apply_complete", "apply_errored"):
                did = self._under_way.pop(event.address, "")
                done = event.type == "apply_complete"
                self._done[event.address.connection] += done
                if not self.quiet and not (done and self.moving):
                    self._line(self.clean(safe(_ended(event, did))))
            if self.moving and self._under_way:
                self._move("\n".join(self.clean(safe(line)) for line in self._now().split("\n")))

    def stop(self) -> None:
        """Take the moving line away."""
        with self._lock:
            if self._status is not None:
                self._status.stop()
                self._status = None

    def _now(self) -> str:
        """One line; or one for each connection, where it is known how much each has to do."""
        done = self._done.total()
        if not self._every:
            return f"{done} done, applying {_listed(self._under_way)}"
        wide = max(map(len, self._every))
        lines = [f"{done} of {sum(self._every.values())} done"]
        for name, every in self._every.items():
            here = {address: did for address, did in self._under_way.items() if address.connection == name}
            count = f"{self._done[name]}/{every}"
            line = f"  {name:<{wide}}  {count:>7}  {_pace(self._room(name)):<14}  {_listed(here, 1)}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    def _line(self, text: str) -> None:
        if self._status is not None:
            self._status.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            self.stream.write(text + "\n")
            self.stream.flush()

    def _move(self, text: str) -> None:
        """Bring up the moving lines, or change what they say; rich is loaded for a terminal only."""
        from rich.console import Console
        from rich.text import Text

        if self._status is None:
            console = Console(file=self.stream)
            if not console.is_terminal or console.is_dumb_terminal:
                self.moving = False
                self(text)
                return
            self._status = console.status("")
            self._status.start()
        room = self._status.console.width - SPINNER
        self._status.update(Text("\n".join(cut(line, room) for line in text.split("\n")), no_wrap=True))


def _listed(under_way: Mapping[Address, str], most: int = AT_ONCE) -> str:
    names = [f"{address} ({did})" if did else str(address) for address, did in under_way.items()]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _pace(room: Room | None) -> str:
    """What is left of a rate, in words."""
    if room is None:
        return ""
    return f"waits {room.wait:.0f} s" if room.wait >= 1 else f"rate {room.free:.0%} free"


def _ended(event: Event, did: str) -> str:
    how = f"{did}: " if did else ""
    if event.type == "apply_errored":
        return f"{event.address}: {how}failed after {event.seconds:.1f} s: {event.text}"
    return f"{event.address}: {how}done in {event.seconds:.1f} s"
