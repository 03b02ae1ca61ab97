"""F04 to F10: what the one HTTP client makes of resets, timeouts, storms, stored errors, rubbish and endless bodies."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.clock import TestClock
from reconciler.contract import Settings
from reconciler.contract.http import MOST, TRIES, Api
from reconciler.errors import Exhausted, Failure, Lost, Missing, Unreadable, Unsure
from reconciler.model import Call
from tests.faults.tally import Row
from tests.faults.weather import RUBBISH, turned

Answer = Callable[[httpx.Request], httpx.Response]
MAKE = Call("POST", "/things", {"name": "a"})


class Keyed(Api):
    """A vendor that honours keys."""

    key_header = "Idempotency-Key"


def client(*answers: Answer, keyed: bool = True, **settings: Any) -> tuple[Api, list[httpx.Request]]:
    """A client whose nth request meets the nth answer, and the last one for ever; and the requests."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answers[min(len(sent), len(answers)) - 1](request)

    made = (Keyed if keyed else Api)(Settings(base_url="http://vendor.test", **settings), connection="v", clock=TestClock(),
                                     transport=httpx.MockTransport(answer))
    return made, sent


def raising(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    return answer


def status(code: int, body: bytes = b'{"id": "t1"}', **headers: str) -> Answer:
    return lambda request: httpx.Response(code, content=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


IN_DOUBT = [raising(httpx.ReadError), raising(httpx.ReadTimeout), raising(httpx.RemoteProtocolError), status(500), status(502)]


@pytest.mark.parametrize("first", IN_DOUBT)
@pytest.mark.parametrize("then", [raising(httpx.ConnectError), status(429, retry_after="999"), status(403), status(404),
                                  status(400), status(302)])
def test_a_refusal_after_a_doubtful_try_proves_nothing(first: Answer, then: Answer) -> None:
    """A write that may have got through stays unsure, whatever is said to the next try of it."""
    api, _ = client(first, then)
    with pytest.raises(Unsure):
        api.send(MAKE, "k")


def test_what_is_gone_at_the_second_try_of_a_delete_is_gone() -> None:
    """404 after a lost answer to a DELETE is what was asked for."""
    api, _ = client(raising(httpx.ReadError), status(404))
    with pytest.raises(Missing):
        api.send(Call("DELETE", "/things/1", safe=True))


@pytest.mark.parametrize("fault", [*IN_DOUBT, raising(httpx.WriteError), raising(httpx.WriteTimeout)])
def test_a_write_without_a_key_is_sent_once(fault: Answer) -> None:
    """What is neither safe nor keyed is never repeated blindly."""
    api, sent = client(fault, status(200), keyed=False)
    with pytest.raises(Unsure):
        api.send(MAKE, "k")
    assert len(sent) == 1


def test_every_try_of_a_write_carries_its_key() -> None:
    """Repeats are the same request under the same key, and there are not many of them."""
    api, sent = client(raising(httpx.ReadError))
    with pytest.raises(Unsure):
        api.send(MAKE, "k")
    assert len(sent) == TRIES
    assert {(one.headers["idempotency-key"], one.content) for one in sent} == {("k", sent[0].content)}


def test_a_lease_that_ends_between_two_tries_stops_the_second() -> None:
    """The right to write is asked for right before each try: after a wait it may be gone."""
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise Lost("taken over")

    for first in (raising(httpx.ReadError), status(429, retry_after="5"), status(503)):
        asked.clear()
        api, sent = client(first, status(200))
        with pytest.raises(Lost):
            api.send(MAKE, "k", check)
        assert len(sent) == 1


@pytest.mark.parametrize("after", ["61", "86400", "1e300"])
def test_an_absurd_wait_stops_at_once(after: str) -> None:
    """A daily quota or a wait over max_wait is no wait: it ends the run, resumable, and says when to come back."""
    api, sent = client(status(429, retry_after=after))
    with pytest.raises(Exhausted) as caught:
        api.get("/things")
    assert len(sent) == 1
    assert f"{float(after):g} s" in caught.value.message


def test_a_wait_that_is_no_number_is_one_second() -> None:
    """Retry-After may be rubbish too."""
    api, _ = client(status(429, retry_after="nan"), status(200))
    api.get("/things")
    clock = api.clock
    assert isinstance(clock, TestClock)
    assert 1 <= sum(clock.slept) < 2


def test_a_storm_of_429_is_waited_out_and_then_given_up() -> None:
    """Each wait is as long as the vendor asks; after the last try the run ends."""
    api, sent = client(status(429, retry_after="7"))
    with pytest.raises(Exhausted):
        api.get("/things")
    assert len(sent) == TRIES
    clock = api.clock
    assert isinstance(clock, TestClock)
    assert sum(clock.slept) >= 7 * (TRIES - 1)


def test_our_own_limit_holds_in_a_storm() -> None:
    """Requests never come faster than the limit allows, burst and repeats included."""
    api, sent = client(status(503), status(503), status(200), requests_per_second=10)
    clock = api.clock
    assert isinstance(clock, TestClock)
    began = clock.monotonic()
    for n in range(200):
        api.get(f"/things/{n}")
    assert len(sent) <= 1.2 * 10 * (clock.monotonic() - began)


def test_a_body_without_an_end_is_cut_at_the_cap() -> None:
    """Neither a long body nor a bomb that unpacks to one is ever held whole."""
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 2**20

    bomb = gzip.compress(b" " * (MOST + 2**20), 9)
    answers: list[Answer] = [lambda request: httpx.Response(200, content=endless()),
                             status(200, bomb, content_encoding="gzip")]
    for answer in answers:
        api, _ = client(answer)
        with pytest.raises(Unreadable, match="larger than"):
            api.get("/things")
        with pytest.raises(Unsure, match="larger than"):
            api.send(MAKE)


def test_rubbish_is_never_an_empty_answer() -> None:
    """No body that breaks its promise is read as a list without entries, or as proof that something is gone."""
    for body in RUBBISH:
        if body == b'{"object": "list", "data": [{}], "has_more": false}':
            continue
        api, _ = client(status(200, body))
        with pytest.raises(Unreadable):
            list(api.pages("/things"))
    api, _ = client(status(200, b"null"))
    with pytest.raises(Unreadable):
        api.find("/things/1")


def test_f09_a_mutated_answer_is_an_answer_or_a_failure(row: Row) -> None:
    """Whatever bytes come with whatever status: a value, or one of our failures; never anything else."""
    good = json.dumps({"data": [{"id": "t1", "metadata": {"a": "b"}, "n": [1, 2.5, None]}], "has_more": False}).encode()
    for one in row.trials(400, 10_000):
        rng = one.rng
        code = rng.choice([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503])
        answer = status(code, turned(rng, good), retry_after=rng.choice(["1", "x", "-5", "nan", ""]))
        for ask in (lambda api: list(api.pages("/things")), lambda api: api.find("/things/1"), lambda api: api.send(MAKE, "k")):
            api, sent = client(answer)
            with suppress(Failure):
                ask(api)
            assert len(sent) <= TRIES, one


PAGE = b"<html><body>Sign in</body></html>"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
def test_a_web_page_in_place_of_an_answer_proves_nothing(code: int) -> None:
    """A refusal that a proxy or a portal wrote is no absence to a read, and no refusal to a write."""
    api, _ = client(status(code, PAGE, content_type="text/html; charset=utf-8"))
    with pytest.raises(Unreadable, match="web page"):
        api.find("/things/1")
    with pytest.raises(Unsure, match="web page"):
        api.send(Call("DELETE", "/things/1"))


def test_a_body_that_drips_is_not_waited_for_for_ever() -> None:
    """Each piece comes within the timeout; the whole does not, and is given up."""
    def drops(clock: TestClock) -> Iterator[bytes]:
        for _ in range(10_000):
            clock.sleep(29)
            yield b" "

    api, _ = client(lambda request: httpx.Response(200, content=drops(clock)))
    clock = api.clock
    assert isinstance(clock, TestClock)
    began = clock.now()
    with pytest.raises(Unsure, match="not complete"):
        api.send(MAKE)
    assert clock.now() - began < 200


HUGE = """
import json, sys
from reconciler.clock import TestClock
from reconciler.contract import Settings
from reconciler.contract.http import MOST, Api
from reconciler.errors import Failure
import httpx

def endless():
    for _ in range(300):
        yield b"[]," * (2**20 // 3)

whole = b"[" + b"{}," * (MOST // 3 - 2) + b"{}]"
deep = b'{"data": ' + b"[" * 100_000
for content in (endless, lambda: whole, lambda: deep, lambda: b"[" + b'"\\\\u0000",' * (MOST // 9 - 2) + b"0]"):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=content()))
    api = Api(Settings(base_url="http://vendor.test"), connection="v", clock=TestClock(), transport=transport)
    try:
        list(api.pages("/things"))
    except Failure as error:
        print(error.message)
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is told by /proc")
def test_f09_no_body_takes_much_memory(row: Row) -> None:
    """300 MB that are streamed, as much JSON of small things as the cap lets in, and depth: the peak stays below 300 MB."""
    for _ in row.each([1]):
        done = subprocess.run([sys.executable, "-c", HUGE], cwd=Path(__file__).parents[2], text=True, capture_output=True,
                              check=True)
        assert int(done.stdout.split()[-1]) < 300_000, done.stdout
