"""Vault's kinds pass the one suite, on a real OpenBao and on the sandbox."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from reconciler.conformance import Place, Trial, in_sandbox, read_all, together, trials
from reconciler.secret import Secret
from reconciler.vendors.vault import VENDOR, VaultSettings
from tests.vault.conftest import ROOT
from tests.vault.desk import Place as Door

CASES = read_all(Path(__file__).parents[1] / "cases" / "vault")


@pytest.mark.parametrize("trial", together(trials(CASES)), ids=str)
def test_a_kind_keeps_its_promises_on_a_real_server(trial: Trial, bao: Door) -> None:
    """Each promise of the contract holds for each kind on an OpenBao, in a namespace of its own."""
    settings = VaultSettings(address=bao.url, namespace=bao.namespace, token=Secret(ROOT))
    trial.run(Place(VENDOR, settings, httpx.HTTPTransport))


@pytest.mark.parametrize("trial", trials(CASES), ids=str)
def test_a_kind_keeps_its_promises_in_the_sandbox(trial: Trial) -> None:
    """The imitation is good enough for the same promises."""
    trial.run(in_sandbox(VENDOR))
