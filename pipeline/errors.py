"""What can go wrong, and whose fault it is.

    PagestreamError      code: short, stable, low-cardinality; the same word in logs, metrics, spans, dead letters
      Rejected           this document never will          -> dead letter (or a `failed` page)
      Retryable          this document may, later          -> retry topic, then dead letter
      Environment        nobody's document's fault         -> retried in place; a run of them stops the consumer
      Fatal              we never will                     -> the process stops at once
      Recycle            nobody's fault                    -> the process finishes, stops, and is started again

Connectors, decoders and engines turn foreign exceptions into these at their edge, with `raise ... from`, and nowhere
else. An exception outside this tree is a defect of ours: the loop stops and the process exits non-zero.

A message is one fixed sentence that says what to do. It may hold numbers and setting names, never text of a document,
an object key, or a secret: it travels into logs, spans and dead-letter headers.
"""


class PagestreamError(Exception):
    """Root of the tree. `code` is stable; `stage` names the step that failed, where it is known."""

    code = "internal_error"
    stage = "process"

    def __init__(self, message: str, *, code: str | None = None, stage: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if stage is not None:
            self.stage = stage

    @property
    def message(self) -> str:
        return str(self)


class Rejected(PagestreamError):
    """This document (or page) can't be read now or ever."""

    code = "rejected"


class Retryable(PagestreamError):
    """This document failed for a reason that may pass."""

    code = "retryable"


class Environment(PagestreamError):
    """Something all documents need is missing or forbidden."""

    code = "environment"


class Fatal(PagestreamError):
    """The process can't do its work: bad settings, missing models, an engine that is not what was asked for."""

    code = "fatal"


class Recycle(PagestreamError):
    """The process has grown old: nothing is wrong, and a fresh one is to take its place."""

    code = "recycle"
    stage = "process"
