"""Counts the trials of each row of the fault matrix, whichever test and worker ran them, and prints them as a table.

`SEED=n` begins at another seed, `DEPTH=n` runs n of 20,000 parts of each row's depth instead of its everyday share.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

SEED = int(os.environ.get("SEED", "1"))
DEPTH = int(os.environ.get("DEPTH", "0"))
WHOLE = 20_000
"""What `DEPTH` counts in: the trials of the deepest row."""


@dataclass(slots=True)
class Count:
    """What came of one row: trials that were begun, how many of them ended in a violation, and seconds."""

    trials: int = 0
    violations: int = 0
    seconds: float = 0.0


class Tally:
    """The counts of all rows; each worker has one, and they add up."""

    def __init__(self) -> None:
        self.rows: dict[str, Count] = {}

    def of(self, row: str) -> Count:
        """The count of one row."""
        return self.rows.setdefault(row, Count())

    def add(self, rows: dict[str, list[float]]) -> None:
        """Take in another worker's counts."""
        for row, (trials, violations, seconds) in rows.items():
            count = self.of(row)
            count.trials += int(trials)
            count.violations += int(violations)
            count.seconds += seconds

    def plain(self) -> dict[str, list[float]]:
        """The counts as a worker sends them."""
        return {row: [count.trials, count.violations, count.seconds] for row, count in self.rows.items()}

    def lines(self) -> Iterator[str]:
        """The table, one line a row."""
        for row, count in sorted(self.rows.items()):
            yield f"{row}  {count.trials:7} trials  {count.violations:3} violations  {count.seconds:8.1f} s"


TALLY = Tally()
T = TypeVar("T")


@dataclass(slots=True)
class Trial:
    """One trial: its seed, which replays it alone, and randomness that depends on nothing else."""

    row: str
    seed: int
    rng: random.Random

    def __str__(self) -> str:
        return f"{self.row}: `make faults SEED={self.seed} TRIALS=1` replays it"


@dataclass(slots=True)
class Row:
    """One row of the matrix within one test; a trial that was begun and not ended is a violation."""

    name: str
    open: bool = False
    began: float = 0.0
    seeds: list[int] = field(default_factory=list)

    def trials(self, everyday: int, depth: int, chunk: int = 0, of: int = 1) -> Iterator[Trial]:
        """So many trials, one seed after the other; `chunk` is which of so many parts, for tests that share a row."""
        many = max(math.ceil(depth * DEPTH / WHOLE), 1) if DEPTH else everyday
        for n in range(chunk * many // of, (chunk + 1) * many // of):
            with_seed = Trial(self.name, SEED + n, random.Random(f"{self.name} {SEED + n}"))
            self.begin(with_seed.seed)
            yield with_seed
            self.end()
        print(f"{self.name}: {len(self.seeds)} trials from SEED={SEED}")

    def each(self, cases: Iterable[T]) -> Iterator[T]:
        """Every case, where a row is tried exhaustively."""
        for case in cases:
            self.begin(SEED)
            yield case
            self.end()

    def begin(self, seed: int) -> None:
        """A trial begins."""
        self.open, self.began = True, time.perf_counter()
        self.seeds.append(seed)
        TALLY.of(self.name).trials += 1

    def end(self) -> None:
        """It ended well."""
        self.open = False
        TALLY.of(self.name).seconds += time.perf_counter() - self.began

    def judged(self) -> None:
        """The test is over."""
        if self.open:
            TALLY.of(self.name).violations += 1
            self.end()


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Iterator[Row]:
    """The row that a test's name begins with: `test_f04_…` counts for F04."""
    found = Row(request.node.originalname.removeprefix("test_").partition("_")[0].upper())
    yield found
    found.judged()


def sent_home(config: pytest.Config) -> None:
    """A worker tells what it counted."""
    if hasattr(config, "workeroutput"):
        config.workeroutput["faults"] = TALLY.plain()


def shown(reporter: pytest.TerminalReporter) -> None:
    """The table below a run's results."""
    if TALLY.rows:
        reporter.section("faults")
        for line in TALLY.lines():
            reporter.write_line(line)
