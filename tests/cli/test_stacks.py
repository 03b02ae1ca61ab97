"""Stacks, overlays, connections and names: one project, several worlds."""

from __future__ import annotations

from tests.cli.project import CONFIG, KEY, PRO, SANDBOX, Account, Project, account

STACKS = """project: shop
vendors: {stripe: {}, stripe_eu: {use: stripe}}
vars: {name: Pro, amount: 2900}
stacks:
  staging: {vars: {name: Pro (staging)}, vendors: {stripe_eu: null}}
  production: {}
"""
TEXT = """stripe.product:
  pro: {id: pro, name: {var: name}}
stripe.price:
  monthly: {product: {ref: pro}, currency: usd, unit_amount: {var: amount}}
stripe_eu.product:
  pro: {id: pro, name: Pro EU}
"""


def plan(project: Project, stack: str) -> dict[str, str]:
    done = project.run("plan", "--sandbox", "--format", "json", "-s", stack)
    return {a["address"]: a["op"] for a in done.json()["actions"]}


def test_a_stacks_maps_merge_and_null_leaves_out(box: Project) -> None:
    """A variable of the stack goes over the project's, the others stay; a vendor set to null is left out, and counted."""
    box.write({"reconciler.yaml": STACKS}).manifest(TEXT)
    assert plan(box, "staging") == {"stripe.product/pro": "create", "stripe.price/monthly": "create"}
    assert len(plan(box, "production")) == 3
    done = box.ok("plan", "--sandbox", "-s", "staging")
    assert "Pro (staging)" in done.out
    assert "1 entry of stripe_eu is left out: staging has no stripe_eu." in done.said


def test_stacks_do_not_touch_each_other(box: Project) -> None:
    """Each has a ledger and a sandbox of its own."""
    box.write({"reconciler.yaml": STACKS}).manifest(TEXT).apply("--sandbox", "-s", "staging")
    assert plan(box, "staging") == {}
    assert len(plan(box, "production")) == 3
    assert box.ok("ledger", "list", "--sandbox", "-s", "production").out == ""


def test_an_overlay_changes_and_leaves_out(box: Project) -> None:
    """`overlays/<stack>` lays fields over those of the manifests; `NAME: null` leaves an entry out, and says so."""
    box.write({"reconciler.yaml": STACKS}).manifest(TEXT)
    box.write({"overlays/production/p.yaml": "stripe.price: {monthly: {unit_amount: 9900}}\nstripe_eu.product: {pro: null}\n"})
    done = box.ok("plan", "--sandbox", "-s", "production")
    assert "9900" in done.out
    assert "1 entry is left out by overlays/production/." in done.said
    assert len(plan(box, "production")) == 2
    assert "2900" in box.ok("plan", "--sandbox", "-s", "staging").out


def test_an_overlay_that_matches_no_stack_is_a_finding(box: Project) -> None:
    """A folder for a stack that is not there would be read by nobody."""
    box.write({"reconciler.yaml": STACKS, "overlays/prodution/x.yaml": "{}\n"}).manifest(TEXT)
    done = box.run("validate", "-s", "staging")
    assert done.code == 3
    assert 'did you mean "production"?' in done.err


def test_all_stacks_are_planned_one_after_the_other(box: Project) -> None:
    """`--all-stacks` heads each with its name; what is wrong with one does not hide the others, and its code goes first."""
    box.write({"reconciler.yaml": STACKS}).manifest(TEXT)
    done = box.run("plan", "--sandbox", "--all-stacks", "--detailed-exitcode")
    assert done.code == 2
    assert done.out.index("Stack staging:") < done.out.index("Stack production:")
    box.write({"overlays/staging/x.yaml": "stripe.price: {monthly: {nonsense: 1}}\n"})
    done = box.run("plan", "--sandbox", "--all-stacks", "--detailed-exitcode")
    assert done.code == 3
    assert "Plan: 3 to create" in done.out
    assert box.run("plan", "--sandbox", "--all-stacks", "-s", "staging").code == 64


def test_all_stacks_as_json_are_one_array(box: Project) -> None:
    """One document whatever the number of stacks: the plans in their order; one that can't be made is told and left out."""
    box.write({"reconciler.yaml": STACKS}).manifest(TEXT)
    done = box.ok("plan", "--sandbox", "--all-stacks", "--format", "json")
    assert [(one["stack"], len(one["actions"])) for one in done.json()] == [("staging", 2), ("production", 3)]
    alone = box.run("plan", "--sandbox", "-s", "production", "--format", "json")
    assert done.json()[1] == alone.json()
    box.write({"overlays/staging/x.yaml": "stripe.price: {monthly: {nonsense: 1}}\n"})
    done = box.run("plan", "--sandbox", "--all-stacks", "--format", "json")
    assert (done.code, [one["stack"] for one in done.json()]) == (3, ["production"])
    assert "nonsense" in done.err
    box.write({"overlays/production/x.yaml": "stripe.price: {monthly: {nonsense: 1}}\n"})
    assert box.run("plan", "--sandbox", "--all-stacks", "--format", "json").json() == []


def test_two_accounts_of_one_vendor(box: Project) -> None:
    """The first part of an address is the connection; references stay within it, and each account gets its own objects."""
    with account("us", "eu") as (us, eu):
        config = f"""project: shop
vendors:
  stripe: {{api_key: {{env: US_KEY}}, base_url: "{us.url}", requests_per_second: 5000}}
  stripe_eu: {{use: stripe, api_key: {{env: EU_KEY}}, base_url: "{eu.url}", requests_per_second: 5000}}
"""
        box.environ = {"US_KEY": KEY, "EU_KEY": KEY + "eu"}
        box.write({"reconciler.yaml": config}).manifest(PRO + PRO.replace("stripe.", "stripe_eu.").replace("Pro", "Pro EU"))
        box.apply()
        assert {name: one["name"] for name, one in us.products().items()} == {"pro": "Pro"}
        assert {name: one["name"] for name, one in eu.products().items()} == {"pro": "Pro EU"}
        assert {one.headers["authorization"] for one in us.sandbox.requests} == {f"Bearer {KEY}"}
        assert {one.headers["authorization"] for one in eu.sandbox.requests} == {f"Bearer {KEY}eu"}
        assert box.ops() == {}


def test_a_reference_may_name_another_connection(box: Project) -> None:
    """`{ref: kind/NAME}` reaches across, `{ref: NAME}` does not."""
    two = "project: shop\nvendors: {stripe: {}, stripe_eu: {use: stripe}}\n"
    box.write({"reconciler.yaml": two})
    text = "stripe.product: {pro: {id: pro, name: Pro}}\nstripe_eu.product: {eu: {id: eu, name: Eu, metadata: {of: %s}}}\n"
    box.manifest(text % "{ref: stripe.product/pro, output: id}").apply("--sandbox")
    assert box.ops("--sandbox") == {}
    done = box.manifest(text % "{ref: stripe_eu.product/pro, output: id}").run("validate")
    assert done.code == 3


def test_a_project_and_a_stack_can_be_renamed(shop: Project, stripe: Account) -> None:
    """`formerly` carries ledger and marks over: what was ours stays ours, and the next apply writes the new name on it."""
    shop.apply()
    made = (len(stripe.products()), len(stripe.prices()))
    config = CONFIG.format(url=stripe.url).replace("project: shop", "project: store\nformerly: [shop]")
    shop.write({"reconciler.yaml": config + "stacks: {live: {formerly: [default]}}\n"})
    done = shop.run("plan", "--format", "json")
    assert done.code == 0, done
    assert set(done.ops().values()) == {"move"}
    shop.apply()
    assert (len(stripe.products()), len(stripe.prices())) == made
    assert {one["metadata"]["reconciler_stack"] for one in stripe.products().values()} == {"store/live"}
    shop.write({"reconciler.yaml": config.replace("\nformerly: [shop]", "") + "stacks: {live: {}}\n"})
    assert shop.ops() == {}


def test_a_former_name_is_nobody_elses(box: Project) -> None:
    """A name that another stack has, or had, is a finding: its ledger and its objects would change hands."""
    for stacks in ("{a: {formerly: [b]}, b: {}}", "{a: {formerly: [a]}}", "{a: {formerly: [old]}, b: {formerly: [old]}}"):
        done = box.write({"reconciler.yaml": f"{SANDBOX}stacks: {stacks}\n"}).run("plan", "--sandbox", "-s", "a")
        assert done.code == 3
        assert "formerly: " in done.err
        assert "reconciler.yaml:3:" in done.err


def test_a_rename_without_formerly_is_refused(shop: Project) -> None:
    """Another project's ledger is not taken for ours."""
    shop.apply()
    shop.write({"reconciler.yaml": (shop.dir / "reconciler.yaml").read_text().replace("project: shop", "project: store")})
    done = shop.run("plan")
    assert done.code == 1
    assert "formerly" in done.err


def test_defaults_are_of_one_kind_in_one_file(box: Project) -> None:
    """`_defaults` gives fields to the entries of its kind in its file, and to no others."""
    with_defaults = "stripe.price: {_defaults: {currency: usd}, a: {product: p, unit_amount: 1}}"
    box.write({"reconciler.yaml": SANDBOX, "manifests/a.yaml": with_defaults,
               "manifests/shop.yaml": "stripe.price: {b: {product: p, unit_amount: 1}}"})
    done = box.run("validate")
    assert done.code == 3
    assert "manifests/shop.yaml" in done.err
    assert "manifests/a.yaml" not in done.err
