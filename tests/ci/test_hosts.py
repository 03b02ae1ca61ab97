"""The clients of code hosts: what they wait for, repeat and refuse, on a clock that tests turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Denied, Exhausted, Missing, Refused, Unreadable, Unsure
from reconciler.forge.github import Github, GithubApi
from reconciler.forge.rest import HostSettings, seconds
from reconciler.secret import Secret
from tests.ci import fake_github
from tests.ci.fake_github import REPOSITORY
from tests.ci.served import Answer, Asked, transport

HEAD = "a1" * 20


class World:
    """A fake repository, a client of it, and their clock."""

    def __init__(self, prefix: str = "") -> None:
        self.clock = TestClock()
        self.fake = fake_github.Github(now=self.clock.now)
        self.fake.open(7, HEAD)
        self.told: list[str] = []
        settings = HostSettings(base_url="https://api.github.com", token=Secret("ghs_x"))
        api = GithubApi(settings, connection="github", clock=self.clock, transport=transport(self.fake),
                        progress=self.told.append)
        self.forge = Github(api, REPOSITORY, prefix)

    def answer(self, *answers: Answer | None) -> None:
        """These first, one a request; None lets the request through."""
        left = list(answers)
        self.fake.faults[:] = [lambda asked: left.pop(0) if left else None]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.forge.close()


@pytest.mark.parametrize(("answer", "waited"), [
    (Answer(403, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "30"}), 30),
    (Answer(429, {"message": "too many"}, {"retry-after": "20"}), 20),
    (Answer(403, {"message": "API rate limit exceeded"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(1_700_000_090)}), 91),
    (Answer(403, {"message": "You have exceeded a secondary rate limit. Please wait"}), 60),
    (Answer(429, {"message": "too many"}, {"retry-after": "soon"}), 60)])
def test_a_limit_is_waited_for_as_it_asks(world: World, answer: Answer, waited: float) -> None:
    """Retry-After first, then the reset of a spent budget, else a minute; it is said, and the request comes again."""
    world.answer(answer)
    assert world.forge.pull(7).head == HEAD
    assert waited <= sum(world.clock.slept) < waited + 1
    assert any("waiting" in text for text in world.told)


def test_a_limit_over_five_minutes_is_told_instead(world: World) -> None:
    """A job does not sit on its runner for an hour."""
    world.answer(Answer(403, {"message": "API rate limit exceeded"},
                        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(1_700_003_600)}))
    with pytest.raises(Exhausted, match="come again in 3601 s"):
        world.forge.pull(7)
    assert world.clock.slept == []


def test_a_limit_that_does_not_end_is_given_up(world: World) -> None:
    """Five times, then it is told; the write was never sent more often than it was asked for."""
    world.fake.faults.append(lambda asked: Answer(429, {"message": "no"}, {"retry-after": "1"}))
    with pytest.raises(Exhausted):
        world.forge.comment(7, "x")
    assert len(world.fake.requests) == 5 and world.fake.comments == []


def test_a_403_that_is_no_limit_is_not_waited_for(world: World) -> None:
    """A missing permission is told at once, by the name that GitHub gives it."""
    world.answer(Answer(403, {"message": "Resource not accessible by integration"},
                        {"x-accepted-github-permissions": "checks=write"}))
    with pytest.raises(Denied) as caught:
        world.forge.pull(7)
    assert "checks=write" in caught.value.next and world.clock.slept == []


def test_reads_are_repeated_and_writes_only_where_that_is_safe(world: World) -> None:
    """A 502 on a read or on an edit comes again; on a new comment it is unsure, and nothing is sent twice."""
    world.answer(Answer(502), None)
    assert world.forge.pull(7).number == 7
    made = world.forge.comment(7, "x")
    world.answer(Answer(502), None)
    world.forge.edit(7, made.id, "y")
    assert world.fake.comments[0]["body"] == "y"
    world.answer(Answer(502))
    before = len(world.fake.requests)
    with pytest.raises(Unsure):
        world.forge.comment(7, "z")
    assert len(world.fake.requests) == before + 1


def test_a_redirect_is_not_followed(world: World) -> None:
    """The token goes to the configured host only; so does a next page that names another."""
    world.answer(Answer(301, None, {"location": "https://evil.example/"}))
    with pytest.raises(Refused, match="redirect"):
        world.forge.pull(7)
    hosts: list[str] = []

    def elsewhere(asked: Asked) -> Answer | None:
        hosts.append(asked.path)
        return Answer(200, [], {"link": '<https://evil.example/steal?page=2>; rel="next"'}) if len(hosts) == 1 else None

    world.fake.faults[:] = [elsewhere]
    with pytest.raises(Missing):
        list(world.forge.comments(7))
    assert hosts[1] == "/steal"


def test_pages_that_do_not_end_are_an_error(world: World) -> None:
    """A list that links to itself is never taken for whole."""
    link = {"link": '<https://api.github.com/repos/acme/shop/issues/7/comments?page=2>; rel="next"'}
    world.fake.faults.append(lambda asked: Answer(200, [], link))
    with pytest.raises(Unreadable, match="do not end"):
        list(world.forge.comments(7))


def test_an_enterprise_server_has_its_paths() -> None:
    """REST below /api/v3, GraphQL beside it."""
    world = World("/api/v3")
    world.fake.faults.append(lambda asked: Answer(200, {"data": {"viewer": {"login": "bot"}}}))
    assert world.forge.me() == "bot"
    world.fake.faults[:] = []
    with pytest.raises(Missing):
        world.forge.pull(7)
    assert [one.path for one in world.fake.requests] == ["/api/graphql", "/api/v3/repos/acme/shop/pulls/7"]


def test_every_request_says_its_version_and_form(world: World) -> None:
    """As https://docs.github.com/rest/about-the-rest-api/api-versions asks."""
    world.forge.pull(7)
    headers = world.fake.requests[0].headers
    assert (headers["x-github-api-version"], headers["accept"]) == ("2022-11-28", "application/vnd.github+json")
    assert headers["authorization"] == "Bearer ghs_x" and headers["user-agent"].startswith("reconciler/")


def test_times_are_read_as_hosts_write_them() -> None:
    """GitHub in whole seconds with Z, GitLab with milliseconds and an offset; anything else is none."""
    assert seconds("2023-11-14T22:13:20Z") == seconds("2023-11-15T00:13:20.000+02:00") == 1_700_000_000.0
    assert seconds("2023-11-14T22:13:20") == 1_700_000_000.0
    assert [seconds(one) for one in (None, "", "soon", 5)] == [None] * 4
