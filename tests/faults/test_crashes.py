"""F01: whatever dies whenever, in whatever weather, nothing is doubled and nothing is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.crash import trial
from tests.faults.stores import STORES
from tests.faults.tally import Row

CHUNKS = 4

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are needed")


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("store", STORES)
def test_f01_a_killed_apply_doubles_and_loses_nothing(row: Row, quick: Path, store: str, chunk: int) -> None:
    """SIGKILL at requests and ledger writes, recovery killed too, 15 % network faults: two clean runs end empty."""
    killed = 0
    everyday = 200 if store == "sqlite" else 20
    for one in row.trials(everyday, 20_000 if store == "sqlite" else 1_000, chunk, CHUNKS):
        ledgers = quick / str(one.seed)
        ledgers.mkdir()
        died, found = trial(ledgers, one.seed, STORES[store])
        killed += died
        assert not found, f"{one}: {found}"
    assert killed > 0 or len(row.seeds) < 5
