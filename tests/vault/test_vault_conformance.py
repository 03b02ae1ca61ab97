"""Vault's kinds pass the one suite on a real OpenBao; tests/test_conformance.py has all of it in the sandbox.

Here each kind lives one whole life: its first example is made, changed by every other patch and back, removed, made again.
With CONFORMANCE=whole (`make faults`) every trial of every example runs here too, what somebody edits by hand among them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from zlib import crc32

import httpx
import pytest

from reconciler.conformance import Place, Trial, read_all, together, trials
from reconciler.secret import Secret
from reconciler.vendors.vault import VENDOR, VaultSettings
from tests.postgres import NAME
from tests.referee import judge
from tests.vault.conftest import ROOT
from tests.vault.desk import Place as Door
from tests.vault.habits import HABITS

CASES = read_all(Path(__file__).parents[1] / "cases" / "vault")
SEED = int(os.environ.get("SEED", "1"))
LIFE = frozenset({"patches", "removed"})


def chosen() -> list[Trial]:
    """The trials that run on the real server."""
    every = trials(CASES)
    if os.environ.get("CONFORMANCE") == "whole":
        return list(together(every))
    first = [one for one in every if one.example == next(iter(one.case.said.examples))]
    return [one for one in together([one for one in first if not spared(one) and drawn(one)]) if one.name in LIFE]


def drawn(trial: Trial) -> bool:
    """Of the changes every other one, by seed: `make faults` makes all of them here, and every run all in the sandbox."""
    return trial.change is None or crc32(f"{SEED} {trial}".encode()) % 2 == 0


def spared(trial: Trial) -> bool:
    """Edits by hand, and what all roles of logins share, which approle's life shows."""
    paths = trial.change.paths if trial.change is not None else ()
    shared = bool(paths) and all(path.startswith("token_") for path in paths)
    return trial.name.startswith("by-hand-") or (shared and trial.case.kind.name != "vault.approle_role")


class Renamed(httpx.HTTPTransport):
    """A way to the server on which a name in the manifests stands for another one."""

    def __init__(self, name: str, real: str) -> None:
        super().__init__()
        self.name, self.real = name.encode(), real.encode()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read().replace(self.name, self.real)
        headers = [(key, value) for key, value in request.headers.multi_items() if key != "content-length"]
        sent = httpx.Request(request.method, request.url, headers=headers, content=body or None)
        with closing(super().handle_request(sent)) as response:
            answer = response.read().replace(self.real, self.name)
        return httpx.Response(response.status_code, headers={"content-type": "application/json"}, content=answer)


@pytest.fixture
def place(request: pytest.FixtureRequest, trial: Trial) -> Iterator[Place]:
    """A namespace of the server that a trial needs: with a database behind it, or one that makes audit devices."""
    if trial.case.kind.name == "vault.audit_device":
        url = request.getfixturevalue("audited")
        yield Place(VENDOR, VaultSettings(address=url, token=Secret(ROOT)), httpx.HTTPTransport)
        door = Door(url, ROOT)
        for path in door.ask("GET", "sys/audit"):
            door.ask("DELETE", f"sys/audit/{path}")
        return
    way: Callable[[], httpx.BaseTransport] = httpx.HTTPTransport
    if trial.case.kind.name.startswith("vault.database_"):
        port = request.getfixturevalue("database").port
        way = partial(Renamed, NAME, f"127.0.0.1:{port}")
    bao: Door = request.getfixturevalue("bao")
    yield Place(VENDOR, VaultSettings(address=bao.url, namespace=bao.namespace, token=Secret(ROOT)), way)


@pytest.mark.parametrize("trial", chosen(), ids=str)
def test_a_kind_keeps_its_promises_on_a_real_server(trial: Trial, place: Place) -> None:
    """Each promise of the contract holds for each kind on an OpenBao, and all that is sent is as Vault describes it."""
    trial.run(place)
    assert not judge("vault.json", HABITS, place.exchanges)
