"""What ends in a field for secrets is a secret, wherever it came from."""

from __future__ import annotations

from reconciler.contract import shape_of
from reconciler.engine.filling import filled
from reconciler.model import Address, Ref
from reconciler.secret import Secret
from tests.cloud import KeySpec
from tests.world import Shop

PROJECT = Address("cloud.project", "web")


def test_an_output_becomes_a_secret_where_one_is_kept() -> None:
    """The same value stays a plain text in a plain field; what is not known yet stays a reference."""
    fields = {"project": Ref.to(PROJECT), "password": Ref.to(PROJECT), "label": Ref.to(PROJECT, "slug")}
    found = filled(fields, lambda ref: "p1" if ref.output == "id" else ref, shape_of(KeySpec))
    assert found == {"project": "p1", "password": Secret("p1"), "label": Ref.to(PROJECT, "slug")}


def test_it_is_shown_as_a_secret_and_compared_as_one() -> None:
    """Its change reads (secret, changed) in the plan, and a second plan is empty."""
    shop = Shop()
    declared = {"project": {"web": {}}, "key": {"k": {"project": {"ref": "web"}, "password": {"ref": "cloud.project/web"}}}}
    made = shop.plan(declared)
    assert [c.secret for c in shop.action(made, "key/k").changes if c.path == "password"] == [True]
    shop.apply(declared)
    assert shop.cloud.bodies[-1]["password"] == "projects_1"
    assert shop.acts(declared) == {}
