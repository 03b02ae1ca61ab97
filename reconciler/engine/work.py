"""What a worker does for one call: look, check the lease, send, read back; it writes nothing to the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from reconciler.contract.kind import Kind
from reconciler.engine import digest
from reconciler.errors import Missing, Stale, Unsure
from reconciler.model import Action, Call, Live, Op, Ref, SecretRef, Want, fill, has_token
from reconciler.secret import Secret

Find = Callable[[Ref | SecretRef], Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one call: the object it made or changed (when it made one), or the error.

    `early` says that the error came before anything was sent.
    """

    live: Live | None = None
    error: BaseException | None = None
    gone: bool = False
    early: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One call that is ready: everything known, nothing left to decide."""

    kind: Kind[Any]
    action: Action
    call: Call
    key: str
    creates: bool
    first: bool
    want: Want[Any] | None
    blind: bool = False


def ready(call: Call, find: Find) -> Call:
    """The call with everything filled in; values put into its path are percent-encoded."""
    body = fill(call.body, find)
    path = fill(call.path, lambda token: _encoded(find(token)))
    query = fill(dict(call.query), find)
    if has_token(path) or has_token(body) or has_token(query):
        raise Stale(f"{re.sub(chr(2) + '|' + chr(3), '', call.path)} needs a value that is still not known", "plan again")
    return replace(call, path=path, body=body, query=query)


def _encoded(value: Any) -> Any:
    if isinstance(value, Secret):
        raise Stale("a secret can't be part of a path")
    if isinstance(value, str) and has_token(value):
        return value
    return "/".join(quote(part, safe="") for part in str(value).split("/"))


def perform(job: Job, check: Callable[[], None], veil: Callable[[Secret], str]) -> Sent:
    """Send one call and read what it made; every failure comes back as a value."""
    deletes = (job.call.method == "DELETE" or job.action.op is Op.DELETE) and not job.creates
    try:
        _look_first(job, veil)
        check()
    except Exception as error:  # noqa: BLE001 - the step boundary: whatever went wrong becomes this step's outcome
        return Sent(gone=True) if deletes and isinstance(error, Missing) else Sent(error=error, early=True)
    try:
        answer = job.kind.api.send(job.call, job.key, check)
    except Missing as error:
        return Sent(gone=True) if deletes else Sent(error=error)
    except Exception as error:  # noqa: BLE001 - the step boundary: whatever went wrong becomes this step's outcome
        return Sent(error=error)
    if not job.creates:
        return Sent()
    try:
        return Sent(live=_made(job, answer))
    except Exception as error:  # noqa: BLE001 - the object may be there: only a read can tell
        return Sent(error=Unsure(f"made, but could not be read back: {error}"))


def _look_first(job: Job, veil: Callable[[Secret], str]) -> None:
    """An update or delete compares with what the plan saw; a create whose identity was not known looks it up."""
    action = job.action
    if job.creates:
        if job.blind and job.want is not None and any(True for _ in job.kind.lookup(job.want)):
            raise Stale("it exists already, which could not be seen when the plan was made", "plan again")
        return
    if not job.first or action.live is None or not action.seen:
        return
    live = job.kind.get(action.live.id)
    if live is None:
        raise Missing(f"{action.live.id} is not there any more")
    now = replace(live, outputs=action.live.outputs)
    if digest.fingerprint(_like(now, action.live), veil) != action.seen:
        raise Stale("it was changed at the vendor after the plan was made", "plan again")


def _like(live: Live, seen: Live) -> Live:
    """Only the fields that the plan saw: a direct read may show more than a list."""
    return replace(live, fields={name: value for name, value in live.fields.items() if name in seen.fields})


def _made(job: Job, answer: Any) -> Live:
    """What the create made; an object that was there before it, or has been put away, is not it."""
    live = job.kind.read(answer)
    if live is not None:
        return live
    assert job.want is not None
    id = job.kind.foretell(job.want).get("id")
    old = {*job.action.candidates, *((job.action.live.id,) if job.action.live is not None else ())}
    like = [job.kind.get(id)] if id is not None else [
        one for one in job.kind.lookup(job.want) if one.id not in old and not one.archived]
    if len(like) != 1 or like[0] is None:
        raise Unsure("more than one object looks like it" if len(like) > 1 else "the new object can't be found yet")
    return like[0]


def outputs(live: Live) -> Mapping[str, Any]:
    """What an object gives to others."""
    return {"id": live.id, **live.outputs}
