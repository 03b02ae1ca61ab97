"""Digests, seals and fingerprints of one stack, under its ledger's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.contract.spec import Mark, Shape
from reconciler.engine.observe import Kinds
from reconciler.ledger import prints
from reconciler.model import Owner
from reconciler.secret import Secret

_HARD = {Mark.SECRET, Mark.WRITE_ONLY}


@dataclass(frozen=True, slots=True)
class Signing:
    """`salt` is the ledger's lineage, `stack` is `project/stack`; the key may be missing."""

    key: prints.Key | None
    salt: str
    stack: str
    kinds: Kinds

    def prints(self, kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """One digest per leaf path."""
        shape = self.kinds[kind].shape
        return prints.prints(fields, self.key, self.salt, lambda path: _hard(shape, path))

    def same(self, print: str, value: Any) -> bool:
        """Whether a digest is of this value."""
        return prints.same(print, value, self.key, self.salt)

    def identify(self, value: Any) -> str:
        """The digest of a natural key."""
        return prints.print_of(value, self.key, self.salt)

    def veil(self, secret: Secret) -> str:
        """What stands for a secret in a fingerprint: the same in every process of this stack."""
        return prints.print_of(secret, self.key, self.stack, hard=True)

    def seal(self, owner: Owner) -> Owner:
        """A mark that only a holder of the key can make."""
        return prints.seal(owner, self.key)

    def valid(self, owner: Owner) -> bool:
        """Whether a mark was made by a holder of the key."""
        return prints.valid(owner, self.key)


def _hard(shape: Shape, path: str) -> bool:
    for part in path.split("."):
        shape = shape.child(part)
        if shape.marks & _HARD:
            return True
    return False
