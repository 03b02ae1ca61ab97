"""Transit in the sandbox: keys with their settings and versions; what is encrypted is only marked with the key's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_wire import (
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    period,
    refused,
    told,
    truth,
    unsupported,
    whole,
)

SYMMETRIC = {"aes128-gcm96": True, "aes256-gcm96": True, "chacha20-poly1305": True, "xchacha20-poly1305": True}
ASYMMETRIC = ("ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "rsa-3072", "rsa-4096")
_NAME = r"\w(?:[\w.-]*\w)?"
_OLDEST = "since Vault 0.3 (prior to the OpenBao fork), transit key numbering starts at 1; forcing minimum to 1"


def transit(asked: Asked, mount: Body, rest: str) -> Response:
    """`MOUNT/…` of the type transit."""
    held = asked.held(f"transit/{mount['uuid']}")
    if rest.strip("/") == "keys":
        if asked.op == "list":
            return names(asked, held)
        raise unsupported(asked)
    hit = re.fullmatch(rf"keys/({_NAME})(?:/(config|rotate))?/?", rest)
    if hit is None:
        raise joined(404, "unsupported path")
    name, part = hit[1], hit[2]
    if part == "config":
        return _configured(asked, held, name)
    if part == "rotate":
        return _rotated(asked, held, name)
    if asked.op == "write":
        return _made(asked, held, name)
    if asked.op == "read":
        if name not in held:
            raise missing()
        return told(asked, shown(name, held[name]))
    if asked.op == "delete":
        return _deleted(held, name)
    raise unsupported(asked)


def shown(name: str, key: Mapping[str, Any]) -> Body:
    """A key as it is told."""
    kind, derived = key["type"], key["derived"]
    plain = kind in SYMMETRIC
    found = {"allow_plaintext_backup": key["allow_plaintext_backup"], "auto_rotate_period": key["auto_rotate_period"],
             "deletion_allowed": key["deletion_allowed"], "derived": derived, "exportable": key["exportable"],
             "imported_key": False, "latest_version": key["latest_version"], "min_available_version": 0,
             "min_decryption_version": key["min_decryption_version"],
             "min_encryption_version": key["min_encryption_version"], "name": name, "soft_deleted": False,
             "supports_decryption": plain or kind.startswith("rsa"), "supports_derivation": plain or kind == "ed25519",
             "supports_encryption": plain or kind.startswith("rsa"), "supports_signing": kind in ASYMMETRIC, "type": kind}
    versions = range(key["min_decryption_version"], key["latest_version"] + 1)
    if kind == "hmac":
        found["key_size"] = key["key_size"]
    else:
        found["keys"] = {str(n): int(key["made"]) if plain else {"name": kind} for n in versions}
    if derived:
        found |= {"kdf": "hkdf_sha256", "convergent_encryption": key["convergent_encryption"]}
        if key["convergent_encryption"]:
            found["convergent_encryption_version"] = -1
    return found


def _made(asked: Asked, held: dict[str, Body], name: str) -> Response:
    """A new key; a name that is taken is answered with what is there, without a word."""
    body = asked.body
    given = {field: truth(body, field) for field in ("derived", "convergent_encryption", "exportable",
                                                     "allow_plaintext_backup")}
    kind, size, rotate = str(body.get("type") or "aes256-gcm96"), whole(body, "key_size"), _rotating(body)
    if given["convergent_encryption"] and not given["derived"]:
        raise refused(400, "convergent encryption requires derivation to be enabled")
    if kind not in (*SYMMETRIC, *ASYMMETRIC, "hmac"):
        raise refused(400, f"unknown key type {kind}")
    if size and kind != "hmac":
        raise refused(400, f"key_size is not valid for algorithm {kind}")
    if size and not 32 <= size <= 512:
        raise refused(400, f"invalid key_size {size}")
    if name not in held:
        if kind == "hmac" and not size:
            raise joined(500, "invalid key size for HMAC key, must be between 32 and 512 bytes")
        if given["derived"] and kind not in SYMMETRIC and kind != "ed25519":
            raise joined(500, f"key derivation and convergent encryption not supported for keys of type {kind}")
        if given["convergent_encryption"] and kind == "ed25519":
            raise joined(500, "convergent encryption not supported for keys of type ed25519")
        held[name] = {"type": kind, "key_size": size, "auto_rotate_period": rotate, "deletion_allowed": False,
                      "min_decryption_version": 1, "min_encryption_version": 0, "latest_version": 1, "made": asked.now,
                      **given}
    known = {"type", "derived", "convergent_encryption", "exportable", "allow_plaintext_backup", "key_size", "context",
             "auto_rotate_period", "name"}
    strange = sorted(set(body) - known)
    words = [f"Endpoint ignored these unrecognized parameters: [{' '.join(strange)}]"] if strange else []
    return told(asked, shown(name, held[name]), warnings=words)


def _rotating(body: Mapping[str, Any]) -> int:
    value = period(body, "auto_rotate_period", 'error converting input for field "auto_rotate_period": ') if body.get(
        "auto_rotate_period") is not None else 0
    if value < 0 or 0 < value < 3600:
        raise refused(400, "auto rotate period must be 0 to disable or at least an hour")
    return value


def _configured(asked: Asked, held: dict[str, Body], name: str) -> Response:
    if asked.op != "write":
        raise unsupported(asked)
    if name not in held:
        raise refused(400, f"no existing key named {name} could be found")
    key, body, words = held[name], asked.body, []
    new = dict(key)
    if body.get("min_decryption_version") is not None:
        new["min_decryption_version"] = whole(body, "min_decryption_version")
        if new["min_decryption_version"] == 0:
            new["min_decryption_version"] = 1
            words.append(_OLDEST)
    if body.get("min_encryption_version") is not None:
        new["min_encryption_version"] = whole(body, "min_encryption_version")
    for side in ("decryption", "encryption"):
        if new[f"min_{side}_version"] < 0:
            raise refused(400, f"min {side} version cannot be negative")
        if new[f"min_{side}_version"] > key["latest_version"]:
            raise refused(400, f"cannot set min {side} version of {new[f'min_{side}_version']}, latest key version is "
                               f"{key['latest_version']}")
    if 0 < new["min_encryption_version"] < new["min_decryption_version"]:
        raise refused(400, f"cannot set min encryption/decryption values; min encryption version of "
                           f"{new['min_encryption_version']} must be greater than or equal to min decryption version of "
                           f"{new['min_decryption_version']}")
    if body.get("deletion_allowed") is not None:
        new["deletion_allowed"] = truth(body, "deletion_allowed")
    for field in ("exportable", "allow_plaintext_backup"):
        new[field] = key[field] or truth(body, field)
    if body.get("auto_rotate_period") is not None:
        new["auto_rotate_period"] = _rotating(body)
    held[name] = new
    return told(asked, shown(name, new), warnings=words)


def _rotated(asked: Asked, held: dict[str, Body], name: str) -> Response:
    if asked.op != "write":
        raise unsupported(asked)
    if name not in held:
        raise refused(400, "key not found")
    held[name]["latest_version"] += 1
    return told(asked, shown(name, held[name]))


def _deleted(held: dict[str, Body], name: str) -> Response:
    if name not in held:
        raise refused(400, f"error deleting policy {name}: could not delete key; not found")
    if not held[name]["deletion_allowed"]:
        raise refused(400, f"error deleting policy {name}: deletion is not allowed for this key")
    del held[name]
    return done()
