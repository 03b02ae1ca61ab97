"""What a vendor's plan drops without a word: no eternal difference, one sentence for the reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.contract.compare import empty
from reconciler.model import Action, Change, Live, Op


def swallowed(live: Live, change: Change) -> bool:
    """Whether the vendor dropped what was applied: written as the manifest says it, and no object there has any."""
    return change.drift and _field(change.path) in live.lacks


def told(actions: Iterable[Action]) -> list[str]:
    """One sentence for each field that was written and that no object holds anything of."""
    asking: Counter[tuple[str, str]] = Counter()
    for action in actions:
        if action.live is not None and action.want is not None and action.op is not Op.BLOCKED:
            changed = {_field(change.path) for change in action.changes}
            asking.update((action.address.kind, name) for name in action.live.lacks - changed
                          if not empty(action.want.get(name)))
    return [f"{kind}: {name} of {count} {'entry was' if count == 1 else 'entries were'} written, and no object there has "
            "any: the vendor's plan may not have them" for (kind, name), count in sorted(asking.items())]


def _field(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]
