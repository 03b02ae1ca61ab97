"""Why one entry changes: each change with its manifest line, the vendor's rule and the request that sends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.contract import Mark
from reconciler.contract.kind import Kind
from reconciler.derive import words
from reconciler.derive.fields import sentence
from reconciler.derive.locate import found
from reconciler.derive.values import labelled, plain, safe, shown, wrapped
from reconciler.model import Action, Call, Change, Impact, Note, Op, Plan

LONGEST, MOST = 160, 20
_IN_PLACE = "What differs can't be changed in place"
_STEPS = ("make", "link", "unlink", "drop", "after")
_STEP_WORDS = {"make": "", "link": "once both ends exist", "unlink": "lets go of what it refers to",
               "drop": "ends the old object", "after": "asks the vendor to look again; no change"}


def why(action: Action, kind: Kind[Any], plan: Plan) -> Iterator[str]:
    """The lines of the explanation."""
    effect = f", {action.effect}" if action.effect and action.effect != action.op.value else ""
    impact = f"  [{', '.join(one.value for one in action.impact)}]" if action.impact else ""
    yield f"{action.address}  {'unchanged' if _is_quiet(action) else action.op.value}{effect}{impact}"
    yield from labelled(_head(action), "  ")
    yield ""
    yield from wrapped(safe(_verdict(action, kind)), "")
    requests = list(_requests(action))
    if action.changes:
        yield from ("", "Fields" if action.op is Op.CREATE else "Changes")
        for change in action.changes:
            yield from _change(change, action, kind, requests)
    yield from _notes(action)
    yield from _order(action, plan)
    if requests:
        yield from ("", "Requests" + ("" if action.acts or _is_quiet(action) else ", if it were not held back"))
        for n, (step, call) in enumerate(requests, 1):
            yield from _request(n, "" if action.op is Op.DELETE else _STEP_WORDS[step], call)
    if action.address in plan.digests:
        yield from ("", f"Digest {plan.digests[action.address]}")


def _is_quiet(action: Action) -> bool:
    return action.op is Op.NOOP and not action.changes


def _head(action: Action) -> Iterator[tuple[str, str]]:
    if action.at is not None:
        yield "declared at", str(action.at)
    if action.id is not None:
        yield "object", safe(action.id)


# the verdict


def _verdict(action: Action, kind: Kind[Any]) -> str:
    vendor = kind.vendor
    count = len(action.changes)
    fields = f"{count} field{'' if count == 1 else 's'}"
    said: Mapping[Op, str] = {
        Op.CREATE: f"{vendor} has no object with its id, its mark or its natural key, so one is made.",
        Op.UPDATE: _updated(action, fields),
        Op.REPLACE: f"{'A new secret is wanted' if action.effect == 'rotate' else _IN_PLACE}, so there will be a new object "
                    f"({words.replace_word(kind)}): {words.replaced(kind)}.",
        Op.DELETE: f"It is ours and no longer in the manifests, so it goes. {words.removal(kind)}",
        Op.ADOPT: "An object with its natural key is there and is as the manifest says. It is taken as ours.",
        Op.MOVE: f"The same object was {action.moved_from} until now; only its address changes." if action.moved_from else
                 "The stack has another name now; the object stays, and its mark is written anew.",
        Op.FORGET: "It is no longer in the manifests and is let go: the object stays as it is.",
        Op.BLOCKED: f"Held back: {action.blocked}.",
    }
    return said.get(action.op) or _unchanged(action)


def _updated(action: Action, fields: str) -> str:
    if action.effect == "restore":
        changed = f", with {fields} changed" if action.changes else ""
        return f"The object is archived or softly deleted, and is brought back{changed}."
    if action.changes:
        return f"The object is there and differs in {fields}, which can be changed in place."
    return "The object is as the manifest says, but not all is done: see below."


def _unchanged(action: Action) -> str:
    lifecycle = action.resource.lifecycle if action.resource is not None else None
    if action.live is None:
        return "There is nothing to do yet."
    if lifecycle is not None and not lifecycle.manage:
        return "It is looked up only (`manage: false`), so that others can refer to it."
    if action.changes:
        return "It differs, and is left as it is: somebody changed it outside, and --leave-drift was given."
    given = tuple(action.want.fields) if action.want is not None else ()
    apart = [*lifecycle.seed, *lifecycle.ignore] if lifecycle is not None else []
    text = f"Nothing changes: all that the manifest says is so already ({', '.join(given) or 'no field'})."
    return text + (f" Not compared, as lifecycle says: {', '.join(apart)}." if apart else "")


# changes


def _change(change: Change, action: Action, kind: Kind[Any], requests: list[tuple[str, Call]]) -> Iterator[str]:
    block = [] if change.secret else _block(change.after, "      ")
    yield from wrapped(f"{safe(change.path)}  {'' if block else _values(change, action)}", "  ")
    yield from block
    place = action.resource.place(change.path) if action.resource is not None else None
    if place is not None:
        yield f"      {place}"
    for text in (*_rules(change, kind), *_said(change, action.notes)):
        yield from wrapped(safe(text), "      ")
    sent = _sent_by(change, requests)
    if sent:
        yield f"      sent by request {' and '.join(map(str, sent))}"


def _values(change: Change, action: Action) -> str:
    if change.secret:
        return "(secret)" if action.op is Op.CREATE else "(secret, changed)"
    after = _short(change.after)
    if action.op is Op.CREATE:
        return after
    return f"{'(changed outside) ' if change.drift else ''}{_short(change.before)} -> {after}"


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def _rules(change: Change, kind: Kind[Any]) -> Iterator[str]:
    field = found(kind, change.path)
    shape = field.shape if field is not None else kind.shape.child(change.path.partition(".")[0].partition("[")[0])
    if field is not None and field.doc:
        yield field.doc
    if change.replaces and Mark.IMMUTABLE not in shape.marks:
        yield sentence(type(kind).forces.__doc__)
    for word, meaning in words.marks_of(kind, shape):
        if (word == "immutable") <= change.replaces and word not in ("required", "compared by meaning"):
            yield f"{word}: {meaning}"
    impact = Impact.DRIFT if change.drift else change.impact
    yield f"{impact.value}: {words.impact_words(impact)}"


def _said(change: Change, notes: tuple[Note, ...]) -> Iterator[str]:
    """What the kind says of this very field; that it is immutable was said."""
    return (note.text for note in notes if note.path == change.path and not note.text.startswith("immutable in "))


def _sent_by(change: Change, requests: list[tuple[str, Call]]) -> list[int]:
    """The numbers of the requests that carry it; where its name is another one on the wire, the only one there is."""
    named = [n for n, (_, call) in enumerate(requests, 1) if _carries(call, change)]
    made = [n for n, (step, _) in enumerate(requests, 1) if step in ("make", "link")]
    return named or (made if len(made) == 1 else [])


def _carries(call: Call, change: Change) -> bool:
    top = change.path.partition(".")[0].partition("[")[0]
    return isinstance(call.body, Mapping) and top in call.body


def _notes(action: Action) -> Iterator[str]:
    paths = {change.path for change in action.changes}
    rows = [(note.subject or note.path or note.consent.value if note.refuse else note.subject or note.path or "", note.text)
            for note in action.notes if note.path not in paths or note.path is None]
    rows += [(fact.subject, fact.text) for fact in action.facts]
    if rows:
        yield from ("", "What it means", *labelled([(safe(label), safe(text)) for label, text in rows], "  "))


# order and requests


def _order(action: Action, plan: Plan) -> Iterator[str]:
    by_address = {one.address: one for one in plan.actions}
    rows = [(str(need), f"first, for it is referred to; {_state(by_address.get(need))}") for need in action.needs]
    rows += [(str(user), "its old object goes after this: it was referred to until now") for user in action.former
             if user in by_address and by_address[user].drop]
    if rows and action.acts:
        yield from ("", "Order", *labelled(rows, "  "))


def _state(other: Action | None) -> str:
    if other is None:
        return "left out of this plan"
    return "unchanged" if other.op is Op.NOOP else f"planned: {other.op.value}"


def _requests(action: Action) -> Iterator[tuple[str, Call]]:
    return ((step, call) for step in _STEPS for call in getattr(action, step))


def _request(n: int, said: str, call: Call) -> Iterator[str]:
    yield f"  {n}. {call.method} {safe(str(plain(call.path)))}" + (f"  ({said})" if said else "")
    body = call.body if isinstance(call.body, Mapping) else {"body": call.body} if call.body is not None else {}
    for name, value in {**call.query, **body}.items():
        block = _block(value, "         ")
        yield from wrapped(f"{safe(str(plain(name)))}: {'' if block else _short(value)}", "       ")
        yield from block


def _block(value: Any, indent: str) -> list[str]:
    """A text of several lines as such, up to MOST of them; nothing for anything else."""
    text = plain(value)
    if not isinstance(text, str) or "\n" not in text.strip():
        return []
    lines = text.strip().split("\n")
    more = [f"{indent}… {len(lines) - MOST} more lines"] if len(lines) > MOST else []
    return [*(f"{indent}| {safe(line)}".rstrip() for line in lines[:MOST]), *more]
