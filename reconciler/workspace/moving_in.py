"""Objects that Terraform manages until now: which kind each is here, and what it is to be called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.importing import Claim
from reconciler.engine.observe import Kinds
from reconciler.manifest.terraform import Stated
from reconciler.model import Address, Live


def claims(found: Iterable[Stated], kinds: Kinds, declared: Collection[Address]) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """A claim for each resource that a kind stands for, and in sentences what none does.

    Of several connections of one vendor it is the one that declares the name, else the first. Settings that always
    exist need no import.
    """
    made: list[Claim] = []
    strange: dict[str, int] = {}
    for one in found:
        fits = [(bound, glob) for bound, kind in kinds.items()
                if (pattern := _types(kind).get(one.type)) is not None and (glob := one.glob(pattern)) is not None]
        fits.sort(key=lambda fit: Address(fit[0], one.name) not in declared)
        if not fits:
            strange[one.type] = strange.get(one.type, 0) + 1
        elif not kinds[fits[0][0]].singleton:
            bound, glob = fits[0]
            made.append(Claim(bound, glob, one.name, one.address))
    asked = ", ".join(sorted({bound.partition(".")[0] for bound in kinds})) or "no vendor"
    told = (f"{count} {type}: no kind of {asked}" for type, count in sorted(strange.items()))
    return tuple(made), tuple(told)


def _types(kind: Kind[Any]) -> Mapping[str, str]:
    return dict(kind.terraform) or {kind.name.replace(".", "_"): "{id}"}


class Named:
    """Which live objects Terraform knows, and how it calls them."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self.exact: dict[tuple[str, str], str] = {}
        self.globs: dict[str, list[Claim]] = {}
        for claim in claims:
            if set(claim.glob) & set("*?["):
                self.globs.setdefault(claim.kind, []).append(claim)
            else:
                self.exact[claim.kind, claim.glob] = claim.name

    def __call__(self, kind: str, live: Live) -> str | None:
        """The name of an object; None where Terraform does not know it."""
        fits = (claim.name for claim in self.globs.get(kind, ()) if fnmatchcase(live.id, claim.glob))
        return self.exact.get((kind, live.id)) or next(fits, None)
