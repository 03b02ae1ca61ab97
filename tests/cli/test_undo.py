"""`undo --to REF`: the plan of an earlier commit's manifests, what it can't bring back, and how it is done."""

from __future__ import annotations

import pytest

from tests.cli.project import PRO, SANDBOX, Project

HOOK = """stripe.webhook_endpoint:
  api: {url: "https://shop.example/hook", enabled_events: [invoice.paid]}
"""
NOW = PRO.replace("2900", "3500").replace("  pro: ", "  team: {id: team, name: Team}\n  pro: ")


@pytest.fixture
def past(box: Project) -> Project:
    """Two commits, both applied: a price rose, a product came, a webhook went."""
    box.write({".gitignore": ".reconciler\n*.plan\n", "manifests/extra.yaml": HOOK})
    box.git("init", "-q")
    box.commit()
    box.apply("--sandbox")
    (box.dir / "manifests" / "extra.yaml").unlink()
    box.write({"reconciler.yaml": SANDBOX + "limits: {max_changes: 50}\n"}).manifest(NOW)
    box.commit()
    box.apply("--sandbox")
    return box


def test_an_earlier_commit_is_planned(past: Project) -> None:
    """Its manifests over today's reconciler.yaml, with the places of that commit; nothing is written."""
    done = past.ok("undo", "--to", "HEAD~1", "--sandbox")
    assert "Plan: 1 to create, 0 to update, 1 to replace, 1 to delete, 1 unchanged." in done.out
    assert "HEAD~1:manifests/shop.yaml:5:3" in done.out
    assert past.ops("--sandbox") == {}
    assert past.git("status", "--porcelain") == ""
    assert past.run("undo", "--to", "HEAD~1", "--sandbox", "--detailed-exitcode").code == 2
    assert past.ok("undo", "--to", "HEAD", "--sandbox").out.startswith("No changes.")
    assert "Nothing differs from HEAD." in past.ok("undo", "--to", "HEAD", "--sandbox").err


def test_what_stays_done_is_said(past: Project) -> None:
    """A price that was replaced, an object that is gone, a secret that was shown once: each is told at its action."""
    shown = " ".join(past.ok("undo", "--to", "HEAD~1", "--sandbox").out.split())
    for said in ("a new one with the earlier values: the earlier one itself is not brought back",
                 "it is made anew: what hung on the one that was removed, and its id, don't come back",
                 "secret is a new one: whoever uses the earlier one has to be given it",
                 "not undone whole, see there: stripe.price/monthly, stripe.webhook_endpoint/api"):
        assert said in shown


def test_it_is_done_by_the_manifests(past: Project) -> None:
    """A saved plan is stale while the manifests say otherwise; `--write` puts them back, and then it applies."""
    past.ok("undo", "--to", "HEAD~1", "--sandbox", "--out", "undo.plan")
    assert past.run("apply", "undo.plan", "--sandbox").code == 5
    done = past.ok("undo", "--to", "HEAD~1", "--sandbox", "--write")
    assert "2 files as of HEAD~1: manifests/extra.yaml, manifests/shop.yaml" in done.err
    assert (past.dir / "manifests" / "shop.yaml").read_text("utf-8") == PRO
    assert "max_changes" in (past.dir / "reconciler.yaml").read_text("utf-8")
    past.ok("apply", "undo.plan", "--sandbox")
    assert past.ops("--sandbox") == {}


def test_files_that_came_since_go(past: Project) -> None:
    """What that commit does not have is not read any more."""
    past.write({"manifests/later.yaml": "stripe.coupon: {c: {percent_off: 1, duration: once}}\n",
                "overlays/default/x.yaml": "stripe.coupon: {c: {name: C}}\n"}).commit()
    past.ok("undo", "--to", "HEAD~1", "--sandbox", "--write")
    assert sorted(path.name for path in (past.dir / "manifests").iterdir()) == ["shop.yaml"]
    assert not (past.dir / "overlays" / "default" / "x.yaml").exists()


def test_edits_that_no_commit_has_are_not_overwritten(past: Project) -> None:
    """`--write` refuses, before anything is read or written."""
    past.write({"manifests/new.yaml": "{}\n"})
    done = past.run("undo", "--to", "HEAD~1", "--sandbox", "--write")
    assert (done.code, done.out) == (64, "")
    assert "manifests/new.yaml has changes that no commit has" in done.err


def test_what_is_no_past_is_said(past: Project) -> None:
    """No such revision, a word that is none, a commit before the manifests: exit 64."""
    for ref in ("HEAD~9", "-x", "nowhere"):
        assert past.run("undo", "--to", ref, "--sandbox").code == 64
    past.git("checkout", "-q", "--orphan", "other")
    past.git("rm", "-rq", "--cached", ".")
    past.write({"README": "x"}).git("add", "README")
    past.git("commit", "-qm", "bare")
    assert "there was no manifests/ at other" in past.run("undo", "--to", "other", "--sandbox").err


def test_manifests_that_do_not_fit_any_more_are_findings(past: Project) -> None:
    """What today's reconciler.yaml does not know is told at its place in that commit, with its line."""
    past.write({"reconciler.yaml": "project: shop\nvendors: {stripe_eu: {use: stripe}}\n"})
    done = past.run("undo", "--to", "HEAD~1", "--sandbox")
    assert done.code == 3
    assert "HEAD~1:manifests/shop.yaml:1:1" in done.err
    assert "1 | stripe.product:" in done.err
