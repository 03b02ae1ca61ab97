"""S3 on loopback: moto as a server, made to answer one request after the other, as a bucket decides conditions; with faults."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

NUMBERS = itertools.count(1)
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "canary-of-s3"}

Fault = Callable[[str, str], str]
"""What happens to a request, by its method and path: `drop` it unheard, `lose` the answer to it, a status, or nothing."""


class S3:
    """The server; `faults` are asked in order, `asked` is what came in; a `heedless` one ignores conditions."""

    def __init__(self, app: Any) -> None:
        self.app, self.lock = app, threading.Lock()
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.url = ""
        import boto3

        self.heedless = False
        self.session = boto3.session.Session("test", CREDENTIALS["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")

    def bucket(self) -> str:
        """The name of a bucket that nobody has used."""
        name = f"ledgers-{next(NUMBERS)}"
        self._client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        return [one["Key"] for one in self._client().list_objects_v2(Bucket=bucket).get("Contents", [])]

    def read(self, bucket: str, key: str) -> bytes:
        found: bytes = self._client().get_object(Bucket=bucket, Key=key)["Body"].read()
        return found

    def write(self, bucket: str, key: str, data: bytes) -> None:
        self._client().put_object(Bucket=bucket, Key=key, Body=data)

    def remove(self, bucket: str, key: str) -> None:
        self._client().delete_object(Bucket=bucket, Key=key)

    def _client(self) -> Any:
        return self.session.client("s3", endpoint_url=self.url)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self.lock:
            self.asked.append(f"{method} {path}")
            fate = next((said for fault in self.faults if (said := fault(method, path))), "")
            if fate.isdecimal():
                start(f"{fate} Fault", [("Content-Length", "0")])
                return [b""]
            if fate == "drop":
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                start("500 Dropped", [])
                return [b""]
            if self.heedless:
                environ = {name: value for name, value in environ.items() if not name.startswith("HTTP_IF_")}
            answer = list(self.app(environ, start))
            if fate == "lose":
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return answer


@contextmanager
def running() -> Iterator[S3]:
    """A server until the block ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            pass

    s3 = S3(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, s3, True, request_handler=Quiet)
    s3.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def after(first: int, fate: str, method: str = "PUT", part: str = "head.json", count: int = 1) -> Fault:
    """A fault of the nth request of its kind, counted from 1, and of as many as `count` says."""
    numbers = itertools.count(1)

    def fault(asked: str, path: str) -> str:
        if asked != method or part not in path:
            return ""
        return fate if first <= next(numbers) < first + count else ""

    return fault
