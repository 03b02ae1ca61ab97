"""A replace that a crash leaves half done and a person then calls off: nothing is doubled, nothing stays behind."""

from __future__ import annotations

import pytest

from reconciler.contract import Replace
from tests.cloud import Offer
from tests.world import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_object_that_was_about_to_go_stays_when_it_is_wanted_again(shop: Shop) -> None:
    """The new key was made and its old one not removed yet; back to the old label, the old key stays and the new one goes."""
    old = {"project": {"p": {}}, "key": {"k": {"label": "old", "project": {"ref": "p"}}}}
    new = {"project": {"p": {}}, "key": {"k": {"label": "new", "project": {"ref": "p"}, "scope": "write"}}}
    shop.apply(old)
    shop.sent()
    shop.cloud.faults[len(shop.cloud.sent) + 1] = "refuse"
    shop.apply(new)
    assert len(shop.cloud.objects["keys"]) == 2
    shop.sent()
    action = shop.action(shop.plan(old), "key/k")
    assert [note.subject for note in action.notes if note.subject == "left behind"]
    shop.apply(old)
    assert [one["label"] for one in shop.cloud.objects["keys"].values()] == ["old"]
    assert shop.plan(old).empty


def test_what_a_crash_left_behind_lets_go_before_it_goes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old offer still names its default rate: that is cleared first, or the rate could never be archived."""
    monkeypatch.setattr(Offer, "replace", Replace.CREATE_FIRST)

    def stack(id: str, *rates: str) -> dict[str, dict[str, dict[str, object]]]:
        default = {"default_rate": {"ref": rates[0]}} if rates else {}
        return {"offer": {"o": {"id": id, "title": "O", **default}},
                "rate": {name: {"offer": {"ref": "o"}, "amount": 1} for name in rates}}

    shop.apply(stack("a", "r"))
    shop.cloud.faults[len(shop.cloud.sent) + 1] = "refuse"
    shop.apply(stack("b", "r"))
    assert sorted(shop.cloud.objects["offers"]) == ["a", "b"]
    shop.sent()
    report = shop.apply(stack("b"))
    assert all(outcome.result.value == "done" for outcome in report.outcomes), report.outcomes
    assert shop.sent() == ["POST offers/a", "POST rates/rates_2", "DELETE offers/a"]
    assert shop.plan(stack("b")).empty
