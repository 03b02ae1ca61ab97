"""The keys of reconciler.yaml, as models; a vendor's own settings are checked by the vendor."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from reconciler.model import Address, Impact
from reconciler.suggest import did_you_mean

NAME = r"^[a-z0-9][a-z0-9-]*$"
CONNECTION = r"^[a-z][a-z0-9_]*$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

Scalar = str | int | float | bool
Name = Annotated[str, Field(pattern=NAME)]


class Part(BaseModel):
    """A map in reconciler.yaml; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Source(Part):
    """Where a secret comes from; exactly one of `env`, `file`, `vault` (with `key`) and `op`."""

    env: Annotated[str | None, Field(pattern=VARIABLE)] = None
    file: Annotated[str | None, Field(min_length=1)] = None
    vault: Annotated[str | None, Field(min_length=1)] = None
    key: Annotated[str | None, Field(min_length=1)] = None
    op: Annotated[str | None, Field(pattern=r"^op://.+")] = None

    @property
    def near(self) -> bool:
        """Whether it is on this machine, so that reading it asks nobody."""
        return self.env is not None or self.file is not None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("env", "file", "vault", "op") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("takes exactly one of env, file, vault, op")
        if (self.key is not None) != (self.vault is not None):
            raise ValueError("vault takes a path and a key, the others no key")
        return self


STORES = {"sqlite": ("ephemeral",), "git": ("remote",), "postgres": ("url",), "s3": ("bucket", "prefix", "region", "endpoint")}
"""Which settings belong to one ledger store alone."""

NEEDED = {"postgres": ("url",), "s3": ("bucket",)}


def _without_password(value: str) -> str:
    """An address that anybody may read."""
    if re.search(r"//[^/@]*:[^/@]*@", value):
        raise ValueError("holds a password: git's own credential helpers are where it belongs")
    return value


class LedgerSettings(Part):
    """Where the ledger is kept; `key` seals marks and fingerprints, under a `previous` one old ones are understood.

    `remote` is git's, a name or an address; `url` is PostgreSQL's; the last four are S3's.
    """

    store: Literal["sqlite", "git", "postgres", "s3"] = "sqlite"
    key: Source | None = None
    previous: list[Source] = []
    ephemeral: bool = False
    remote: Annotated[str, Field(pattern=r"^[^\s-]\S*$"), AfterValidator(_without_password)] | None = None
    url: Source | None = None
    bucket: Annotated[str, Field(min_length=1)] | None = None
    prefix: Annotated[str, Field(min_length=1)] | None = None
    region: Annotated[str, Field(min_length=1)] | None = None
    endpoint: Annotated[str, Field(pattern=r"^https?://[^@\s]+$")] | None = None

    @model_validator(mode="after")
    def _of_this_store(self) -> Self:
        for store, names in STORES.items():
            strange = [name for name in names if getattr(self, name)] if store != self.store else []
            if strange:
                raise ValueError(f"{strange[0]} belongs to store: {store}, and this is store: {self.store}")
        missing = [name for name in NEEDED.get(self.store, ()) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"store: {self.store} needs {' and '.join(missing)}")
        return self


class SinkCommand(Part):
    """A program that takes a secret on its standard input; it is run without a shell."""

    command: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Limits(Part):
    """How much one run may remove or change."""

    max_delete_percent: Annotated[int, Field(ge=0, le=100)] = 30
    max_changes: Annotated[int, Field(ge=0)] = 500


class OutputFile(Part):
    """A file that `output` writes for an application; relative to the project, never outside."""

    file: Annotated[str, Field(min_length=1)]
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]*$")] = ""


def _consent(value: Any) -> Any:
    """`IMPACT:ADDRESS`, as a reviewer can judge it."""
    if not isinstance(value, str):
        return value
    word, colon, address = value.partition(":")
    words = [impact.value for impact in Impact]
    if word not in words:
        near = did_you_mean(word, words)
        raise ValueError(f"{word} is not an impact" + (f", {near}" if near else f": one of {', '.join(words)}"))
    if not colon:
        raise ValueError(f"a reviewed consent names its address: {word}:stripe.price/pro")
    Address.parse(address)
    return value


class Config(Part):
    """All of reconciler.yaml for one stack, after its differences are laid over the project's."""

    project: Name
    formerly: list[Name] = []
    requires: str | None = None
    ledger: LedgerSettings = LedgerSettings.model_construct()
    vendors: dict[Annotated[str, Field(pattern=CONNECTION)], dict[str, Any] | None] = {}
    vars: dict[Annotated[str, Field(pattern=VARIABLE)], Scalar | list[Any] | dict[str, Any]] = {}
    secrets: dict[str, Source] = {}
    sinks: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], SinkCommand] = {}
    limits: Limits = Limits.model_construct()
    outputs: dict[Literal["json", "dotenv", "zone"], OutputFile] = {}
    allow: list[Annotated[str, BeforeValidator(_consent)]] = []
    consent: Literal["digest"] | None = None


class StackConfig(Part):
    """What a stack may say for itself; its own `formerly` are former names of the stack."""

    formerly: list[Name] = []
    ledger: Any = None
    vendors: Any = None
    vars: Any = None
    secrets: Any = None
    sinks: Any = None
    limits: Any = None
    outputs: Any = None
    allow: Any = None
    consent: Any = None
