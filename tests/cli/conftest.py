"""A project without a vendor of its own, and one over a Stripe account that is served here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import CONFIG, PRO, SANDBOX, Account, Project, account


@pytest.fixture
def box(tmp_path: Path) -> Project:
    """A project for --sandbox; its environment is empty."""
    project = Project(tmp_path).write({"reconciler.yaml": SANDBOX}).manifest(PRO)
    project.environ = {}
    return project


@pytest.fixture
def stripe() -> Iterator[Account]:
    """A Stripe account behind a socket."""
    with account("stripe") as found:
        yield found[0]


@pytest.fixture
def shop(tmp_path: Path, stripe: Account) -> Project:
    """A project whose vendor is that account."""
    return Project(tmp_path).write({"reconciler.yaml": CONFIG.format(url=stripe.url)}).manifest(PRO)
