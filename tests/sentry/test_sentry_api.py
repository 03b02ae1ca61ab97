"""The client: addresses, pages, errors, and what a lost answer leaves."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Denied, Failure, Missing, Refused, Unreadable, Unsure
from reconciler.model import Call
from reconciler.sandbox.store import Response
from reconciler.secret import Secret
from reconciler.vendors.sentry import SentrySettings
from reconciler.vendors.sentry.crowd import Crowd
from tests.sentry.desk import BASE, ORG, Desk, Org, lines

MAKE = Call("POST", f"{ORG}/teams/", {"slug": "x"})


def answering(desk: Desk, answer: Any) -> None:
    """Everything is answered like this."""
    desk.sandbox.faults.append(lambda request, n: answer)


@pytest.mark.parametrize(("given", "url"), [
    (None, "https://sentry.io"), ("https://de.sentry.io/", "https://de.sentry.io"),
    ("https://sentry.sql2.ai/api/0/", "https://sentry.sql2.ai"), ("https://x.example/sentry/api", "https://x.example/sentry")])
def test_an_address_may_end_in_the_apis_own_path(given: str | None, url: str) -> None:
    """SENTRY_URL is written in both ways."""
    assert Desk(base_url=given).api.base_url == url


def test_an_organization_token_is_no_credential_for_this() -> None:
    """`sntrys_` tokens of CI lack the scopes, and the setting says so."""
    with pytest.raises(ValueError, match="internal integration"):
        SentrySettings(auth_token=Secret("sntrys_abc"), organization="sql2ai")


@pytest.mark.parametrize(("answer", "kind", "text", "param"), [
    (Response(400, {"slug": ["Enter a valid slug."]}), Refused, "sentry: slug: Enter a valid slug.", "slug"),
    (Response(400, {"conditionGroup": {"conditions": [{"type": ["No."]}]}}), Refused,
     "sentry: condition_group.conditions[0].type: No.", "condition_group.conditions[0].type"),
    (Response(400, {"detail": "Bad."}), Refused, "sentry: Bad.", ""),
    (Response(400, ["Bad.", "Worse."]), Refused, "sentry: Bad.; Worse.", ""),
    (Response(400, {"nonFieldErrors": ["Both."]}), Refused, "sentry: Both.", ""),
    (Response(403, {"detail": "You do not have permission."}), Denied, "sentry: You do not have permission.", ""),
    (Response(404, {"detail": "Not here."}), Missing, "sentry: Not here.", ""),
    (Response(409, {"detail": "A team with this slug already exists."}), Refused,
     "sentry: A team with this slug already exists.", ""),
    (Response(410, {"detail": {"code": "", "message": "This API no longer exists.", "extra": {}}}), Missing,
     "sentry: This API no longer exists.", ""),
    (Response(500, None), Unsure, "sentry answered 500 Internal Server Error", "")])
def test_an_error_is_told_with_its_field(answer: Response, kind: type[Failure], text: str, param: str) -> None:
    """Both shapes of errors, with the field in the manifest's words."""
    desk = Desk()
    answering(desk, answer)
    with pytest.raises(kind) as caught:
        desk.api.send(MAKE)
    assert type(caught.value) is kind and caught.value.message == text
    assert getattr(caught.value, "param", "") == param


@pytest.mark.parametrize("answer", [
    Response(200, {}), Response(200, []), Response(200, [{"id": "1"}], {"link": '<x>; rel="previous"'}),
    Response(200, ["x"], {"link": '<x>; rel="next"; results="false"; cursor="0:0:0"'}),
    Response(200, [{"slug": "x"}], {"link": '<x>; rel="next"; results="false"; cursor="0:0:0"'}),
    Response(200, [{"id": "1"}], {"link": '<x>; rel="next"; results="true"; cursor="0:0:0"'}),
    Response(404, {"detail": "The requested resource does not exist"})])
def test_what_is_not_a_whole_list_is_no_answer(answer: Response) -> None:
    """No link, a circle, things without an id: an error, never a smaller world."""
    desk = Desk()
    answering(desk, answer)
    with pytest.raises(Unreadable):
        list(desk.api.pages(f"{ORG}/teams/"))


def test_a_server_without_alerts_blocks_alerts_alone(org: Org) -> None:
    """jikig-ai/soleur#6636: where an API is gone, its kinds can't be read, and everything else is planned and done."""
    org.settle(BASE)
    gone = Response(410, {"detail": {"message": "This API no longer exists."}})
    org.desk.sandbox.faults.append(lambda request, n: gone if "/workflows/" in request.path else None)
    made = org.plan({"team": {"backend": {"name": "Backend"}}, "project": BASE["project"], "alert": {"x": {"match_all": True}}})
    assert {str(a.address): a.op.value for a in made.actions if a.op.value != "noop"} == {
        "sentry.team/backend": "update", "sentry.alert/x": "blocked"}
    assert "too old" in (org.action(made, "alert/x").blocked or "")


def test_of_a_link_only_the_cursor_counts() -> None:
    """An answer that names another host is asked at ours."""
    desk = Desk()
    link = '<https://evil.example/api/0/x/?cursor=1>; rel="next"; results="true"; cursor="0:100:0"'
    left = [Response(200, [{"id": "1"}], {"link": link})]
    desk.sandbox.faults.append(lambda request, n: left.pop() if left else None)
    list(desk.api.pages(f"{ORG}/teams/"))
    assert [one.path for one in desk.sandbox.requests] == [f"{ORG}/teams/"] * 2


def test_a_lost_answer_is_looked_up_and_not_sent_again(org: Org) -> None:
    """Sentry knows no idempotency keys: monitors of one name would double."""
    lost: list[int] = []

    def cut(request: Any, n: int) -> Any:
        if request.method == "POST" and request.path.endswith("/teams/") and not lost:
            lost.append(n)
            org.desk.sandbox.teams.made({"slug": "backend"})
            return Response(502, None)
        return None

    org.desk.sandbox.faults.append(cut)
    assert [o.result.value for o in org.apply({"team": {"backend": {}}}).outcomes] == ["unknown"]
    assert org.acts({"team": {"backend": {}}}) == {}
    assert len(org.desk.sandbox.table("teams")) == 1


def test_a_crowd_only_gets_smaller() -> None:
    """Never below one, whatever a header says."""
    crowd = Crowd(8)
    for most, left in ((4, 4), (6, 4), (0, 1), (-3, 1)):
        crowd.shrink(most)
        assert crowd.most == left
    with crowd:
        assert crowd.inside == 1


def test_nothing_is_deleted_by_filter(org: Org) -> None:
    """A DELETE of a whole collection would empty the organization: every one names its object."""
    org.settle({**BASE, "alert": {"x": {"match_all": True, "config": {"frequency": 30}}}})
    id = org.desk.one("workflows")["id"]
    assert lines(org.settle(BASE)) == [f"DELETE /organizations/sql2ai/workflows/{id}/"]
