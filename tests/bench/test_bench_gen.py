"""What bench/ measures with: the same projects for the same seed, and a server that holds just what they describe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bench import gen
from bench.plans import remember, ten_kinds
from bench.server import Server
from reconciler import yaml
from reconciler.contract.http import Api
from reconciler.errors import Exhausted
from reconciler.model import tokens_in
from reconciler.secret import Secret
from reconciler.vendors.stripe import StripeSettings
from reconciler.vendors.stripe.api import StripeApi
from reconciler.workspace import Options, Workspace

T = TypeVar("T")
ENVIRON = {"STRIPE_API_KEY": "sk_test_bench", "VAULT_TOKEN": "bench"}
VENDORS = {"stripe": gen.stripe("http://127.0.0.1:9"), "vault": gen.VAULT}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.yaml"))}


def served(server: Server, ask: Callable[[str], T]) -> T:
    """What `ask` finds at a server's address, the server running meanwhile."""
    async def both() -> T:
        async with await server.serve() as listening:
            return await asyncio.to_thread(ask, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")

    return asyncio.run(both())


def api(url: str, **settings: Any) -> Api:
    return StripeApi(StripeSettings(api_key=Secret("sk_test_bench"), base_url=f"{url}/stripe", **settings),
                     connection="stripe", read_only=True)


@pytest.mark.parametrize("shape", gen.SHAPES)
def test_the_same_seed_gives_the_same_bytes(tmp_path, shape):
    """Two runs measure the same project; another seed is another one."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        gen.write(tmp_path / name, gen.entries(120, shape, seed), VENDORS)
    assert files(tmp_path / "a") == files(tmp_path / "b") != files(tmp_path / "c")
    assert gen.population(gen.entries(120, shape), 10) == gen.population(gen.entries(120, shape), 10)


@pytest.mark.parametrize("shape", gen.SHAPES)
def test_the_manifests_are_read_back_as_they_were_meant(tmp_path, shape):
    """Every file parses to the entries that were written into it, and the project has no finding."""
    found = gen.entries(230, shape)
    gen.write(tmp_path, found, VENDORS)
    read: dict[str, Any] = {}
    for name, data in files(tmp_path / "manifests").items():
        for kind, entries in yaml.parse(data, name).value.items():
            read.update({f"{kind}/{entry}": fields for entry, fields in entries.items()})
    assert read == {entry.address: entry.fields for entry in found}
    with Workspace(Options(dir=tmp_path), environ=ENVIRON) as workspace:
        resources = workspace.validate()
    assert {str(one.address) for one in resources} == read.keys()
    assert len(read) == 230


def test_each_shape_has_the_edges_it_is_named_for(tmp_path):
    """Nothing, one before each, one of few, twenty: what a graph is measured on."""
    edges = {}
    for shape in ("flat", "chain", "fan-out", "dense"):
        gen.write(tmp_path / shape, gen.entries(200, shape), VENDORS)
        with Workspace(Options(dir=tmp_path / shape), environ=ENVIRON) as workspace:
            edges[shape] = [len(set(tokens_in(one.fields))) for one in workspace.validate()]
    assert set(edges["flat"]) == {0}
    assert sorted(edges["chain"]) == [0] + [1] * 199
    assert edges["fan-out"].count(1) == 199
    assert max(edges["dense"]) == gen.DENSE


@pytest.mark.parametrize(("change", "altered"), [(0, 0), (1, 2), (100, 200)])
def test_as_many_objects_differ_as_was_asked_for(change, altered):
    """The change rate is of a hundred entries, and the manifests stay the same."""
    found = gen.entries(200)
    before, after = gen.population(found)["stripe"], gen.population(found, change)["stripe"]
    assert sum(one != other for path in before for one, other in zip(before[path], after[path], strict=True)) == altered


@pytest.mark.parametrize("query", [{}, {"active": True, "expand": ["data.tiers", "data.currency_options"]}])
def test_the_server_pages_out_exactly_its_population(query):
    """Each object once, newest first, a hundred a request."""
    held = gen.population(gen.entries(353))
    server = Server(held)

    def ask(url: str) -> list[str]:
        client = api(url, requests_per_second=1000)
        try:
            return [body["id"] for body in client.pages(gen.PRICES, query)]
        finally:
            client.close()

    assert served(server, ask) == [body["id"] for body in reversed(held["stripe"][gen.PRICES])]
    assert (server.counts["requests"], server.counts["writes"], server.counts["connections"]) == (4, 0, 1)


def test_the_server_refuses_what_comes_too_fast():
    """More than `rate` requests within a second are answered 429, and counted."""
    server = Server(gen.population(gen.entries(10)), rate=3, clock=lambda: 1.0)

    def ask(url: str) -> int:
        client = api(url, requests_per_second=1000, max_wait=0)
        try:
            for _ in range(3):
                client.get(gen.PRODUCTS)
            with pytest.raises(Exhausted):
                client.get(gen.PRODUCTS)
        finally:
            client.close()
        return server.counts["refused"]

    assert served(server, ask) == 1


def test_a_plan_without_changes_asks_for_each_page_once(tmp_path):
    """Requests are the list floor, whatever the number of resources, and nothing is written."""
    found = ten_kinds(1100)
    server = Server(gen.population(found))

    def ask(url: str) -> dict[str, int]:
        more = {"requests_per_second": 1000}
        gen.write(tmp_path, found, {f"stripe_{k}": gen.stripe(f"{url}/stripe_{k}", **more) for k in range(5)})
        remember(tmp_path)
        with Workspace(Options(dir=tmp_path), environ=ENVIRON) as workspace:
            plan = workspace.plan()
        assert plan.empty, [str(action.address) for action in plan.actions if action.acts or action.blocked][:9]
        assert len(plan.actions) == 1100
        return dict(server.counts)

    counts = served(server, ask)
    assert (counts["requests"], counts.get("writes", 0)) == (5 * 2 * 2, 0)
