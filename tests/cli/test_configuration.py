"""reconciler.yaml: where it is read from, what it names, and that nothing else decides where a key goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import CONFIG, KEY, SANDBOX, Account, Project, account

CANARY = "canary-7f3a9b"
HOOKED = "stripe.product: {pro: {id: pro, name: Pro, metadata: {x: %s}}}\n"


def test_the_base_branch_says_where_keys_go(shop: Project, stripe: Account) -> None:
    """`--config-from REF`: a pull request that changes base_url sends nothing there."""
    shop.git("init", "-q")
    shop.commit("base")
    shop.git("checkout", "-qb", "feature")
    with account("stripe") as (attacker,):
        shop.write({"reconciler.yaml": CONFIG.format(url=attacker.url)}).commit("mine")
        shop.ok("plan", "--config-from", "main")
        assert attacker.asked == []
    assert stripe.asked


def test_what_is_wrong_in_the_base_is_shown_as_it_stands_there(shop: Project) -> None:
    """A finding in the other revision shows that revision's line, not the one of the working tree."""
    shop.git("init", "-q")
    shop.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {api_keyy: x}}\n"}).commit("base")
    shop.write({"reconciler.yaml": "# something else\n# altogether\n"})
    done = shop.run("plan", "--config-from", "HEAD")
    assert done.code == 3
    assert "2 | vendors: {stripe: {api_keyy: x}}" in done.err


@pytest.mark.parametrize("ref", ["nowhere", "-x", "HEAD:manifests"])
def test_a_revision_that_can_not_be_read_is_64(shop: Project, stripe: Account, ref: str) -> None:
    """Never the working tree's file instead."""
    shop.git("init", "-q")
    shop.commit()
    assert shop.run("plan", "--config-from", ref).code == 64
    assert shop.run("plan", "--all-stacks", "--config-from", ref).code == 64
    assert stripe.asked == []


def test_outside_of_a_repository_there_is_no_revision(shop: Project) -> None:
    """No git, no base branch: 64."""
    assert shop.run("plan", "--config-from", "main").code == 64


def test_unknown_keys_are_findings_with_a_suggestion(shop: Project) -> None:
    """Everywhere: at the top, in a vendor's settings, in a stack."""
    for text, said in (("project: x\nvendor: {}\n", 'did you mean "vendors"?'),
                       ("project: x\nvendors: {stripe: {api_keyy: 1}}\n", 'did you mean "api_key"?'),
                       ("project: x\nlimits: {max_change: 1}\n", 'did you mean "max_changes"?'),
                       ("project: x\nstacks: {a: {var: {}}}\n", 'did you mean "vars"?'),
                       ("project: x\nvendors: {strip: {}}\n", 'did you mean "stripe"?')):
        done = shop.write({"reconciler.yaml": text}).run("validate")
        assert done.code == 3, done
        assert said in done.err


def test_a_version_that_is_not_the_required_one_is_a_finding(box: Project) -> None:
    """`requires:` is checked before anything else is done."""
    box.write({"reconciler.yaml": SANDBOX + 'requires: ">=9"\n'})
    done = box.run("plan", "--sandbox")
    assert done.code == 3
    assert "requires reconciler >=9" in done.err


def test_a_written_down_key_is_a_finding(shop: Project, stripe: Account) -> None:
    """A credential comes from the environment, a file or a store, and never stands in the file."""
    text = CONFIG.format(url=stripe.url).replace("{env: STRIPE_API_KEY}", "sk_test_written")
    done = shop.write({"reconciler.yaml": text}).run("plan")
    assert done.code == 3
    assert "{env: NAME}" in done.err
    assert stripe.asked == []


@pytest.mark.parametrize("bad", ["base_url: ftp://x", "base_url: nonsense", "proxy: nonsense", "ca_bundle: /no/such/file",
                                 "timeout: -1", "connections: 0", "requests_per_second: 0", "max_wait: x"])
def test_settings_that_can_not_work_are_findings(shop: Project, bad: str) -> None:
    """What every connection takes is checked, and never ends in a traceback."""
    text = f"project: shop\nvendors: {{stripe: {{api_key: {{env: STRIPE_API_KEY}}, {bad}}}}}\n"
    done = shop.write({"reconciler.yaml": text}).run("plan")
    assert done.code == 3, done
    assert "reconciler.yaml:2:" in done.err


def test_secrets_come_from_four_places(shop: Project, stripe: Account) -> None:
    """env, file, a program (op) and a vault are read late, used as credentials, and stand in no output."""
    bin = shop.dir / "bin"
    bin.mkdir()
    (bin / "op").write_text(f"#!/bin/sh\n[ \"$1 $2 $3\" = 'read --no-newline op://shop/stripe/key' ] && printf %s {KEY}\n")
    (bin / "op").chmod(0o755)
    (shop.dir / "key").write_text(KEY + "\n")
    shop.environ = {"THE_KEY": KEY, "PATH": f"{bin}:/usr/bin:/bin"}
    for source in ("{env: THE_KEY}", "{file: key}", "{op: 'op://shop/stripe/key'}"):
        text = CONFIG.format(url=stripe.url).replace("{env: STRIPE_API_KEY}", "{secret: key}") + f"secrets: {{key: {source}}}\n"
        done = shop.write({"reconciler.yaml": text}).run("plan", "-v")
        assert done.code == 0, (source, done)
        assert KEY not in done.said
        assert stripe.sandbox.requests[-1].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("source", "said"), [
    ("{env: NOT_SET}", "NOT_SET is not set"), ("{env: EMPTY}", "EMPTY is empty"), ("{file: nowhere}", "nowhere can't be read"),
    ("{op: 'op://a/b/c'}", "`op`"), ("{vault: kv/x, key: y}", "vault"), ("{file: empty}", "is empty")])
def test_a_secret_that_is_not_there_is_a_finding_at_its_place(shop: Project, stripe: Account, source: str, said: str) -> None:
    """Each source has its own words; the place is that of the secret in reconciler.yaml."""
    (shop.dir / "empty").write_text("")
    shop.environ = {"EMPTY": "", "PATH": str(shop.dir)}
    text = CONFIG.format(url=stripe.url).replace("{env: STRIPE_API_KEY}", "{secret: key}") + f"secrets: {{key: {source}}}\n"
    done = shop.write({"reconciler.yaml": text}).run("plan")
    assert done.code == 3, done
    assert said in done.err
    assert "reconciler.yaml:" in done.err
    assert stripe.asked == []


def test_a_secret_fits_only_where_one_belongs(box: Project) -> None:
    """In metadata, a name or a format a secret is a finding."""
    box.write({"reconciler.yaml": SANDBOX + "secrets: {s: {env: S}}\n"})
    for value in ("{secret: s}", "{format: 'a{x}', with: {x: {secret: s}}}"):
        assert box.manifest(HOOKED % value).run("validate").code == 3


def test_manifests_read_no_environment_and_no_file_outside(box: Project, tmp_path: Path) -> None:
    """Only reconciler.yaml names variables of the environment; `{file}` stays below manifests/."""
    (box.dir / "secret.txt").write_text(CANARY)
    for value in ("{env: HOME}", "{file: ../secret.txt}", "{file: /etc/hostname}", "{var: HOME}"):
        done = box.manifest(HOOKED % value).run("validate", environ={"HOME": CANARY})
        assert done.code == 3, done
        assert CANARY not in done.said
    (box.dir / "manifests" / "link.txt").symlink_to(box.dir / "secret.txt")
    done = box.manifest(HOOKED % "{file: link.txt}").run("validate")
    assert (done.code, CANARY in done.said) == (3, False)


def test_the_sandbox_reads_no_credential_pin_host_or_ledger(box: Project) -> None:
    """With --sandbox everything works in an empty environment; the real ledger is neither read nor written."""
    box.write({"reconciler.yaml": """project: shop
ledger: {key: {env: NOT_SET}}
vendors: {stripe: {api_key: {env: NOT_SET}, mode: live, account: acct_1, base_url: "http://127.0.0.1:1"}}
secrets: {s: {file: /nowhere}, v: {vault: kv/a, key: b}}
"""})
    (box.dir / ".reconciler/default").mkdir(parents=True)
    (box.dir / ".reconciler/default/ledger.db").write_text("not a ledger")
    box.apply("--sandbox")
    assert box.ops("--sandbox") == {}
    assert (box.dir / ".reconciler/default/ledger.db").read_text() == "not a ledger"
    assert sorted(path.name for path in (box.dir / ".reconciler").iterdir()) == ["default", "sandbox"]


def test_the_project_is_where_it_is_said_to_be(box: Project, tmp_path: Path) -> None:
    """--dir goes before RECONCILER_DIR, and that before the folder we are in; a folder without a project is a finding."""
    away = Project(tmp_path / "away")
    away.dir.mkdir()
    away.environ = {}
    assert away.run("plan", "--sandbox").code == 3
    assert away.run("plan", "--sandbox", "-C", str(box.dir)).code == 0
    assert away.run("plan", "--sandbox", environ={"RECONCILER_DIR": str(box.dir)}).code == 0
    assert away.run("plan", "--sandbox", "--dir", str(away.dir), environ={"RECONCILER_DIR": str(box.dir)}).code == 3
    assert away.run("plan", "--sandbox", environ={"RECONCILER_DIR": "nowhere"}).code == 64


def test_files_are_named_from_the_repositorys_root(box: Project, tmp_path: Path) -> None:
    """A project in a subfolder of a repository: places lead from the root, and the line is still shown."""
    box.git("init", "-q")
    inner = Project(box.dir / "infra").write({"reconciler.yaml": SANDBOX}).manifest("stripe.price: {x: {nonsense: 1}}\n")
    done = inner.run("validate")
    assert "infra/manifests/shop.yaml:1:" in done.err
    assert "1 | stripe.price" in done.err


def test_marks_are_sealed_with_the_ledgers_key(shop: Project, stripe: Account) -> None:
    """A mark that was made without the key is nobody's; the right key, or a previous one, opens it again."""
    config = CONFIG.format(url=stripe.url) + "ledger: {key: {env: RECONCILER_KEY}}\n"
    shop.environ["RECONCILER_KEY"] = "a" * 32
    shop.write({"reconciler.yaml": config}).apply()
    assert stripe.products()["pro"]["metadata"]["reconciler_seal"]
    shop.ok("ledger", "forget", "*")
    assert set(shop.ops().values()) == {"adopt"}
    shop.environ |= {"RECONCILER_KEY": "b" * 32, "OLD_KEY": "a" * 32}
    assert set(shop.ops().values()) == {"blocked"}
    shop.write({"reconciler.yaml": config.replace("RECONCILER_KEY}", "RECONCILER_KEY}, previous: [{env: OLD_KEY}]")})
    assert set(shop.ops().values()) == {"adopt"}
