"""What a worker does for one call: look, check the lease, send, read back; it writes nothing to the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from reconciler.contract.kind import Kind
from reconciler.engine import digest
from reconciler.engine.diff import diff
from reconciler.errors import MISSHAPEN, Failure, Missing, Stale, Unsure, shaped
from reconciler.model import Action, Call, Live, Op, Ref, SecretRef, Want, fill, has_token
from reconciler.secret import Secret

Find = Callable[[Ref | SecretRef], Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one call: the object it made or changed (when it made one), or the error.

    `early` says that the error came before anything was sent, `unmet` what the vendor took and does not show.
    """

    live: Live | None = None
    error: BaseException | None = None
    gone: bool = False
    early: bool = False
    unmet: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One call that is ready: everything known, nothing left to decide.

    `last` says that all that was wanted must be there after it, `id` is the object's where it is known by now.
    """

    kind: Kind[Any]
    action: Action
    call: Call
    key: str
    creates: bool
    first: bool
    want: Want[Any] | None
    blind: bool = False
    last: bool = False
    id: str | None = None


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
        taken = _look_first(job, veil)
        check()
    except Exception as error:  # noqa: BLE001 - the step boundary: whatever went wrong becomes this step's outcome
        return Sent(gone=True) if deletes and isinstance(error, Missing) else Sent(error=error, early=True)
    try:
        answer = _take(job, taken, check) if taken is not None else job.kind.api.send(job.call, job.key, check)
    except Missing as error:
        return Sent(gone=True) if deletes else Sent(error=error)
    except Exception as error:  # noqa: BLE001 - the step boundary: whatever went wrong becomes this step's outcome
        return Sent(error=error)
    if not job.creates:
        live = _settings(job, answer)
        return Sent(live=live, unmet=_unmet(job, live or _shown(job, answer)) if _proves(job) else "")
    try:
        made = taken or _made(job, answer)
    except Exception as error:  # noqa: BLE001 - the object may be there: only a read can tell
        return Sent(error=Unsure(f"made, but could not be read back: {error}"))
    return Sent(live=made, unmet=_unmet(replace(job, id=made.id), None if taken else made) if _proves(job) else "")


def _settings(job: Job, answer: Any) -> Live | None:
    """Settings that came with a parent of this run: what they are known by can be read only now."""
    want, born = job.want, job.kind.singleton and job.last and job.action.op is Op.CREATE
    if want is None or not born or job.kind.foretell(want).get("id"):
        return None
    try:
        return _shown(job, answer) or next(iter(job.kind.lookup(want)), None)
    except (Failure, *MISSHAPEN):
        return None  # the next plan finds and records them


def _look_first(job: Job, veil: Callable[[Secret], str]) -> Live | None:
    """An update or delete compares with what the plan saw; a create whose identity was not known looks it up.

    What the vendor has made by itself meanwhile is taken instead of making another.
    """
    action = job.action
    if job.creates:
        look = job.want is not None and (job.blind or job.kind.born(job.want))
        found = [one for one in job.kind.lookup(job.want) if not one.archived] if look and job.want is not None else []
        if len(found) == 1 and found[0].by_vendor:
            return found[0]
        if found:
            raise Stale("it exists already, which could not be seen when the plan was made", "plan again")
        return None
    if not job.first or action.live is None or not action.seen:
        return None
    live = job.kind.get(action.live.id)
    if live is None:
        raise Missing(f"{action.live.id} is not there any more")
    now = replace(live, outputs=action.live.outputs)
    if digest.fingerprint(_like(now, action.live), veil) != action.seen:
        raise Stale("it was changed at the vendor after the plan was made", "plan again")
    return None


def _take(job: Job, live: Live, check: Callable[[], None]) -> Any:
    """Bring what the vendor made by itself to what the create would have made; the last answer."""
    assert job.want is not None
    fields = {name: value for name, value in job.want.fields.items() if name not in job.kind.later}
    changes, answer = diff(fields, live.fields, job.kind.shape), None
    for call in job.kind.update(live, replace(job.want, fields=fields), changes) if changes else ():
        answer = job.kind.api.send(call, job.key, check)
    return answer


def _proves(job: Job) -> bool:
    return job.kind.verified and job.last and job.want is not None and job.action.op is not Op.DELETE


def _shown(job: Job, answer: Any) -> Live | None:
    """The object as the answer shows it; one of another shape than the vendor promises shows nothing."""
    try:
        return job.kind.read(answer)
    except MISSHAPEN:
        return None


def _unmet(job: Job, shown: Live | None) -> str:
    """What is not there although the vendor took it; the answer tells, or a read of its own."""
    assert job.want is not None
    try:
        if shown is None or not job.want.fields.keys() <= shown.fields.keys():
            shown = job.kind.get(job.id) if job.id is not None else next(iter(job.kind.lookup(job.want)), None)
        if shown is None:
            return "sent, but it can't be found"
        paths = [change.path for change in diff(job.want.fields, shown.fields, job.kind.shape)]
    except (Failure, *MISSHAPEN) as error:
        return f"sent, but not read back: {shaped(error).message}"
    return f"the vendor took it without a word and does not show it: {', '.join(paths)}" if paths else ""


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
