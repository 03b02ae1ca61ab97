"""All vendors as one local, stateful imitation: made from their kinds, plus each vendor's habits."""

from reconciler.sandbox.store import Recorded, Request, Response, Sandbox

__all__ = ["Recorded", "Request", "Response", "Sandbox"]
