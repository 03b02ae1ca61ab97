"""`drift`: what somebody changed at a vendor, told apart from what the manifests ask, and taken into them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from reconciler.sandbox.store import Response
from tests.cli.project import CONFIG, PRO, Account, Done, Project

NICE = """# What the shop sells.
stripe.product:
  pro:   # everybody's favourite
    id: pro
    name: 'Pro'          # as customers see it
    description: {file: texts/pro.txt}
    statement_descriptor: "SHOP"
    metadata: {tier: pro, team: {var: team}}
    marketing_features:
      # the most wanted first
      - {name: One}
      - name: Two        # new

stripe.price:
  _defaults: {currency: usd, nickname: Shared}
  monthly: {product: {ref: pro}, unit_amount: 2900, recurring: {interval: month}}
  yearly:
    product: {ref: pro}
    unit_amount: 29000
    recurring: {interval: year}
"""
TEAM = "vars: {team: shop}\n"


@pytest.fixture
def nice(shop: Project, stripe: Account) -> Project:
    """The shop with a manifest that somebody cared for, applied."""
    shop.write({"reconciler.yaml": CONFIG.format(url=stripe.url) + TEAM, "manifests/texts/pro.txt": "All of it.\n",
                "manifests/shop.yaml": NICE}).apply()
    return shop


def text(project: Project) -> str:
    return (project.dir / "manifests" / "shop.yaml").read_text("utf-8")


def price(stripe: Account, key: str) -> dict[str, object]:
    found: dict[str, object] = next(one for one in stripe.prices().values() if one["lookup_key"] == key)
    return found


def left(done: Done) -> list[str]:
    return [line.removeprefix("warning: ") for line in done.err.splitlines() if line.startswith("warning: ")]


def test_what_nobody_changed_is_no_drift(nice: Project, stripe: Account) -> None:
    """Exit 0 after an apply, also while the manifests ask for more, and while others have objects of their own."""
    assert nice.ok("drift").out == "No drift. 3 as applied.   Requests: 2 read, 0 write.\n"
    stripe.products()["theirs"] = {**stripe.products()["pro"], "id": "theirs", "metadata": {}}
    nice.manifest(NICE.replace("'Pro'", "'Pro 2'").replace("2900", "3500").replace("name: One", "name: First"))
    done = nice.ok("drift", "--format", "json")
    assert done.json()["drifted"] == []
    assert done.json()["summary"]["unchanged"] == 3


def test_drift_is_told_apart_from_what_the_manifests_ask(nice: Project, stripe: Account) -> None:
    """The old value where the manifest still says it; `(changed outside)` where the manifest asks for a third one; exit 2."""
    pro = stripe.products()["pro"]
    pro["name"], pro["statement_descriptor"] = "Professional", "SHOP PRO"
    nice.manifest(NICE.replace("'Pro'", "'Pro 2'"))
    done = nice.run("drift")
    assert done.code == 2
    assert done.out.split()[:4] == ["stripe.product/pro", "~", "changed", "manifests/shop.yaml:3:3"]
    assert "    statement_descriptor  SHOP -> SHOP PRO" in done.out
    assert "    name                  (changed outside) -> Professional" in done.out
    assert "Drift: 1 changed, 2 as applied." in done.out
    found = {one["path"]: one for one in nice.run("drift", "--format", "json").json()["drifted"][0]["changes"]}
    assert (found["name"]["was"], found["name"]["now"], found["name"]["said"]) == (None, "Professional", False)
    assert (found["statement_descriptor"]["was"], found["statement_descriptor"]["said"]) == ("SHOP", True)


def test_removed_archived_and_taken_over_are_drift(nice: Project, stripe: Account) -> None:
    """Each is told for what it is; an entry that the manifests have dropped too is none."""
    price(stripe, "monthly")["active"] = False
    stripe.products()["pro"]["metadata"]["reconciler_stack"] = "other/default"
    done = nice.run("drift", "--format", "json")
    assert {one["address"]: (one["what"], one["by"]) for one in done.json()["drifted"]} == {
        "stripe.price/monthly": ("archived", None), "stripe.product/pro": ("taken over", "other/default (stripe.product/pro)")}
    assert done.json()["summary"] == {
        "changed": 0, "removed": 0, "archived": 1, "taken_over": 1, "unreadable": 0, "unchanged": 1}
    wrote = nice.run("drift", "--write", "--quiet")
    assert wrote.code == 2
    gone, taken = left(wrote)
    assert gone == ("manifests/shop.yaml:16:3: stripe.price/monthly: it was archived at the vendor; the entry is left "
                    "(apply brings it back; or remove the entry)")
    assert taken == ("manifests/shop.yaml:3:3: stripe.product/pro: it was taken over by other/default (stripe.product/pro) "
                     "at the vendor; the entry is left (remove the entry, or `reconciler import --take-over`)")
    assert text(nice) == NICE
    nice.manifest(NICE.partition("stripe.price")[0])
    assert "price" not in nice.run("drift").out


def test_a_deleted_object_is_drift(shop: Project, stripe: Account) -> None:
    """It is told as removed, by the vendor's id."""
    shop.manifest("stripe.coupon:\n  launch: {percent_off: 30, duration: once}\n").apply()
    stripe.sandbox.objects["/v1/coupons"].clear()
    done = shop.run("drift")
    assert done.code == 2
    assert "stripe.coupon/launch   - removed" in done.out


def test_what_can_not_be_read_is_no_drift(nice: Project, stripe: Account) -> None:
    """A vendor's refusal is exit 1, and says of which entries nothing is known."""
    refusal = Response(403, {"error": {"type": "invalid_request_error", "message": "This key may not read prices."}})
    stripe.sandbox.faults.append(lambda request, number: refusal if request.path.startswith("/v1/prices") else None)
    done = nice.run("drift", "--format", "json")
    assert done.code == 1
    assert [one["address"] for one in done.json()["unreadable"]] == ["stripe.price/monthly", "stripe.price/yearly"]


def test_live_values_are_taken_in_their_place(nice: Project, stripe: Account) -> None:
    """Comments, quotes, order and layout stay; a text file is written, `_defaults` are not, a variable is left and told."""
    pro = stripe.products()["pro"]
    pro["name"], pro["description"], pro["statement_descriptor"] = "Pro's", "Most of it.\nNot all.\n", None
    pro["metadata"] |= {"tier": "gold", "team": "other"}
    pro["marketing_features"] = [{"name": "Zero"}, {"name": "One"}, {"name": "Two"}]
    price(stripe, "yearly")["nickname"] = "Yearly"
    done = nice.run("drift", "--write", "--quiet")
    assert done.code == 2
    assert "\n".join(left(done)) == (
        "manifests/shop.yaml:8:34: stripe.product/pro: metadata.team: it is a variable of reconciler.yaml, and is left "
        "as it is (change it by hand, or apply)")
    assert text(nice) == (
        NICE.replace("'Pro' ", "'Pro''s' ").replace('"SHOP"', "null").replace("tier: pro", "tier: gold")
        .replace("      - {name: One}", "      - {name: Zero}\n      - {name: One}")
        .replace("interval: year}\n", "interval: year}\n    nickname: Yearly\n"))
    assert (nice.dir / "manifests" / "texts" / "pro.txt").read_text("utf-8") == "Most of it.\nNot all.\n"
    nice.ok("validate")
    assert nice.ops() == {"product/pro": "update"}
    pro["metadata"]["team"] = "shop"
    assert nice.ok("plan").out.startswith("No changes.")
    assert nice.run("drift", "--write").code == 0


def test_an_overlays_value_is_written_there(shop: Project, stripe: Account) -> None:
    """What a stack's overlay says is written into the overlay; what the others read too is told."""
    config = CONFIG.format(url=stripe.url) + "stacks: {staging: {}, production: {}}\n"
    over = "stripe.product:\n  pro:\n    name: Pro (staging)   # to be seen\n"
    shop.write({"reconciler.yaml": config, "overlays/staging/shop.yaml": over}).apply("-s", "staging")
    stripe.products()["pro"]["name"] = "Pro (test)"
    done = shop.ok("drift", "--write", "-s", "staging")
    assert text(shop) == PRO
    assert (shop.dir / "overlays" / "staging" / "shop.yaml").read_text("utf-8") == over.replace("(staging)", "(test)")
    assert "read by" not in done.err
    price(stripe, "monthly")["nickname"] = "M"
    shop.manifest(PRO.replace("unit_amount: 2900", "unit_amount: 2900, nickname: N")).apply("-s", "staging", "--quiet")
    price(stripe, "monthly")["nickname"] = "M"
    done = shop.ok("drift", "--write", "-s", "staging")
    assert left(done) == ["manifests/shop.yaml: read by production too, which is asked for the same from now on"]


def test_a_file_that_two_entries_read_is_left(shop: Project, stripe: Account) -> None:
    """Writing it would ask for the same of the other entry, so it is left and told."""
    same = "description: {file: text.txt}"
    shop.write({"manifests/text.txt": "Same."})
    shop.manifest(f"stripe.product:\n  a: {{id: a, name: A, {same}}}\n  b: {{id: b, name: B, {same}}}\n").apply()
    stripe.products()["a"]["description"] = "Other."
    done = shop.run("drift", "--write")
    assert done.code == 2
    assert "stripe.product/a: description: text.txt is read by stripe.product/b too" in done.err
    assert (shop.dir / "manifests" / "text.txt").read_text("utf-8") == "Same."


def test_a_reference_follows_where_an_entry_has_the_id(shop: Project, stripe: Account) -> None:
    """A link that leads to another declared entry is written as a reference; to anything else it is left."""
    shop.manifest(PRO.replace("name: Pro}", "name: Pro, default_price: {ref: monthly}}")
                  + "  yearly: {product: {ref: pro}, unit_amount: 29000, recurring: {interval: year}}\n").apply()
    stripe.products()["pro"]["default_price"] = price(stripe, "yearly")["id"]
    shop.ok("drift", "--write")
    assert "default_price: {ref: yearly}" in text(shop)
    shop.apply()
    stripe.prices()["price_theirs"] = {**price(stripe, "yearly"), "id": "price_theirs", "lookup_key": None, "metadata": {}}
    stripe.products()["pro"]["default_price"] = "price_theirs"
    done = shop.run("drift", "--write")
    assert done.code == 2
    assert "default_price: it is a reference, and is left as it is" in done.err


def test_what_is_put_together_is_left(nice: Project, stripe: Account) -> None:
    """A format is not taken apart again; a literal map stays one."""
    url = '{format: "https://{x}/pro", with: {x: {var: team}}}'
    nice.manifest(NICE.replace('statement_descriptor: "SHOP"', f"url: {url}")
                  .replace("{tier: pro, team: {var: team}}", "{literal: {file: a}}")).apply("--quiet")
    stripe.products()["pro"]["url"] = "https://other/pro"
    stripe.products()["pro"]["metadata"]["file"] = "b"
    done = nice.run("drift", "--write")
    assert done.code == 2
    assert "url: it is a format, and is left as it is" in done.err
    assert "metadata: {literal: {file: b}}" in text(nice)
    assert url in text(nice)


def test_a_pending_edit_is_not_overwritten(nice: Project, stripe: Account) -> None:
    """Where the manifest asks for a third value since the last apply, it stays as its author left it."""
    stripe.products()["pro"]["name"] = "Professional"
    nice.manifest(edited := NICE.replace("'Pro'", "'Pro 2'"))
    done = nice.run("drift", "--write")
    assert done.code == 2
    assert "name: the manifest asks for another value since the last apply, and is left" in done.err
    assert text(nice) == edited


def test_what_no_manifest_may_say_is_left(nice: Project, stripe: Account) -> None:
    """A live value that would not pass `validate` is told with the reason, and does not keep the others from being written."""
    stripe.products()["pro"]["statement_descriptor"] = "far too long for a descriptor, and <odd>"
    price(stripe, "yearly")["nickname"] = "Yearly"
    done = nice.run("drift", "--write")
    assert done.code == 2
    assert "stripe.product/pro: what is live is no valid manifest: statement_descriptor" in done.err
    assert text(nice) == NICE.replace("interval: year}\n", "interval: year}\n    nickname: Yearly\n")


def test_a_file_that_can_not_be_written_leaves_all(nice: Project, stripe: Account) -> None:
    """All files or none: where one can't be written, the others are as they were."""
    folder = nice.dir / "manifests" / "texts"
    stripe.products()["pro"]["name"] = "Professional"
    stripe.products()["pro"]["description"] = "New."
    folder.joinpath(f".pro.txt.{os.getpid()}.tmp").mkdir()
    done = nice.run("drift", "--write")
    assert done.code == 64
    assert "can't be written" in done.err
    assert text(nice) == NICE
    assert folder.joinpath("pro.txt").read_text("utf-8") == "All of it.\n"


def test_line_ends_and_byte_order_marks_stay(nice: Project, stripe: Account) -> None:
    """A file of another system keeps its own ways."""
    path = nice.dir / "manifests" / "shop.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + NICE.replace("\n", "\r\n").encode())
    stripe.products()["pro"]["name"] = "Professional"
    nice.ok("drift", "--write")
    assert path.read_bytes() == b"\xef\xbb\xbf" + NICE.replace("'Pro'", "'Professional'").replace("\n", "\r\n").encode()


def test_drift_sends_nothing_that_writes(nice: Project, stripe: Account) -> None:
    """Not even `--write` does: it writes files."""
    stripe.products()["pro"]["name"] = "Professional"
    before = len(stripe.written)
    nice.run("drift")
    nice.ok("drift", "--write")
    assert len(stripe.written) == before


def test_a_selection_says_what_it_leaves_out(nice: Project, stripe: Account, tmp_path: Path) -> None:
    """What is excluded is counted, not looked at; `--json-into` writes the report beside the text."""
    stripe.products()["pro"]["name"] = "Professional"
    done = nice.run("drift", "--exclude", "stripe.price/*", "--json-into", str(tmp_path / "drift.json"))
    assert "are left out by the selection" in done.out
    report = json.loads((tmp_path / "drift.json").read_text("utf-8"))
    assert [one["address"] for one in report["drifted"]] == ["stripe.product/pro"]


def test_markdown_is_inert(nice: Project, stripe: Account) -> None:
    """A name that somebody chose at the vendor stands in a fence, whatever it holds."""
    stripe.products()["pro"]["name"] = "```\n@everyone <img src=x>"
    shown = nice.run("drift", "--format", "markdown").out
    assert shown.startswith("## reconciler: drift of `shop` / `default`\n\n````text\n")


def test_markdown_fits_a_comment(nice: Project, stripe: Account) -> None:
    """What has to go is said, and the summary stays."""
    stripe.products()["pro"]["description"] = "\n".join(f"line {n} of what somebody wrote" for n in range(4000))
    shown = nice.run("drift", "--format", "markdown").out
    assert 50_000 < len(shown) <= 60_000
    assert re.search(r"\n\nCut to fit: [\d,]+ of 4,\d+ lines shown\. `reconciler drift` has all\.\n\n```text\n", shown)
    assert re.search(r"\n\nDrift: 1 changed, \d+ as applied\..*\n```\n\Z", shown)


def test_names_from_vendors_give_no_command_to_a_terminal(nice: Project, stripe: Account) -> None:
    """Whoever wrote them: neither what drifted nor what is left."""
    stripe.products()["pro"]["metadata"]["reconciler_stack"] = "other/\x1b]0;owned\x07"
    price(stripe, "yearly")["nickname"] = "\x1b[31mred\u202e"
    done = nice.run("drift", "--write")
    assert done.code == 2
    assert not {"\x1b", "\x07", "\u202e"} & {*done.said}
    assert "nickname" in done.out
    nice.ok("validate")
