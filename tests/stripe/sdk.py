"""The official `stripe` SDK as the sandbox's client, in this process and over a loopback port."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.sandbox.serve import Server
from reconciler.sandbox.store import Request
from tests.stripe.desk import Desk


@contextmanager
def opened(desk: Desk, *, socket: bool) -> Iterator[Any]:
    """The SDK's client of the desk's account; it writes no file to the home folder and tells nothing of this machine."""
    stripe = pytest.importorskip("stripe")
    before, stripe.enable_telemetry = stripe.enable_telemetry, False

    class InProcess(stripe.HTTPClient):  # type: ignore[misc, name-defined]
        """Hands the SDK's requests to the sandbox."""

        name = "sandbox"

        def request(self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None,
                    **more: Any) -> Any:
            target = url.removeprefix("https://api.stripe.com")
            body = (post_data or "").encode()
            answer = desk.sandbox.handle(Request.of(method.upper(), target, headers or {}, body))
            return json.dumps(answer.body), answer.status, dict(answer.headers)

        def close(self) -> None:
            """Nothing is open."""

    try:
        if not socket:
            yield stripe.StripeClient("sk_test_sdk", http_client=InProcess(), max_network_retries=0)
            return
        with Server({"stripe": desk.sandbox}) as server:
            yield stripe.StripeClient("sk_test_sdk", base_addresses={"api": server.url("stripe")}, max_network_retries=0)
    finally:
        stripe.enable_telemetry = before
