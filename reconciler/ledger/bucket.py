"""Objects in S3, or in what speaks like it: read whole, and written only over what was read before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from reconciler.clock import Clock
from reconciler.errors import Failure

T = TypeVar("T")

TRIES = 4
WAIT = 0.5
"""Seconds before the second try of a request; twice as long before each further one."""

_OTHERS = {404, 409, 412}
"""What a conditional write gets when its object is another one now, or is being written."""


@dataclass(frozen=True, slots=True)
class Object:
    """What an object holds; `age` in seconds, at least, both ends by the server's clock."""

    data: bytes
    etag: str
    age: float = 0.0


class Bucket:
    """One bucket, with credentials from where boto3 always finds them. ImportError at once where boto3 is missing.

    boto3 repeats nothing by itself, because a write that is repeated after it went through looks like another's: here
    every write whose end is not known is read back first.
    """

    def __init__(self, name: str, region: str | None, endpoint: str | None, clock: Clock) -> None:
        self.name, self.clock = name, clock
        self._boto, self._errors = import_module("boto3"), import_module("botocore.exceptions")
        self._region, self._endpoint = region, endpoint
        self._made: Any = None

    def get(self, key: str, known: Object | None = None) -> Object | None:
        """The object now; `known` itself where it has not changed. None only where the bucket says there is none."""
        condition = {"IfNoneMatch": known.etag} if known is not None else {}
        answer = self._try(lambda s3: self._read(s3, key, condition))
        return known if answer == _SAME else answer

    def put(self, key: str, data: bytes, etag: str) -> str | None:
        """Write it where the object still has this etag (empty: where there is none); None when it is another's now.

        The data must be unlike everything that anybody else would write there.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}

        def once(s3: Any) -> str | None:
            """A refused write is read back as well: it may be our own of before, of which no answer came."""
            try:
                return str(s3.put_object(Bucket=self.name, Key=key, Body=data, **condition)["ETag"])
            except self._errors.ClientError as error:
                if _status(error) not in _OTHERS and _status(error) < 500:
                    raise
                failure: Exception = error
            except self._errors.BotoCoreError as error:
                failure = error
            there = self._read(s3, key, {})
            if there is not None and there.data == data:
                return str(there.etag)
            if (there.etag if there is not None else "") == etag:
                raise failure  # nothing happened, so it is tried again
            return None

        return self._try(once)

    def delete(self, key: str) -> None:
        """Remove it, whatever it holds."""
        self._try(lambda s3: s3.delete_object(Bucket=self.name, Key=key))

    def obeys(self, key: str) -> bool:
        """Whether an existing object is kept from being written over; some that speak like S3 ignore the question."""
        kept = self.get(key)
        assert kept is not None

        def refused(s3: Any, **condition: str) -> bool:
            try:
                s3.put_object(Bucket=self.name, Key=key, Body=kept.data, **condition)
            except self._errors.ClientError as error:
                if _status(error) in _OTHERS:
                    return True
                raise
            return False

        return (self._try(lambda s3: refused(s3, IfNoneMatch="*"))
                and self._try(lambda s3: refused(s3, IfMatch='"00000000000000000000000000000000"')))

    def _read(self, s3: Any, key: str, condition: dict[str, str]) -> Any:
        try:
            answer = s3.get_object(Bucket=self.name, Key=key, **condition)
            date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
            return Object(answer["Body"].read(), answer["ETag"], _age(date, answer["LastModified"]))
        except self._errors.ClientError as error:
            if _status(error) == 304:
                return _SAME
            if error.response["Error"].get("Code") == "NoSuchKey":
                return None
            raise

    def _try(self, work: Callable[[Any], T]) -> T:
        """Do it, and again while the other side is at fault or can't be heard."""
        for attempt in range(TRIES):
            try:
                return work(self._s3())
            except (self._errors.ClientError, self._errors.BotoCoreError) as error:
                passing = _status(error) >= 500 or _status(error) in (0, 409, 429)
                if not passing or self._hopeless(error) or attempt + 1 == TRIES:
                    raise self._refused(error) from error
            self.clock.sleep(WAIT * 2**attempt)
        raise AssertionError

    def _s3(self) -> Any:
        if self._made is None:
            config = import_module("botocore.config").Config(
                retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=10, read_timeout=30,
                request_checksum_calculation="when_required", response_checksum_validation="when_required",
                s3={"addressing_style": "path"} if self._endpoint else {})
            self._made = self._boto.session.Session().client(
                "s3", region_name=self._region, endpoint_url=self._endpoint, config=config)
        return self._made

    def _hopeless(self, error: Exception) -> bool:
        """Whether it is this machine's settings that are wrong."""
        return isinstance(error, (self._errors.NoCredentialsError, self._errors.PartialCredentialsError,
                                  self._errors.NoRegionError, self._errors.ProfileNotFound, self._errors.ParamValidationError))

    def _refused(self, error: Any) -> Failure:
        answer = getattr(error, "response", None) or {"Error": {"Code": type(error).__name__}}
        code, said = answer["Error"].get("Code", "?"), answer["Error"].get("Message", "")
        what = f"the ledger's bucket {self.name} can't be used: {code}{f': {said}' if said else ''}"
        if code in ("AccessDenied", "403", "Forbidden"):
            return Failure(what, "the ledger needs s3:GetObject, s3:PutObject and s3:DeleteObject on its objects, and on the "
                                 "bucket s3:ListBucket, without which a missing object can't be told from a hidden one")
        return Failure(what, "check ledger: in reconciler.yaml, and what boto3 finds: `aws sts get-caller-identity`")


_SAME = object()


def _status(error: Any) -> int:
    """The HTTP status of a refusal; 0 where there was no answer."""
    answer = getattr(error, "response", None)
    return int(answer["ResponseMetadata"].get("HTTPStatusCode", 0)) if answer else 0


def _age(date: str, changed: Any) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return max(float((parsedate_to_datetime(date) - changed).total_seconds()) - 1.0, 0.0)  # both are in whole seconds
    except (TypeError, ValueError):
        return 0.0
