"""The plan's file: valid by its schema, without secrets, read back as it was, and refused when a byte of it differs."""

from __future__ import annotations

import json as plain
import random
import string
from collections.abc import Callable
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from reconciler.derive.plan_schema import plan_schema
from reconciler.errors import Stale
from reconciler.model import Address, Change, Fact, Note, Op, Plan
from reconciler.output import json, text
from tests.engine.random_stacks import manifest
from tests.faults.tally import Row
from tests.output.plans import CANARY, act, every_operation, plan, secretive, superseded
from tests.output.test_text import EVIL
from tests.world import Shop


def dumped(made: Plan, *, show_unchanged: bool = False, clean: Callable[[str], str] = str) -> str:
    return json.dump(made, "0.1.0", show_unchanged=show_unchanged, clean=clean)


def resealed(written: str, change: Callable[[dict[str, object]], None]) -> str:
    """A file that was changed and whose checksum was made again."""
    found = plain.loads(written)
    change(found)
    del found["checksum"]
    body = plain.dumps(found)[:-1] + ',\n "checksum": "'
    return body + json.checksum(body) + '"\n}\n'


@pytest.mark.parametrize("show_unchanged", [False, True])
def test_the_file_is_valid_by_its_schema(*, show_unchanged: bool) -> None:
    """Every key that is written is described, and what is described as required is written."""
    validator = Draft202012Validator(plan_schema())
    Draft202012Validator.check_schema(plan_schema())
    for made in (every_operation(), plan(), plan(secretive(), stopped=("no",), unreadable=True)):
        found = plain.loads(dumped(made, show_unchanged=show_unchanged))
        assert [error.message for error in validator.iter_errors(found)] == []


def test_an_action_reads_as_promised() -> None:
    """The keys and values of the documented example."""
    found = plain.loads(dumped(plan(superseded())))
    assert found["format_version"] == "1.0"
    assert found["summary"] == {"create": 0, "update": 0, "replace": 1, "delete": 0, "adopt": 0, "move": 0, "forget": 0,
                                "blocked": 0, "drift": 0, "noop": 0}
    assert found["requests"] == {"read": 9, "write": 6}
    action = found["actions"][0]
    changes = action.pop("changes")
    for key in ("digest", "kept", "notes_about", "facts_about"):
        assert action.pop(key)
    assert action == {
        "op": "replace", "address": "stripe.price/pro_monthly", "id": "price_1N", "impact": ["money"], "effect": "supersede",
        "at": {"file": "manifests/stripe.yaml", "line": 12, "column": 3}, "needs": ["stripe.product/pro"],
        "notes": ["immutable in Stripe", "lookup_key: moves to the new price", "old price: archived"],
        "facts": ["old price: more than 100 subscriptions stay on it"], "blocked": None}
    assert changes == [{"path": "unit_amount", "before": 2900, "after": 3500, "replaces": True, "secret": False,
                                  "drift": False, "unknown": False, "currency": "usd"}]


def test_unchanged_entries_are_in_it_only_when_asked_for_or_when_they_say_something() -> None:
    """They are counted either way."""
    made = every_operation()
    few, all_ = plain.loads(dumped(made)), plain.loads(dumped(made, show_unchanged=True))
    assert [a["address"] for a in few["actions"] if a["op"] == "noop"] == ["resend.domain/sql2.ai", "stripe.product/team"]
    assert (few["summary"]["noop"], all_["summary"]["noop"]) == (314, 314)
    assert len(all_["actions"]) == len(made.actions)
    assert json.load(dumped(made)).plan.count(Op.NOOP) == 314


@pytest.mark.parametrize("width", [80, 110])
def test_a_saved_plan_shows_as_the_plan_itself(width: int) -> None:
    """`show` needs no network, and loses nothing that `plan` said."""
    made = every_operation()
    for unchanged in (False, True):
        kept = json.load(dumped(made, show_unchanged=unchanged)).plan
        assert text.render(kept, show_unchanged=unchanged, color=True, width=width) == \
            text.render(made, show_unchanged=unchanged, color=True, width=width)


def test_what_an_apply_compares_is_read_back() -> None:
    """Project, stack, accounts, consents, and the digests by address."""
    made = replace(every_operation(), accounts={"stripe": "acct_1"}, consents=("irreversible:resend.domain/old.sql2.ai",))
    saved = json.load(dumped(made))
    assert (saved.project, saved.stack, saved.accounts, saved.consents) == \
        (made.project, made.stack, made.accounts, made.consents)
    assert (saved.digest, saved.digests, saved.tool) == (made.digest, made.digests, "0.1.0")
    assert saved.digests[Address("stripe.price", "pro_monthly")].startswith("sha256:")
    assert (saved.plan.summary, saved.plan.serial) == (made.summary, 41)


def test_the_same_plan_gives_the_same_bytes_and_reads_back_the_same() -> None:
    """A file that is read and written again is the same file."""
    written = dumped(every_operation())
    assert written == dumped(every_operation())
    assert json.dump(json.load(written).plan, "0.1.0") == written


def test_no_secret_is_in_it() -> None:
    """Values are words, whether the field is marked or the value itself is a secret; of a secret, that it changed."""
    written = dumped(plan(secretive()))
    assert CANARY not in written
    change = plain.loads(written)["actions"][0]["changes"][0]
    assert (change["before"], change["after"], change["secret"]) == (None, "(secret)", True)


def test_a_secret_that_a_vendor_repeats_is_struck_out_and_the_file_stays_whole() -> None:
    """What others wrote is cleaned before the checksum is made, also where JSON would have quoted it."""
    secret = 'top"secret'
    action = act(Op.UPDATE, "stripe.product/pro", Change("name", f"was {secret}", secret), blocked=f"not {secret}",
                 notes=(Note(secret, subject=secret),), facts=(Fact(secret),), effect=secret)
    written = dumped(plan(action, warnings=(secret,), left_out=(secret,), stopped=(secret,)),
                     clean=lambda one: one.replace(secret, "(secret)"))
    assert 'top\\"secret' not in written
    assert json.load(written).plan.warnings == ("(secret)",)


def test_a_secret_that_stands_in_a_digest_by_chance_spoils_nothing() -> None:
    """What the tool itself made is left alone."""
    made = plan(superseded())
    assert json.load(dumped(made, clean=lambda one: one.replace(made.digest[10:15], "(secret)"))).digest == made.digest


def test_hidden_characters_are_escaped_and_kept() -> None:
    """On a terminal the JSON shows what is in it, and it still reads as the same values."""
    made = plan(act(Op.UPDATE, "stripe.product/pro", Change("name", EVIL, "half \ud83c \U000e0041"), notes=(Note(EVIL),)))
    written = dumped(made)
    assert "\x1b" not in written
    assert "\u202e" not in written
    written.encode()
    change = json.load(written).plan.actions[0].changes[0]
    assert (change.before, change.after) == (EVIL, "half \ud83c \U000e0041")


def test_t10_500_alterations_are_all_refused(row: Row) -> None:
    """Whatever is changed, put in, taken out, doubled or exchanged in a saved plan: exit 5, and nothing else."""
    written = dumped(every_operation())
    for one in row.trials(500, 20_000):
        mutant = written
        while mutant == written:
            mutant = mutated(one.rng, written)
        with pytest.raises(Stale):
            json.load(mutant)


def mutated(rng: random.Random, written: str) -> str:
    here, there = sorted(rng.sample(range(len(written) + 1), 2))
    lines = written.split("\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(9)
    if way == 0:
        return written[:here] + rng.choice(string.printable + "é\u202e\x00") + written[here + 1:]
    if way == 1:
        return written[:here] + rng.choice([" ", "\n", "\r\n", "{}", '"', "0", "\ufeff"]) + written[here:]
    if way == 2:
        return written[:here] + written[there:]
    if way == 3:
        return written[:here]
    if way == 4:
        lines[one], lines[other] = lines[other], lines[one]
        return "\n".join(lines)
    if way == 5:
        lines.insert(one, lines[other])
        return "\n".join(lines)
    if way == 6:
        return written.replace(*rng.choice([("2900", "29"), ("money", "cosmetic"), ("blocked", "update"), ("\n", "\r\n"),
                                            ("false", "true"), ("sha256:3", "sha256:4"), ("1.0", "2.0"), ("[]", '["x"]')]), 1)
    if way == 7:
        return plain.dumps(plain.loads(written), indent=rng.choice([None, 1, 2]))
    return written + rng.choice(["\n", " ", "x", written, "\x00"])


@pytest.mark.parametrize(("written", "said"), [
    ("", "altered"), ("[]", "not a saved plan"), ("{}", "not a saved plan"), ("null", "not a saved plan"),
    ("[" * 100_000, "altered"), ('{"format_version": "1.0", "serial": ' + "9" * 5000 + "}", "altered"),
    ('{"format_version": NaN}', "altered"), ('{"format_version": "1.0", "stack": "a", "stack": "b"}', "'stack' stands twice"),
    ('{"format_version": "2.0"}', "has format '2.0', and this version reads 1.0"),
    ('{"format_version": "0.9"}', "has format '0.9', and this version reads 1.0"), ('{"format_version": 2}', "has format 2"),
])
def test_what_is_no_plan_is_told_so(written: str, said: str) -> None:
    """Any other file is refused in one sentence, with the next step."""
    with pytest.raises(Stale, match=said) as caught:
        json.load(written)
    assert caught.value.next
    assert ("the version that wrote it" in caught.value.next) == ("has format" in said and "2" in written)


@pytest.mark.parametrize("change", [
    lambda found: found.update(actions=None), lambda found: found.update(serial="x"), lambda found: found.pop("summary"),
    lambda found: found["actions"][0].update(op="explode"), lambda found: found["actions"][0].update(address="nowhere"),
    lambda found: found["actions"][0].update(at={"file": "x"}), lambda found: found["actions"][0].update(impact=["fine"]),
    lambda found: found.update(accounts=[]), lambda found: found["actions"].append(3),
    lambda found: found["actions"][0].update(notes_about=[]),
])
def test_a_forged_file_with_a_right_checksum_is_refused(change: Callable[[dict[str, object]], None]) -> None:
    """The checksum is no proof of who wrote it; what does not fit is stale all the same."""
    with pytest.raises(Stale):
        json.load(resealed(dumped(plan(superseded())), change))


def test_an_event_is_one_line() -> None:
    """NDJSON: the type first, values as JSON, no line break and no hidden character in it."""
    line = json.line("apply_errored", address="stripe.price/a", text=EVIL, at=None)
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert line.startswith('{"type": "apply_errored", ')
    assert plain.loads(line) == {"type": "apply_errored", "address": "stripe.price/a", "text": EVIL, "at": None}


def test_plans_of_random_stacks_are_valid_and_lose_nothing() -> None:
    """Whatever the engine plans fits the schema, and looks the same read back, with every width and every entry."""
    validator = Draft202012Validator(plan_schema())
    for trial in range(12):
        rng = random.Random(4711 + trial)
        shop = Shop()
        for step in range(3):
            made = shop.plan(manifest(rng))
            written = dumped(made, show_unchanged=True)
            told = f"seed={4711 + trial} step={step}"
            assert [error.message for error in validator.iter_errors(plain.loads(written))] == [], told
            saved = json.load(written)
            assert json.dump(saved.plan, "0.1.0", show_unchanged=True) == written, told
            for width in (60, 110):
                assert looks(saved.plan, width=width) == looks(made, width=width), told
            shop.run(made)


def looks(made: Plan, *, width: int) -> str:
    return text.render(made, show_unchanged=True, color=True, width=width)
