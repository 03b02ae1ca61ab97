"""Trials of an entry's fields: made, changed, cleared, left out, edited by hand."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.conformance.case import Change, patched, reason, values, without
from reconciler.conformance.stack import Stack, expect, told, told_of
from reconciler.contract.compare import covers
from reconciler.contract.spec import PLAIN, Mark, Shape
from reconciler.model import Action, Fields, Impact, Op
from reconciler.paths import leaves

UNREADABLE = {Mark.WRITE_ONLY, Mark.CREATE_ONLY}


def created(stack: Stack) -> None:
    """All of it is made in one apply; a second plan is empty; every output is there, as it was foretold."""
    first = stack.action(stack.plan(stack.manifest()))
    made = (Op.CREATE,) if stack.kind.creatable else (Op.ADOPT, Op.UPDATE)
    wanted = (Op.UPDATE, Op.NOOP, *made) if stack.kind.singleton else made
    expect(first.op in wanted, f"not {wanted[0].value}: {told_of(first)}")
    foretold = stack.kind.foretell(first.want) if first.want is not None else {}
    stack.settle(stack.manifest())
    live = stack.live()
    expect(live is not None, "a direct read of what was made finds nothing")
    assert live is not None
    shown = {"id": live.id, **live.outputs}
    missing = {name for name, output in stack.kind.outputs.items() if not output.once} - shown.keys()
    expect(not missing, f"outputs that the object does not show: {', '.join(sorted(missing))}")
    wrong = {name: value for name, value in foretold.items() if str(shown.get(name)) != value}
    expect(not wrong, f"foretold otherwise: {wrong}, and it is {shown}")
    given = stack.example.fields.get("lifecycle", {}).get("deliver", {})
    expect(len(stack.sink.held) == len(given), f"delivered: {sorted(stack.sink.held)}")


def changed(stack: Stack, change: Change) -> None:
    """The change plans the operation that the case names, of these fields alone; applied, a second plan is empty."""
    declared = stack.changed(change.patch)
    stack.begin()
    before = stack.others()
    made = stack.plan(declared)
    action = stack.action(made)
    expect(action.op is change.op, f"not {change.op.value}: {told_of(action)}{_hint(stack, change)}")
    if change.op is Op.NOOP:
        expect(not action.changes, f"not the same: {told_of(action)}")
        return
    expect(action.changes, f"no field is named: {told_of(action)}")
    strange = {c.path for c in action.changes if not _about(c.path, change.paths)}
    expect(not strange, f"fields that nobody changed: {', '.join(sorted(strange))}")
    stack.settle(declared, allow=change.op is Op.BLOCKED, made=made if change.op is not Op.BLOCKED else None)
    expect(stack.others() == before, f"beside it there were {sorted(before)}, now {sorted(stack.others())}")
    if any(reason(stack.case.said.one_way, path) for path in change.paths):
        return
    stack.settle(stack.manifest(), allow=True)
    expect(stack.others() == before, f"beside it there were {sorted(before)}, now, back again, {sorted(stack.others())}")


def _hint(stack: Stack, change: Change) -> str:
    if change.op is Op.UPDATE and all(value is None for value in change.patch.values()):
        return ": the example must give another value than the vendor's default, or clearing it proves nothing"
    return ""


def _about(path: str, paths: Iterable[str]) -> bool:
    """Whether a change is of a patched field, or of the same top-level one where a list or map is compared whole."""
    top = path.partition(".")[0].partition("[")[0]
    return any(one.partition(".")[0] == top for one in paths)


def edited_by_hand(stack: Stack, change: Change) -> None:
    """Somebody's edit of a managed field is planned back as drift; of one that is left out it is nobody's business."""
    stack.begin()
    stack.edit_by_hand(stack.changed(change.patch))
    action = stack.action(stack.plan(stack.manifest()))
    if not any(values(stack.example.fields, owned(stack.kind.shape, path)) for path in change.paths):
        expect(action.op is Op.NOOP, f"a field that the example leaves out is managed: {told_of(action)}")
        return
    expect(action.op in (Op.UPDATE, Op.REPLACE), f"the edit is not seen: {told_of(action)}")
    expect(all(c.drift for c in action.changes) and Impact.DRIFT in action.impact, f"not drift: {told_of(action)}")
    bare = stack.example.fields
    for path in change.paths:
        bare = without(bare, owned(stack.kind.shape, path))
    if not set(change.paths) & identities(stack) and not stack.refusal(stack.manifest(bare)):
        silent = stack.action(stack.plan(stack.manifest(bare)))
        mine = _dropped(stack, silent, change)
        off = silent.effect == "restore" and not silent.changes
        expect(mine or off or silent.op is Op.NOOP, f"a field that is left out is managed: {told_of(silent)}")
    stack.settle(stack.manifest(), allow=True)


def _dropped(stack: Stack, action: Action, change: Change) -> bool:
    """Whether only keys of merged maps differ: those that were ours are removed when they leave."""
    merged = {name for name, shape in stack.kind.shape.children.items() if Mark.MERGED in shape.marks}
    return bool(action.changes) and all(c.path.partition(".")[0] in merged for c in action.changes)


def left_out(stack: Stack) -> None:
    """Whatever a field holds, an entry that leaves it out is equal to the object and is adopted without a change."""
    whole = stack.alone()
    stack.settle(stack.neighbours())
    live = stack.make_by_hand(whole)
    bound = {"id": live.id} if "keyless" in stack.case.traits else None
    fields = whole[stack.address.kind][stack.address.name]
    for path in ["", *optional(stack)]:
        declared = stack.alone(without(fields, path) if path else fields, lifecycle=bound)
        if path and stack.refusal(declared):
            continue
        action = stack.action(stack.plan(declared))
        if path and action.want is not None and not _same_key(stack, action.want.fields, live.fields):
            continue
        revived = live.archived and action.effect == "restore"
        expect((action.op in (Op.ADOPT, Op.NOOP) or revived) and not action.changes,
               f"{'without ' + path if path else 'whole'}, it is not equal: {told_of(action)}")
    before = len(stack.wire.seen)
    stack.settle(stack.alone(lifecycle=bound))
    wrote = stack.unannounced(before)
    expect(len(wrote) == 0 if "unmarked" in stack.case.traits else len(wrote) <= 1,
           f"adopting wrote more than a mark: {', '.join(wrote)}")
    expect(stack.id == live.id, f"{stack.id} was adopted, not {live.id}")


def _same_key(stack: Stack, want: Fields, live: Fields) -> bool:
    """Whether an entry that leaves a field out still means the same object."""
    return "keyless" in stack.case.traits or stack.kind.identity(want) == stack.kind.identity(live)


def optional(stack: Stack) -> list[str]:
    """The paths of the example that an entry may leave out by their spec, but for the natural key."""
    paths = {owned(stack.kind.shape, path): None for path in leaves(stack.example.fields)}
    return [path for path in paths if path.partition(".")[0] not in (*identities(stack), "lifecycle")
            and not required(stack.kind.shape, path)]


def owned(shape: Shape, path: str) -> str:
    """The path, or that of the map whose key it names: maps are managed whole."""
    head, dot, _ = path.rpartition(".")
    for part in head.split("."):
        shape = shape.child(part)
    return head if dot and shape.kind == "map" else path


def required(shape: Shape, path: str) -> bool:
    """Whether a spec asks for a path."""
    parts = path.split(".")
    for n, part in enumerate(parts):
        known, shape = shape.children.get(part), shape.child(part)
        if known is not None and known.required and (n == len(parts) - 1):
            return True
    return False


def identities(stack: Stack) -> set[str]:
    """The fields of the natural key."""
    return {name for name, shape in stack.kind.shape.children.items() if shape.marks & {Mark.NAMED, Mark.IDENTITY}}


def readable(stack: Stack, change: Change) -> bool:
    """Whether somebody's edit of these fields can be seen."""
    return not any(stack.kind.shape.children.get(path.partition(".")[0], PLAIN).marks & UNREADABLE for path in change.paths)


def named(stack: Stack) -> None:
    """Where the natural key is not given it is the entry's name."""
    names = [name for name, shape in stack.kind.shape.children.items() if Mark.NAMED in shape.marks]
    fields = stack.example.fields
    for name in names:
        fields = without(fields, name)
    if stack.refusal(stack.manifest(fields)):  # `one` can't be a key here: it is no domain
        return
    stack.settle(stack.manifest(fields))
    live = stack.live()
    assert live is not None
    held = {name: live.fields.get(name) for name in names}
    wrong = {n: value for n, value in held.items() if not covers(value, stack.address.name, stack.kind.shape.child(n))}
    expect(not wrong, f"the natural key is {wrong}")


def merged(stack: Stack) -> None:
    """In a map that the vendor merges, foreign keys stay; a key of ours is removed when it leaves the manifest."""
    maps = {name: stack.example.fields[name] for name, shape in stack.kind.shape.children.items()
            if Mark.MERGED in shape.marks and stack.example.fields.get(name)}
    stack.settle(stack.manifest())
    for name, value in maps.items():
        key = next(iter(value))
        fewer = stack.manifest(patched(stack.example.fields, {name: {k: v for k, v in value.items() if k != key}}))
        stack.edit_by_hand(stack.changed({name: {**value, "foreign": next(iter(value.values()))}}))
        made = stack.plan(stack.manifest())
        expect(made.empty, f"a foreign key of {name} is taken for ours: {told(made)}")
        if stack.refusal(fewer):
            continue
        stack.settle(fewer)
        live = stack.live()
        held = live.fields.get(name, {}) if live is not None else {}
        expect(key not in held and "foreign" in held, f"{name} holds {sorted(held)}: ours should be gone, the foreign one not")
