"""Objects with our mark that neither the manifests nor the ledger hold: they are told, and left as they are."""

from __future__ import annotations

from collections.abc import Container, Sequence

from reconciler.engine.match import Match
from reconciler.model import Action, Live, Op

MOST = 5
"""How many of a kind are named."""


def strays(match: Match, actions: Sequence[Action]) -> tuple[str, ...]:
    """One sentence for each kind that has such objects: a person's copies, or what a lost ledger knew.

    What is archived is left out: old prices keep the mark for ever. So is what the mark says is another connection's,
    where both lead to one account, and what is named where its entry is blocked.
    """
    held = {(a.address.kind, id) for a in actions for id in (a.id, *a.drops, *a.kept, a.live.id if a.live else None)}
    held |= {(name.partition("/")[0], id) for name, entry in match.ledger.entries.items() for id in (entry.id, *entry.retired)}
    named = {str(action.address) for action in actions if action.op is Op.BLOCKED}
    return tuple(_told(match, kind, found) for kind, seen in sorted(match.observed.live.items())
                 if (found := [live for id, live in sorted(seen.items())
                               if _here(match, kind, live, named) and not live.archived and (kind, id) not in held]))


def _here(match: Match, kind: str, live: Live, named: Container[str]) -> bool:
    connection = kind.partition(".")[0]
    if live.owner is not None and live.owner.address in named:
        return False
    return live.owner is not None and match.mine(live.owner) and live.owner.address.partition(".")[0] in ("", connection)


def _told(match: Match, kind: str, found: list[Live]) -> str:
    one = len(found) == 1
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    lost = all(live.owner is not None and live.owner.address.startswith(f"{kind}/") and live.owner.address not in
               {*match.declared, *match.ledger.entries} for live in found)
    return (f"{kind}: {', '.join(live.id for live in found[:MOST])}{more} {'carries' if one else 'carry'} our mark and "
            f"{'is' if one else 'are'} in neither manifests nor ledger: left as {'it is' if one else 'they are'}"
            + (f"; `reconciler ledger rebuild` takes {'it' if one else 'them'} in, and what is not declared then is removed"
               if lost else ""))
