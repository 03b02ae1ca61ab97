"""Goals of single parts: G12 ledger, G13 diff, G14 graph."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from statistics import median

from bench.measure import Bench, Row, ratio, seconds

COMMITS = 300
_numbers = count()


def ledger(bench: Bench) -> Iterator[Row]:
    """G12: a durable commit costs the same however much the ledger holds."""
    sizes = (1_000, 10_000)
    turns = bench.turns(*(partial(_ours, bench, size) for size in sizes), partial(_theirs, bench))
    small, large, append = (median(one) for one in turns)
    for size, each in zip(sizes, turns, strict=False):
        yield ratio("G12", f"a change, {size:,} in the ledger", [each, turns[-1]], "fdatasync append", 4, 3)
    yield Row("G12", f"flat: {seconds(small)} -> {seconds(large)} = {large / small:.2f}x", "1,000 -> 10,000 entries",
              large / small, 1.2, 1.1, details={"append": append})


def _ours(bench: Bench, size: int) -> float:
    file = str(bench.work / f"ledger-{next(_numbers)}.db")
    return bench.part("ledger_ours", file, size, COMMITS)["seconds"] / COMMITS


def _theirs(bench: Bench) -> float:
    return bench.part("ledger_theirs", str(bench.work / f"append-{next(_numbers)}"), COMMITS)["seconds"] / COMMITS


def diff(bench: Bench) -> Iterator[Row]:
    """G13: what is the same costs little more than to compare it."""
    found = [bench.part("diff", 10_000) for _ in range(bench.pairs)]
    yield ratio("G13", "diff of 10,000 unchanged prices (CPU)", _both(found), "a loop of a == b", 3, 1.5)


def graph(bench: Bench) -> Iterator[Row]:
    """G14: the order of many entries."""
    n = 10_000 if bench.quick else 100_000
    found = [bench.part("graph", n) for _ in range(bench.pairs)]
    yield ratio("G14", f"order of {n:,} entries, 3 needs each (CPU)", _both(found), "graphlib alone", 2, 1.2)


def _both(found: list[dict[str, float]]) -> list[list[float]]:
    return [[one["ours"] for one in found], [one["theirs"] for one in found]]
