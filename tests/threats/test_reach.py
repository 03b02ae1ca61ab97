"""T04, T11 and T13: a key goes to the configured host and nowhere else, and a plan writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.sandbox import Request, Response, Sandbox
from reconciler.sandbox.serve import Server
from tests.cli.project import Account, Project
from tests.faults.stacks import STACKS
from tests.faults.tally import Row
from tests.faults.test_lists import small
from tests.faults.town import Handler, Road, Town, Towns

ATTACKER = "http://attacker.test"
NEXT = ("{0}{1}", "//attacker.test{1}", "http://user:pw@attacker.test{1}", "{0}:80{1}", "http:{0}{1}", "\\\\attacker.test{1}",
        "http://stripe.test@attacker.test{1}", "/\\attacker.test{1}", "{0}/..{1}")


@pytest.fixture
def towns(quick: Path) -> Towns:
    return Towns(quick / "town")


class Watched(Road):
    """A road that notes for which host each request was."""

    hosts: set[str]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.url.host)
        return super().handle_request(request)


def watched(town: Town) -> set[str]:
    """Every host that is asked from now on."""
    hosts: set[str] = set()
    for name, road in town.roads.items():
        seen = town.roads[name] = Watched(road.inner)
        seen.hosts = hosts
    return hosts


def led_away(request: httpx.Request, answer: httpx.Response, form: str) -> httpx.Response:
    """The same page, whose next one is said to be at somebody else's."""
    target = form.format(ATTACKER, request.url.raw_path.decode())
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    if "link" in headers:
        headers["link"] = re.sub(r"<[^>]*>", f"<{target}>", headers["link"])
    body = answer.json()
    if isinstance(body, dict) and body.get("next"):
        body = {**body, "next": form.format(ATTACKER, urlsplit(body["next"])._replace(scheme="", netloc="").geturl())}
    return httpx.Response(answer.status_code, content=json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize("vendor", STACKS)
def test_t04_the_next_page_is_asked_of_the_configured_host(row: Row, towns: Towns, vendor: str) -> None:
    """Links to the next page that name another host in nine ways: its path and query are asked here, or nothing is."""
    for form in row.each(NEXT):
        town = towns.built(vendor, STACKS[vendor].crowd(7))
        hosts = watched(town)

        def fault(request: httpx.Request, handler: Handler, form: str = form) -> httpx.Response:
            answer = small(request, handler)
            return led_away(request, answer, form) if request.method == "GET" and answer.status_code == 200 else answer

        town.roads[vendor].fault = fault
        done = town.run("plan", "--format", "json")
        assert done.code in (0, 1), (form, done)
        assert hosts <= {f"{name}.test" for name in STACKS}, (form, hosts)


@pytest.mark.parametrize("vendor", STACKS)
def test_t04_no_redirect_is_followed(row: Row, towns: Towns, vendor: str) -> None:
    """Whatever status a redirect has, reading or writing: nobody else is asked, and the next run finds all in order."""
    for code in row.each([301, 302, 303, 307, 308]):
        for reading in (True, False):
            town = towns.built(vendor)
            hosts = watched(town)

            def fault(request: httpx.Request, handler: Handler, code: int = code, reading: bool = reading) -> httpx.Response:
                if (request.method in ("GET", "LIST")) is reading:
                    return httpx.Response(code, headers={"location": f"{ATTACKER}{request.url.path}"})
                return handler(request)

            town.faulty(fault)
            done = town.apply()
            assert done.code in (1, 6), (code, done)
            assert hosts <= {f"{name}.test" for name in STACKS}, hosts
            assert not town.settled(STACKS[vendor].before)


class Attacker(Sandbox):
    """Notes every request."""

    def __init__(self) -> None:
        super().__init__(())

    def answer(self, request: Request) -> Response:
        return Response(200, {})


def test_t04_proxies_of_the_environment_hear_nothing(row: Row, shop: Project, stripe: Account) -> None:
    """Every variable that programs take a proxy from, a .netrc, and bundles of certificates: not looked at."""
    attacker = Attacker()
    with Server({"attacker": attacker}) as server:
        names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
        (shop.dir / ".netrc").write_text("machine 127.0.0.1 login x password netrc-password\n")
        for name in row.each(names):
            shop.environ.update({name: server.root, "NETRC": str(shop.dir / ".netrc")})
            shop.ok("plan")
    assert attacker.requests == []
    assert stripe.asked
    assert not any("netrc-password" in str(one.headers) for one in stripe.sandbox.requests)


@pytest.mark.parametrize("vendor", STACKS)
def test_t11_a_plan_writes_nothing(row: Row, towns: Towns, vendor: str) -> None:
    """With everything to create, to change and to remove, and with creates left open: plan and drift only read."""
    stack = STACKS[vendor]
    for manifest in row.each([stack.before, stack.after, "vault.mount: {}\n"]):
        town = towns.built(vendor, stack.before if manifest != stack.before else "")
        if manifest == stack.before:
            town.weather("open", 0.5, "lost_before")
            town.apply()
            town.faulty(None)
        town.manifest(manifest)
        written = town.writes()
        for words in (["plan"], ["plan", "--out", "plan.json"], ["plan", "--vendor", vendor], ["drift"],
                      ["export", "--vendor", vendor], ["output"]):
            town.run(*words)
        assert town.writes() == written
