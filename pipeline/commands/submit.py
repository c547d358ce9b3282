"""`pagestream submit`: put files into the store and say so on the topic, as a producer would."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from connectors.kafka_reader import KafkaReader
from connectors.object_store import S3Store
from pipeline.app import kafka_settings, store_settings
from pipeline.commands.exits import DOCUMENTS_FAILED, INTERRUPTED, complain, exit_code, tell, told_plainly
from pipeline.commands.files import found_files
from pipeline.commands.preflight import topics_of
from pipeline.commands.sending import send
from pipeline.commands.sentences import SERVICE
from pipeline.commands.terminal import output, shown
from pipeline.commands.uploading import Uploads, is_key, keyed, refuse, upload
from pipeline.commands.waiting import Awaited, echo_json, show_outcomes, wait
from pipeline.errors import PagestreamError
from pipeline.render.words import counted
from pipeline.settings import Settings, load_settings
from pipeline.topics import Topics

MOST_LISTED = 10_000
KEYS_SHOWN = 20

Files = Annotated[
    list[Path] | None,
    typer.Argument(exists=True, metavar="FILES", help="To upload, or folders of them, whose files keep their place."),
]
Bucket = Annotated[str | None, typer.Option(help="Where to; by default the first input bucket.")]
Prefix = Annotated[
    str, typer.Option(help="What keys begin with, taken as it is (end it with a /); without files: which to submit.")
]
Events = Annotated[
    bool, typer.Option(help="--no-events only uploads: for buckets whose store sends notifications itself.")
]
Timeout = Annotated[float, typer.Option(help="How long to wait, in seconds.")]


def submit(
    files: Files = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    events: Events = True,
    await_all: Annotated[bool, typer.Option("--wait", help="Wait for every outcome and show it.")] = False,
    timeout: Timeout = 300.0,
    json: Annotated[bool, typer.Option("--json", help="Outcomes (--wait) as one JSON object a line.")] = False,
) -> None:
    """Upload FILES and send one event each; without FILES, send one for every object already in --bucket."""
    if not files and (bucket is None or not events):
        raise typer.BadParameter("name FILES, or a --bucket whose objects are to be submitted")
    if json and not await_all:
        raise typer.BadParameter("outcomes are known with --wait only", param_hint="--json")
    with told_plainly(SERVICE), ExitStack() as stack:
        settings = load_settings()
        topics = topics_of(settings)
        # Made before anything is sent, so that no outcome is missed.
        reader = stack.enter_context(closing(_reader(settings, topics))) if await_all else None
        uploads = _submitted(settings, files or [], bucket or min(settings.store.input_buckets), prefix)
        awaited = _announced(settings, topics, uploads, prefix) if events else Awaited.by_document(uploads.done)
        _tell(uploads, "submitted" if events else "uploaded", to_stderr=json)
        code = _failure(uploads)
        if reader is not None and awaited.objects and not uploads.interrupted:
            began = time.monotonic()
            found = wait(reader, topics, awaited, timeout)
            if json:
                echo_json(awaited, found)
            else:
                show_outcomes(awaited, found)
            _count(len(found), len(awaited.objects), time.monotonic() - began, notified=not events)
            if len(found) < len(awaited.objects) or any(one.code for one in found.values()):
                code = max(code, DOCUMENTS_FAILED)
    if code:
        raise typer.Exit(code)


def _reader(settings: Settings, topics: Topics) -> KafkaReader:
    return KafkaReader(kafka_settings(settings), [topics.results, topics.dead_letter], start="end")


def _submitted(settings: Settings, files: Sequence[Path], bucket: str, prefix: str) -> Uploads:
    """The objects that are to have an event: those uploaded, or those that are there. All names are looked at first."""
    found = found_files(files)
    chosen = keyed(found, prefix, max_bytes=settings.store.max_object_bytes) if files else {}
    for left in found.left:
        complain.print(f"not followed, a link to a folder: {shown(left.path)}", soft_wrap=True)
    with closing(S3Store(store_settings(settings))) as store:
        if files:
            return upload(store, bucket, chosen, deadline_s=settings.store.put_deadline_s)
        listed = store.list_objects(bucket, prefix, MOST_LISTED + 1)
    if len(listed) > MOST_LISTED:
        raise typer.BadParameter(f"more than {MOST_LISTED:,} objects; narrow it", param_hint="--prefix")
    objects = [info for info in listed if info.size or not info.key.endswith("/")]  # the others mark folders
    refuse("objects with a key that no event may name", (info.key for info in objects if not is_key(info.key)))
    if not objects:
        raise typer.BadParameter("no object in that bucket has such a key", param_hint="--prefix")
    return Uploads(done=objects)


def _announced(settings: Settings, topics: Topics, uploads: Uploads, prefix: str) -> Awaited:
    """Whatever lies in the store gets its event, even if other files failed."""
    if not uploads.done:
        return Awaited.by_reference({})
    try:
        return Awaited.by_reference(send(settings, topics.documents, uploads.done))
    except PagestreamError:
        again = ["pagestream", "submit", "--bucket", uploads.done[0].bucket, *(["--prefix", prefix] if prefix else [])]
        there = f"{counted(len(uploads.done), 'object')} in the store, and not every one has its event."
        complain.print(f"{there} For an event for each object there: {shlex.join(again)}", soft_wrap=True)
        raise


def _tell(uploads: Uploads, done: str, *, to_stderr: bool) -> None:
    console = complain if to_stderr else output()
    for info in uploads.done[:KEYS_SHOWN]:
        console.print(f"{info.bucket}/{shown(info.key)}", soft_wrap=True)
    if (more := len(uploads.done) - KEYS_SHOWN) > 0:
        console.print(f"and {more:,} more")
    for path, error in uploads.failed:
        complain.print(f"not uploaded, {error.code}: {shown(path)}", soft_wrap=True)
    if uploads.untried:
        complain.print(f"{counted(uploads.untried, 'file')} not tried.", soft_wrap=True)
    console.print(f"{counted(len(uploads.done), 'document')} {done}.")
    if uploads.ended is not None:
        tell(uploads.ended, SERVICE)


def _failure(uploads: Uploads) -> int:
    if uploads.interrupted:
        return INTERRUPTED
    if uploads.ended is not None:
        return exit_code(uploads.ended)
    return DOCUMENTS_FAILED if uploads.failed else 0


def _count(found: int, total: int, seconds: float, *, notified: bool) -> None:
    complain.print(f"{found:,} of {counted(total, 'outcome')} in {seconds:.1f} s", soft_wrap=True)
    if not found:
        source = ", and does the store notify the documents topic" if notified else ""
        complain.print(f"No outcome came. Is a worker running (`pagestream run`){source}?", soft_wrap=True)
