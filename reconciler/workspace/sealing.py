"""A ledger that others can fetch has to be sealed as soon as a manifest holds a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.manifest import Catalogue
from reconciler.model import Problem, Resource, SecretRef, tokens_in
from reconciler.project.read import Stack

SHARED = ("git", "s3")
"""Stores that are read by more people than the vendors are."""


def unsealed(stack: Stack, resources: Iterable[Resource], catalogue: Catalogue) -> Iterator[Problem]:
    """The finding that `ledger.key` is missing: without it whoever reads the ledger could guess at short secrets."""
    if stack.ledger.store not in SHARED or stack.ledger.key is not None:
        return
    holds = next((one for one in resources if _secret(one, catalogue)), None)
    if holds is not None:
        yield stack.problem(
            f"{holds.address} holds a secret ({holds.at}), and this ledger, which others can read, has no key", "ledger",
            key=True, help="write `key: {env: RECONCILER_KEY}` there; `openssl rand -hex 32` makes one")


def _secret(resource: Resource, catalogue: Catalogue) -> bool:
    for token in tokens_in(resource.fields):
        if isinstance(token, SecretRef):
            return True
        kind = catalogue.kind(token.address.kind)
        if kind is not None and token.output in kind.outputs and kind.outputs[token.output].secret:
            return True
    return False
