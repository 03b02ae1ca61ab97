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
def test_f01_a_killed_apply_doubles_and_loses_nothing(request: pytest.FixtureRequest, row: Row, quick: Path, store: str,
                                                      chunk: int) -> None:
    """SIGKILL at requests and ledger writes, recovery killed too, 15 % network faults: two clean runs end empty."""
    killed = 0
    opener = STORES[store].opener(request)
    for one in row.trials(*STORES[store].crashes, chunk, CHUNKS):
        ledgers = quick / str(one.seed)
        ledgers.mkdir()
        died, found = trial(ledgers, one.seed, opener)
        killed += died
        assert not found, f"{one}: {found}"
    assert killed > 0 or len(row.seeds) < 5
