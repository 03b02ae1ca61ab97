"""A ledger whose key was changed or lost: what nobody can compare is not taken for a change."""

from __future__ import annotations

from pathlib import Path

from reconciler.ledger.prints import Key, legible, prints, same
from tests.faults.stacks import RESEND
from tests.faults.town import Town


def test_t12_a_changed_ledger_key_replaces_no_key(tmp_path: Path) -> None:
    """A key's permission can't be read back, and its digest is under a key that is not here: told, and left as it is."""
    town = Town(tmp_path, RESEND)
    town.manifest(RESEND.before)
    assert town.apply().code == 0
    before = town.census()
    for key in ("another key of more than thirty-two letters", "a third key of more than thirty-two letters"):
        town.environ["LEDGER_KEY"] = key
        plan = town.run("plan")
        assert plan.code == 0 and "No changes." in plan.out and "digests under another ledger.key" in plan.out, plan
    assert town.apply().code == 0
    assert town.census() == before
    assert "another ledger.key" not in town.run("plan").said


def test_t12_a_lost_ledger_key_replaces_no_key(tmp_path: Path) -> None:
    """The same where no key is configured any more."""
    town = Town(tmp_path, RESEND)
    town.manifest(RESEND.before)
    assert town.apply().code == 0
    before = town.census()
    config = tmp_path / "reconciler.yaml"
    config.write_text(config.read_text("utf-8").replace(", key: {env: LEDGER_KEY}", ""), "utf-8")
    plan = town.run("plan")
    assert plan.code == 0 and "No changes." in plan.out and "digests under another ledger.key" in plan.out, plan
    assert town.apply().code == 0 and town.census() == before


def test_a_digest_says_which_key_it_is_under() -> None:
    """Another value under a known key, and any value under an unknown one, are two things; earlier digests name no key."""
    old, new = Key.of("correct horse"), Key.of("battery staple")
    print = prints({"a": "x"}, old, "s")["a"]
    assert legible(old)(print) and legible(Key.of("battery staple", ("correct horse",)))(print)
    assert not legible(new)(print) and not legible(None)(print)
    bare = "hmac:" + print.rpartition(":")[2]
    assert legible(new)(bare) and not legible(None)(bare) and same(bare, "x", old, "s") and not same(bare, "x", new, "s")
    assert all(legible(None)(one) for one in prints({"a": "x"}, None, "s").values())
