"""The client: pages, errors, the limit that the team's mail shares, and what is asked again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.contract import Ask
from reconciler.errors import Denied, Exhausted, Failure, Missing, Refused, Unreadable, Unsure
from reconciler.model import Call, Live, Unseen
from reconciler.sandbox.store import Request, Response
from reconciler.secret import Secret
from tests.resend.desk import Desk

MAKE = Call("POST", "/topics", {"name": "x", "default_subscription": "opt_in"})


@pytest.fixture
def desk() -> Desk:
    """One team."""
    return Desk()


def once(desk: Desk, *answers: Response) -> None:
    """The next requests get these answers instead of their own."""
    left = list(answers)
    desk.sandbox.faults.append(lambda request, n: left.pop(0) if left else None)


def error(status: int, name: str = "validation_error", message: str = "no", **headers: str) -> Response:
    """An answer in Resend's form of errors."""
    return Response(status, {"statusCode": status, "name": name, "message": message},
                    {key.replace("_", "-"): value for key, value in headers.items()})


# the limit

def test_half_of_the_limit_is_ours(desk: Desk) -> None:
    """Five requests a second are the team's, its mail among them; a setting overrides ours, and is not announced."""
    assert desk.api.pacing.rate == 2.5
    list(desk.api.pages("/topics"))
    list(desk.api.pages("/topics"))
    said = ("resend: 2.5 requests a second, half of the team's limit: the other half is left to its mail "
            "(requests_per_second changes that)")
    assert desk.told == [said]
    own = desk.connect(requests_per_second=4)
    list(own.pages("/topics"))
    assert own.pacing.rate == 4 and len(desk.told) == 1
    assert desk.connect(api_key=Secret("placeholder")).pacing.rate is None


@pytest.mark.parametrize(("headers", "rate"), [
    ({"ratelimit_limit": "2"}, 1.0), ({"ratelimit_limit": "10"}, 2.5), ({"ratelimit_policy": "20;w=10"}, 1.0),
    ({"ratelimit_limit": "nonsense"}, 2.5), ({"ratelimit_limit": "0"}, 2.5)])
def test_the_headers_may_say_less(desk: Desk, headers: dict[str, str], rate: float) -> None:
    """Half of what they say, never more than half of what is documented."""
    once(desk, Response(200, {"object": "list", "has_more": False, "data": []},
                        {key.replace("_", "-"): value for key, value in headers.items()}))
    list(desk.api.pages("/topics"))
    assert desk.api.pacing.rate == rate


def test_nothing_is_asked_while_the_limit_is_used_up(desk: Desk) -> None:
    """The window's end is waited for; and a 429 of a second asks to come again."""
    once(desk, Response(200, {"object": "list", "has_more": False, "data": []},
                        {"ratelimit-remaining": "0", "ratelimit-reset": "7"}))
    list(desk.api.pages("/topics"))
    before = desk.clock.now()
    list(desk.api.pages("/topics"))
    assert desk.clock.now() - before >= 7
    once(desk, error(429, "rate_limit_exceeded", retry_after="3"))
    assert list(desk.api.pages("/topics")) == []
    once(desk, error(429, "rate_limit_exceeded", retry_after="600"))
    with pytest.raises(Exhausted, match="600 s"):
        desk.api.get("/topics")


# pages

def test_a_list_is_read_to_its_end(desk: Desk) -> None:
    """A hundred a request, each object once."""
    for n in range(205):
        desk.by_hand("topics", name=f"t{n}", default_subscription="opt_in")
    found = [one["name"] for one in desk.api.pages("/topics")]
    assert len(found) == len(set(found)) == 205
    assert [dict(one.query).get("after") is not None for one in desk.sandbox.requests] == [False, True, True]
    assert {dict(one.query)["limit"] for one in desk.sandbox.requests} == {"100"}


@pytest.mark.parametrize("body", [
    [], {"data": []}, {"object": "list", "data": None, "has_more": False}, {"object": "list", "data": [{}], "has_more": False},
    {"object": "list", "data": [{"id": 1}], "has_more": False}, {"object": "list", "data": ["x"], "has_more": False}, "x"])
def test_what_is_no_list_is_no_empty_team(desk: Desk, body: Any) -> None:
    """A truncated or strange answer is unreadable, never a smaller world."""
    once(desk, Response(200, body))
    with pytest.raises(Unreadable):
        list(desk.api.pages("/topics"))


def test_pages_that_go_round_end(desk: Desk) -> None:
    """A cursor that leads nowhere new."""
    page = {"object": "list", "has_more": True, "data": [{"id": "a"}]}
    desk.sandbox.faults.append(lambda request, n: Response(200, page))
    with pytest.raises(Unreadable, match="circle"):
        list(desk.api.pages("/topics"))


# errors

@pytest.mark.parametrize(("answer", "kind", "next"), [
    (error(401, "restricted_api_key"), Denied, "full access"), (error(401, "missing_api_key"), Denied, "RESEND_API_KEY"),
    (error(403, "invalid_api_key"), Denied, "RESEND_API_KEY"), (error(403), Refused, ""), (error(409), Refused, ""),
    (error(404, "not_found"), Missing, ""), (error(422), Refused, ""), (error(451, "security_error"), Refused, ""),
    (Response(400, None), Refused, ""), (error(500, "application_error"), Unsure, "looks first")])
def test_errors_are_told_apart(desk: Desk, answer: Response, kind: type[Failure], next: str) -> None:
    """A key that may only send, a wrong one, a refusal, and what may have happened."""
    once(desk, answer)
    with pytest.raises(kind) as caught:
        desk.api.send(MAKE)
    assert type(caught.value) is kind and next in caught.value.next
    assert len(desk.sandbox.requests) == 1


def test_a_refusal_names_the_field(desk: Desk) -> None:
    """It stands in backticks in the text."""
    once(desk, error(422, message="Missing `html` field."))
    with pytest.raises(Refused) as caught:
        desk.api.send(MAKE)
    assert (caught.value.param, caught.value.code, caught.value.message) == (
        "html", "validation_error", "resend: Missing `html` field.")


def test_a_read_is_asked_again_and_a_create_is_not(desk: Desk) -> None:
    """Resend keeps no key of a create: sent twice it would make two."""
    once(desk, error(500), error(502))
    assert list(desk.api.pages("/topics")) == []
    once(desk, error(500))
    with pytest.raises(Unsure):
        desk.api.send(MAKE, "key")
    assert not desk.held("topics")
    assert "idempotency-key" not in desk.sandbox.requests[-1].headers


def test_a_key_that_may_only_send_sees_nothing(desk: Desk) -> None:
    """And what it can't see is not absent."""
    desk.sandbox.sending = frozenset({"re_123"})
    with pytest.raises(Denied, match="restricted to only send"):
        list(desk.api.pages("/topics"))


# one by one

def test_only_what_is_asked_for_is_read_whole(desk: Desk) -> None:
    """Of the others the list says enough: a name that is taken, and by whom."""
    mine = desk.by_hand("templates", name="Mine", alias="mine", html="<p>x</p>")
    desk.by_hand("templates", name="Other", alias="other", html="<p>y</p>")
    kind = desk.kinds["resend.template"]
    found = {one.fields["alias"]: one for one in kind.list(Ask(ids=frozenset({mine["id"]}))) if isinstance(one, Live)}
    assert "html" in found["mine"].fields and "html" not in found["other"].fields
    assert [one.path for one in desk.sandbox.requests] == ["/templates", f"/templates/{mine['id']}"]
    assert all("html" in one.fields for one in kind.list(Ask(everything=True)) if isinstance(one, Live))


def test_what_can_not_be_read_is_unseen_and_what_went_meanwhile_is_gone(desk: Desk) -> None:
    """One refused read hides one object."""
    ids = [desk.by_hand("templates", name=name, alias=name, html="x")["id"] for name in ("a", "b", "c")]

    def fault(request: Request, n: int) -> Response | None:
        if request.path == f"/templates/{ids[0]}":
            return error(403)
        return error(404, "not_found") if request.path == f"/templates/{ids[1]}" else None

    desk.sandbox.faults.append(fault)
    found = list(desk.kinds["resend.template"].list(Ask(everything=True)))
    assert [one.id for one in found if isinstance(one, Unseen)] == [ids[0]]
    assert [one.id for one in found if isinstance(one, Live)] == [ids[2]]


def test_no_error_holds_a_secret(desk: Desk) -> None:
    """What was sent is taken out of what comes back."""
    once(desk, error(422, message="the key re_canary is wrong"))
    with pytest.raises(Refused) as caught:
        desk.api.send(Call("POST", "/topics", {"name": Secret("re_canary")}))
    assert "re_canary" not in str(caught.value) and "re_123" not in json.dumps([one.answer for one in desk.sandbox.requests])
