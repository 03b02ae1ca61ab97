"""What a credential must be allowed to do for a kind, under the names that its vendor has for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.contract.spec import Shape
from reconciler.model import Want, has_token

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Permissions:
    """`read` is what a plan needs, `write` what an apply needs besides; `look` only feeds facts, which say so without it.

    `{field}` in a name stands for a field of the entry, as in Vault's paths.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    look: tuple[str, ...] = ()

    def of(self, want: Want[Any], shape: Shape) -> Permissions:
        """The same for one entry; what hangs on a value that is not known yet is left out."""
        return Permissions(*(tuple(_filled(names, want, shape)) for names in (self.read, self.write, self.look)))


def _filled(names: Iterable[str], want: Want[Any], shape: Shape) -> Iterable[str]:
    for name in names:
        made: str = name
        for field in _FIELD.findall(name):
            made = made.replace(f"{{{field}}}", str(want.get(field) or shape.child(field).default or want.address.name))
        if not has_token(made):
            yield made
