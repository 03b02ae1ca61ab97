"""What an apply wrote is read back where a vendor forgets in silence; what the vendor made by itself is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model import Call, Live, Result, Want
from tests.cloud import Cloud, Memo, Page
from tests.world import Shop


class Proven(Memo):
    """A note at a vendor that may forget what it took; `born` is the note that comes with the vendor."""

    verified = True

    def live(self, body: Any) -> Live:
        return replace(super().live(body), by_vendor=body["title"] == "welcome")

    def born(self, want: Want[Any]) -> bool:
        return want["title"] == "welcome"


class Long(Page):
    """A page whose create can't carry a title of more than five letters."""

    def create(self, want: Want[Any]) -> Call:
        call = super().create(want)
        return replace(call, body={**call.body, "html": call.body["html"][:5]})

    def owed(self, want: Want[Any]) -> Iterable[str]:
        yield from super().owed(want)
        if len(want["html"]) > 5:
            yield "html"


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.kinds = {**made.kinds, "cloud.note": Proven(made.cloud, "cloud"), "cloud.page": Long(made.cloud, "cloud")}  # type: ignore[arg-type]
    return made


def forget(cloud: Cloud) -> None:
    """The vendor drops every text without a word."""
    for note in cloud.objects.get("notes", {}).values():
        note.pop("text", None)


def test_what_the_answer_does_not_show_is_an_error(shop: Shop) -> None:
    """A create that was taken and not kept fails, and the object is known as ours all the same."""
    whole = shop.cloud._do
    shop.cloud._do = lambda *args: {k: v for k, v in whole(*args).items() if k != "text"}  # type: ignore[method-assign]
    shop.cloud.watch.append(forget)
    report = shop.apply({"note": {"a": {"text": "x"}}})
    assert [(o.result, o.error) for o in report.outcomes] == [
        (Result.FAILED, "the vendor took it without a word and does not show it: text")]
    assert shop.acts({"note": {"a": {"text": "x"}}}) == {"note/a": "update"}
    report = shop.apply({"note": {"a": {"text": "x"}}})
    assert [o.result for o in report.outcomes] == [Result.FAILED]
    shop.cloud.watch.clear()
    del shop.cloud._do  # type: ignore[method-assign]
    assert [o.result for o in shop.apply({"note": {"a": {"text": "x"}}}).outcomes] == [Result.DONE]
    assert shop.acts({"note": {"a": {"text": "x"}}}) == {}
    assert len(shop.cloud.objects["notes"]) == 1


def test_what_the_vendor_made_meanwhile_is_taken(shop: Shop) -> None:
    """A create of what comes with its parent looks first, and changes what it finds instead of making another."""
    made = shop.plan({"note": {"welcome": {"text": "x"}}})
    shop.cloud.objects["notes"] = {"n1": {"id": "n1", "title": "welcome", "text": ""}}
    assert [o.id for o in shop.run(made).outcomes] == ["n1"]
    assert shop.sent() == ["POST notes/n1"]
    assert shop.acts({"note": {"welcome": {"text": "x"}}}) == {}


def test_a_create_may_owe_more_than_its_later_fields(shop: Shop) -> None:
    """What a create carries only in part is brought by an update right after it."""
    shop.apply({"page": {"a": {"html": "long text"}}})
    assert shop.sent() == ["POST pages", "POST pages/pages_1"]
    assert shop.cloud.objects["pages"]["pages_1"]["html"] == "long text"
