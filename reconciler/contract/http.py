"""The one HTTP client of all vendors: retry, pacing, paging, redaction, read-only mode.

httpx's exceptions end here; what leaves is one of errors.py, and no message holds a body or a credential.
"""
# over 300 lines: the hooks that a vendor overrides are read beside the exchange that calls them

from __future__ import annotations

import json
import logging
import math
import random
import ssl
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import httpx

from reconciler import __version__
from reconciler.clock import Clock, SystemClock
from reconciler.contract.pacing import Budget, Pacing
from reconciler.contract.vendor import Settings
from reconciler.errors import Denied, Exhausted, Failure, Missing, Refused, Unreadable, Unsure
from reconciler.model import Call
from reconciler.secret import Secret, disguises, reveal

LOG = logging.getLogger("reconciler.http")
"""A line for each request, for those who ask for it: no body, no header."""

TRIES = 5
MOST = 6 * 1024 * 1024
"""Bytes of one answer, unpacked; more than that is no answer of any list we ask for. Read as JSON it may take 24 times that."""

PATIENCE = 4
"""How many times its timeout an answer may take as a whole: a body that drips keeps each single wait short."""

_READING = frozenset({"GET", "HEAD", "LIST"})
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@cache
def _tls(ca_bundle: str | None) -> ssl.SSLContext:
    """One context for all connections: each costs 39 ms."""
    return ssl.create_default_context(cafile=ca_bundle)


class Api:
    """One connection to one vendor; a vendor overrides what it does differently.

    Reads are repeated after a passing fault. A write is repeated only if it is safe, carries a key that the vendor
    honours, or the vendor itself asked to come again. Redirects are never followed, and proxies of the environment
    are not used. `dated` is what the last answer's Date said, and our own clock at that moment. `on_read` is told of each
    read as it begins.
    """

    default_url: ClassVar[str] = ""
    key_header: ClassVar[str | None] = None
    rate: ClassVar[float | None] = None
    budgets: ClassVar[tuple[Budget, ...]] = ()

    def __init__(self, settings: Settings, *, connection: str, transport: httpx.BaseTransport | None = None,
                 clock: Clock | None = None, read_only: bool = False,
                 progress: Callable[[str], None] | None = None) -> None:
        self.settings, self.connection, self.read_only = settings, connection, read_only
        self.clock, self.progress = clock or SystemClock(), progress or (lambda text: None)
        self.base_url = self.url().rstrip("/")
        self.pacing = Pacing(settings.requests_per_second or self.own_rate(), self.clock, self.own_budgets(),
                             settings.max_wait, self.progress, connection)
        self.reads_made = self.writes_made = 0
        self.on_read: Callable[[], None] = lambda: None
        self.dated: tuple[str, float] | None = None
        self._count = threading.Lock()
        self._transport = transport
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()
        self._memory: dict[tuple[str, str], Any] | None = None

    # what a vendor says differently

    def url(self) -> str:
        """Where the vendor is: the setting, else its public address."""
        return self.settings.base_url or self.default_url

    def own_rate(self) -> float | None:
        """Requests a second that the vendor allows us, where it is known before the first answer."""
        return self.rate

    def own_budgets(self) -> tuple[Budget, ...]:
        """Requests in so many seconds that the vendor counts, where they are known before the first answer."""
        return self.budgets

    def headers(self) -> Mapping[str, str]:
        """Credential and version."""
        return {}

    def encode(self, body: Any) -> tuple[bytes, str]:
        """A body's bytes and content type."""
        return json.dumps(body).encode(), "application/json"

    def flatten(self, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Query parameters as pairs; lists repeat their name."""
        pairs = []
        for name, value in params.items():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                pairs.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
        return pairs

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """What an answer that is no success means."""
        status, text = response.status_code, self.message(response)
        if status in (401, 403):
            return Denied(text, "check the credential and its permissions", status=status)
        if status in (404, 410):
            return Missing(text, status=status)
        if 300 <= status < 500:
            return Refused(text, status=status)
        return Unreadable(text, "try again") if reading else Unsure(text, "the next run looks first")

    def message(self, response: httpx.Response) -> str:
        """One line for a person; never the body."""
        if 300 <= response.status_code < 400:
            return f"{self.connection} answered with a redirect, which is never followed: check base_url"
        return f"{self.connection} answered {response.status_code} {response.reason_phrase}".strip()

    def retry_after(self, response: httpx.Response) -> float | None:
        """Seconds after which the vendor asks to come again; None when it does not."""
        if response.status_code != 429:
            return None
        try:
            return max(float(response.headers.get("retry-after", "1")), 0.0)
        except ValueError:
            return 1.0

    def pace(self, response: httpx.Response) -> None:
        """Take in the vendor's rate headers."""

    def only_reads(self, method: str, path: str) -> bool:
        """Whether this request, though not a GET, changes nothing (a login, a question about permissions)."""
        return False

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every object of a collection; by default one answer that is a list, or that holds one under `data`."""
        body = self.get(path, params)
        items = body.get("data") if isinstance(body, dict) else body
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Unreadable(f"{path}: the answer is not a list", "try again")
        if isinstance(body, dict) and (body.get("has_more") or body.get("next")):
            raise Unreadable(f"{path}: the answer is one page of several", "tell us: this kind does not page yet")
        yield from items

    def unwrap(self, body: Any) -> Any:
        """The answer without its envelope."""
        return body

    def headed(self, body: Any, response: httpx.Response) -> Any:
        """The answer with what its headers say of it (the link to the next page)."""
        return body

    def turn(self) -> AbstractContextManager[Any]:
        """Held while one request is under way; a vendor that counts those at the same time lets in as many."""
        return nullcontext()

    def pin(self) -> None:
        """Raise WrongAccount when a pinned account or mode is another one; asked before anything else."""

    def account(self) -> str:
        """The account's id where it is pinned, else empty."""
        return ""

    def about(self) -> Mapping[str, Any]:
        """What the vendor says of our own access."""
        return {}

    def leads_to(self) -> Mapping[str, str]:
        """Whom the credential leads to, by one harmless read: the settings that pin it, where the vendor tells them."""
        return {}

    def held(self, asked: Collection[str]) -> Mapping[str, bool]:
        """Which of these permissions the credential has; those that the vendor does not tell are left out."""
        return {}

    def remarks(self) -> Iterable[str]:
        """What a plan tells its reader of the connection; nothing is asked for it."""
        return ()

    def close(self) -> None:
        """Give back what was opened."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # what kinds and the engine call

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """One read."""
        slot = (path, json.dumps(dict(params or {}), sort_keys=True, default=str))
        memory = self._memory
        if memory is not None and slot in memory:
            return memory[slot]
        answer = self._exchange("GET", path, params, None, {}, repeat=True)
        if memory is not None:
            memory[slot] = answer
        return answer

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> Any | None:
        """One read; None when there is no such thing, which an answer that shows nothing does not prove."""
        try:
            found = self.get(path, params)
        except Missing:
            return None
        if found is None:
            raise Unreadable(f"{path}: the answer shows nothing", "try again")
        return found

    def ask(self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """A read by another method than GET; RuntimeError when the vendor does not declare it as one."""
        if method not in _READING and not self.only_reads(method, path):
            raise RuntimeError(f"{method} {path} is not declared as a read")
        return self._exchange(method, path, params, body, {}, repeat=True)

    def send(self, call: Call, key: str | None = None, check: Callable[[], None] = lambda: None) -> Any:
        """One write; RuntimeError in read-only mode, Unsure when it may have happened.

        `check` is asked right before each try, after every wait, and raises when we may not write any more.
        """
        keyed = {self.key_header: key} if self.key_header and key and call.method == "POST" else {}
        return self._exchange(call.method, call.path, call.query, call.body, keyed, repeat=call.safe or bool(keyed),
                              check=check)

    @contextmanager
    def remember(self) -> Iterator[None]:
        """Inside, the same GET is asked once."""
        before, self._memory = self._memory, {}
        try:
            yield
        finally:
            self._memory = before

    def forget(self) -> None:
        """What is remembered is asked afresh."""
        if self._memory is not None:
            self._memory = {}

    # the exchange

    def _exchange(self, method: str, path: str, params: Mapping[str, Any] | None, body: Any, extra: Mapping[str, str], *,
                  repeat: bool, check: Callable[[], None] | None = None) -> Any:
        """Try until there is an answer; a write that one try leaves in doubt stays unsure, whatever the next one says."""
        if self.read_only and method not in _READING and not self.only_reads(method, path):
            raise RuntimeError(f"read-only: {method} {path} was not sent")
        writes, waited, doubt = check is not None, 0.0, False
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            self.pacing.take()
            if check is not None:
                check()
            try:
                response, content = self._once(method, path, params, body, extra, writes)
                if response.is_success:
                    return self._parsed(response, content, writes)
                after = self.retry_after(response)
                if after is not None:
                    waited = self._wait(after, waited, attempt, last, response)
                    continue
                error = self._redacted(self._stranger(response, writes) or self.complaint(response, not writes), body)
                again = repeat and response.status_code >= 500
            except Exhausted as caught:
                error, again = caught, False
            except Failure as caught:
                error, again = caught, repeat or isinstance(caught, Refused)
            if last or not again:
                raise self._doubted(error, method) if doubt else error
            doubt = doubt or isinstance(error, Unsure)
            self.clock.sleep(self._backoff(attempt))
        raise Exhausted(f"{self.connection} asked {TRIES} times to come again", "run it again later", wait=waited)

    def _stranger(self, response: httpx.Response, writes: bool) -> Failure | None:
        """A refusal as a web page is a proxy's or a portal's: it proves neither absence nor that nothing happened."""
        if not 400 <= response.status_code < 500 or "text/html" not in response.headers.get("content-type", "").lower():
            return None
        return self._lost(f"{self.connection} answered {response.status_code} with a web page: is a proxy in between?", writes)

    @staticmethod
    def _doubted(error: Failure, method: str) -> Failure:
        """A refusal proves nothing about the try before it, unless it says that what was to go is gone."""
        if isinstance(error, Unsure) or (method == "DELETE" and isinstance(error, Missing)):
            return error
        return Unsure(f"{error.message}; an earlier try may have got through", "the next run looks first")

    def _wait(self, after: float, waited: float, attempt: int, last: bool, response: httpx.Response) -> float:
        """Wait as the vendor asks, announced; a wait over `max_wait` ends the run instead, resumable."""
        after = 1.0 if math.isnan(after) else after
        if after > self.settings.max_wait or last:
            raise Exhausted(f"{self.connection} asks to come again in {after:g} s (max_wait is {self.settings.max_wait:g} s)",
                            f"run it again in {after:g} s: what is done is not done again", wait=after,
                            status=response.status_code)
        if after >= 1:
            self.progress(f"{self.connection}: waiting {after:g} s, as it asks")
        self.pacing.hold(after)
        self.clock.sleep(after + (random.random() * 0.1 if after else self._backoff(attempt)))
        return waited + after

    @staticmethod
    def _backoff(attempt: int) -> float:
        return min(0.25 * 2.0 ** attempt, 8.0) * (0.5 + random.random() / 2)

    def _once(self, method: str, path: str, params: Mapping[str, Any] | None, body: Any, extra: Mapping[str, str],
              writes: bool) -> tuple[httpx.Response, bytes]:
        headers = {"accept": "application/json", "user-agent": f"reconciler/{__version__}", **self.headers(), **extra}
        content = None
        if body is not None:
            content, headers["content-type"] = self.encode(reveal(body))
        with self._count:
            if writes:
                self.writes_made += 1
            else:
                self.reads_made += 1
        if not writes:
            self.on_read()
        url = self.base_url + self._local(path)
        query = httpx.QueryParams(tuple(self.flatten(params))) if params else None
        began = self.clock.monotonic()
        try:
            with self.turn(), self._open().stream(method, url, params=query, content=content, headers=headers) as response:
                answer = self._body(response, writes, began)
                self.pace(response)
                self.dated = (response.headers.get("date", ""), self.clock.now())
                LOG.debug("%s: %s %s: %d in %.2f s", self.connection, method, path.partition("?")[0], response.status_code,
                          self.clock.monotonic() - began)
                return response, answer
        except _NEVER_LEFT as error:
            raise Refused(
                f"{self.connection} can't be reached: {type(error).__name__}", "check base_url and the network"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            LOG.debug("%s: %s %s: %s", self.connection, method, path.partition("?")[0], type(error).__name__)
            raise self._lost(f"{self.connection}: {type(error).__name__} while {method} {path}", writes) from error

    def _local(self, path: str) -> str:
        """A path on the configured host only: of a whole address, path and query are kept and its host is not."""
        if "://" in path or path.startswith("//"):
            parts = urlsplit(path)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            base = urlsplit(self.base_url).path
            path = path.removeprefix(base) if base else path
        return path if path.startswith("/") else "/" + path

    def _body(self, response: httpx.Response, writes: bool, began: float) -> bytes:
        """The answer's bytes, never more than the cap, however small they came packed, and not for ever."""
        found, most = bytearray(), PATIENCE * self.settings.timeout
        for chunk in response.iter_bytes():  # in pieces of a size, a body that drips would be waited for unseen
            found += chunk
            if self.clock.monotonic() - began > most:
                raise self._lost(f"{self.connection}: the answer was not complete after {most:g} s", writes)
            if len(found) > MOST:
                raise self._lost(f"{self.connection}: the answer is larger than {MOST // 2**20} MiB", writes)
        response._content = bytes(found)  # noqa: SLF001 - httpx offers no other way to keep a body read under a cap
        return response._content  # noqa: SLF001

    def _parsed(self, response: httpx.Response, content: bytes, writes: bool) -> Any:
        if not content.strip():
            return {}
        try:
            return self.headed(self.unwrap(json.loads(content)), response)
        except (ValueError, RecursionError) as error:
            raise self._lost(f"{self.connection}: the answer is not JSON", writes) from error

    @staticmethod
    def _lost(text: str, writes: bool) -> Failure:
        return Unsure(text, "the next run looks first") if writes else Unreadable(text, "try again")

    def _redacted(self, error: Failure, body: Any) -> Failure:
        """A vendor's message may quote what was sent: its secrets are taken out."""
        for form in [form for value in _secrets(body) for form in disguises(value)]:
            error.message = error.message.replace(form, "(secret)")
            if isinstance(error, Refused):
                error.code, error.param, error.request_id = (
                    text.replace(form, "(secret)") for text in (error.code, error.param, error.request_id))
        error.args = (error.message,)
        return error

    def _open(self) -> httpx.Client:
        with self._opening:
            if self._client is None:
                limits = httpx.Limits(max_connections=self.settings.connections,
                                      max_keepalive_connections=self.settings.connections)
                plain = urlsplit(self.base_url).scheme == "http"
                self._client = httpx.Client(
                    transport=self._transport, timeout=self.settings.timeout, limits=limits, follow_redirects=False,
                    trust_env=False, proxy=self.settings.proxy if self._transport is None else None,
                    verify=False if plain or self._transport is not None else _tls(self.settings.ca_bundle))
            return self._client


def _secrets(body: Any) -> Iterator[str]:
    if isinstance(body, Secret):
        if body.reveal():
            yield body.reveal()
    elif isinstance(body, Mapping):
        for item in body.values():
            yield from _secrets(item)
    elif isinstance(body, (list, tuple)):
        for item in body:
            yield from _secrets(item)


def on_this_host(link: str, base: str) -> str:
    """A `next` link reduced to its path and query, so that no vendor's answer sends us elsewhere."""
    parts = urlsplit(urljoin(base + "/", link))
    return parts.path + (f"?{parts.query}" if parts.query else "")
