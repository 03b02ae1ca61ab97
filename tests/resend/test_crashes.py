"""Killed at every boundary between "a key is made" and "it is delivered": no orphan, no lost token, whatever comes after."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from reconciler.model import Delivery, Resource
from reconciler.sandbox.store import Request, Response
from reconciler.secret import Secret
from tests.resend.desk import Team
from tests.resend.stack import MAIL, ONLY_KEY, SECRET

READ: dict[str, tuple[Resource, ...]] = {}


class Killed(BaseException):
    """What kill -9 is to a process; nothing catches it."""


class Deadly(Team):
    """A stack whose process dies at the nth boundary: around each request, each commit, each hand-over to the sink."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.at = ""
        self.desk.sandbox.answer = self._around("request", self.desk.sandbox.answer)  # type: ignore[method-assign]
        self.store.commit = self._around("commit", self.store.commit)  # type: ignore[method-assign]
        self.sink.check = self._around("check", self.sink.check)  # type: ignore[method-assign]
        self.sink.put = self._around("put", self.sink.put)  # type: ignore[method-assign]

    def _around(self, word: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*given: Any, **more: Any) -> Any:
            self._boundary(f"before {word}", *given)
            found = real(*given, **more)
            self._boundary(f"after {word}", *given)
            return found

        return deadly

    def _boundary(self, word: str, *given: Request | Delivery | Secret) -> None:
        if self.left is None or (isinstance(given[0], Request) and given[0].method == "GET"):
            return
        self.left -= 1
        if self.left < 0:
            self.left, self.at = None, word
            raise Killed(word)

    def resources(self, manifest_: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Read once: a hundred stacks have the same manifest."""
        text = json.dumps(manifest_)
        if text not in READ:
            READ[text] = super().resources(manifest_)
        return READ[text]

    def dies(self, manifest: dict[str, Any], n: int) -> bool:
        """Apply, and die at the nth boundary; False when the run ended before it."""
        self.left = n
        try:
            self.apply(manifest)
        except Killed:
            return True
        finally:
            self.left = None
        return False

    def whole(self, manifest: dict[str, Any], noun: str, slot: str, secret: Callable[[str], str]) -> None:
        """Two clean runs at most, then nothing is left to do: one object, and the sink has its secret."""
        for _ in range(2):
            self.apply(manifest)
        assert self.plan(manifest).empty
        assert len(self.desk.held(noun)) == 1, self.desk.held(noun)
        assert self.sink.held[slot] == secret(next(iter(self.desk.held(noun))))


def token(team: Team) -> Callable[[str], str]:
    """The token of a key, as the vendor alone knows it."""
    keys = team.desk.sandbox.collection("api-keys")
    return lambda id: str(keys.created(keys.find(id))["token"])


def signing(team: Team) -> Callable[[str], str]:
    """The signing secret of a webhook."""
    hooks = team.desk.sandbox.collection("webhooks")
    return lambda id: str(hooks.shown(hooks.find(id))["signing_secret"])


def turned(manifest: dict[str, Any], noun: str, name: str, word: str) -> dict[str, Any]:
    """The manifest with another word under `rotate`."""
    found = copy.deepcopy(manifest)
    found[noun][name]["lifecycle"]["rotate"] = word
    return found


CASES = [(ONLY_KEY, "api_key", "api", "api-keys", "kv/api/resend#api_key", token),
         ({"webhook": MAIL["webhook"]}, "webhook", "delivery", "webhooks", f"kv/api/resend#{SECRET['signing_secret']['key']}",
          signing)]


def boundaries(first: Callable[[Deadly], None], manifest: dict[str, Any]) -> Iterator[tuple[int, Deadly]]:
    """A fresh stack for each boundary of the run, dead there."""
    for n in itertools.count():
        team = Deadly()
        first(team)
        if not team.dies(manifest, n):
            return
        yield n, team


@pytest.mark.parametrize(("manifest", "noun", "name", "path", "slot", "secret"), CASES, ids=["key", "webhook"])
def test_a_first_secret_survives_a_death_at_every_boundary(manifest: Any, noun: str, name: str, path: str, slot: str,
                                                           secret: Any) -> None:
    """Dead before or after the create, its record, the hand-over: the next runs leave one object, delivered."""
    seen = []
    for _, team in boundaries(lambda team: None, manifest):
        seen.append(team.at)
        team.whole(manifest, path, slot, secret(team))
    assert {"before request", "after request", "before put", "after put", "before commit", "after commit"} <= set(seen)


@pytest.mark.parametrize(("manifest", "noun", "name", "path", "slot", "secret"), CASES, ids=["key", "webhook"])
def test_a_rotation_survives_a_death_at_every_boundary(manifest: Any, noun: str, name: str, path: str, slot: str,
                                                       secret: Any) -> None:
    """The old one is there until the new one is delivered, and gone in the end."""
    old, new = turned(manifest, noun, name, "1"), turned(manifest, noun, name, "2")
    for _, team in boundaries(lambda team: team.apply(old) and None, new):
        known = team.sink.held[slot]
        assert known in [secret(team)(id) for id in team.desk.held(path)], team.at
        team.whole(new, path, slot, secret(team))


@pytest.mark.parametrize(("manifest", "noun", "name", "path", "slot", "secret"), CASES, ids=["key", "webhook"])
def test_dying_again_in_the_next_run_changes_nothing_of_that(manifest: Any, noun: str, name: str, path: str, slot: str,
                                                             secret: Any) -> None:
    """Every boundary of the second run after every one of the first."""
    trials = 0
    for first in itertools.count():
        for second in itertools.count():
            team = Deadly()
            if not team.dies(manifest, first):
                assert trials > 50
                return
            again = team.dies(manifest, second)
            team.whole(manifest, path, slot, secret(team))
            trials += 1
            if not again:
                break


def test_a_sink_that_takes_nothing_leaves_nothing_behind_wherever_it_dies() -> None:
    """The new key is removed again; dead on the way, the next run removes it, and makes one that is delivered."""
    def shut(team: Deadly) -> None:
        team.sink.broken = "put"

    for _, team in boundaries(shut, ONLY_KEY):
        team.sink.broken = ""
        team.whole(ONLY_KEY, "api-keys", "kv/api/resend#api_key", token(team))


def test_a_lost_answer_to_a_key_s_create_is_no_lost_key(team: Team) -> None:
    """The key is there and its token is not: the next run finds it by its name and makes another in its place."""
    def cut(request: Request) -> Response:
        answer = real(request)
        if request.method == "POST" and not cutting.pop("done", True):
            raise ConnectionResetError("reset")
        return answer

    cutting = {"done": False}
    real = team.desk.sandbox.answer
    team.desk.sandbox.answer = cut  # type: ignore[method-assign]
    team.apply(ONLY_KEY)
    lost = next(iter(team.desk.held("api-keys")))
    team.settle(ONLY_KEY)
    keys = team.desk.held("api-keys")
    assert len(keys) == 1 and lost not in keys
    assert team.sink.held == {"kv/api/resend#api_key": token(team)(next(iter(keys)))}
