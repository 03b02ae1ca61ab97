"""Trials of what a plan reads: how much it costs, where a page ends, what a refused list hides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from reconciler.conformance.case import Manifest, patched, without
from reconciler.conformance.stack import Stack, expect, told
from reconciler.contract.spec import Mark
from reconciler.engine.observe import observe
from reconciler.model import Op


def cost(stack: Stack) -> None:
    """A plan of an unchanged stack asks as often as the case says, and not once more."""
    stack.settle(stack.manifest())
    _counted(stack, stack.manifest(), stack.case.said.requests)


def _counted(stack: Stack, declared: Manifest, most: int) -> None:
    before = len(stack.wire.seen)
    expect(stack.plan(declared).empty, "the plan is not empty")
    asked = [str(one) for one in stack.wire.seen[before:]]
    expect(len(asked) == most, f"{len(asked)} requests, not {most}: {', '.join(asked)}")


def paged(stack: Stack) -> None:
    """One object more than a page holds: all are made, all are seen, by mark or key too, and none is made twice."""
    page = stack.case.said.page
    assert page is not None
    declared = stack.manifest()
    fields = stack.example.fields
    for name, shape in stack.kind.shape.children.items():
        fields = without(fields, name) if Mark.NAMED in shape.marks else fields
    for n in range(page.size):
        declared[stack.address.kind][f"copy{n}"] = patched(fields, {k: _numbered(v, n) for k, v in page.copy_.items()})
    stack.settle(declared)
    _counted(stack, declared, page.requests)
    before = stack.census()
    stack.lose_ledger()
    made = stack.plan(declared)
    expect(not made.count(Op.CREATE) and not made.count(Op.BLOCKED), f"not all were found again: {told(made)[:2000]}")
    stack.settle(declared, made=made)
    expect(stack.census() == before, f"{len(before)} objects became {len(stack.census())}")


def _numbered(value: Any, n: int) -> Any:
    if isinstance(value, dict):
        return {key: _numbered(item, n) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbered(item, n) for item in value]
    return value.replace("{n}", str(n)) if isinstance(value, str) else value


def denied(stack: Stack) -> None:
    """A list that is refused blocks this kind's entries and nothing else; what can't be seen is never absent."""
    declared = stack.manifest()
    stack.settle(declared)
    others = {kind: _paths(stack, kind) for kind in declared if kind != stack.address.kind}
    own = _paths(stack, stack.address.kind)
    shut = own - {path for paths in others.values() for path in paths} or own

    def refused(request: httpx.Request) -> httpx.Response | None:
        path = request.url.raw_path.decode().partition("?")[0]
        return httpx.Response(403, json={"error": {"message": "no permission"}}) if path in shut else None

    stack.wire.before.append(refused)
    made = stack.plan(declared)
    mine = [action for action in made.actions if action.address.kind == stack.address.kind]
    hidden = [a for a in mine if a.op is Op.BLOCKED and (a.blocked or "").startswith("can't be read")]
    expect(hidden == mine, f"not blocked: {told(made)}")
    expect(made.unreadable, "the plan does not say that it could not read all")
    clear = {kind for kind, paths in others.items() if not paths & shut}
    hurt = [a for a in made.actions if a.address.kind in clear and a.op is not Op.NOOP and stack.address not in a.needs]
    expect(not hurt, f"others are touched: {told(made)}")
    gone = stack.plan(stack.neighbours())
    removed = [a for a in gone.actions if a.op in (Op.DELETE, Op.FORGET) and a.address == stack.address]
    expect(not removed, f"what can't be seen is taken for absent: {told(gone)}")


def _paths(stack: Stack, kind: str) -> set[str]:
    """The paths that reading one kind asks for."""
    before = len(stack.wire.seen)
    mine = [r for r in stack.load(stack.manifest()) if r.address.kind == kind]
    ledger = stack.store.read()
    entries = {a: e for a, e in ledger.entries.items() if a.partition("/")[0] == kind}
    parent = stack.kinds[kind].parent
    above = {stack.kinds[kind].kin(parent)} if parent is not None and kind == stack.address.kind else set()
    observe(stack.kinds, mine, replace(ledger, entries=entries))
    found = {one.path for one in stack.wire.seen[before:]}
    return found - {path for name in above for path in _paths(stack, name)}
