"""A plan read back from its file: evidence to be compared and shown, never the input of a write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Stale
from reconciler.model import Action, Address, Call, Change, Fact, Impact, Live, Location, Note, Op, Plan, Want

FORMAT = "1.0"


def altered(why: str = "") -> Stale:
    """Why a file is refused that is not as it was written."""
    return Stale(f"this saved plan was altered, or is not whole{why and f': {why}'}",
                 "plan again with --out, and apply that file as it is")


@dataclass(frozen=True, slots=True)
class Kept(Plan):
    """A plan whose file leaves some unchanged entries out."""

    unlisted: int = 0

    def count(self, op: Op) -> int:
        """How many actions have this operation, those that are not listed included."""
        return Plan.count(self, op) + (self.unlisted if op is Op.NOOP else 0)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file says was planned, and by which version of the tool."""

    plan: Plan
    tool: str

    @property
    def project(self) -> str:
        """The project's name."""
        return self.plan.project

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.plan.stack

    @property
    def accounts(self) -> Mapping[str, str]:
        """The pinned account ids by connection."""
        return self.plan.accounts

    @property
    def consents(self) -> tuple[str, ...]:
        """The consents by address that travel with the plan."""
        return self.plan.consents

    @property
    def digest(self) -> str:
        """The digest of the whole plan."""
        return self.plan.digest

    @property
    def digests(self) -> Mapping[Address, str]:
        """The digests of its actions."""
        return self.plan.digests


def read(text: str, *, whole: bool) -> Saved:
    """The saved plan in a file whose checksum is right (`whole`) or not; Stale when it can't be trusted or read."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise altered(str(error) if isinstance(error, _TwiceError) else "") from error
    if not isinstance(found, dict) or "format_version" not in found:
        raise Stale("this file is not a saved plan", "`reconciler plan --out FILE` writes one")
    if found["format_version"] != FORMAT:
        raise Stale(f"this saved plan has format {found['format_version']!r:.40}, and this version reads {FORMAT}",
                    "plan again with this version" + (", or apply it with the version that wrote it" if _newer(found) else ""))
    if not whole:
        raise altered()
    try:
        return Saved(_plan(found), str(found["tool"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise altered() from error


def _newer(found: Mapping[str, Any]) -> bool:
    """Whether a later version of the tool wrote the file."""
    parts = str(found["format_version"]).split(".")
    return all(part.isdecimal() and len(part) < 9 for part in parts) and [*map(int, parts)] > [*map(int, FORMAT.split("."))]


class _TwiceError(ValueError):
    """A key stands twice in one map."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(f"the key {key!r:.60} stands twice in one map")
        found[key] = value
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _plan(found: dict[str, Any]) -> Plan:
    actions = tuple(_action(one) for one in found["actions"])
    digests = {action.address: str(one["digest"]) for action, one in zip(actions, found["actions"], strict=True)
               if one["digest"] is not None}
    listed = sum(action.op is Op.NOOP for action in actions)
    return Kept(
        str(found["project"]), str(found["stack"]), actions, str(found["digest"]), digests, int(found["serial"]),
        _texts(found["consents"]), {str(name): str(id) for name, id in found["accounts"].items()},
        int(found["requests"]["read"]), int(found["requests"]["write"]), _texts(found["left_out"]),
        _texts(found["warnings"]), _texts(found["stopped"]), found["unreadable"] is True,
        unlisted=int(found["summary"]["noop"]) - listed)


def _texts(found: list[Any]) -> tuple[str, ...]:
    return tuple(map(str, found))


def _action(found: dict[str, Any]) -> Action:
    address = Address.parse(found["address"])
    changes = tuple(_change(one) for one in found["changes"])
    return Action(
        Op(found["op"]), address, found["id"], tuple(Impact(word) for word in found["impact"]), found["effect"], changes,
        tuple(Address.parse(one) for one in found["needs"]), notes=_notes(found), facts=_facts(found),
        blocked=found["blocked"], at=Location(**found["at"]) if found["at"] is not None else None,
        after=tuple(Call(one["method"], one["path"]) for one in found.get("after", ())),
        moved_from=Address.parse(found["moved_from"]) if "moved_from" in found else None,
        want=Want(address, found.get("kept", {})), live=_live(found))


def _change(found: dict[str, Any]) -> Change:
    return Change(str(found["path"]), found["before"], found["after"], found["replaces"] is True, found["secret"] is True,
                  found["drift"] is True, found["unknown"] is True)


def _live(found: dict[str, Any]) -> Live:
    """As much of the object as amounts need: the currency of each, under the name where money looks for it."""
    codes = {f"{one['path']}_currency": one["currency"] for one in found["changes"] if "currency" in one}
    return Live(found["id"] or "", codes)


def _notes(found: dict[str, Any]) -> tuple[Note, ...]:
    texts = found["notes"]
    about = found.get("notes_about", [{}] * len(texts))
    return tuple(
        Note(_bare(text, one), one.get("subject", ""), Impact(one["impact"]) if "impact" in one else None,
             one.get("refuse") is True, Impact(one.get("consent", Impact.IRREVERSIBLE)), one.get("path"))
        for text, one in zip(texts, about, strict=True))


def _facts(found: dict[str, Any]) -> tuple[Fact, ...]:
    texts = found["facts"]
    about = found.get("facts_about", [{}] * len(texts))
    return tuple(Fact(_bare(text, one), one.get("subject", "")) for text, one in zip(texts, about, strict=True))


def _bare(text: str, about: Mapping[str, str]) -> str:
    """A sentence without the subject in front of it."""
    return str(text).removeprefix(f"{about['subject']}: ") if "subject" in about else str(text)
