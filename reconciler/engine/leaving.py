"""Fields that have left an entry's manifest: said once, for the next apply forgets that they were ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.contract.spec import Mark
from reconciler.ledger import Entry
from reconciler.model import Changes, Live, Note, Resource
from reconciler.paths import leaves


def left(entry: Entry | None, kind: Kind[Any], resource: Resource, live: Live, changes: Changes = (), *,
         anew: bool = False) -> Iterable[Note]:
    """What becomes of each: it stays as it is, or the object that is made `anew` does without it."""
    if entry is None:
        return
    given, held, told = leaves(resource.fields), leaves(live.fields), {change.path for change in changes}
    for path in entry.prints:
        name = path.partition(".")[0]
        if path in given or name in resource.fields or path in told:
            continue
        shape = kind.shape.children.get(name)
        unread = shape is not None and Mark.WRITE_ONLY in shape.marks
        if path in held or unread:
            stays = f"stays {held[path]}" if path in held else "stays as it was written"
            yield Note(f"no longer managed ({'the new one is made without it' if anew else stays})", subject=path)
