"""Composition only: opens project, vendors and ledger for one command, and hands values between the parts.

What plans and applies is imported when it is first asked for: checking manifests has no use for an engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.workspace.options import Options

if TYPE_CHECKING:
    from reconciler.engine.apply import Event
    from reconciler.workspace.running import Workspace

__all__ = ["Event", "Options", "Workspace"]


def __getattr__(name: str) -> Any:
    """`Workspace` and `Event`, with the engine behind them."""
    if name not in ("Event", "Workspace"):
        raise AttributeError(name)
    from reconciler.workspace import running

    return getattr(running, name)
