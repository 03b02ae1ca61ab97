"""Fingerprints of fields and seals of ownership marks: what the ledger and a vendor may keep instead of values."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from reconciler.model import Owner
from reconciler.paths import leaves
from reconciler.secret import Secret

_PRINT, _SEAL, _NAME = b"reconciler print 1", b"reconciler seal 1", b"reconciler key 1"
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 16}
_slow: dict[bytes, str] = {}
_blind = os.urandom(32)


@dataclass(frozen=True, slots=True)
class Key:
    """The ledger's key: what is written is under `now`; digests under a `previous` one are still understood."""

    now: Secret
    previous: tuple[Secret, ...] = ()

    @classmethod
    def of(cls, now: Secret | str | None, previous: tuple[Secret | str, ...] = ()) -> Key | None:
        """The key of these texts; None where there is none, or an empty one."""
        current = now if isinstance(now, Secret) else Secret(now or "")
        if not current.reveal():
            return None
        older = (one if isinstance(one, Secret) else Secret(one) for one in previous)
        return cls(current, tuple(one for one in older if one.reveal()))

    def all(self) -> tuple[Secret, ...]:
        """Every key that is accepted, the current one first."""
        return (self.now, *self.previous)


def prints(fields: Mapping[str, Any], key: Key | None, salt: str,
           hard: Callable[[str], bool] = lambda path: False) -> dict[str, str]:
    """One digest per leaf path (`metadata.tier`; a list is one leaf), and none from which a value could be read.

    HMAC-SHA256 under the key; without one SHA-256 with the ledger's salt, and scrypt for a path that is `hard`
    (secret or write-only) and for every value that holds a Secret, because those are worth guessing at.
    """
    return {path: print_of(value, key, salt, hard=hard(path)) for path, value in leaves(fields).items()}


def print_of(value: Any, key: Key | None, salt: str, *, hard: bool = False) -> str:
    """The digest of one value."""
    if key is not None:
        return _keyed(value, key.now)
    return _scrypt(value, salt) if hard or _holds_secret(value) else _salted(value, salt)


def same(print: str, value: Any, key: Key | None, salt: str) -> bool:
    """Whether a digest is of this value; one under another key, or in an unknown form, is not.

    The digest's own form decides, so that a ledger stays readable after a key was added or changed.
    """
    form = print.partition(":")[0]
    if form == "hmac":
        said = print.rpartition(":")[2]
        return any(hmac.compare_digest(said, _keyed(value, one).rpartition(":")[2]) for one in (key.all() if key else ()))
    if form == "scrypt":
        return hmac.compare_digest(print, _scrypt(value, salt))
    return form == "sha256" and hmac.compare_digest(print, _salted(value, salt))


def legible(key: Key | None) -> Callable[[str], bool]:
    """Whether a digest can be compared with a value at all: one under a key that is not here tells nothing of it."""
    known = tuple(f"hmac:{_name(one)}:" for one in key.all()) if key is not None else ()
    return lambda print: not print.startswith("hmac:") or print.startswith(known) or (bool(known) and print.count(":") == 1)


def seal(owner: Owner, key: Key | None) -> Owner:
    """The mark with a seal that only this key can make; without a key as it is."""
    return owner if key is None else replace(owner, seal=_seal(owner, key.now))


def valid(owner: Owner, key: Key | None) -> bool:
    """Whether a mark was made by a holder of the key; without a key every mark counts."""
    return key is None or any(hmac.compare_digest(owner.seal.encode(), _seal(owner, one).encode()) for one in key.all())


def _seal(owner: Owner, key: Secret) -> str:
    text = json.dumps([owner.stack, owner.address]).encode()
    return hmac.new(key.reveal().encode(), _SEAL + b"\0" + text, hashlib.sha256).hexdigest()[:32]


def _keyed(value: Any, key: Secret) -> str:
    """The digest, after the name of its key: without that nobody could tell another value from another key."""
    digest = hmac.new(key.reveal().encode(), _PRINT + b"\0" + _text(value), hashlib.sha256).hexdigest()
    return f"hmac:{_name(key)}:{digest[:32]}"


@lru_cache(maxsize=16)
def _name(key: Secret) -> str:
    return hmac.new(key.reveal().encode(), _NAME, hashlib.sha256).hexdigest()[:8]


def _salted(value: Any, salt: str) -> str:
    return "sha256:" + hashlib.sha256(b"\0".join((_PRINT, salt.encode(), _text(value)))).hexdigest()[:32]


def _scrypt(value: Any, salt: str) -> str:
    """Slow on purpose, so one process works it out once; what it remembers is blinded and dies with it."""
    text = _text(value)
    slot = hashlib.blake2b(salt.encode() + b"\0" + text, key=_blind).digest()
    if slot not in _slow:
        _slow[slot] = "scrypt:" + hashlib.scrypt(text, salt=_PRINT + salt.encode(), **_SCRYPT).hex()
    return _slow[slot]


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_secret(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_secret(item) for item in value)
    return isinstance(value, Secret)


def _text(value: Any) -> bytes:
    """A value as text that is the same for equal values: keys in order, secrets opened."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return dict(value) if isinstance(value, Mapping) else str(value)
