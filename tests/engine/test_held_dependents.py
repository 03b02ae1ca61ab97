"""What waits for something that is blocked is not done either, whatever the blocked action would have been."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from reconciler.model import Action, Note, Op
from tests.cloud import Offer
from tests.world import Shop

BEFORE: dict[str, Any] = {"offer": {"o": {"title": "O"}, "other": {"title": "X"}},
                          "rate": {"r": {"offer": {"ref": "o"}, "amount": 1, "label": "a"},
                                   "s": {"offer": {"ref": "other"}, "amount": 1, "label": "a"}}}
AFTER: dict[str, Any] = {"offer": {"o": {"title": "O 2"}, "other": {"title": "X 2"}},
                         "rate": {"r": {"offer": {"ref": "o"}, "amount": 1, "label": "b"},
                                  "s": {"offer": {"ref": "other"}, "amount": 1, "label": "b"}}}


def refused(kind: Offer, action: Action, scene: Any) -> Iterable[Note]:
    """No update of `o` without a consent by address."""
    if action.op is Op.UPDATE and action.address.name == "o":
        yield Note("it must not change", refuse=True)


def test_dependents_of_a_blocked_update_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate of the refused offer is held back with its name, the other offer and its rate are done."""
    shop = Shop()
    shop.apply(BEFORE)
    shop.sent()
    monkeypatch.setattr(Offer, "review", refused)
    made = shop.plan(AFTER)
    assert shop.action(made, "rate/r").blocked == "needs cloud.offer/o, which is blocked"
    shop.run(made)
    assert [sent.partition("_")[0] for sent in sorted(shop.sent())] == ["POST offers/other", "POST rates/rates"]
    shop.apply(AFTER, allow=["irreversible:cloud.offer/o"])
    assert shop.plan(AFTER).empty
