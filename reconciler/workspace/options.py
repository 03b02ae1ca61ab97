"""What a command asks for, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The flags that commands share; a flag's value ends here. Times in seconds."""

    stack: str | None = None
    dir: Path = Path()
    sandbox: bool = False
    config_from: str | None = None
    vendors: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    changed_since: str | None = None
    allow: tuple[str, ...] = ()
    leave_drift: bool = False
    skip_blocked: bool = False
    max_delete_percent: int | None = None
    max_changes: int | None = None
    parallelism: int | None = None
    timeout: float | None = None
    lock_timeout: float = 0.0
    show_unchanged: bool = False
