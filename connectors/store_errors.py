"""What an error of the S3 client means to us: its code in `connectors.errors`."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import ParseError

from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from connectors.store_http import BodyStopped

FOREIGN: Final = (MinioException, HTTPError, BodyStopped, ValueError, ParseError)
"""What the client raises. ValueError: a name it refuses; ParseError: an answer that is not XML."""

_NAMES: Final = {
    "object_missing": "NoSuchKey NoSuchVersion InvalidVersionId MethodNotAllowed",
    "object_changed": "PreconditionFailed",
    "object_archived": "InvalidObjectState",
    "object_name_invalid": "KeyTooLongError InvalidObjectName XMinioInvalidObjectName InvalidURI",
    "bucket_missing": "NoSuchBucket InvalidBucketName",
    "store_forbidden": """
        AccessDenied AllAccessDisabled AccountProblem InvalidAccessKeyId SignatureDoesNotMatch RequestTimeTooSkewed
        ExpiredToken InvalidToken AuthorizationHeaderMalformed NotSignedUp UnauthorizedAccess""",
    "store_unavailable": "SlowDown SlowDownRead SlowDownWrite InternalError ServiceUnavailable RequestTimeout",
    "store_redirected": "PermanentRedirect TemporaryRedirect Redirect",
}
_CODES: Final = {name: code for code, names in _NAMES.items() for name in names.split()}
_STATUSES: Final = {
    304: "object_changed",
    401: "store_forbidden",
    403: "store_forbidden",
    404: "object_missing",
    405: "object_missing",
    408: "store_unavailable",
    412: "object_changed",
    429: "store_unavailable",
}
TRANSIENT: Final = frozenset({"store_unavailable", "store_timeout", "store_interrupted"})


def code_of(error: Exception, status: int) -> str:
    """`status` is that of the last answer, 0 where none came.

    Timeouts: silence before an answer is the store's fault (`store_unavailable`, Environment), for it strikes whatever
    is asked. A body that began and did not arrive may be this object's (its size, its disk), so `store_timeout` and
    `store_interrupted` are Retryable: tried again later, and in the end given up alone.

    403 is `store_forbidden`, Environment, also for one object: S3 answers so for a missing object too, unless we have
    the right to list the bucket. Calling it missing would empty the topic when a permission is lost.
    """
    if isinstance(error, BodyStopped):
        return error.code if status < 300 else "store_unavailable"
    if isinstance(error, S3Error) and error.code in _CODES:
        return _CODES[error.code]
    if isinstance(error, HTTPError):
        return "store_unavailable"
    if status == 0:
        return "bucket_missing" if isinstance(error, ValueError) else "store_unavailable"
    return _by_status(status)


def _by_status(status: int) -> str:
    if status in _STATUSES:
        return _STATUSES[status]
    if 300 <= status < 400:
        return "store_redirected"
    return "store_refused" if 400 <= status < 500 else "store_unavailable"
