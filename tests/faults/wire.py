"""The invented vendor on a port: its objects behind JSON requests, with or without idempotency keys."""

from __future__ import annotations

import json
from urllib.parse import unquote

from reconciler.clock import Clock
from reconciler.contract import Settings
from reconciler.contract.http import Api
from reconciler.errors import Missing, Refused
from reconciler.model import Call
from reconciler.sandbox import Request, Response, Sandbox
from tests.canary import MARK
from tests.cloud import Cloud


class CloudSandbox(Sandbox):
    """Serves one Cloud; `keyed` says whether it honours idempotency keys."""

    def __init__(self, *, keyed: bool, clock: Clock) -> None:
        super().__init__((), clock=clock)
        self.cloud, self.keyed = Cloud(), keyed
        self.objects = self.cloud.objects

    def answer(self, request: Request) -> Response:
        path = unquote(request.path).lstrip("/")
        try:
            if request.method != "GET":
                call = Call(request.method, path, json.loads(request.body or b"{}"))
                made = self.cloud.send(call, self.key_of(request))
                return Response(200, {**made, "token": f"{made['token']}-{MARK}"} if "token" in made else made)
            found = self.cloud.find(path) if "/" in path else [*self.cloud.pages(path)]
        except Missing as error:
            return Response(404, {"error": error.message})
        except Refused as error:
            return Response(400, {"error": error.message})
        return Response(200, found) if found is not None else Response(404, {"error": f"there is no {path}"})

    def key_of(self, request: Request) -> str | None:
        return super().key_of(request) if self.keyed else None


class CloudApi(Api):
    """A client of the invented vendor that has no keys to rely on: what is in doubt is looked up."""

    def __init__(self, url: str, **more: object) -> None:
        super().__init__(Settings(base_url=url), connection="cloud", **more)  # type: ignore[arg-type]


class KeyedCloudApi(CloudApi):
    """A client of the invented vendor that sends keys."""

    key_header = "Idempotency-Key"
