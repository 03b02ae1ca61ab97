"""Where several entries turn to one new object, who is pointed at goes first."""

from __future__ import annotations

from reconciler.engine.steps import Step, steps
from reconciler.model import Action, Address, Call, Op, Ref
from tests.cloud import Cloud, kinds

OFFER, RATE, NOTE = (Address(f"cloud.{noun}", "a") for noun in ("offer", "rate", "note"))


def test_who_needs_both_waits_until_the_one_has_turned_to_the_other() -> None:
    """An offer's default rate is set before a note that names both is written, and the old rate goes last."""
    acts = kinds(Cloud())
    turn = Call("POST", "offers/a", {"default_rate": Ref.to(RATE)})
    offer = Action(Op.UPDATE, OFFER, link=(turn,))
    rate = Action(Op.REPLACE, RATE, effect="supersede", needs=(OFFER,), make=(Call("POST", "rates", {}),),
                  drop=(Call("POST", "rates/1", {"active": False}),))
    note = Action(Op.UPDATE, NOTE, needs=(OFFER, RATE), make=(Call("POST", "notes/a", {"text": Ref.to(RATE)}),))
    graph = steps([note, rate, offer], acts)
    assert Step(OFFER, "link") in graph[Step(NOTE, "make")]
    assert Step(OFFER, "link") not in graph[Step(RATE, "make")]
    assert {Step(OFFER, "link"), Step(NOTE, "make")} <= graph[Step(RATE, "drop")]


def test_an_order_that_would_go_round_is_let_go() -> None:
    """When the default itself needs the note, there is no order to keep, and still a way to do it all."""
    acts = kinds(Cloud())
    offer = Action(Op.UPDATE, OFFER, link=(Call("POST", "offers/a", {"default_rate": Ref.to(RATE)}),))
    rate = Action(Op.CREATE, RATE, needs=(OFFER, NOTE), make=(Call("POST", "rates", {}),))
    note = Action(Op.UPDATE, NOTE, needs=(OFFER,), make=(Call("POST", "notes/a", {"text": Ref.to(RATE)}),))
    graph = steps([note, rate, offer], acts)
    assert Step(OFFER, "link") not in graph[Step(NOTE, "make")]
