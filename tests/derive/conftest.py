"""The kinds as they stand, and a copy of the example project over the sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.contract import registry
from reconciler.contract.kind import Kind
from reconciler.derive import explain
from reconciler.model import Address, Resource
from reconciler.workspace import Options, Workspace

ROOT = Path(__file__).parents[2]


def kind(name: str) -> Kind[Any]:
    """A kind by its name, without a client."""
    vendor = registry.vendor(name.partition(".")[0])
    assert vendor is not None
    found = vendor.kind(name)
    assert found is not None
    return found(None)


class Shop:
    """A small shop: one product, one price, one policy, one feature that nobody manages."""

    MANIFEST = """\
stripe.product:
  pro:
    name: Pro
    default_price: {ref: monthly}
stripe.price:
  _defaults: {currency: usd}
  monthly:
    product: {ref: pro}
    unit_amount: 2900
    recurring: {interval: month}
    nickname: Monthly
"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "manifests").mkdir()
        (folder / "reconciler.yaml").write_text("project: shop\nvendors: {stripe: {mode: test}}\n", "utf-8")
        self.write(self.MANIFEST)

    def write(self, text: str) -> None:
        """The one manifest."""
        (self.folder / "manifests" / "shop.yaml").write_text(text, "utf-8")

    def edit(self, old: str, new: str) -> None:
        """Change what it says."""
        path = self.folder / "manifests" / "shop.yaml"
        assert old in path.read_text("utf-8")
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    @contextmanager
    def open(self, **more: Any) -> Iterator[Workspace]:
        with Workspace(Options(dir=self.folder, sandbox=True, **more), environ={}) as workspace:
            yield workspace

    def apply(self) -> None:
        with self.open() as workspace:
            workspace.apply(workspace.plan(write=True))

    def resources(self) -> tuple[Resource, ...]:
        with self.open() as workspace:
            return workspace.validate()

    def explain(self, address: str, **more: Any) -> str:
        """What `reconciler explain ADDR` prints."""
        with self.open(**more) as workspace:
            plan = workspace.plan()
            action = next(one for one in plan.actions if one.address == Address.parse(address))
            of = workspace.connections.kind(action.address.kind)
            assert of is not None
            return explain.explain_address(action, of, plan)

    def sandboxed(self, do: Callable[[Any], None]) -> None:
        """Do something to Stripe's own objects, as a person in its dashboard would."""
        with self.open() as workspace:
            do(workspace.connections.open("stripe", read_only=False).api)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example project in a folder of its own."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    shutil.copy(ROOT / "reconciler.yaml", tmp_path)
    return tmp_path
