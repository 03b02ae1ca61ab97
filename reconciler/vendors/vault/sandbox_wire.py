"""A request as Vault's backends get it, and the shapes of its answers: the envelope, the list of errors, the times."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.store import Complaint, Response
from reconciler.vendors.vault.terms import seconds

if TYPE_CHECKING:
    from reconciler.vendors.vault.sandbox import VaultSandbox

Body = dict[str, Any]

LONGEST_LEASE = 32 * 24 * 3600
"""Seconds that a lease lasts at most where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in its namespace; `op` is read, list, write, delete or patch, `path` has no slash at its start.

    A list's path ends in a slash, as policies see it. `token` is None where none is needed.
    """

    box: VaultSandbox
    op: str
    path: str
    body: Body = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    space: str = ""
    token: Body | None = None

    def held(self, name: str) -> dict[str, Body]:
        """A collection of this namespace."""
        return self.box.objects.setdefault(self.space + name, {})

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.box.clock.now()


def refused(status: int, *errors: str) -> Complaint:
    """A refusal in Vault's words."""
    return Complaint(status, {"errors": list(errors)})


def joined(status: int, error: str) -> Complaint:
    """A refusal as the server writes one that it found further in."""
    return refused(status, f"1 error occurred:\n\t* {error}\n\n")


def unsupported(asked: Asked, known: bool = True) -> Complaint:
    """A path that is there and does not take this method, or one that is not there."""
    return joined(405, "unsupported operation") if known and asked.op != "list" else joined(404, "unsupported path")


def done() -> Response:
    """Nothing to tell."""
    return Response(204)


def missing() -> Complaint:
    """No such object; an empty list is the same."""
    return refused(404)


def told(asked: Asked, data: Any = None, *, auth: Body | None = None, warnings: Iterable[str] = (), status: int = 200,
         lease: int = 0, doubled: bool = False) -> Response:
    """An answer in its envelope; older paths of `sys` have the data beside it too."""
    whole = {"request_id": asked.box.number("request"), "lease_id": "", "renewable": False, "lease_duration": lease,
             "data": data, "wrap_info": None, "warnings": list(warnings) or None, "auth": auth}
    return Response(status, {**data, **whole} if doubled else whole)


def names(asked: Asked, found: Iterable[str], below: str = "", **more: Any) -> Response:
    """The names right below a path; folders end in a slash, and none at all is a 404."""
    at = below.rstrip("/") + "/" if below.strip("/") else ""
    rest = sorted({one.removeprefix(at) for one in found if one.startswith(at)})
    keys = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in rest if name})
    if not keys:
        raise missing()
    return told(asked, {"keys": keys, **more})


def stamp(now: float) -> str:
    """A moment as the server writes it; empty for none."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if now else ""


def go(value: float) -> str:
    """A duration as Go writes it: `1h30m0s`."""
    whole, sign = abs(int(value)), "-" if value < 0 else ""
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return sign + (f"{hours}h" if hours else "") + (f"{minutes}m" if whole >= 60 else "") + f"{rest}s"


def short(value: float) -> str:
    """A duration without its empty ends: `1h`."""
    text = go(value)
    for end in ("m0s", "h0m"):
        text = text.removesuffix(end) + (end[0] if text.endswith(end) else "")
    return text


def period(body: Mapping[str, Any], name: str, words: str = "") -> int:
    """A duration of a body in seconds; what is none is refused."""
    try:
        return int(seconds(body[name] or 0))
    except ValueError:
        raise refused(400, f'{words}time: invalid duration "{body[name]}"') from None


def texts(value: Any) -> list[str]:
    """A list, also one that is written as a text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value or ()]


def truth(body: Mapping[str, Any], name: str) -> bool:
    """A boolean of a body; what is none is refused."""
    value = body.get(name) or False
    if not isinstance(value, (bool, int)) and str(value) not in ("true", "false", "1", "0"):
        raise refused(400, f"Field validation failed: error converting input for field \"{name}\": '' cannot parse value "
                           "as 'bool': strconv.ParseBool: invalid syntax")
    return value in (True, 1, "true", "1")


def whole(body: Mapping[str, Any], name: str) -> int:
    """A whole number of a body; what is none is refused."""
    try:
        return int(body.get(name) or 0)
    except (TypeError, ValueError):
        raise refused(400, f"Field validation failed: error converting input for field \"{name}\": '' cannot parse value "
                           "as 'int': strconv.ParseInt: invalid syntax") from None


def within(address: str, blocks: Iterable[str]) -> bool:
    """Whether an address is in one of the blocks; none at all is no limit."""
    found = [ipaddress.ip_network(block, strict=False) for block in blocks]
    return not found or any(ipaddress.ip_address(address) in block for block in found)
