"""Digests: what exactly was approved, per action and for the whole plan, without a secret in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.model import Action, Call, Live, Op
from reconciler.secret import Secret

FORMAT = "1.0"


def canonical(value: Any, veil: Callable[[Secret], str] = lambda secret: "(secret)") -> Any:
    """A value as plain JSON; secrets as what `veil` makes of them."""
    if isinstance(value, Secret):
        return veil(value)
    if isinstance(value, Mapping):
        return {str(key): canonical(item, veil) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item, veil) for item in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


def sha(value: Any, veil: Callable[[Secret], str] = lambda secret: "(secret)") -> str:
    """The digest of a value, independent of the order of its keys."""
    text = json.dumps(canonical(value, veil), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(live: Live | None, veil: Callable[[Secret], str]) -> str:
    """What an object looked like, for telling that it has changed since."""
    return "" if live is None else sha([live.id, live.fields, live.archived, live.owner and live.owner.stack], veil)


def of_call(call: Call) -> list[Any]:
    """A call as its digest sees it."""
    return [call.method, call.path, call.body, dict(call.query)]


def of_action(action: Action) -> str:
    """The digest of one action: all that it would do and what it looked at; no places, notes, facts or counts."""
    changes = [[c.path, "(secret)" if c.secret else c.before, "(secret)" if c.secret else c.after, c.replaces, c.drift]
               for c in action.changes]
    return sha([action.op, str(action.address), action.id, [i.value for i in action.impact], action.effect, changes,
                [of_call(call) for call in action.calls], action.seen, str(action.moved_from or "")])


def of_plan(project: str, stack: str, accounts: Mapping[str, str], consents: Iterable[str],
            digests: Iterable[str]) -> str:
    """The digest of a plan over the digests of what it would do."""
    return sha([FORMAT, project, stack, dict(accounts), sorted(consents), sorted(digests)])


def counted(action: Action) -> bool:
    """Whether an action takes part in the plan's digest: what acts, what is blocked, and noops with calls of their own."""
    return action.op is not Op.NOOP or bool(action.after)
