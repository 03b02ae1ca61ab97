"""vault.transit_key: keys that encrypt and sign, and never leave the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark, Output, Permissions, Scene, Spec
from reconciler.model import Action, Call, Change, Changes, Fate, Fields, Impact, Live, Note, Op, Want, has_token
from reconciler.vendors.vault.inside import Inside, changed
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.roles import plain_name
from reconciler.vendors.vault.terms import Duration, Path, bare, duration

HOUR = 3600
ONE_WAY = ("exportable", "allow_plaintext_backup")
VERSIONS = ("min_decryption_version", "min_encryption_version")
SETTINGS = (*VERSIONS, "deletion_allowed")
"""What only `config` takes: the server ignores these where a key is made."""

Type = Literal["aes256-gcm96", "aes128-gcm96", "chacha20-poly1305", "xchacha20-poly1305", "ed25519", "ecdsa-p256",
               "ecdsa-p384", "ecdsa-p521", "rsa-2048", "rsa-3072", "rsa-4096", "hmac", "ml-dsa", "slh-dsa", "hybrid",
               "aes128-cmac", "aes192-cmac", "aes256-cmac", "managed_key"]


def at_least_one(value: Any) -> Any:
    """The first version is 1: the server takes 0 for it."""
    return 1 if value in (None, 0) else value


class TransitKeySpec(Spec):
    """The fields of vault.transit_key; min_encryption_version 0 is the latest."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(plain_name)] = None
    mount: Annotated[Path, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.mount", "path"), Canonical(bare)]
    type: Annotated[Type | None, Mark.IMMUTABLE] = "aes256-gcm96"
    derived: Annotated[bool | None, Mark.IMMUTABLE] = False
    convergent_encryption: Annotated[bool | None, Mark.IMMUTABLE] = False
    key_size: Annotated[int | None, Field(ge=0, le=512), Mark.IMMUTABLE] = 0
    parameter_set: Annotated[str | None, Mark.IMMUTABLE] = ""
    hybrid_key_type_pqc: Annotated[str | None, Mark.IMMUTABLE] = ""
    hybrid_key_type_ec: Annotated[str | None, Mark.IMMUTABLE] = ""
    managed_key_name: Annotated[str | None, Mark.CREATE_ONLY] = ""
    managed_key_id: Annotated[str | None, Mark.CREATE_ONLY] = ""
    exportable: Annotated[bool | None, Impact.ACCESS] = False
    allow_plaintext_backup: Annotated[bool | None, Impact.ACCESS] = False
    auto_rotate_period: Duration = 0
    deletion_allowed: bool | None = False
    min_decryption_version: Annotated[int | None, Field(ge=0), Canonical(at_least_one), Impact.ACCESS] = 1
    min_encryption_version: Annotated[int | None, Field(ge=0)] = 0


class TransitKey(Inside[TransitKeySpec]):
    """A key. Its type never changes, and what it encrypted is lost with it.

    To make a key whose name is taken is no error at the server: it answers with the key that is there and ignores what
    was asked for (OpenBao 2.7.2 without even a warning). So a plan reads first, and an apply reads back what it made.
    """

    name, spec, types, folder = "vault.transit_key", TransitKeySpec, frozenset({"transit"}), "keys"
    terraform = (("vault_transit_secret_backend_key", "{backend}/keys/{name}"),)
    permissions = Permissions(at("{mount}/keys/{name}", "read"), (*at("{mount}/keys/{name}", "update", "delete"),
                                                                  *at("{mount}/keys/{name}/config", "update")))
    create_impact, verified, later = Impact.ACCESS, True, SETTINGS
    outputs: ClassVar[Mapping[str, Output]] = {**Inside.outputs, "latest_version": Output()}

    def shown(self, id: str, body: Mapping[str, Any]) -> Live:
        """A key, and its latest version."""
        live = super().shown(id, body)
        outputs = {**live.outputs, "latest_version": body.get("latest_version")}
        return Live(id=id, fields=live.fields, outputs=outputs, raw=body)

    def update(self, live: Live, want: Want[TransitKeySpec], changes: Changes) -> Iterable[Call]:
        """One POST to `config` with what changed."""
        yield self._config(live, {name: want.get(name) for name in changed(changes)})

    def _config(self, live: Live, fields: Mapping[str, Any]) -> Call:
        return Call("POST", f"{self.item(live.id)}/config", self.body(fields), safe=True)

    def delete(self, live: Live) -> Iterable[Call]:
        """A DELETE, which the server refuses until `deletion_allowed` is on."""
        if not live.fields.get("deletion_allowed"):
            yield self._config(live, {"deletion_allowed": True})
        yield from super().delete(live)

    # judgement

    def fate(self, live: Live) -> Fate:
        """It is destroyed with all its versions."""
        off = "" if live.fields.get("deletion_allowed") else "; deletion_allowed is off and is switched on for it"
        return Fate("delete", irreversible=True, why=f"whatever it encrypted can never be read again{off}")

    def forces(self, live: Live, want: Want[TransitKeySpec], change: Change) -> bool:
        """What was once allowed to leave the server stays so: the server ignores a step back."""
        return bool(change.replaces) or (change.path in ONE_WAY and bool(live.fields.get(change.path)))

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse."""
        try:
            plain_name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)
        period = duration(fields.get("auto_rotate_period") or 0)
        if isinstance(period, (int, float)) and 0 < period < HOUR:
            yield "auto_rotate_period", "is 0 or at least an hour"
        if fields.get("convergent_encryption") and not fields.get("derived"):
            yield "convergent_encryption", "needs derived: true"
        size = fields.get("key_size")
        if fields.get("type") == "hmac" and not has_token(size) and not 32 <= (size or 0) <= 512:
            yield "key_size", "an hmac key has 32 to 512 bytes"
        elif size and fields.get("type") != "hmac" and not has_token(fields.get("type")):
            yield "key_size", "only an hmac key has a size of its own"
        low, first = (fields.get(name) or 0 for name in VERSIONS)
        if isinstance(low, int) and isinstance(first, int) and 0 < first < low:
            yield "min_encryption_version", "is less than min_decryption_version"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What lets the key out, and what makes old ciphertext unreadable."""
        yield from super().review(action, scene)
        if action.op is not Op.UPDATE:
            return
        for change in action.changes:
            if change.path in ONE_WAY and change.after:
                yield Note(f"{change.path} lets the key leave the server, and can never be switched off again", refuse=True,
                           path=change.path)
            if change.path == "min_decryption_version" and _more(change):
                yield Note("what older versions encrypted can't be read any more, until it is lowered again",
                           subject="warning", impact=Impact.ACCESS, path=change.path)


def _more(change: Change) -> bool:
    return isinstance(change.before, int) and isinstance(change.after, int) and change.after > change.before
