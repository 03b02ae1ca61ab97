"""What commands say and where: data to stdout, the rest to stderr; formats, colour, pager, quiet and verbose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from reconciler.derive.schema import schemas
from reconciler.sandbox.store import Response
from tests.cli.project import KEY, PRO, Account, Project

EVENTS = {"version", "planned_change", "change_summary", "apply_start", "apply_progress", "apply_complete", "apply_errored",
          "diagnostic", "outputs"}


def test_a_plan_is_data_and_the_rest_goes_to_stderr(shop: Project) -> None:
    """Only the plan stands on stdout; with --format json it is the saved plan's own text, and its schema holds."""
    done = shop.ok("plan")
    assert done.out.startswith("stripe.price/monthly   + create   [money]")
    assert done.err == "reading stripe\n"
    done = shop.ok("plan", "--format", "json", "--out", "plan.json", "--json-into", "also.json")
    assert done.out == (shop.dir / "plan.json").read_text() == (shop.dir / "also.json").read_text()
    jsonschema.validate(done.json(), schemas()["plan"])


def test_quiet_says_nothing_but_data(shop: Project) -> None:
    """--quiet silences progress and remarks; findings and warnings are still told."""
    assert shop.ok("plan", "--quiet", "--out", "plan.json").err == ""
    assert shop.ok("apply", "plan.json", "-q").err == ""
    shop.environ = {}
    assert "error:" in shop.run("plan", "--quiet").err


def test_verbose_shows_requests_and_no_bodies(shop: Project, stripe: Account) -> None:
    """-v (or RECONCILER_LOG=debug) is a line for each request: method, path, status; no body and no key."""
    shop.manifest(PRO.replace("name: Pro", "name: Canary of a body"))
    for done in (shop.run("apply", "--auto-approve", "-v", "--allow", "money"),
                 shop.run("plan", environ={"RECONCILER_LOG": "debug"})):
        assert done.code == 0
        assert "GET /v1/products" in done.err
        assert "200" in done.err
        assert "Canary" not in done.err
        assert KEY not in done.said
    assert "GET /v1/products" not in shop.run("plan").err


def test_colour_is_for_terminals(shop: Project) -> None:
    """No escape byte without a terminal, with NO_COLOR, --no-color or TERM=dumb; symbols tell the same without it."""
    assert "\x1b[" in shop.ok("plan", screen=True).out
    for words, environ in (([], {"NO_COLOR": "1"}), (["--no-color"], {}), ([], {"TERM": "dumb"})):
        done = shop.ok("plan", *words, screen=True, environ=environ)
        assert "\x1b[" not in done.out
        assert "+ create" in done.out
    assert "\x1b" not in shop.ok("plan").said


def test_a_long_plan_goes_through_the_pager_that_is_set(shop: Project) -> None:
    """PAGER takes what is longer than a terminal; without one, or elsewhere, nothing is in between."""
    shop.manifest("stripe.product:\n" + "".join(f"  p{n}: {{id: p{n}, name: P{n}}}\n" for n in range(60)))
    pager = f"sh -c 'cat > {shop.dir}/paged'"
    assert "p59" not in shop.ok("plan", screen=True, environ={"PAGER": pager}).out
    assert "Plan: 60 to create" in (shop.dir / "paged").read_text()
    assert "Plan: 60 to create" in shop.ok("plan", screen=True).out
    assert "Plan: 60 to create" in shop.ok("plan", environ={"PAGER": pager}).out


def test_no_changes_is_one_line(shop: Project) -> None:
    """Unchanged entries are hidden and counted, or listed where that is asked."""
    shop.apply()
    done = shop.ok("plan")
    assert done.out.startswith("No changes. 2 unchanged.")
    assert len(done.out.splitlines()) == 1
    assert "stripe.product/pro" in shop.ok("plan", "--show-unchanged").out
    assert shop.ops("--show-unchanged") == {"product/pro": "noop", "price/monthly": "noop"}


def test_an_apply_as_ndjson_has_opentofus_event_names(shop: Project, stripe: Account) -> None:
    """One JSON value a line, from version to outputs; a refusal is a diagnostic with its place, and exit 6."""
    done = shop.run("apply", "--auto-approve", "--allow", "money", "--format", "json")
    assert done.code == 0
    lines = done.lines()
    assert {line["type"] for line in lines} <= EVENTS
    assert [line["type"] for line in lines][:3] == ["version", "planned_change", "planned_change"]
    ended = [line["address"] for line in lines if line["type"] == "apply_complete"]
    assert ended == ["stripe.product/pro", "stripe.price/monthly"]
    assert lines[-1]["outputs"]["stripe.product/pro"] == {"id": "pro"}
    shop.manifest(PRO.replace("Pro}", "Pro 2}"))
    stripe.sandbox.faults.append(lambda request, n: Response(400, {"error": {
        "message": "not this name", "param": "name", "type": "invalid_request_error"}}, {"request-id": "req_1"})
        if request.method == "POST" else None)
    done = shop.run("apply", "--auto-approve", "--format", "json")
    assert done.code == 6
    [problem] = [line for line in done.lines() if line["type"] == "diagnostic"]
    assert (problem["summary"], problem["at"]["line"]) == ("not this name (request req_1)", 2)


def test_a_refusal_is_shown_at_the_yaml_that_sent_it(shop: Project, stripe: Account) -> None:
    """The vendor's message and request id stand at the field; what is done and what is not is listed; exit 6."""
    stripe.sandbox.faults.append(lambda request, n: Response(400, {"error": {
        "message": "too cheap", "param": "unit_amount", "type": "invalid_request_error"}}, {"request-id": "req_9"})
        if request.path == "/v1/prices" and request.method == "POST" else None)
    done = shop.run("apply", "--auto-approve", "--allow", "money")
    assert done.code == 6
    assert "too cheap (request req_9)" in done.out
    assert "manifests/shop.yaml:5:47" in done.out
    assert "done" in done.out
    assert "1 done, 1 failed" in done.out


def test_outputs_are_printed_written_and_checked(shop: Project) -> None:
    """JSON and dotenv to stdout; the files of `outputs:` are written; --check exits 2 when one is stale, and writes nothing."""
    shop.apply()
    found = json.loads(shop.ok("output", "--format", "json").out)
    assert "price_1" in json.dumps(found)
    assert "=" in shop.ok("output", "--format", "dotenv").out
    config = (shop.dir / "reconciler.yaml").read_text()
    shop.write({"reconciler.yaml": config + "outputs: {dotenv: {file: web/.env, prefix: SHOP_}, json: {file: ids.json}}\n"})
    assert shop.run("output", "--check").code == 2
    assert not (shop.dir / "ids.json").exists()
    shop.ok("output")
    assert "SHOP_" in (shop.dir / "web/.env").read_text()
    shop.ok("output", "--check")
    (shop.dir / "web/.env").write_text("stale")
    done = shop.run("output", "--check")
    assert (done.code, "web/.env is stale" in done.out) == (2, True)
    shop.write({"reconciler.yaml": config + "outputs: {dotenv: {file: ../out.env}}\n"})
    assert shop.run("output").code in (3, 64)
    assert not (shop.dir.parent / "out.env").exists()


def test_dependencies_are_drawn_in_three_forms(box: Project) -> None:
    """text, mermaid and dot; offline, with an empty environment."""
    box.manifest(PRO.replace("name: Pro}", "name: Pro, default_price: {ref: monthly}}"))
    assert "stripe.price/monthly" in box.ok("graph").out
    assert box.ok("graph", "--format", "mermaid").out.startswith(("graph", "flowchart"))
    assert box.ok("graph", "--format", "dot").out.startswith("digraph")


def test_explanations_need_no_credential_for_kinds_and_say_why_for_addresses(box: Project) -> None:
    """A kind, a field, and an entry: YAML line, the vendor's rule, the request."""
    assert "stripe.price" in box.ok("explain", "stripe.price").out
    assert "unit_amount" in box.ok("explain", "stripe.price.unit_amount").out
    box.apply("--sandbox")
    box.manifest(PRO.replace("2900", "3500"))
    told = box.ok("explain", "stripe.price/monthly", "--sandbox").out
    for part in ("manifests/shop.yaml:5", "2900", "3500", "POST /v1/prices"):
        assert part in told


def test_export_writes_what_is_not_declared(shop: Project, stripe: Account) -> None:
    """Live, unmarked objects as manifests; a plan after it holds only equal adoptions; nothing is overwritten."""
    stripe.products()["old"] = {**_product(shop, stripe), "id": "old", "name": "Old", "metadata": {}}
    printed = shop.ok("export", "--vendor", "stripe", "--match", "old").out
    assert "name: Old" in printed
    assert "stripe.product/pro" not in printed
    shop.ok("export", "--vendor", "stripe", "--match", "old", "--write")
    assert set(shop.ops().values()) == {"adopt"}
    assert shop.run("export", "--vendor", "stripe", "--kind", "prise").code == 64
    assert shop.run("export").code == 64


def _product(shop: Project, stripe: Account) -> dict[str, Any]:
    shop.apply()
    found: dict[str, Any] = stripe.products()["pro"]
    return found


def test_schemas_version_and_completion(box: Project) -> None:
    """schema to stdout or a folder, version as text and JSON, a completion script for three shells."""
    assert "$schema" in box.ok("schema").out
    box.ok("schema", "--write", "schemas")
    assert sorted(path.name for path in (box.dir / "schemas").iterdir()) == ["manifest.json", "plan.json", "reconciler.json"]
    assert set(json.loads(box.ok("version", "--json").out)) == {"version", "python", "format_version"}
    assert box.ok("version").out.startswith("reconciler ")
    for shell in ("bash", "zsh", "fish"):
        assert "reconciler" in box.ok("completion", shell).out


def test_validate_needs_nothing_and_asks_nothing(shop: Project, stripe: Account) -> None:
    """Offline and without credentials; as JSON every problem with file, line and column."""
    shop.environ = {}
    assert shop.ok("validate").out == "2 entries are fine.\n"
    shop.manifest("stripe.price:\n  x: {product: p, currency: usd, unit_amount: -1, recurring: {interval: monthly}}\n")
    done = shop.run("validate", "--format", "json")
    assert done.code == 3
    assert {(p["at"]["file"], p["at"]["line"]) for p in done.json()["diagnostics"]} == {("manifests/shop.yaml", 2)}
    assert done.json()["error_count"] == 2
    assert stripe.asked == []


def test_an_unwritable_file_is_a_message(shop: Project, tmp_path: Path) -> None:
    """--out into a folder that is not there is made; onto a folder it is a mistake, not a traceback."""
    shop.ok("plan", "--out", "new/folder/plan.json")
    (shop.dir / "file").write_text("")
    done = shop.run("plan", "--out", "file/plan.json")
    assert (done.code, "can't be written" in done.err) == (64, True)
    for name in ("manifests", "", "."):
        assert shop.run("plan", "--out", name).code == 64
