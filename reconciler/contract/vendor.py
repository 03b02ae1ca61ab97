"""A vendor as one value; its client and sandbox are named, not imported."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self, overload
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reconciler.contract.kind import Kind
from reconciler.model import Address
from reconciler.secret import Secret

if TYPE_CHECKING:
    from reconciler.contract.http import Api


@dataclass(frozen=True, slots=True)
class Env:
    """The vendor's own environment variable for a setting that reconciler.yaml leaves out.

    `ask` is what `init` asks a person for it, where it is no credential; `guess` stands for it until somebody knows better.
    """

    name: str
    ask: str = ""
    guess: str = ""


def _address(value: str | None) -> str | None:
    if value is not None and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
        raise ValueError("begins with https:// or http://, and a host follows")
    return value


Web = Annotated[str | None, AfterValidator(_address)]


class Settings(BaseModel):
    """What every vendor's connection takes; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)

    base_url: Web = None
    proxy: Web = None
    ca_bundle: str | None = None
    requests_per_second: Annotated[float | None, Field(gt=0)] = None
    connections: Annotated[int, Field(ge=1, le=100)] = 10
    timeout: Annotated[float, Field(gt=0)] = 30.0
    max_wait: Annotated[float, Field(ge=0)] = 60.0

    @classmethod
    def placeholder(cls, **more: Any) -> Self:
        """Settings for the sandbox, where no credential, pin or host is read: required texts are made up."""
        made: dict[str, Any] = {}
        for name, info in cls.model_fields.items():
            if info.is_required():
                made[name] = Secret("placeholder") if info.annotation is Secret else "placeholder"
        return cls(**made, **{name: value for name, value in more.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a delivery ends up among the declared entries, known offline.

    `needs` must be there before the secret can be put, `clashes` say a value of their own at the same place.
    """

    needs: tuple[Address, ...] = ()
    clashes: tuple[Address, ...] = ()


class Kinds(Sequence[type[Kind[Any]]]):
    """A vendor's kinds in their order, each imported when it is asked for: noun → `module:Class` below the vendor's package."""

    def __init__(self, package: str, nouns: Mapping[str, str]) -> None:
        self.package, self.nouns = package, nouns

    def __len__(self) -> int:
        return len(self.nouns)

    @overload
    def __getitem__(self, index: int) -> type[Kind[Any]]: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[type[Kind[Any]], ...]: ...

    def __getitem__(self, index: int | slice) -> type[Kind[Any]] | tuple[type[Kind[Any]], ...]:
        names = list(self.nouns)[index]
        return self._loaded(names) if isinstance(names, str) else tuple(self._loaded(name) for name in names)

    def named(self, noun: str) -> type[Kind[Any]] | None:
        """One kind; no other is imported for it."""
        return self._loaded(noun) if noun in self.nouns else None

    def _loaded(self, noun: str) -> type[Kind[Any]]:
        found: type[Kind[Any]] = load(f"{self.package}.{self.nouns[noun]}")
        return found


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: `api` and `sandbox` are `module:Class`, so that checking manifests imports no client.

    `kinds` are classes, or Kinds, which imports those alone that manifests name.

    `title` is the name that a reader knows it by, where that is more than a capital letter.
    `secrets` and `sinks` name, in the same form, what other parts are handed through workspace.
    `placed` names a function of (connection, Delivery, resources) → Placed, for a vendor that has sinks.
    """

    name: str
    settings: type[Settings]
    api: str
    kinds: Sequence[type[Kind[Any]]]
    sandbox: str
    secrets: str | None = None
    sinks: str | None = None
    placed: str | None = None
    title: str = ""

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name.capitalize())

    def bind(self, api: Api | None = None, connection: str | None = None) -> dict[str, Kind[Any]]:
        """Every kind over one connection, by bound name."""
        kinds = (kind(api, connection, self.title) for kind in self.kinds)
        return {kind.bound: kind for kind in kinds}

    def kind(self, name: str) -> type[Kind[Any]] | None:
        """The kind called `vendor.noun` or just `noun`."""
        noun = name.rpartition(".")[2]
        if isinstance(self.kinds, Kinds):
            return self.kinds.named(noun)
        return next((kind for kind in self.kinds if kind.name == f"{self.name}.{noun}"), None)


def load(reference: str) -> Any:
    """What `module:name` names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
