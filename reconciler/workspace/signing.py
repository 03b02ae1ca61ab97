"""Digests, seals and fingerprints of one stack, under its ledger's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.contract.spec import Mark, Shape
from reconciler.engine.observe import Kinds
from reconciler.ledger import Ledger, prints
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

    def legible(self, ledger: Ledger) -> Ledger:
        """The ledger as this key reads it: of digests under a key that is not here only the paths are known."""
        reads = prints.legible(self.key)
        strange = {address: replace(entry, prints={path: print if reads(print) else "" for path, print in entry.prints.items()})
                   for address, entry in ledger.entries.items() if not all(map(reads, entry.prints.values()))}
        return replace(ledger, entries={**ledger.entries, **strange}) if strange else ledger

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


def unreadable(ledger: Ledger) -> tuple[str, ...]:
    """What is said of digests that nobody here can read."""
    count = sum("" in entry.prints.values() for entry in ledger.entries.values())
    whose = "1 entry has" if count == 1 else f"{count} entries have"
    told = (f"{whose} digests under another ledger.key: what can't be read back is taken for unchanged, and nothing is told as "
            "drift; `previous:` beside `key:` names an old key")
    return (told,) if count else ()


def _hard(shape: Shape, path: str) -> bool:
    for part in path.split("."):
        shape = shape.child(part)
        if shape.marks & _HARD:
            return True
    return False
