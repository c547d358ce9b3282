"""Every way a broker or a store can fail us: code, family, and the sentence that says what to do.

The real connectors and their twins raise from this one table, so that a code means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.errors import Environment, Fatal, PagestreamError, Rejected, Retryable


class OwnershipLost(PagestreamError):
    """The group may have given our partitions to others; nothing of this call was committed.

    Never repeat the call: drop what it held. The next `poll()` reports every partition as lost, joins again and
    assigns what is ours from the committed positions. Not a Retryable and not an Environment on purpose.
    """

    code = "ownership_lost"
    stage = "publish"


FAILURES: Final[Mapping[str, tuple[type[PagestreamError], str]]] = {
    # broker
    "broker_unavailable": (Environment, "No broker answered in time: check the bootstrap servers and the network."),
    "broker_forbidden": (Environment, "The broker refused us: check user, password, certificates and ACLs."),
    "topic_missing": (Environment, "A topic does not exist: create the topics first."),
    "record_too_large": (Environment, "A record is larger than its topic allows: raise max.message.bytes there."),
    "transaction_aborted": (Retryable, "The transaction was aborted and nothing was committed: it may be tried again."),
    "ownership_lost": (OwnershipLost, "The group moved our partitions on: the work is dropped and read again."),
    "fenced": (OwnershipLost, "The broker ended our transactions: the work is dropped and read again."),
    "outcome_unknown": (Fatal, "It can't be learnt whether a transaction was committed: start again from the broker."),
    "metadata_too_large": (Fatal, "A position's metadata is larger than the broker takes: keep it under 4,000 bytes."),
    "instance_fenced": (Fatal, "Another member took our place in the group: run one process for each instance id."),
    "broker_failure": (Fatal, "The broker refused a call that should be valid: see the cause."),
    "broker_settings": (Fatal, "The broker client does not take these settings: see the cause."),
    # store
    "object_missing": (Rejected, "The object, or this version of it, does not exist."),
    "object_changed": (Rejected, "The object is no longer the one that the event named."),
    "object_too_large": (Rejected, "The object has more bytes than are allowed."),
    "object_archived": (Rejected, "The object lies in an archive: restore it, then send the event again."),
    "object_name_invalid": (Rejected, "The object's name is not one that this store can hold."),
    "store_timeout": (Retryable, "The object did not arrive completely before its deadline."),
    "store_interrupted": (Retryable, "The connection ended in the middle of the object."),
    "store_refused": (Retryable, "The store refused this one request: see the cause."),
    "store_unavailable": (Environment, "The store does not answer: check its address, its health and the network."),
    "store_forbidden": (Environment, "The store refused us: check keys, clock, region, and the right to list."),
    "store_redirected": (Environment, "The store sent us elsewhere; that is never followed: check its address."),
    "bucket_missing": (Environment, "The bucket does not exist: create it, or correct its name."),
    "store_settings": (Fatal, "The store client does not take these settings: see the cause."),
}


def failure(code: str, stage: str, place: str = "") -> PagestreamError:
    """The error of this code, ready to raise. `stage`: receive, publish, submit, fetch, store, list or check.

    `place`: which topic, bucket or address, and never a key. It becomes a note of the exception, for people at a
    terminal; the message, which travels into headers and spans, stays one fixed sentence.
    """
    family, sentence = FAILURES[code]
    error = family(sentence, code=code, stage=stage)
    if place:
        error.add_note(place)
    return error
