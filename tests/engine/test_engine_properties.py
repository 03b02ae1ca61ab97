"""Properties of the engine over random histories of manifests; every failing seed is printed and can be replayed."""

from __future__ import annotations

import random

import pytest

from tests.engine.random_stacks import SEED, TRIALS, Watched, manifest

CHUNKS = 5


def trials(chunk: int, factor: int) -> list[tuple[random.Random, str]]:
    """A chunk's share of the trials: a generator of numbers and the name of each."""
    return [(random.Random(SEED * factor + n), f"SEED={SEED} trial={n}")
            for n in range(chunk * TRIALS // CHUNKS, (chunk + 1) * TRIALS // CHUNKS)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_any_history_ends_in_an_empty_plan(chunk: int) -> None:
    """Whatever was applied before: no write is refused or breaks a reference, only ours goes, the second plan is empty."""
    for rng, name in trials(chunk, 100_003):
        shop = Watched(name)
        for step in range(rng.randint(2, 5)):
            want = manifest(rng)
            shop.stage = f"{name} step={step}"
            report = shop.apply(want)
            failed = [(str(o.address), o.error) for o in report.outcomes if o.result.value != "done"]
            assert not failed and not shop.broken, (shop.stage, failed, shop.broken)
            shop.settled(want, runs=0)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_faults_never_double_or_lose_anything(chunk: int) -> None:
    """Refused, lost and doubtful calls: one object per address, all of ours accounted, two clean runs to an empty plan."""
    for rng, name in trials(chunk, 200_003):
        shop = Watched(name)
        for step in range(rng.randint(2, 4)):
            want = manifest(rng)
            shop.stage = f"{name} step={step}"
            shop.cloud.sent = []
            shop.cloud.faults = {n: rng.choice(["refuse", "reset before", "reset after"])
                                 for n in range(30) if rng.random() < 0.15}
            shop.apply(want)
            shop.cloud.faults = {}
            shop.settled(want, runs=2)
