"""What can go wrong, as a tree; every error names its next step.

    Failure
    ├── Invalid        the author's mistakes, collected; exit 3
    ├── Refused        the vendor said no, nothing happened; exit 1
    │   ├── Denied     401 or 403: can't see or may not; never read as absence
    │   ├── Missing    404 or 410
    │   └── Exhausted  a quota or a wait longer than max_wait: stop, resumable
    ├── Unsure         it may have happened: reset, timeout, 5xx, unreadable answer
    ├── Unreadable     a read that gave no trustworthy answer
    ├── Stale          the plan or the object is not what was approved; exit 5
    ├── Locked         another run holds the stack; exit 7
    ├── Lost           our own lease or epoch is gone: stop writing
    ├── Protected      protection, missing consent or a threshold; exit 4
    ├── WrongAccount   the pinned account or mode is another one; exit 4
    ├── Corrupt        the ledger can't be trusted; exit 1
    └── Usage          the command line; exit 64
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model import Problem


class Failure(Exception):
    """Any error that is told in one message and a next step instead of a traceback."""

    exit_code = 1

    def __init__(self, message: str, next: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next = next


class Invalid(Failure):
    """The author's mistakes, all of them."""

    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problem(s)")


class Refused(Failure):
    """The vendor said no and nothing happened; `param` is the field it complained about, in the vendor's terms."""

    def __init__(self, message: str, next: str = "", *, status: int = 0, code: str = "", param: str = "",
                 request_id: str = "") -> None:
        super().__init__(message, next)
        self.status, self.code, self.param, self.request_id = status, code, param, request_id


class Denied(Refused):
    """The credentials may not do or see this."""


class Missing(Refused):
    """There is no such object; proof of absence only for a direct read of an id."""


class Exhausted(Refused):
    """A quota is used up, or the vendor asks for a wait longer than `max_wait`; `wait` in seconds."""

    exit_code = 6

    def __init__(self, message: str, next: str = "", *, wait: float = 0.0, status: int = 429) -> None:
        super().__init__(message, next, status=status)
        self.wait = wait


class Unsure(Failure):
    """The request may have taken effect; only a read can tell.

    `spent` says that the vendor would answer the same to every request under this idempotency key, so that once
    absence is proven the next try needs another one.
    """

    exit_code = 6

    def __init__(self, message: str, next: str = "", *, spent: bool = False) -> None:
        super().__init__(message, next)
        self.spent = spent


class Unreadable(Failure):
    """A read gave no trustworthy answer: cut off, looping, not the promised shape."""


MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading an answer of another shape than the vendor promises ends in."""


def shaped(error: Exception) -> Failure:
    """A failure as it is; what a misshapen answer ended in is a read that gave no answer."""
    if isinstance(error, Failure):
        return error
    return Unreadable(f"the vendor's answer has not the shape that it promises ({type(error).__name__})", "try again")


class Stale(Failure):
    """What was approved is not what would happen now."""

    exit_code = 5


class Locked(Failure):
    """Another run holds this stack."""

    exit_code = 7


class Lost(Failure):
    """This run no longer holds its lease; it must not write."""

    exit_code = 6


class Protected(Failure):
    """The plan holds what nobody consented to."""

    exit_code = 4


class WrongAccount(Protected):
    """The credentials lead to another account or mode than the one that is pinned."""


class Corrupt(Failure):
    """The ledger's records don't add up; nothing is read from them."""


class Usage(Failure):
    """The command line asks for something that does not exist."""

    exit_code = 64
