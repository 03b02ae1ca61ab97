"""`doctor`: settings and where they come from, what can be reached, what a credential may do; nothing is written."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.clock import TestClock
from reconciler.contract import registry
from reconciler.contract.vendor import load
from reconciler.ledger import Holder
from reconciler.workspace import Options, Workspace
from reconciler.workspace.checkup import Checkup, examined
from tests.cli.project import KEY, Account, Done, Project

FLAG = "posthog.feature_flag:\n  beta: {filters: {groups: [{rollout_percentage: 10}]}}\n"
POSTHOG = "project: shop\nvendors:\n  posthog: {project: '1', personal_api_key: {env: KEY}, base_url: 'http://posthog.test'}\n"
SHOP = "project: shop\nvendors:\n  stripe: {api_key: {env: STRIPE_API_KEY}, base_url: 'http://stripe.test'}\n"


def origins(done: Done) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["value"], one["origin"]) for one in done.json()["settings"]}


def checks(done: Done) -> dict[tuple[str, str], tuple[str, str]]:
    return {(one["about"], one["name"]): (one["state"], one["text"]) for one in done.json()["checks"]}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Answering(httpx.BaseTransport):
    """A vendor, or what happens on the way to it."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request)


def sandbox(vendor: str, **habits: Any) -> httpx.BaseTransport:
    of = registry.vendor(vendor)
    assert of is not None
    made = load(of.sandbox)(of.kinds, clock=TestClock())
    for name, value in habits.items():
        setattr(made, name, value)
    transport: httpx.BaseTransport = made.transport()
    return transport


def asked(folder: Path, config: str, manifest: str, transport: httpx.BaseTransport, **environ: str) -> Checkup:
    """What a checkup of a project finds whose only vendor is this one; time stands still."""
    project = Project(folder).write({"reconciler.yaml": config, "manifests/all.yaml": manifest})
    connection = next(iter(config.partition("vendors:\n")[2].split())).rstrip(":")
    with Workspace(Options(dir=project.dir), environ=environ, clock=TestClock(),
                   transports={connection: transport}) as workspace:
        return examined(workspace, ())


def test_each_setting_is_told_with_its_origin(shop: Project) -> None:
    """Flag, environment, reconciler.yaml with its place, a stack's own part, default; of a secret only that it is set."""
    shop.write({"reconciler.yaml": (shop.dir / "reconciler.yaml").read_text("utf-8") + (
        "vars: {host: {env: API_HOST}}\nsecrets: {smtp: {env: SMTP_PASSWORD}, db: {file: db.txt}}\n"
        "stacks: {staging: {limits: {max_changes: 7}}, live: {}}\n")})
    done = shop.run("doctor", "--format", "json", "--timeout", "9", environ={
        "RECONCILER_STACK": "staging", "STRIPE_ACCOUNT": "acct_1Sandbox", "SMTP_PASSWORD": "hunter2-canary"})
    found = origins(done)
    assert found["stack"] == ("staging", "environment RECONCILER_STACK")
    assert found["stripe.api_key"] == ("set", "reconciler.yaml:3:21, environment STRIPE_API_KEY")
    assert found["stripe.mode"] == ("test", "reconciler.yaml:3:50")
    assert found["stripe.account"] == ("acct_1Sandbox", "environment STRIPE_ACCOUNT")
    assert found["stripe.timeout"] == ("9", "flag --timeout") and found["stripe.max_wait"] == ("60", "default")
    assert found["limits.max_changes"] == ("7", "reconciler.yaml:6:42 (stack staging)")
    assert found["vars.host"] == ("missing", "reconciler.yaml:4:14, environment API_HOST")
    assert found["secrets.smtp"] == ("set", "reconciler.yaml:5:17, environment SMTP_PASSWORD")
    assert found["secrets.db"] == ("missing", "reconciler.yaml:5:43, file db.txt")
    assert KEY not in done.said and "hunter2-canary" not in done.said


def test_a_connection_that_works_is_told_with_its_account(shop: Project, stripe: Account) -> None:
    """Reachable, whose, and what it may do; an account that nothing pins is worth a word. Nothing is written."""
    before = snapshot(shop.dir)
    done = shop.ok("doctor", "--format", "json")
    assert checks(done) == {
        ("stripe", "reachable"): ("ok", stripe.url), ("stripe", "account"): ("note", "mode test; account acct_1Sandbox"),
        ("stripe", "plan"): ("ok", "holds rak_product_read, rak_plan_read"),
        ("stripe", "apply"): ("ok", "holds rak_product_write, rak_plan_write"),
        ("stripe", "facts"): ("ok", "holds rak_plan_read, rak_subscription_read"),
        ("ledger", "store"): ("ok", "sqlite: 0 entries, serial 0"), ("ledger", "lock"): ("ok", "nobody holds it")}
    assert stripe.written == [] and snapshot(shop.dir) == before


def test_the_text_tells_the_same(shop: Project) -> None:
    """A line each, the tool and the terminal first, and a count at the end."""
    done = shop.ok("doctor")
    assert done.out.startswith("tool\n  reconciler  ")
    assert re.search(r"\n  stripe\.api_key +set  +reconciler\.yaml:3:21, environment STRIPE_API_KEY\n", done.out)
    assert "\nstripe\n  ok     reachable   http://" in done.out
    assert done.out.endswith("\n6 ok, 1 note.\n")


def test_without_a_credential_it_is_a_finding_and_the_rest_is_told(shop: Project) -> None:
    """Exit 3 with the variable's name; nothing is asked of the vendor."""
    done = shop.run("doctor", environ={"STRIPE_API_KEY": ""})
    assert done.code == 3
    assert "STRIPE_API_KEY is empty" in done.err and "  wrong  settings    " in done.out and "nobody holds it" in done.out


def test_a_broken_project_still_gets_the_tools_told(box: Project) -> None:
    """The findings, and what can be known without reconciler.yaml."""
    box.write({"reconciler.yaml": "project: shop\nvendors: {strip: {}}\n"})
    done = box.run("doctor")
    assert done.code == 3 and 'did you mean "stripe"?' in done.err and done.out.startswith("tool\n")


def test_broken_manifests_are_findings_beside_the_rest(shop: Project) -> None:
    """The vendor is asked all the same, for what any of its kinds needs."""
    done = shop.manifest("stripe.product:\n  pro: {nam: Pro}\n").run("doctor", "--format", "json")
    assert done.code == 3
    assert checks(done)["manifests", "manifests"][0] == "wrong" and checks(done)["stripe", "reachable"][0] == "ok"
    assert {"stripe.coupon"} <= {kind for one in done.json()["permissions"] for kind in one["kinds"]}


def test_another_account_than_the_pinned_one_is_exit_4(shop: Project) -> None:
    """Nothing else is asked of it."""
    done = shop.run("doctor", "--format", "json", environ={"STRIPE_ACCOUNT": "acct_1Other"})
    assert done.code == 4
    state, text = checks(done)["stripe", "account"]
    assert state == "wrong" and "acct_1Other is pinned" in text


def test_an_unknown_connection_is_a_usage_error(box: Project) -> None:
    """With the nearest word."""
    done = box.run("doctor", "--sandbox", "--vendor", "strip")
    assert done.code == 64 and 'did you mean "stripe"?' in done.err


def test_in_the_sandbox_it_needs_nothing(box: Project) -> None:
    """No setting of a vendor is read; what a kind needs is told all the same."""
    done = box.ok("doctor", "--sandbox", "--format", "json")
    assert not any(name.startswith("stripe.") for name in origins(done))
    assert checks(done)["stripe", "reachable"][1].startswith("the sandbox in the place of ")


@pytest.mark.parametrize(("error", "said"), [
    (socket.gaierror(-2, "Name or service not known"), "its name is unknown here (DNS)"),
    (ConnectionRefusedError(111, "refused"), "nothing listens there"),
    (ssl.SSLCertVerificationError(1, "self-signed certificate"), "its certificate is not trusted"),
    (TimeoutError(), "no answer in time"),
])
def test_what_is_in_the_way_is_explained(tmp_path: Path, error: OSError, said: str) -> None:
    """Exit 1; the cause in words, and what to do about it."""
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no") from error

    found = asked(tmp_path, SHOP, "{}\n", Answering(broken), STRIPE_API_KEY=KEY)
    one = next(check for check in found.checks if check.name == "reachable")
    assert (one.code, one.state) == (1, "wrong") and one.text.startswith(f"http://stripe.test: {said}") and one.next


def test_a_proxy_that_turns_us_away_is_named(tmp_path: Path) -> None:
    """It is no matter of the vendor's."""
    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError("407 Proxy Authentication Required")

    config = SHOP.replace("base_url", "proxy: 'http://proxy.test:3128', base_url")
    found = asked(tmp_path, config, "{}\n", Answering(refused), STRIPE_API_KEY=KEY)
    assert [check.text for check in found.checks if check.code] == [
        "http://stripe.test through http://proxy.test:3128: the proxy turns us away (407 Proxy Authentication Required)"]


@pytest.mark.parametrize("body", [[], {"id": None}, "no"])
def test_an_answer_of_another_shape_is_no_traceback(tmp_path: Path, body: Any) -> None:
    """Whatever a server says, a sentence comes of it."""
    found = asked(tmp_path, POSTHOG, FLAG, Answering(lambda request: httpx.Response(200, json=body)), KEY="phx_canary51H8")
    assert found.checks and all(check.code in (0, 1, 3) for check in found.checks)


def test_a_real_port_where_nothing_listens(tmp_path: Path) -> None:
    """The same through a real socket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    found = asked(tmp_path, SHOP.replace("http://stripe.test", url), "{}\n", httpx.HTTPTransport(), STRIPE_API_KEY=KEY)
    assert [check.text for check in found.checks if check.code] == [f"{url}: nothing listens there"]


def test_a_refused_credential_is_a_finding(tmp_path: Path) -> None:
    """401 is no matter of the network: exit 3."""
    refused = Answering(lambda request: httpx.Response(401, json={"error": {"message": "Invalid API Key"}}))
    found = asked(tmp_path, SHOP, "{}\n", refused, STRIPE_API_KEY=KEY)
    assert [(check.name, check.code) for check in found.checks if check.code] == [("credential", 3)]


def test_what_a_restricted_key_may_read_is_tried_and_its_writes_are_not_known(tmp_path: Path) -> None:
    """Each resource that is needed is listed once; Stripe tells nothing of what may be written."""
    inner = sandbox("stripe")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path in ("/v1/account", "/v1/prices"):
            return httpx.Response(403, json={"error": {"message": "no permission"}})
        return inner.handle_request(request)

    manifest = "stripe.price:\n  pro: {product: prod_1, currency: usd, unit_amount: 1}\n"
    found = asked(tmp_path, SHOP, manifest, Answering(answer), STRIPE_API_KEY="rk_test_canary51H8")
    held = {(one.permission, one.purpose): one.held for one in found.holdings}
    assert held == {("rak_plan_read", "plan"): False, ("rak_plan_write", "apply"): None,
                    ("rak_subscription_read", "facts"): True}
    told = [(check.name, check.text, check.code) for check in found.checks if check.name == "plan"]
    assert told == [("plan", "lacks rak_plan_read", 3)]


def test_a_key_that_only_reads_is_right_for_plans(tmp_path: Path) -> None:
    """PostHog tells a key's scopes: what is lacking to apply is a note, and no finding."""
    found = asked(tmp_path, POSTHOG, FLAG, sandbox("posthog", scopes=frozenset({"feature_flag:read"})), KEY="phx_canary51H8")
    said = {check.name: (check.state, check.text) for check in found.checks}
    assert said["plan"] == ("ok", "holds feature_flag:read") and said["apply"] == ("note", "lacks feature_flag:write")
    assert not any(check.code for check in found.checks)


def test_a_clock_that_is_wrong_is_told(tmp_path: Path) -> None:
    """By the date of the vendor's answer."""
    inner = sandbox("posthog")

    def answer(request: httpx.Request) -> httpx.Response:
        found = inner.handle_request(request)
        found.headers["date"] = "Tue, 14 Nov 2023 22:15:20 GMT"
        return found

    found = asked(tmp_path, POSTHOG, FLAG, Answering(answer), KEY="phx_canary51H8")
    assert [check.text for check in found.checks if check.name == "clock"] == ["this machine's clock is 120 s behind"]


def test_who_holds_the_ledger_is_told(tmp_path: Path) -> None:
    """The run, whose it is, and since when."""
    project = Project(tmp_path).write({"reconciler.yaml": POSTHOG, "manifests/all.yaml": FLAG})
    transport = sandbox("posthog")
    with Workspace(Options(dir=project.dir), environ={"KEY": "phx_canary51H8"}, clock=TestClock(),
                   transports={"posthog": transport}) as workspace:
        workspace.store.lock(Holder("r1", "build-7", 42, 1_700_000_000.0, who="ada"))
        lock = next(check for check in examined(workspace, ()).checks if check.name == "lock")
        workspace.store.unlock()
    assert lock.text == "run r1 of ada on build-7 (pid 42) holds it since 2023-11-14 22:13:20 UTC" and lock.note
