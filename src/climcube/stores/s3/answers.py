"""What went wrong with a request to object storage, and what to say about it.

Every client has exceptions of its own; here they have become a few kinds of failure, so that
whoever reads through another client reads the same message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import NoCredentialsError, PartialCredentialsError, ProfileNotFound

from climcube.errors import StoreError, StoreNotFoundError

__all__ = ["CREDENTIALS_MISSING", "Failure", "Malformed", "final", "kind_of_status", "no_answer"]

Kind = Literal["passing", "unreachable", "told", "no bucket", "denied", "no credentials", "other"]
CREDENTIALS_MISSING = (NoCredentialsError, PartialCredentialsError, ProfileNotFound)
_CREDENTIALS = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "for public data pass storage_options={'anon': True}"
)
_TRANSIENT = (408, 429, 500, 502, 503, 504)
_TOLD = (304, 404, 409, 412, 416)
_TRANSIENT_CODES = ("SlowDown", "RequestTimeout", "InternalError", "XAmzContentSHA256Mismatch")


class Malformed(OSError):
    """An answer that no object store gives: a page of a proxy, half a document."""


@dataclass(frozen=True)
class Failure:
    """One failed request.

    Parameters
    ----------
    kind
        What to do next: "passing" and "unreachable" are tried again; that an object is missing,
        or a condition not met, is told to whoever asked; the others end the request.
    status, code
        HTTP status and the store's own word for it, where it answered.
    reason
        One clean line.
    """

    kind: Kind
    status: int | None = None
    code: str = ""
    reason: str = ""

    @property
    def found(self) -> str:
        """What to say was found."""
        if self.status is not None:
            return f"{self.code or 'error'} (HTTP {self.status})"
        return self.reason or self.code


def kind_of_status(status: int, code: str) -> Kind:
    """Return the kind of an answer that the store gave."""
    if code == "NoSuchBucket":
        return "no bucket"
    if status in _TRANSIENT or code in _TRANSIENT_CODES:
        return "passing"
    if status in (401, 403):
        return "denied"
    return "told" if status in _TOLD else "other"


def final(failure: Failure, where: str) -> StoreError | None:
    """Return the error of a failure that waiting does not mend; ``None`` for what is told."""
    if failure.kind == "told":
        return None
    if failure.kind == "no bucket":
        bucket = where.removeprefix("s3://").partition("/")[0]
        return StoreNotFoundError(
            "no such bucket", where=where, found=f"no bucket '{bucket}'",
            remedy="check its name and the endpoint; buckets are never made by climcube",
        )  # fmt: skip
    if failure.kind == "denied":
        return StoreError(
            "the store refuses access", where=where, found=failure.code,
            remedy=f"check the rights of your credentials: {_CREDENTIALS}",
        )  # fmt: skip
    if failure.kind == "no credentials":
        found = failure.reason
        return StoreError("no credentials", where=where, found=found, remedy=_CREDENTIALS)
    remedy = "check the address"
    if failure.status in (301, 307, 400):
        remedy += ", and the region (storage_options={'region': ...})"
    return StoreError("the request failed", where=where, found=failure.found, remedy=remedy)


def no_answer(failure: Failure, where: str, deadline: float, attempts: int) -> StoreError:
    """Return the error of a request whose time is up."""
    return StoreError(
        "the store does not answer", where=where,
        expected=f"an answer within {deadline:g} s",
        found=f"{failure.found} after {attempts} attempt{'s' * (attempts != 1)}",
        remedy="check address, credentials and network; "
        f"for a slow line pass storage_options={{'deadline': {5 * deadline:g}}}",
    )  # fmt: skip
