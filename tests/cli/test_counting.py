"""While the vendors are read, the requests of each are counted: on a terminal at once, elsewhere a line in ten seconds."""

from __future__ import annotations

import io
from pathlib import Path

from reconciler.clock import TestClock
from reconciler.contract.http import Api
from reconciler.contract.vendor import load
from reconciler.output.progress import Progress
from reconciler.vendors.sentry import VENDOR
from reconciler.workspace.counting import counted
from tests.cli.project import Project
from tests.faults.stacks import STACKS
from tests.faults.town import Towns


def test_requests_are_counted_for_each_vendor(quick: Path) -> None:
    """Every line names each connection; what was asked before the reading does not count."""
    town, said = Towns(quick / "town").built("stripe", STACKS["stripe"].before), list[str]()
    apis = {kind.connection: kind.api for kind in town.kinds().values()}
    apis["stripe"].get("/v1/prices")
    with counted(apis, said.append):
        for name in ("stripe", "vault", "stripe"):
            apis[name].get("/v1/prices" if name == "stripe" else "/v1/sys/mounts")
    apis["stripe"].get("/v1/prices")
    assert said == ["reading: 1 request (stripe 1, vault 0)", "reading: 2 requests (stripe 1, vault 1)",
                    "reading: 3 requests (stripe 2, vault 1)"]


def test_a_long_reading_is_a_line_in_ten_seconds() -> None:
    """A log gets few lines, however many requests there are; of one vendor alone the line is short."""
    clock, stream = TestClock(), io.StringIO()
    sandbox = load(VENDOR.sandbox)(VENDOR.kinds, clock=clock)
    settings = VENDOR.settings.placeholder().model_copy(update={"organization": "acme"})
    api: Api = load(VENDOR.api)(settings, connection="sentry", transport=sandbox.transport(), clock=clock)
    with Progress(stream, clock, quiet=False, clean=str) as progress:
        progress("reading sentry")
        with counted({"sentry": api}, progress):
            for _ in range(25):
                clock.sleep(1)
                api.get("/api/0/organizations/acme/teams/")
    assert stream.getvalue().splitlines() == ["reading sentry", "reading sentry: 10 requests", "reading sentry: 20 requests"]


def test_a_quick_plan_says_it_in_one_line(box: Project) -> None:
    """Nothing is added to a reading that is over at once."""
    assert box.ok("plan", "--sandbox").err == "reading stripe\n"
