"""What the engine makes of doubt: unknown outcomes, denied and shrunken reads, objects that changed under way."""

from __future__ import annotations

import pytest

from reconciler.errors import Unreadable
from reconciler.model import Live, Result
from tests.engine.entries import PLAN, PROJECT
from tests.world import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize("fault", ["reset before", "reset after"])
def test_an_unknown_create_is_settled_by_reads(shop: Shop, fault: str) -> None:
    """After a reset there is exactly one object, whichever side it fell on."""
    shop.cloud.faults = {0: fault}
    report = shop.apply(PROJECT)
    assert report.outcomes[0].result is Result.UNKNOWN
    shop.apply(PROJECT)
    shop.apply(PROJECT)
    assert len(shop.cloud.objects["projects"]) == 1
    assert shop.acts(PROJECT) == {}


@pytest.mark.parametrize("fault", ["reset before", "reset after"])
def test_an_unknown_create_without_a_mark_is_found_by_its_natural_key(shop: Shop, fault: str) -> None:
    """Where there is no room for a mark the natural key's digest tells."""
    manifest = {"note": {"n": {"text": "t"}}}
    shop.cloud.faults = {0: fault}
    shop.apply(manifest)
    shop.apply(manifest)
    assert len(shop.cloud.objects["notes"]) == 1
    assert shop.acts(manifest) == {}


def test_a_half_done_update_is_not_reported_as_somebodys_edit(shop: Shop) -> None:
    """A pending intent's fields count as ours."""
    shop.apply(PROJECT)
    edited = {"project": {"web": {"title": "New", "metadata": {"team": "y"}}}}
    shop.cloud.faults = {1: "reset before"}
    shop.apply(edited)
    action = shop.action(shop.plan(edited), "project/web")
    assert not any(change.drift for change in action.changes)


def test_a_denied_list_blocks_its_own_addresses_and_their_dependents_only(shop: Shop) -> None:
    """403 is not absence."""
    manifest = {**PROJECT, "note": {"n": {"project": {"ref": "web"}}, "m": {}}}
    shop.cloud.denied = {"projects"}
    assert shop.acts(manifest) == {"project/web": "blocked", "note/n": "blocked", "note/m": "create"}


def test_an_object_changed_during_the_apply_is_not_overwritten(shop: Shop) -> None:
    """The one read before an update tells: stale, this step only."""
    shop.apply(PROJECT)
    made = shop.plan({"project": {"web": {"title": "New", "metadata": {"team": "x"}}}})
    shop.cloud.objects["projects"]["projects_1"]["title"] = "Somebody's"
    report = shop.run(made)
    assert report.outcomes[0].result is Result.STALE
    assert shop.cloud.objects["projects"]["projects_1"]["title"] == "Somebody's"


def test_deletes_over_the_threshold_stop_everything(shop: Shop) -> None:
    """More than 30 % of a vendor's entries, from ten deletes."""
    many = {"note": {f"n{i}": {} for i in range(20)}}
    shop.apply(many)
    made = shop.plan({"note": {f"n{i}": {} for i in range(9)}})
    assert made.stopped and "11 of 20" in made.stopped[0]
    assert shop.plan({}).stopped
    assert not shop.plan({"note": {f"n{i}": {} for i in range(12)}}).stopped


def test_a_shrunken_read_stops_everything(shop: Shop) -> None:
    """A vendor that suddenly shows nothing is not believed."""
    many = {"note": {f"n{i}": {} for i in range(20)}}
    shop.apply(many)
    shop.cloud.objects["notes"] = {}
    assert any("not there" in text for text in shop.plan(many).stopped)


def test_a_failed_look_before_a_write_is_no_doubt(shop: Shop) -> None:
    """What could not even be read was not sent: the step failed, nothing is unknown and no intent stays open."""
    shop.apply(PROJECT)
    edited = {"project": {"web": {"title": "New", "metadata": {"team": "x"}}}}
    made = shop.plan(edited)
    shop.kinds["cloud.project"].get = _unreadable  # type: ignore[method-assign]
    report = shop.run(made)
    assert [outcome.result for outcome in report.outcomes] == [Result.FAILED]
    assert not shop.store.read().intents


def _unreadable(id: str) -> Live:
    raise Unreadable("half an answer")


def test_a_create_whose_answer_shows_nothing_is_not_taken_for_the_object_before_it(shop: Shop) -> None:
    """After a create-first replace both objects have our mark and key: only the one that was not there before is new."""
    shop.apply(PLAN)
    shop.kinds["cloud.rate"].read = lambda answer: None  # type: ignore[method-assign]
    dearer = {**PLAN, "rate": {"month": {"offer": {"ref": "pro"}, "amount": 3500}}}
    shop.apply(dearer)
    assert shop.store.read().entries["cloud.rate/month"].id == "rates_3"
    assert shop.cloud.objects["rates"]["rates_2"]["active"] is False
    shop.apply({**PLAN, "rate": {"month": {"offer": {"ref": "pro"}, "amount": 4500}}})
    assert shop.store.read().entries["cloud.rate/month"].id == "rates_4"


def test_an_unmarked_object_is_not_what_a_marked_create_made(shop: Shop) -> None:
    """Between a lost create and its recovery a person made one of the same id: it stays theirs."""
    shop.cloud.faults = {0: "reset before"}
    shop.apply({"offer": {"pro": {"title": "Pro"}}})
    shop.cloud.objects["offers"] = {"pro": {"id": "pro", "title": "Theirs"}}
    assert shop.acts({"offer": {"pro": {"title": "Pro"}}}) == {"offer/pro": "blocked"}
    assert not shop.store.read().entries


def test_an_answer_of_another_shape_is_unreadable_and_not_absent(shop: Shop) -> None:
    """An object without its id blocks its kind and nothing else; nothing is created again."""
    manifest = {**PROJECT, "note": {"n": {}}}
    shop.apply(manifest)
    shop.cloud.objects["projects"]["odd"] = {"slug": "odd"}
    made = shop.plan({**manifest, "note": {"n": {"text": "b"}}})
    assert shop.ops(made) == {"project/web": "blocked", "note/n": "update"}
    assert made.unreadable


def test_what_points_at_an_unreadable_object_is_not_to_be_replaced(shop: Shop) -> None:
    """Its id is known from the ledger; what asks for more than that waits for it."""
    shop.apply(PLAN)
    shop.cloud.objects["offers"]["odd"] = {"title": "without an id"}
    assert shop.ops(shop.plan(PLAN)) == {"offer/pro": "blocked", "rate/month": "noop"}
    dearer = {**PLAN, "rate": {"month": {"offer": {"ref": "pro"}, "amount": 3500}}}
    action = shop.action(shop.plan(dearer), "rate/month")
    assert action.blocked == "needs cloud.offer/pro, which is blocked"
    assert [change.path for change in action.changes] == ["amount"]


def test_an_interrupted_step_sends_no_further_call(shop: Shop) -> None:
    """What is under way is finished and recorded; the next call of the same step is left for the next run."""
    manifest = {"page": {"home": {"html": "<p>", "published": True, "tags": ["a", "b"]}}}
    made = shop.plan(manifest)
    running = shop.applying(made)
    shop.cloud.watch.append(lambda cloud: running.interrupt())
    report = running.do()
    assert shop.sent() == ["POST pages"]
    assert (report.interrupted, [o.result for o in report.outcomes]) == (True, [Result.SKIPPED])
    shop.cloud.watch.clear()
    assert shop.acts(manifest) == {"page/home": "update"}
    shop.apply(manifest)
    assert shop.acts(manifest) == {}


def test_a_listener_that_went_away_ends_the_run_with_its_journal_whole(shop: Shop) -> None:
    """A closed stdout stops the run like Ctrl-C: nothing new is begun, and what was sent is recorded."""
    def deaf(event: object) -> None:
        raise BrokenPipeError

    report = shop.applying(shop.plan({**PROJECT, "note": {"n": {"project": {"ref": "web"}}}}), on_event=deaf).do()
    assert report.interrupted
    assert not shop.store.read().intents
    shop.apply({**PROJECT, "note": {"n": {"project": {"ref": "web"}}}})
    assert {place: len(held) for place, held in shop.cloud.objects.items()} == {"projects": 1, "notes": 1}


def test_an_id_is_taken_within_its_own_kind_only(shop: Shop) -> None:
    """Vendors number each collection from 1, or go by names: another kind's object of the same id hides nothing."""
    shop.apply(PROJECT)
    shop.sent()
    shop.cloud.faults = {0: "reset after"}
    manifest = {**PROJECT, "note": {"n": {}}}
    shop.apply(manifest)
    shop.cloud.objects["notes"] = {"projects_1": {**next(iter(shop.cloud.objects["notes"].values())), "id": "projects_1"}}
    assert shop.acts(manifest) == {}
    assert shop.store.read().entries["cloud.note/n"].id == "projects_1"


def test_what_an_old_object_still_points_at_is_not_removed_before_it(shop: Shop) -> None:
    """A superseded object that could not be dropped yet keeps its target, also when its kind can't be read just now."""
    two = {"offer": {"pro": {"title": "Pro"}, "team": {"title": "Team"}}}
    shop.apply({**two, "rate": {"month": {"offer": {"ref": "pro"}, "amount": 1}}})
    shop.cloud.faults = {len(shop.cloud.sent) + 1: "refuse"}
    shop.apply({**two, "rate": {"month": {"offer": {"ref": "team"}, "amount": 1}}})
    less = {"offer": {"team": {"title": "Team"}}, "rate": {"month": {"offer": {"ref": "team"}, "amount": 1}}}
    shop.cloud.denied = {"rates"}
    assert shop.acts(less) == {"rate/month": "blocked", "offer/pro": "blocked"}
    shop.cloud.denied = set()
    shop.sent()
    shop.apply(less)
    assert shop.sent() == ["POST rates/rates_3", "DELETE offers/pro"]
    assert shop.acts(less) == {}
    assert shop.store.read().entries["cloud.rate/month"].needs == ("cloud.offer/team",)
