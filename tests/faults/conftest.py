"""A project over a Stripe account that is served here, and a vendor that does something to its client at a chosen moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import CONFIG, Account, Project, account

SHOP = """stripe.product:
  pro: {id: pro, name: Pro, default_price: {ref: monthly}}
  team: {id: team, name: Team}
stripe.price:
  _defaults: {currency: usd}
  monthly: {product: {ref: pro}, unit_amount: 2900, recurring: {interval: month}}
  yearly: {product: {ref: pro}, unit_amount: 29000, recurring: {interval: year}}
  seats: {product: {ref: team}, unit_amount: 500, recurring: {interval: month}}
"""


@pytest.fixture
def stripe() -> Iterator[Account]:
    """A Stripe account behind a socket."""
    with account("stripe") as found:
        yield found[0]


@pytest.fixture
def shop(tmp_path: Path, stripe: Account) -> Project:
    """A project whose vendor is that account."""
    return Project(tmp_path).write({"reconciler.yaml": CONFIG.format(url=stripe.url)}).manifest(SHOP)
