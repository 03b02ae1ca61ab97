"""What a vendor's plan drops without a word, and marks that name a stack and no entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from reconciler.contract import Ask, Mark, Named, RestKind, Spec
from reconciler.engine.plan import plan
from reconciler.model import Call, Fields, Impact, Live, Op, Owner, Unseen, Want
from tests.world import Shop

PREFIX = "ours:"


class SignSpec(Spec):
    title: Named = None
    tags: Annotated[list[str], Mark.UNORDERED] = []


class Sign(RestKind[Any]):
    """A thing with tags, our mark among them; a cheap plan keeps none."""

    name, spec, path, room = "cloud.sign", SignSpec, "signs", True

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        found = [self.live(body) for body in self.api.pages(self.path)]
        bare = frozenset() if any(one.raw.get("tags") for one in found) else frozenset({"tags"})
        return [replace(one, lacks=bare) for one in found]

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        return {"title": body["title"], "tags": [tag for tag in body.get("tags") or () if not tag.startswith(PREFIX)]}

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        return next((Owner(tag.removeprefix(PREFIX), "") for tag in body.get("tags") or () if tag.startswith(PREFIX)), None)

    def mark(self, owner: Owner | None) -> Fields:
        return {} if owner is None else {"tags": [f"{PREFIX}{owner.stack}"]}

    def create(self, want: Want[Any]) -> Call:
        tags = [*(want.get("tags") or ()), *self.mark(want.owner).get("tags", ())]
        return Call("POST", self.path, {**want.fields, "tags": tags})

    def claim(self, live: Live, want: Want[Any]) -> Iterable[Call]:
        if live.owner is None:
            yield Call("POST", self.item(live.id), {"tags": [*live.fields["tags"], *self.mark(want.owner)["tags"]]})


class SignShop(Shop):
    """One stack of signs; `cheap` makes the vendor forget tags, `valid` says whether marks need a seal."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = {"cloud.sign": Sign(self.cloud, "cloud")}  # type: ignore[arg-type]

    def cheapen(self) -> None:
        for one in self.cloud.objects["signs"].values():
            one["tags"] = []

    @property
    def signs(self) -> list[dict[str, Any]]:
        return list(self.cloud.objects["signs"].values())


STACK = {"sign": {"a": {"tags": ["x"]}, "b": {"tags": ["y"]}}}


def test_what_the_vendor_drops_is_told_once_and_is_no_difference() -> None:
    """No object has any tag though all were written with some: one warning, an empty plan."""
    shop = SignShop()
    shop.apply(STACK)
    shop.cheapen()
    made = shop.plan(STACK)
    assert made.empty
    [warning] = made.warnings
    assert warning.startswith("cloud.sign: tags of 2 entries were written, and no object there has any")


def test_a_tag_that_somebody_took_off_one_object_is_drift() -> None:
    """The others still have theirs, so the vendor keeps them."""
    shop = SignShop()
    shop.apply(STACK)
    shop.signs[0]["tags"] = []
    made = shop.plan(STACK)
    assert shop.acts(STACK) == {"sign/a": "update"} and Impact.DRIFT in shop.action(made, "sign/a").impact
    assert made.warnings == ()


def test_a_new_tag_is_tried() -> None:
    """What was never written may be kept: it is written once, and then counts as dropped."""
    shop = SignShop()
    shop.apply(STACK)
    shop.cheapen()
    more = {"sign": {**STACK["sign"], "a": {"tags": ["z"]}}}
    assert shop.acts(more) == {"sign/a": "update"}
    shop.apply(more)
    shop.cheapen()
    assert shop.plan(more).empty


def test_a_mark_without_an_entry_leaves_it_to_the_natural_key() -> None:
    """A create whose answer is lost is found by its key, and nothing is made twice."""
    shop = SignShop()
    shop.cloud.faults[0] = "reset after"
    shop.apply({"sign": {"a": {"tags": ["x"]}}})
    shop.recover()
    assert shop.plan({"sign": {"a": {"tags": ["x"]}}}).empty and len(shop.signs) == 1


def test_a_mark_without_a_seal_proves_nothing() -> None:
    """Under a ledger's key an object that says it is this stack's is nobody's: taken when it is equal, else asked for."""
    shop = SignShop()
    shop.cloud.objects["signs"] = {"s1": {"id": "s1", "title": "a", "tags": ["x", "ours:shop/test"]}}
    for manifest, op in (({"a": {"tags": ["x"]}}, Op.ADOPT), ({"a": {"tags": ["other"]}}, Op.BLOCKED)):
        made = _planned(shop, {"sign": manifest})
        assert [action.op for action in made.actions] == [op]
    shop.signs[0]["tags"] = ["x", "ours:shop/other"]
    assert "belongs to shop/other" in str(_planned(shop, {"sign": {"a": {"tags": ["x"]}}}).actions[0].blocked)


def test_an_object_that_another_stack_tagged_is_let_go() -> None:
    """Its entry is forgotten, and nothing is deleted, seal or no seal."""
    shop = SignShop()
    shop.apply(STACK)
    shop.signs[0]["tags"] = ["x", "ours:shop/other"]
    made = _planned(shop, {"sign": {"b": {"tags": ["y"]}}})
    assert shop.action(made, "sign/a").op is Op.FORGET


def _planned(shop: SignShop, manifest: Mapping[str, Any]) -> Any:
    return plan(replace(shop.world(manifest), valid=lambda owner: bool(owner.seal)))
