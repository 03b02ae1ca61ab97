"""Every command writes the formats that fit it, refuses the others by name, and speaks GitHub's language in GitHub's runs."""

from __future__ import annotations

import io
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from reconciler.cli.console import Console
from reconciler.cli.showing import show_plan
from reconciler.model import Change, Fact, Impact, Note, Op
from reconciler.output.markdown import opening
from reconciler.secret import Secret
from reconciler.sources import Redactor
from tests.cli.project import PRO, Account, Project
from tests.output.plans import act, plan
from tests.output.test_annotations import is_command
from tests.output.test_findings import SARIF

GITHUB = {"GITHUB_ACTIONS": "true"}
PROTECTED = PRO.replace("recurring: {interval: month}", "recurring: {interval: month}, lifecycle: {protect: true}")
STACKS = "project: shop\nvendors: {stripe: {}}\nstacks: {one: {}, two: {}}\n"


@pytest.fixture
def held(box: Project) -> Project:
    """A project whose plan is blocked: a protected price has left the manifests."""
    box.manifest(PROTECTED)
    box.apply("--sandbox")
    return box.manifest("stripe.product:\n  pro: {id: pro, name: Pro two}\n")


@pytest.mark.parametrize(("command", "fits"), [
    ("plan", "text, json, markdown, html, sarif, junit"), ("validate", "text, json, markdown, sarif, junit"),
    ("apply", "text, json, markdown"), ("destroy", "text, json, markdown"), ("ledger list", "text, json")])
def test_a_format_that_does_not_fit_is_refused_with_those_that_do(box: Project, command: str, fits: str) -> None:
    """Exit 64; a word that is no format gets a suggestion where one is near."""
    for form in {"text", "json", "markdown", "html", "sarif", "junit"} - {*fits.split(", ")}:
        done = box.run(*command.split(), "--sandbox", "--format", form)
        assert (done.code, done.out) == (64, "")
        assert f"--format {form}: `{command.rsplit(maxsplit=1)[-1]}` has no such form" in done.err
        assert f"one of {fits}" in done.err
    near = box.run(*command.split(), "--sandbox", "--format", "jsn")
    assert (near.code, 'did you mean "json"?' in near.err) == (64, True)


def test_a_plan_in_every_format_exits_alike(held: Project) -> None:
    """Blocked is 4 whatever it is written as; each document is one, on stdout, and says what is blocked."""
    files = {}
    for form in ("text", "json", "markdown", "html", "sarif", "junit"):
        done = held.run("plan", "--sandbox", "--quiet", "--format", form)
        assert (done.code, done.err) == (4, ""), form
        assert "stripe.price/monthly" in done.out
        files[form] = done.out
    assert files["markdown"].startswith(opening())
    assert files["html"].startswith("<!doctype html>")
    SARIF.validate(json.loads(files["sarif"]))
    assert ET.fromstring(files["junit"]).get("failures") == "1"


def test_a_saved_plan_is_shown_in_every_format(held: Project) -> None:
    """`show` writes from the file what `plan` wrote from the vendors."""
    assert held.run("plan", "--sandbox", "--out", "p.json").code == 4
    for form in ("json", "markdown", "sarif", "junit"):
        assert held.run("show", "p.json", "--format", form).out == held.run("plan", "--sandbox", "--format", form).out, form
    assert held.run("show", "p.json", "--format", "html").out.startswith("<!doctype html>")


def test_the_json_is_written_beside_any_format(box: Project) -> None:
    """--json-into leaves stdout to the format, and is the same file as --out."""
    for form in ("text", "markdown", "html", "sarif", "junit"):
        done = box.ok("plan", "--sandbox", "--format", form, "--json-into", f"{form}.json", "--out", f"{form}.plan")
        assert (box.dir / f"{form}.json").read_text() == (box.dir / f"{form}.plan").read_text()
        assert json.loads((box.dir / f"{form}.json").read_text())["summary"]["create"] == 2
        assert "format_version" not in done.out
    consent = ("--auto-approve", "--allow", "money")
    applied = box.ok("apply", "--sandbox", *consent, "--format", "markdown", "--json-into", "a.json")
    assert json.loads((box.dir / "a.json").read_text())["summary"]["create"] == 2
    assert applied.out.startswith(opening())


def test_an_apply_as_a_comment_is_its_plan_and_how_it_ended(box: Project) -> None:
    """The plan first, then the result under a marker of its own."""
    done = box.ok("apply", "--sandbox", "--auto-approve", "--allow", "money", "--format", "markdown")
    plan, _, result = done.out.partition(opening("reconciler result"))
    assert "> **To decide: 2 changes, of them money 1.**" in plan
    assert "> **Applied: 2 done.**" in result
    assert "+ create   stripe.product/pro   pro" in result


def test_several_stacks_are_one_document(box: Project) -> None:
    """`plan --all-stacks` makes one comment, page, log or test report of all stacks, also where one of them is broken."""
    box.write({"reconciler.yaml": STACKS})
    for form, mark in (("markdown", "## reconciler: 2 plans"), ("html", "<h1>shop / two</h1>"), ("junit", "</testsuites>")):
        out = box.ok("plan", "--sandbox", "--all-stacks", "--format", form).out
        assert out.count(mark) == 1
    log = json.loads(box.ok("plan", "--sandbox", "--all-stacks", "--format", "sarif").out)
    assert [run["automationDetails"]["id"] for run in log["runs"]] == ["reconciler/plan/shop/one/", "reconciler/plan/shop/two/"]
    box.write({"overlays/two/x.yaml": "stripe.price: {monthly: {currency: 7}}\n"})
    done = box.run("plan", "--sandbox", "--all-stacks", "--format", "sarif")
    assert done.code == 3
    runs = json.loads(done.out)["runs"]
    assert [len(run["results"]) for run in runs] == [1, 0]
    assert runs[0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "overlays/two/x.yaml"


@pytest.mark.parametrize("form", ["text", "json", "markdown", "sarif", "junit"])
@pytest.mark.parametrize("broken", ["stripe.price: {x: {amount: 1}}\n", "a: [\n"])
def test_findings_in_every_format_exit_3(box: Project, form: str, broken: str) -> None:
    """Each tells the file; all but text tell it on stdout."""
    box.write({"manifests/broken.yaml": broken})
    done = box.run("validate", "--format", form)
    assert done.code == 3
    assert "manifests/broken.yaml" in (done.err if form == "text" else done.out)
    if form == "sarif":
        SARIF.validate(json.loads(done.out))
    if form == "junit":
        names = {case.get("name"): len(case) for case in ET.fromstring(done.out)[0]}
        assert names == {"reconciler.yaml": 0, "manifests/shop.yaml": 0, "manifests/broken.yaml": 1}


def test_in_a_run_of_githubs_findings_are_annotations(box: Project) -> None:
    """On stderr, beside what people read, for findings of any command; elsewhere there are none."""
    box.write({"manifests/broken.yaml": "stripe.price:\n  x: {amount: 1}\n"})
    for command in (["validate"], ["plan", "--sandbox"], ["validate", "--format", "json"]):
        found = [line for line in box.run(*command, environ=GITHUB).err.split("\n") if is_command(line)]
        assert found
        assert all(line.startswith("::error file=manifests/broken.yaml,line=2,") for line in found)
        assert not [line for line in box.run(*command).said.split("\n") if is_command(line)]


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_in_a_run_of_githubs_blocked_actions_are_annotations(held: Project, form: str) -> None:
    """One for each, whatever the format; an action whose entry is gone has no file."""
    done = held.run("plan", "--sandbox", "--format", form, environ=GITHUB)
    assert [line[:42] for line in done.err.split("\n") if is_command(line)] == ["::error::stripe.price/monthly: blocked arc"]
    assert not [line for line in done.out.split("\n") if is_command(line)]


def test_a_value_is_no_command(shop: Project, stripe: Account) -> None:
    """What a vendor's object is called stands in every format's output, and never as a command of GitHub's runner."""
    shop.apply()
    stripe.products()["pro"]["description"] = "x\n::error::pwned\n  ::set-output name=a::b\n##[command]rm"
    shop.manifest(PRO.replace("name: Pro", "name: Pro, description: plain"))
    for form in ("text", "json", "markdown", "html", "sarif", "junit"):
        done = shop.run("plan", "--format", form, environ=GITHUB)
        assert not [line for line in done.said.split("\n") if is_command(line)], form
    stripe.products()["spare"] = {**stripe.products()["pro"], "id": "spare", "metadata": {}}
    exported = shop.run("export", "--vendor", "stripe", environ=GITHUB)
    assert "pwned" in exported.out
    assert ("is spelled out" in exported.err) is ("\\x3a:" in exported.out)
    assert not [line for line in exported.said.split("\n") if is_command(line)]


def test_a_secret_that_a_vendor_quotes_is_in_no_format(box: Project) -> None:
    """It is struck out before anything is escaped, so that no form of it is left: not as HTML, JSON, XML or Markdown has it."""
    secret = 'pa<ss>&"w`o`rd|[x](y)*\\'
    out = io.StringIO()
    redactor = Redactor()
    redactor.add(Secret(secret))
    console = Console(out, out, {}, clean=redactor.clean)
    made = plan(act(Op.UPDATE, "stripe.product/pro", Change("name", secret, f"a\n{secret}\n"),
                    Change(secret, [secret], {secret: 1}), impact=(Impact.ACCESS,),
                    id=secret, notes=(Note(secret, subject=secret),), facts=(Fact(secret),)),
                act(Op.BLOCKED, "stripe.product/old", blocked=secret, line=3), warnings=(secret,), stopped=(secret,))
    for form in ("text", "json", "markdown", "html", "sarif", "junit"):
        show_plan(console, made, form)
    assert re.findall(r"pa.{1,12}ss.{1,24}w.{1,12}rd", out.getvalue()) == []
    assert out.getvalue().count("(secret)") > 30


def test_what_goes_into_a_file_stays_exact(box: Project, tmp_path: Path) -> None:
    """Redirected into a file the text is what it is: only a log is read by the runner, and there a warning tells of it."""
    for path in (tmp_path / "out.txt", Path(os.devnull)):
        with path.open("w+") as out:
            Console(out, out, {}, github=True).data("::error::x")
    assert (tmp_path / "out.txt").read_text() == "::error::x\n"
    out, err = io.StringIO(), io.StringIO()
    Console(out, err, {}, github=True).data("::error::x")
    assert out.getvalue() == "\\x3a:error::x\n"
    assert "is spelled out" in err.getvalue()
    assert not re.search(r"^::", box.run("validate", environ=GITHUB).out)
