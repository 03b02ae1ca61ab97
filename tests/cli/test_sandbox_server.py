"""`reconciler sandbox`: every vendor on one port, with the objects that --sandbox uses."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.cli.project import CONFIG, PRO, Project, ended


@contextmanager
def serving(project: Project, *words: str, lines: int = 1) -> Iterator[dict[str, str]]:
    """The server in a process of its own, and the lines it printed."""
    process = project.start("sandbox", *words)
    assert process.stdout is not None
    try:
        found: dict[str, str] = {}
        while len(found) < lines:
            name, url = process.stdout.readline().split()
            found[name] = url
        yield found
    finally:
        done = ended(process, signal.SIGTERM)
        assert done.code == 0, done
        assert "Traceback" not in done.err


def test_it_prints_a_line_for_each_vendor_and_keeps_the_objects(box: Project) -> None:
    """`vendor base-URL`: another process uses it as base_url; afterwards --sandbox finds the same objects."""
    with serving(box) as urls:
        assert urls["stripe"].startswith("http://127.0.0.1:")
        box.write({"other/reconciler.yaml": CONFIG.format(url=urls["stripe"]), "other/manifests/a.yaml": PRO})
        other = Project(box.dir / "other")
        process = other.start("apply", "--auto-approve", "--allow", "money")
        assert ended(process).code == 0
        assert other.ops() == {}
    assert box.ops("--sandbox") == {"product/pro": "adopt", "price/monthly": "adopt"}


def test_connections_are_served_each(box: Project) -> None:
    """Two accounts of one vendor are two bases, each with its own objects; a name that is none of them is not found."""
    box.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}, stripe_eu: {use: stripe}}\n"})
    with serving(box, "--port", "0", lines=2) as urls:
        assert set(urls) == {"stripe", "stripe_eu"}
        assert urls["stripe"] != urls["stripe_eu"]
        assert httpx.get(urls["stripe"].removesuffix("stripe") + "nobody/x").status_code == 404


def test_a_taken_port_is_a_message(box: Project) -> None:
    """The port is somebody else's: 64 and what to do."""
    with serving(box) as urls:
        port = urls["stripe"].split(":")[2].split("/")[0]
        done = box.run("sandbox", "--port", port)
        assert (done.code, f"port {port} can't be used" in done.err) == (64, True)
