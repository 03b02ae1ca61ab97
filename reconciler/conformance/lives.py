"""Trials of an object's life: adopted, imported, removed, brought back, lost and found again."""

from __future__ import annotations

from dataclasses import replace

import httpx

from reconciler.conformance.case import Change, Manifest, changes, patched, without
from reconciler.conformance.fields import identities, readable
from reconciler.conformance.stack import Stack, expect, told, told_of
from reconciler.contract.spec import Mark
from reconciler.errors import Protected
from reconciler.model import Impact, Live, Op, Owner

OTHER = Owner("elsewhere/live", "elsewhere.kind/it")
"""Another stack, which has marked an object as its own."""


def difference(stack: Stack) -> Change | None:
    """A change of the example that is an update, can be read, and leaves the natural key alone."""
    late = {name for name, shape in stack.kind.shape.children.items() if Mark.DEFERRED in shape.marks}
    for one in changes(stack.example):
        tops = {path.partition(".")[0] for path in one.paths}
        plain = one.op is Op.UPDATE and not tops & (identities(stack) | late) and readable(stack, one)
        if plain and all(value is not None for value in one.patch.values()):
            return one
    return None


def adopted(stack: Stack) -> None:
    """An object that differs is blocked, until the manifest consents."""
    one = difference(stack)
    if one is None:
        return
    stack.settle(stack.neighbours())
    if "singleton" in stack.case.traits:
        action = stack.action(stack.plan(stack.alone()))
        expect(action.op in (Op.NOOP, Op.UPDATE), f"a singleton needs no adoption: {told_of(action)}")
        expect(action.op is Op.NOOP or Impact.ADOPT in action.impact, f"its first take-over is not said: {told_of(action)}")
        return
    other = stack.alone(patched(stack.example.fields, one.patch))
    live = _edited(stack, other) if "vendor_made" in stack.case.traits else stack.make_by_hand(other)
    bound = {"id": live.id} if "keyless" in stack.case.traits else {}
    if live.by_vendor:
        return
    for word in ("equal", "never"):
        action = stack.action(stack.plan(stack.alone(lifecycle={"adopt": word, **bound})))
        expect(action.op is Op.BLOCKED or bound, f"adopt: {word} takes what differs: {told_of(action)}")
    made = stack.settle(stack.alone(lifecycle={"adopt": "changes", **bound}))
    action = stack.action(made)
    expect(action.op in (Op.UPDATE, Op.ADOPT) and Impact.ADOPT in action.impact, f"not said to be adopted: {told_of(action)}")
    expect(stack.id == live.id, f"{stack.id} was taken, not {live.id}")


def _edited(stack: Stack, declared: Manifest) -> Live:
    """What only the vendor makes is there already: a person can do no more than edit it."""
    stack.edit_by_hand(declared)
    live = stack.action(stack.plan(declared)).live
    assert live is not None
    return live


def twin(stack: Stack) -> None:
    """Without a natural key nothing is adopted: an equal object of somebody else's is left alone."""
    stack.settle(stack.neighbours())
    live = stack.make_by_hand(stack.alone())
    action = stack.action(stack.plan(stack.alone()))
    expect(action.op is Op.CREATE, f"{live.id} is taken without being named: {told_of(action)}")
    stack.settle(stack.alone())
    expect(stack.id != live.id, f"{live.id} is nobody's to take")


def foreign(stack: Stack) -> None:
    """What another stack's mark is on is never taken, nor marked as ours, whatever the manifest says."""
    stack.settle(stack.neighbours())
    live = stack.make_by_hand(stack.alone(), OTHER)
    expect(live.owner is not None and live.owner.stack == OTHER.stack, "the mark of another stack can't be read")
    bound = {"id": live.id} if "keyless" in stack.case.traits else {}
    for word in ("equal", "changes"):
        action = stack.action(stack.plan(stack.alone(lifecycle={"adopt": word, **bound})))
        expect(action.op is Op.BLOCKED and OTHER.stack in str(action.blocked), f"adopt: {word} takes it: {told_of(action)}")


def taken_over(stack: Stack) -> None:
    """What another stack takes is blocked while declared, then forgotten, never removed; taking it back rewrites the mark."""
    stack.settle(stack.alone())
    id, live, want = stack.id, stack.live(), stack.action(stack.plan(stack.alone())).want
    assert live is not None
    assert want is not None
    for call in stack.by_hand[stack.address.kind].claim(live, replace(want, owner=OTHER)):
        stack.person.send(call, "take-over")
    action = stack.action(stack.plan(stack.alone()))
    expect(action.op is Op.BLOCKED and OTHER.stack in str(action.blocked), f"still taken for ours: {told_of(action)}")
    before, made = len(stack.wire.seen), stack.plan(stack.neighbours())
    expect(stack.action(made).op is Op.FORGET, f"not forgotten: {told(made)}")
    stack.settle(stack.neighbours(), made=made)
    live, wrote = stack.live(id), stack.unannounced(before)
    expect(not wrote, f"to forget it wrote {', '.join(wrote)}")
    expect(live is not None and not live.archived and _whose(live) == OTHER.stack, "it is not left as it is")
    try:
        stack.plan_import(stack.alone(), id)
    except Protected:
        stack.run(stack.plan_import(stack.alone(), id, take_over=True))
    live, wrote = stack.live(id), stack.unannounced(before)
    expect(len(wrote) == 1, f"to take it over it wrote {', '.join(wrote)}")
    expect(live is not None and _whose(live) == stack.signing.stack, "the mark is not ours")
    made = stack.plan(stack.alone())
    expect(made.empty, f"after the take-over: {told(made)}")


def _whose(live: Live) -> str:
    return live.owner.stack if live.owner is not None else ""


def imported(stack: Stack) -> None:
    """An import writes the mark at most; what differs is then planned as an update of the same object."""
    stack.settle(stack.neighbours())
    one = difference(stack)
    fields = patched(stack.example.fields, one.patch) if one is not None else stack.example.fields
    live = stack.make_by_hand(stack.alone(fields))
    made = stack.plan_import(stack.alone(), live.id if "keyless" in stack.case.traits else None)
    before = len(stack.wire.seen)
    stack.run(made)
    wrote = stack.wire.writes(before)
    expect(len(wrote) <= ("unmarked" not in stack.case.traits), f"an import wrote {', '.join(map(str, wrote))}")
    action = stack.action(stack.plan(stack.alone()))
    expect(action.id == live.id, f"another object is meant: {told_of(action)}")
    expect(action.op is (Op.UPDATE if one is not None else Op.NOOP), f"after the import: {told_of(action)}")
    stack.settle(stack.alone())


def removed(stack: Stack) -> None:
    """An entry that leaves is removed as the vendor really does it; declared again, it comes back and nothing is doubled."""
    stack.settle(stack.manifest())
    id, before, said, live = stack.id, stack.census(), stack.case.removal(stack.example), stack.live()
    made = stack.plan(stack.neighbours())
    if said.irreversible:
        expect(stack.action(made).op is Op.BLOCKED, f"it can't be undone and is not blocked: {told(made)}")
        made = stack.plan(stack.neighbours(), stack.consent(stack.manifest()))
    action = stack.action(made)
    ended = live is not None and stack.kind.ended(live)
    op = Op.FORGET if said.does == "release" or ended else Op.DELETE
    expect(action.op is op and (op is Op.FORGET or action.effect == said.does), f"not {said.does}: {told_of(action)}")
    stack.settle(stack.neighbours(), made=made)
    live = stack.live(id)
    if op is Op.FORGET:
        expect(live is not None and (ended or live.owner is None), "what is released is still there, without our mark")
    else:
        expect(live is None or live.archived, "it is still in use")
        expect(not stack.census() & {id}, "it is still listed")
    again = stack.action(stack.plan(stack.manifest()))
    word = said.again or ("create" if live is None else "restore")
    if op is Op.FORGET:
        expect(again.op in (Op.NOOP, Op.ADOPT, Op.UPDATE), f"declared again: {told_of(again)}")
    else:
        expect(again.op is Op.CREATE if word == "create" else again.effect == "restore", f"not {word}: {told_of(again)}")
    stack.settle(stack.manifest(), allow=True)
    expect(len(stack.census()) == len(before), f"{len(before)} objects became {len(stack.census())}")


def kept(stack: Stack) -> None:
    """With `on_remove: keep` an entry that leaves is forgotten: the object stays, without our mark."""
    stack.settle(stack.alone(lifecycle={"on_remove": "keep"}))
    id, before = stack.id, len(stack.wire.seen)
    made = stack.settle(stack.neighbours())
    expect(stack.action(made).op is Op.FORGET, f"not forgotten: {told(made)}")
    live = stack.live(id)
    expect(live is not None and not live.archived and live.owner is None, "it stays at the vendor without our mark")
    wrote = stack.wire.writes(before)
    expect("unmarked" not in stack.case.traits or not wrote, f"forgetting wrote {', '.join(map(str, wrote))}")


def removed_by_hand(stack: Stack) -> None:
    """An object that somebody removed is drift, and there is one again after the next apply."""
    stack.settle(stack.alone())
    before = stack.census()
    stack.remove_by_hand()
    action = stack.action(stack.plan(stack.alone()))
    expect(action.op is Op.CREATE or action.effect == "restore", f"its absence is not seen: {told_of(action)}")
    expect(Impact.DRIFT in action.impact, f"not drift: {told_of(action)}")
    stack.settle(stack.alone(), allow=True)
    expect(len(stack.census()) == len(before), f"{len(before)} objects became {len(stack.census())}")


def lost_ledger(stack: Stack) -> None:
    """Without its ledger a stack finds its objects again and adopts them as they are; settings need no adoption."""
    stack.settle(stack.manifest())
    id, before = stack.id, stack.census()
    stack.lose_ledger()
    made = stack.plan(stack.manifest())
    wrong = [a for a in made.actions if a.op is not Op.ADOPT
             and not (a.op is Op.NOOP and stack.kinds[a.address.kind].singleton)]
    expect(not wrong and not made.writes, f"not found again as they are: {told(made)}")
    stack.settle(stack.manifest(), made=made)
    expect(stack.id == id and stack.census() == before, f"{before} became {stack.census()}")


def lost_answer(stack: Stack) -> None:
    """A create whose answer is lost is found by the next run: there is one object, and the plan is empty."""
    stack.settle(stack.neighbours())
    before = stack.census()
    lost: list[str] = []

    def cut(request: httpx.Request) -> httpx.Response | None:
        if not lost and not stack.wire.seen[-1].reads:
            lost.append(str(request.url))
            raise httpx.ReadError("cut off")
        return None

    stack.wire.after.append(cut)
    stack.run(stack.plan(stack.alone()))
    stack.wire.after.clear()
    expect(lost, "nothing was written")
    stack.settle(stack.alone())
    expect(len(stack.census()) == len(before) + 1, f"{len(before)} objects became {len(stack.census())}")


def same_key(stack: Stack) -> None:
    """The same create under the same idempotency key makes one object, and answers with it twice."""
    stack.settle(stack.neighbours())
    before, want = stack.census(), stack.action(stack.plan(stack.alone())).want
    assert want is not None
    bare = {name: value for name, value in want.fields.items() if name not in stack.kind.later}
    call = stack.kind.create(replace(want, fields=bare))
    answers = [stack.api.send(call, "one-key") for _ in range(2)]
    expect(answers[0] == answers[1], "the second answer is another one")
    expect(len(stack.census()) == len(before) + 1, f"{len(before)} objects became {len(stack.census())}")


def ignored(stack: Stack) -> None:
    """A path under `ignore` is nobody's business; one under `seed` is set once and belongs to people afterwards."""
    one = difference(stack)
    if one is None:
        return
    paths = list(one.paths)
    for word in ("ignore", "seed"):
        declared = stack.alone(lifecycle={word: paths})
        if word == "ignore" and any(stack.kind.shape.child(p.partition(".")[0]).required for p in paths):
            continue
        stack.settle(declared)
        stack.edit_by_hand(stack.alone(patched(stack.example.fields, one.patch)))
        made = stack.plan(declared)
        expect(made.empty, f"{word}: the edit is planned back: {told(made)}")
        stack.settle(stack.alone(), allow=True)
        bare = stack.alone(without(stack.example.fields, paths[0]), lifecycle={word: paths})
        expect(stack.refusal(bare) or stack.plan(bare).empty, f"{word}: leaving it out changes something")
