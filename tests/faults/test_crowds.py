"""F13: several processes want one stack at once; their writes never overlap."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from tests.faults.crash import SHARE, Kill, World
from tests.faults.line import CRASHED
from tests.faults.stores import STORES
from tests.faults.tally import Row


def at_once(world: World, manifest: object, size: int) -> list[int]:
    """The exit codes of so many processes; none is answered before all are there."""
    pids = [world.start(manifest, Kill(), SHARE) for _ in range(size)]
    world.exchange.serve()
    return [world.exchange.codes[pid] for pid in pids]


@pytest.mark.parametrize("store", STORES)
def test_f13_of_a_crowd_one_writes_at_a_time(request: pytest.FixtureRequest, row: Row, quick: Path, store: str) -> None:
    """Two to eight begin together, in bad weather: one gets the stack, the others are told, and nothing is doubled."""
    told = 0
    opener = STORES[store].opener(request)
    for one in row.trials(*STORES[store].crowds):
        folder = quick / str(one.seed)
        folder.mkdir()
        world = World(folder, one.seed, opener)
        want = world.side.manifest(one.rng)
        codes = at_once(world, want, one.rng.choice([2, 2, 3, 3, 4, 5, 8]))
        assert CRASHED not in codes, one
        assert any(code != 7 for code in codes), f"{one}: {codes}"
        told += codes.count(7)
        turns = [run for run, _ in groupby(world.death.writers)]
        assert len(turns) == len(set(turns)), f"{one}: writes of several runs overlap: {turns}"
        for _ in range(2):
            world.run(want, Kill(), 0.0)
        found = world.judged(want)
        assert not found, f"{one}: {found}"
    assert told > 0 or len(row.seeds) < 10
