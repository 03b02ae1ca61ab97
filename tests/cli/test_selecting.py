"""Selections: what a run is about; what they leave out is said, and never read as removed."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.project import PRO, SANDBOX, Project

TWO = "project: shop\nvendors: {stripe: {}, stripe_eu: {use: stripe}}\n"
BOTH = PRO + """stripe_eu.product:
  eu: {id: eu, name: EU}
stripe_eu.price:
  monthly: {product: {ref: eu}, currency: eur, unit_amount: 2900}
"""
APART = (PRO.replace("stripe.price:", "  alone: {id: alone, name: Alone}\nstripe.price:")
         + "  other: {product: {ref: alone}, unit_amount: 1}\n")


def test_a_target_takes_its_needs_along(box: Project) -> None:
    """`--target ADDR` plans it and what it refers to, and says how many others it leaves out."""
    box.manifest(APART)
    done = box.ok("plan", "--sandbox", "--target", "stripe.price/monthly")
    assert "Plan: 2 to create" in done.out
    assert "2 entries are left out by the selection, 2 of them with changes." in done.said
    assert box.ops("--sandbox", "--target", "stripe.product/pro") == {"product/pro": "create"}
    assert box.ops("--sandbox", "--target", "stripe.pr*/o*") == {"price/other": "create", "product/alone": "create"}
    assert len(box.ops("--sandbox", "--target", "stripe.price/*", "--target", "stripe.product/*")) == 4


def test_an_exclude_drops_its_dependents(box: Project) -> None:
    """`--exclude ADDR` leaves out what depends on it too."""
    box.manifest(APART)
    assert box.ops("--sandbox", "--exclude", "stripe.product/pro") == {"price/other": "create", "product/alone": "create"}
    assert box.ops("--sandbox", "--exclude", "stripe.price/*") == {
        "product/alone": "create", "product/pro": "create"}


def test_what_is_left_out_is_never_read_as_removed(box: Project) -> None:
    """Targets, excludes and vendors limit what is done, and nothing is deleted for being outside."""
    box.write({"reconciler.yaml": TWO}).manifest(BOTH).apply("--sandbox")
    for words in (["--target", "stripe.product/pro"], ["--exclude", "stripe.product/pro"], ["--vendor", "stripe_eu"]):
        done = box.ok("plan", "--sandbox", "--detailed-exitcode", *words)
        assert "No changes." in done.out
    box.manifest("{}")
    assert box.run("plan", "--sandbox", "--vendor", "stripe").code == 4
    box.manifest(BOTH[BOTH.index("stripe_eu"):])
    assert box.ops("--sandbox", "--vendor", "stripe") == {"price/monthly": "delete", "product/pro": "delete"}
    assert box.ops("--sandbox", "--vendor", "stripe_eu") == {}
    agreed = ("--allow", "irreversible:stripe.price/monthly")  # the product, which is left out, keeps no other price
    assert box.ops("--sandbox", "--target", "stripe.price/monthly", *agreed) == {"price/monthly": "delete"}


COUPON = """stripe.coupon:
  launch: {percent_off: 30.0, duration: once}
stripe.promotion_code:
  launch: {code: LAUNCH, coupon: {ref: launch}}
"""
LOGIN = """vault.auth_method:
  approle: {type: approle}
vault.approle_role:
  api: {mount: {ref: approle}}
"""
SERVICE = """sentry.team:
  web: {name: Web}
sentry.project:
  api: {name: API, teams: [{ref: web}]}
sentry.client_key:
  service: {name: Service, project: {ref: api}}
"""
USED = {"stripe.coupon/launch": (COUPON, "stripe.promotion_code/launch"),
        "vault.auth_method/approle": (LOGIN, "vault.approle_role/api"),
        "sentry.project/api": (SERVICE, "sentry.client_key/service")}
"""An entry that goes with what uses it: its manifest, and the user."""


@pytest.mark.parametrize("used", USED)
def test_nothing_goes_that_an_entry_outside_of_the_selection_still_uses(box: Project, used: str) -> None:
    """Both have left the manifests: the one that is used is blocked while the run leaves its user out, and goes with it."""
    text, user = USED[used]
    vendor = used.partition(".")[0]
    stays = "vault.password_policy: {p: {policy: 'length = 20 rule \"charset\" { charset = \"abc\" }'}}\n"
    box.write({"reconciler.yaml": f"project: shop\nvendors: {{{vendor}: {{}}{', vault: {}' if vendor != 'vault' else ''}}}\n"})
    box.manifest(text + stays).apply("--sandbox")
    box.manifest(stays)
    allow = ["--allow", f"irreversible:{used}", "--sandbox"]
    for words in (["--target", used], ["--exclude", user]):
        done = box.run("plan", *allow, *words)
        assert done.code == 4, done
        assert f"{user} still uses it and is left out of this run" in " ".join(done.out.split())
    assert box.run("plan", *allow).code == 0


def test_what_is_removed_outside_of_the_selection_stays(box: Project) -> None:
    """An apply of a selection leaves a removed entry in the ledger and its object where it is; the whole plan still has it."""
    box.write({"reconciler.yaml": TWO}).manifest(BOTH + "  gone: {product: {ref: eu}, currency: eur, unit_amount: 1}\n")
    box.apply("--sandbox")
    box.manifest(BOTH.replace("name: Pro", "name: Pro 2"))
    before = box.ok("ledger", "list", "--sandbox").out
    for words in (["--target", "stripe.product/pro"], ["--exclude", "stripe_eu.price/gone"], ["--vendor", "stripe"]):
        done = box.run("apply", "--sandbox", "--auto-approve", *words)
        assert done.code == 0, done
        assert "left out by the selection" in done.said
        assert box.ok("ledger", "list", "--sandbox").out == before
    assert box.ops("--sandbox") == {"price/gone": "delete"}


FAR = """stripe.product:
  pro: {id: pro, name: Pro}
stripe_eu.product:
  pro: {id: pro, name: Pro EU}
stripe_eu.price:
  monthly: {product: {ref: stripe.product/pro}, currency: eur, unit_amount: 2900}
posthog.cohort:
  buyers:
    description: {ref: stripe_eu.price/monthly, output: id}
    filters: {properties: {type: OR, values: [{type: AND, values: [{type: person, key: plan, value: pro}]}]}}
vault.policy:
  api: {rules: 'path "kv/data/app/*" { capabilities = ["read"] }'}
"""


def test_what_an_entry_needs_at_other_vendors_is_looked_up(box: Project) -> None:
    """`--vendor V` reads what its entries refer to, however far that leads: nothing looks changed for not having been read."""
    vendors = "{stripe: {}, stripe_eu: {use: stripe}, posthog: {}, vault: {}}"
    box.write({"reconciler.yaml": f"project: shop\nvendors: {vendors}\n"}).manifest(FAR).apply("--sandbox")
    for vendor, apart in (("posthog", "1 entry of vault is"), ("stripe_eu", "2 entries of posthog, vault are"),
                          ("vault", "4 entries of posthog, stripe, stripe_eu are")):
        done = box.ok("plan", "--sandbox", "--vendor", vendor, "--detailed-exitcode")
        assert "No changes." in done.out
        assert f"{apart} left out by the selection, and not read." in done.said


def test_nothing_goes_that_an_entry_of_another_vendor_still_uses(box: Project) -> None:
    """Under `--vendor V` the ledger knows what the other vendors' objects point at, though nobody reads them."""
    box.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}, posthog: {}}\n"})
    text = FAR.replace("stripe_eu.price/monthly", "stripe.product/pro")
    box.manifest(text[:text.index("stripe_eu")] + text[text.index("posthog"):text.index("vault")]).apply("--sandbox")
    box.manifest("stripe.product: {other: {name: Other}}\n")
    done = box.run("plan", "--sandbox", "--vendor", "stripe", "--format", "json")
    assert (done.code, done.ops()) == (4, {"product/pro": "blocked", "product/other": "create"})
    assert "posthog.cohort/buyers still uses it and is left out of this run" in done.out
    assert box.ops("--sandbox") == {"product/pro": "delete", "product/other": "create", "cohort/buyers": "delete"}


def test_one_vendor_needs_no_credential_of_another(shop: Project) -> None:
    """`--vendor V` opens that connection and those its entries refer to, and no other."""
    config = (shop.dir / "reconciler.yaml").read_text() + "  stripe_eu: {use: stripe, api_key: {env: NOT_SET}}\n"
    shop.write({"reconciler.yaml": config}).manifest(BOTH)
    assert shop.run("plan").code == 3
    assert shop.ops("--vendor", "stripe") == {"product/pro": "create", "price/monthly": "create"}


def test_changed_since_takes_what_differs_from_the_merge_base(box: Project) -> None:
    """Entries whose resolved value differs, removed ones included, with their dependents; the rest is left out."""
    box.write({"reconciler.yaml": SANDBOX + "vars: {name: Pro}\n"})
    text = APART.replace("name: Pro}", "name: {var: name}}") + "  gone: {product: {ref: alone}, unit_amount: 2}\n"
    box.manifest(text).git("init", "-q")
    box.commit("base")
    assert box.ops("--sandbox", "--changed-since", "HEAD") == {}
    box.apply("--sandbox")
    box.git("checkout", "-qb", "feature")
    box.write({"reconciler.yaml": SANDBOX + "vars: {name: Pro 2}\n"})
    text = text.replace("  gone: {product: {ref: alone}, unit_amount: 2}\n", "")
    box.manifest(text.replace("unit_amount: 1}", "'unit_amount': +1}"))
    box.commit("a variable, a removal, and the same value written otherwise")
    assert box.ops("--sandbox", "--changed-since", "main") == {"product/pro": "update", "price/gone": "delete"}
    done = box.ok("plan", "--sandbox", "--changed-since", "main")
    assert "left out by the selection" in done.said


def test_what_was_removed_before_the_base_is_left_out(box: Project) -> None:
    """An entry that left earlier and is still there is no change of this branch: told as left out, and not removed."""
    box.manifest(APART).git("init", "-q")
    box.apply("--sandbox")
    without = APART.replace("  other: {product: {ref: alone}, unit_amount: 1}\n", "")
    box.manifest(without).commit("removed, and not applied yet")
    box.git("checkout", "-qb", "feature")
    box.manifest(without.replace("name: Pro", "name: Pro 2")).commit("a change")
    assert box.ops("--sandbox", "--changed-since", "main") == {"product/pro": "update"}
    done = box.run("apply", "--sandbox", "--changed-since", "main", "--auto-approve")
    assert (done.code, "2 entries are left out by the selection, 1 of them with changes." in done.out) == (0, True)
    assert "stripe.price/other" in box.ok("ledger", "list", "--sandbox").out
    assert box.ops("--sandbox", "--allow", "irreversible:stripe.price/other") == {"price/other": "delete"}


def test_where_the_earlier_stack_can_not_be_read_everything_counts_as_changed(box: Project) -> None:
    """A base without this project, with broken manifests, or without this stack, hides nothing."""
    box.git("init", "-q")
    box.write({"README": "x"}).git("add", "README")
    box.git("commit", "-qm", "no project yet")
    box.commit("the project")
    assert len(box.ops("--sandbox", "--changed-since", "HEAD~1")) == 2
    box.manifest("stripe.price: {x: {nonsense: 1}}").commit("broken")
    box.manifest(PRO).commit("mended")
    assert len(box.ops("--sandbox", "--changed-since", "HEAD~1")) == 2
    box.write({"reconciler.yaml": SANDBOX + "stacks: {new: {}}\n"}).commit("a new stack")
    assert len(box.ops("--sandbox", "--changed-since", "HEAD~1")) == 2


@pytest.mark.parametrize("ref", ["nowhere", "-x", "HEAD~5", ""])
def test_a_missing_revision_is_64(box: Project, ref: str) -> None:
    """A slip in the revision is no empty plan."""
    box.git("init", "-q")
    box.commit()
    done = box.run("plan", "--sandbox", "--changed-since", ref)
    assert done.code == 64, done


def test_outside_of_a_repository_is_64(box: Project) -> None:
    """Without git there is nothing to differ from."""
    assert box.run("plan", "--sandbox", "--changed-since", "main").code == 64


def test_a_shallow_clone_is_64(box: Project) -> None:
    """A clone without its history can't tell the merge base."""
    box.git("init", "-q")
    box.commit("one")
    box.write({"x": "2"}).commit("two")
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{box.dir}", str(box.dir / "clone")], check=True,
                   capture_output=True)
    clone = Project(box.dir / "clone")
    for ref in ("HEAD", "HEAD~1"):
        done = clone.run("plan", "--sandbox", "--changed-since", ref)
        assert done.code == 64, done
        assert "shallow" in done.err
        assert "fetch-depth: 0" in done.err


def test_links_in_an_earlier_revision_lead_nowhere(box: Project) -> None:
    """A symbolic link out of the project in an old commit is not followed, and no reason to stop."""
    (box.dir / "manifests" / "out.yaml").symlink_to("/etc/hostname")
    (box.dir / "abs").symlink_to("/etc")
    box.git("init", "-q")
    box.commit("links")
    (box.dir / "manifests" / "out.yaml").unlink()
    box.commit("no link")
    assert box.run("plan", "--sandbox", "--changed-since", "HEAD~1").code == 0
