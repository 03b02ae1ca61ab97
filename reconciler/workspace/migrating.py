"""A stack's ledger moved whole from one store to another; nothing is lost wherever the move is cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reconciler.errors import Corrupt, Failure, Invalid, Locked, Usage
from reconciler.ledger import Holder, Ledger, Record, Store
from reconciler.ledger.chain import Left
from reconciler.manifest import MANIFESTS
from reconciler.project.model import NEEDED, STORES, LedgerSettings, Source
from reconciler.suggest import did_you_mean
from reconciler.workspace.ledgers import open_store
from reconciler.workspace.sealing import SHARED, unsealed

if TYPE_CHECKING:
    from reconciler.workspace import Workspace

HOW = "STORE or STORE:NAME=VALUE,…: git:remote=NAME · s3:bucket=NAME,prefix=PATH · postgres:env=VARIABLE"


def named(text: str, configured: LedgerSettings) -> LedgerSettings:
    """The store that a word names: the configured one, or with settings of its own; Usage where it is none."""
    word, _, rest = text.partition(":")
    if word not in STORES:
        raise Usage(f"there is no ledger store {word!r}", did_you_mean(word, STORES) or f"there are: {', '.join(STORES)}")
    if not rest and word == configured.store:
        return configured
    said: dict[str, Any] = {"store": word}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        if word == "postgres" and name in Source.model_fields:
            said.setdefault("url", {})[name] = value
        elif name in STORES[word] and name not in ("url", "ephemeral"):
            said[name] = value
        else:
            raise Usage(f"{word} has no setting {name!r}", HOW)
    missing = [name for name in NEEDED.get(word, ()) if name not in said]
    if missing:
        raise Usage(f"{word}: where its {missing[0]} is has to be said, because reconciler.yaml names another store", HOW)
    try:
        return LedgerSettings.model_validate({**said, "key": configured.key, "previous": configured.previous})
    except ValidationError as error:
        raise Usage(f"{text}: {error.errors()[0]['msg']}", HOW) from error


def shown(settings: LedgerSettings) -> str:
    """As reconciler.yaml says it."""
    said = {name: getattr(settings, name) for name in ("store", *STORES[settings.store])
            if name != "ephemeral" and getattr(settings, name)}
    return "{" + ", ".join(f"{name}: {_inner(value)}" for name, value in said.items()) + "}"


def elsewhere(workspace: Workspace, store: str) -> Store:
    """The stack's ledger in a store that a word names."""
    return open_store(workspace.settled, named(store, workspace.stack.ledger), workspace.clock)


def migrate(workspace: Workspace, source: str, target: str) -> Ledger:
    """Move the stack's ledger, under the locks of both; the ledger in its new place, which reconciler.yaml has to name."""
    stack = workspace.stack
    if workspace.options.sandbox:
        raise Usage("the sandbox has a ledger of its own, which stays where it is", "without --sandbox")
    old, new = named(source, stack.ledger), named(target, stack.ledger)
    if shown(old) == shown(new):
        raise Usage(f"{source} and {target} are the same place", HOW)
    if stack.ledger not in (old, new):
        raise Usage(f"reconciler.yaml says {shown(stack.ledger)}, and neither {source} nor {target} is that",
                    "one of both is the ledger that this stack uses")
    if new.store in SHARED and new.key is None and (workspace.options.dir / MANIFESTS).is_dir():
        problems = tuple(unsealed(replace(stack, ledger=new), workspace.validate(), workspace.connections))
        if problems:
            raise Invalid(problems)
    settled, clock = workspace.settled, workspace.clock
    with closing(open_store(settled, old, clock)) as from_, closing(open_store(settled, new, clock)) as to:
        try:
            return moved(from_, to, workspace.holder(), workspace.options.lock_timeout, shown(new))
        except Locked as error:
            word, held = (source, from_.holder()) if from_.holder() is not None else (target, to.holder())
            if held is not None:
                error.next = (f"wait with --lock-timeout, or `reconciler ledger unlock --run {held.run} --store {word}` "
                              "if it is stuck")
            raise


def moved(source: Store, target: Store, holder: Holder, timeout: float, place: str) -> Ledger:
    """The ledger in its new place, whole and checked, before the old one says that it went there.

    Killed in between, both hold the same, and doing it again finishes it: a target that begins with all that the source
    holds is gone on with, any other that holds something is refused.
    """
    if not source.read().serial:
        raise Usage("there is no ledger to move: this stack has none in the store that was named first")
    ledger = source.lock(holder, timeout)
    try:
        records = source.history()
        begun = _begun(target)
        now = target.lock(holder, timeout, () if begun.serial else records)
        try:
            _same(_core(records), target, begun.serial > 0)
            run = {"run": holder.run, "at": holder.since}
            target.commit([{"t": "run", **run, "command": "ledger migrate", "who": holder.who, "host": holder.host,
                            "pid": holder.pid}, {"t": "end", **run, "outcome": {"done": 1}}], (now.epoch, now.serial))
            source.commit([{"t": "left", "to": place, "at": holder.since}], (ledger.epoch, ledger.serial))
            return target.read()
        finally:
            target.unlock()
    finally:
        source.unlock()


def _begun(target: Store) -> Ledger:
    try:
        return target.read()
    except Left as error:
        raise Failure(f"the target is in the way: {error.message}",
                      "once you are sure, remove it there: docs/ledgers.md, Moving from one store to another") from error


def _core(records: Sequence[Record]) -> Sequence[Record]:
    """The journal without the epochs at its end, of runs that have written nothing."""
    end = len(records)
    while end and records[end - 1]["t"] == "epoch":
        end -= 1
    return records[:end]


def _same(want: Sequence[Record], target: Store, before: bool) -> None:
    """Failure unless the target begins with these records and is sound."""
    there = target.history()
    if list(there[:len(want)]) != list(want):
        if before:
            raise Failure(f"the target holds another ledger already ({len(there)} records)",
                          "look at it first; nothing is written over it, and the source goes on as before")
        raise Corrupt("what was written to the target is not what is read from it", "the source goes on as before")
    wrong = target.verify()
    if wrong:
        raise Corrupt(f"the target is not sound: {wrong[0]}", "the source goes on as before")


def _inner(value: Any) -> str:
    if isinstance(value, Source):
        return "{" + ", ".join(f"{name}: {_inner(text)}" for name, text in value.model_dump(exclude_none=True).items()) + "}"
    return str(value) if re.fullmatch(r"[A-Za-z][\w./:@-]*[\w/-]", str(value)) else json.dumps(str(value))
