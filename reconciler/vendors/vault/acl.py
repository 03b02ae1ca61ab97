"""What a set of rules allows at a path, as the server decides it: the most specific pattern speaks alone.

Order of patterns (Vault's policy documentation, tried against OpenBao 2.7.2): the exact path; then the pattern whose
first `+` or `*` comes later, then one that doesn't end in `*`, then one with fewer `+`, then the longer one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.vendors.vault.rules import Rule

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the rules of one path pattern allow together."""

    path: str
    capabilities: frozenset[str]

    @property
    def wide(self) -> bool:
        """Whether it stands for more than one path."""
        return self.path.endswith("*") or _segmented(self.path)

    @property
    def rank(self) -> tuple[int, bool, int, int, str]:
        """Greater is more specific."""
        segmented = _segmented(self.path)
        if not segmented:
            end = len(self.path) - 1
            return end, False, 0, end, self.path[:-1]
        first = min(n for n in (_first_plus(self.path), self.path.find("*") if self.path.endswith("*") else -1) if n >= 0)
        return (first, not self.path.endswith("*"), -sum(part == "+" for part in self.path.split("/")), len(self.path),
                self.path)


def grants(rules: Iterable[Rule]) -> dict[str, Grant]:
    """The rules by path pattern; what several stanzas of one path allow is added up, deny beats all."""
    found: dict[str, Grant] = {}
    for rule in rules:
        both = found[rule.path].capabilities | rule.capabilities if rule.path in found else rule.capabilities
        found[rule.path] = Grant(rule.path, frozenset({"deny"}) if "deny" in both else both)
    return found


def allowed(held: dict[str, Grant], path: str) -> frozenset[str]:
    """The capabilities that the rules give at a path (or at another pattern, which is taken as a path).

    A path that ends in a slash (as LIST sends it) is also found under its name without it.
    """
    ways = [path, path.removesuffix("/")]
    exact = next((held[way] for way in ways if way in held), None)
    if exact is not None:
        return exact.capabilities - {"deny"}
    for way in ways:
        fitting = [grant for grant in held.values() if grant.wide and matches(grant.path, way)]
        if fitting:
            return max(fitting, key=lambda grant: grant.rank).capabilities - {"deny"}
    return NOTHING


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern stands for a path: `+` is one part, `*` at the end is any rest."""
    if not _segmented(pattern):
        return path.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == path
    wanted, parts = pattern.removesuffix("*").split("/"), path.split("/")
    if pattern.endswith("*"):
        if len(parts) < len(wanted) or not parts[len(wanted) - 1].startswith(wanted[-1]):
            return False
        wanted = wanted[:-1]
    elif len(parts) != len(wanted):
        return False
    return all(one in ("+", other) for one, other in zip(wanted, parts, strict=False))


def overlaps(one: str, other: str) -> bool:
    """Whether some path is meant by both patterns."""
    first, second = one.removesuffix("*").split("/"), other.removesuffix("*").split("/")
    for n in range(max(len(first), len(second))):
        open_one = one.endswith("*") and n >= len(first) - 1
        open_other = other.endswith("*") and n >= len(second) - 1
        left, right = first[n] if n < len(first) else None, second[n] if n < len(second) else None
        if (left is None and not open_one) or (right is None and not open_other):
            return False
        if left is None or right is None or (open_one and open_other):
            return left is None or right is None or "+" in (left, right) or left.startswith(right) or right.startswith(left)
        if open_one or open_other:
            prefix, whole = (left, right) if open_one else (right, left)
            return whole == "+" or whole.startswith(prefix)
        if left != right and "+" not in (left, right):
            return False
    return True


def _segmented(path: str) -> bool:
    return path == "+" or "/+" in path or path.startswith("+/")


def _first_plus(path: str) -> int:
    return 0 if path.startswith("+") else path.find("/+") + 1
