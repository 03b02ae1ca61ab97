"""F13 and F14: several processes want one stack at once, some of them frozen half-way; their writes never overlap."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from reconciler.sandbox.serve import Server
from tests.faults.crash import CRASHED, SHARE, Kill, World
from tests.faults.test_crashes import SEED

TRIALS = int(os.environ.get("TRIALS", "30"))

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({}) as running:
        yield running


def at_once(world: World, manifest: object, size: int) -> list[int]:
    """The exit codes of so many processes that begin at one moment."""
    gate, go = os.pipe()
    pids = []
    for _ in range(size):
        world.moment += 1
        pids.append(world.start(manifest, Kill(), SHARE, gate))
    os.write(go, b"x" * size)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    os.close(gate)
    os.close(go)
    return codes


def test_of_a_crowd_one_writes_at_a_time(server: Server, tmp_path: Path) -> None:
    """Two to eight begin together, in bad weather: one gets the stack, the others are told, and nothing is doubled."""
    told = 0
    for n in range(TRIALS):
        rng = random.Random(f"{SEED} crowd {n}")
        folder = tmp_path / str(n)
        folder.mkdir()
        world = World(server, folder, SEED + n)
        want = world.side.manifest(rng)
        codes = at_once(world, want, rng.randint(2, 8))
        assert CRASHED not in codes
        assert any(code != 7 for code in codes), f"SEED={SEED} crowd {n}: {codes}"
        told += codes.count(7)
        turns = [run for run, _ in groupby(world.death.writers)]
        assert len(turns) == len(set(turns)), f"SEED={SEED} crowd {n}: writes of several runs overlap: {turns}"
        for _ in range(2):
            world.run(want, Kill(), 0.0)
        found = world.judged(want)
        assert not found, f"SEED={SEED} crowd {n}: {found}"
        world.close()
    assert told > 0 or TRIALS < 10
