"""JSON Schema of a saved plan, which is also what `plan --format json` prints."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.derive.fields import Json
from reconciler.derive.manifest_schema import DRAFT
from reconciler.model import Impact, Op

TEXT: Json = {"type": "string"}
WORD: Json = {"type": "string", "minLength": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
YES: Json = {"type": "boolean"}
SHA: Json = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
ADDRESS: Json = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*/[A-Za-z0-9][A-Za-z0-9_.@-]*$"}
IMPACT: Json = {"enum": [impact.value for impact in Impact]}


def plan_schema() -> Json:
    """The schema of plan.json, format_version 1.0; a later 1.x may add keys."""
    return {
        "$schema": DRAFT,
        "title": "Plan",
        "description": "What one apply would do. A saved plan is compared with the plan of now; nothing in it is sent.",
        **_map(_PLAN, []),
        "$defs": {"action": _map(_ACTION, ["moved_from", "kept", "after", "notes_about", "facts_about"]),
                  "change": _map(_CHANGE, ["currency"])},
    }


def _map(properties: Mapping[str, Json], optional: list[str]) -> Json:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False,
            "required": [name for name in properties if name not in optional]}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _said(description: str, schema: Json) -> Json:
    return {"description": description, **schema}


_PLAN: Mapping[str, Json] = {
    "format_version": {"const": "1.0"},
    "tool": _said("The version of reconciler that made it.", TEXT),
    "project": WORD,
    "stack": WORD,
    "digest": _said("Over format, project, stack, accounts, consents and the actions' digests; what an approval names.", SHA),
    "serial": _said("The ledger's serial when it was planned.", COUNT),
    "consents": _said("Consents by address that travel with the plan.", _list(WORD)),
    "accounts": _said("Pinned account ids by connection.", {"type": "object", "additionalProperties": WORD}),
    "actions": _said("One an address, in reading order; unchanged entries only where they have something to say, or all "
                     "with --show-unchanged.", _list({"$ref": "#/$defs/action"})),
    "summary": _map({**{op.value: COUNT for op in Op}, "drift": _said("Actions that undo a change made by hand.", COUNT)}, []),
    "requests": _map({"read": _said("Sent for this plan.", COUNT), "write": _said("That an apply would send.", COUNT)}, []),
    "left_out": _said("In sentences, what a selection or the stack leaves out.", _list(TEXT)),
    "warnings": _list(TEXT),
    "stopped": _said("Thresholds that stop everything; an apply then does nothing.", _list(TEXT)),
    "unreadable": _said("Whether something could not be read.", YES),
    "checksum": _said("SHA-256 of the file's text up to the value of this key.", SHA),
}

_ACTION: Mapping[str, Json] = {
    "op": {"enum": [op.value for op in Op]},
    "address": _said("kind/name", ADDRESS),
    "id": _said("The vendor's id; null where there is none yet.", _or_null(TEXT)),
    "impact": _said("What a reader must see first comes first.", _list(IMPACT)),
    "effect": _said("What the vendor really does, where it has a name: supersede, archive, restore …", _or_null(TEXT)),
    "digest": _said("Over all that is done; null for what takes no part in the plan's digest.", _or_null(SHA)),
    "at": _said("Where the entry's name stands, the file from the repository's root; null where nothing declares it.",
                _or_null(_map({"file": WORD, "line": {"type": "integer", "minimum": 1},
                               "column": {"type": "integer", "minimum": 1}}, []))),
    "changes": _list({"$ref": "#/$defs/change"}),
    "needs": _said("The entries that it refers to.", _list(ADDRESS)),
    "notes": _said("What its kind says of it, as sentences.", _list(TEXT)),
    "facts": _said("What was read to help a reader; in no digest.", _list(TEXT)),
    "blocked": _said("Why it is held back, and what lifts that.", _or_null(TEXT)),
    "moved_from": _said("The address it had.", ADDRESS),
    "kept": _said("Fields that stay as they are; a value only where a note is about it.", {"type": "object"}),
    "after": _said("Requests that an unchanged object still wants.", _list(_map({"method": WORD, "path": WORD}, []))),
    "notes_about": _said("For each note what it is about.", _list(_map(
        {"subject": TEXT, "path": TEXT, "impact": IMPACT, "refuse": YES, "consent": IMPACT},
        ["subject", "path", "impact", "refuse", "consent"]))),
    "facts_about": _said("For each fact what it is about.", _list(_map({"subject": TEXT}, ["subject"]))),
}

_CHANGE: Mapping[str, Json] = {
    "path": _said("As in filters.groups[0].rollout_percentage, keyed lists as in variants[control].name.", WORD),
    "before": _said("In the manifest's terms; null where nobody knows it or there was nothing.", {}),
    "after": _said("What the manifest asks for; of a value that is not known yet null, or ? inside a text.", {}),
    "replaces": _said("Whether it asks for a new object.", YES),
    "secret": _said("Whether the values are secret; they are then never in here.", YES),
    "drift": _said("Whether somebody changed it by hand.", YES),
    "unknown": _said("Whether `after` is known only after the apply.", YES),
    "currency": _said("Of an amount in its smallest unit.", TEXT),
}
