"""What can be typed after `reconciler`, as values that completion scripts are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag under all its names; `take` says what completes its value: nothing for a switch.

    `choice`, `file`, `directory`, `address`, `stack`, `connection`, `vendor`, `impact`, `kind`, `subject` (an address or a
    kind), or `text`, which nothing completes.
    """

    names: tuple[str, ...]
    help: str
    take: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command by the words that lead to it; `take` and `choices` are of what follows: arguments, or its verbs."""

    path: tuple[str, ...]
    help: str
    flags: tuple[Flag, ...]
    take: str = ""
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its words, as a shell's table knows it."""
        return " ".join(self.path)
