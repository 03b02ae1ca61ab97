"""Vault's kinds pass the one suite on a real OpenBao; tests/test_conformance.py has them in the sandbox."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from reconciler.conformance import Place, Trial, read_all, together, trials
from reconciler.secret import Secret
from reconciler.vendors.vault import VENDOR, VaultSettings
from tests.referee import judge
from tests.vault.conftest import ROOT
from tests.vault.desk import Place as Door
from tests.vault.habits import HABITS

CASES = read_all(Path(__file__).parents[1] / "cases" / "vault")


@pytest.mark.parametrize("trial", together(trials(CASES)), ids=str)
def test_a_kind_keeps_its_promises_on_a_real_server(trial: Trial, bao: Door) -> None:
    """Each promise of the contract holds for each kind on an OpenBao, and all that is sent is as Vault describes it."""
    settings = VaultSettings(address=bao.url, namespace=bao.namespace, token=Secret(ROOT))
    place = Place(VENDOR, settings, httpx.HTTPTransport)
    trial.run(place)
    assert not judge("vault.json", HABITS, place.exchanges)
