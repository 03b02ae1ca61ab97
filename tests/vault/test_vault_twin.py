"""The sandbox is a twin of the real server: random histories of requests get the same answers from both."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from tests.vault.conftest import sandbox
from tests.vault.desk import Place
from tests.vault.twins import Histories, Teller, same

SEED, TWINS = int(os.environ.get("SEED", "1")), int(os.environ.get("TWINS", "5"))


@pytest.mark.parametrize("seed", range(SEED, SEED + TWINS))
def test_a_history_has_the_same_answers_in_both_places(bao: Place, seed: int) -> None:
    """Status, body and words, but for what is minted; whatever the token that asks."""
    told: list[str] = []
    with closing(Teller(bao)) as real, closing(Teller(sandbox(bao.namespace))) as twin:
        for step in Histories(seed).steps(250):
            there, here = real.tell(step), twin.tell(step)
            told.append(f"{step} -> {there[0]}")
            assert same(step, there, here), f"SEED={seed} TWINS=1 replays it:\n" + "\n".join(told[-25:])
