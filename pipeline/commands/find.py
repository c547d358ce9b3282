"""`pagestream find`: what became of an object?"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from connectors.kafka_reader import KafkaReader
from pipeline.app import kafka_settings
from pipeline.commands.exits import DOCUMENTS_FAILED, told_plainly
from pipeline.commands.outcomes import Ended, ended
from pipeline.commands.preflight import topics_of
from pipeline.settings import load_settings
from schemas.fields import rfc3339


def find(
    bucket: Annotated[str, typer.Argument(help="Bucket of the object.")],
    key: Annotated[str, typer.Argument(help="Its key, as it is, not percent-encoded.")],
    timeout: Annotated[float, typer.Option(help="How long to search, in seconds.")] = 60.0,
) -> None:
    """Ids, outcome, trace and result of every time an object was read, oldest first.

    Reads the results and dead-letter topics from their beginning, so it takes longer the more they hold.
    """
    with told_plainly():
        settings = load_settings()
        topics = topics_of(settings)
        with closing(KafkaReader(kafka_settings(settings), [topics.results, topics.dead_letter])) as reader:
            records = (ended(record, topics) for record in reader.scan(timeout))
            found = [one for one in records if one is not None and (one.bucket, one.key) == (bucket, key)]
    console = Console()
    if not found:
        console.print("No outcome yet: the object was never submitted, or is still under way.")
        raise typer.Exit(DOCUMENTS_FAILED)
    for one in sorted(found, key=lambda one: one.timestamp_ms or 0):
        console.print(_card(one))


def _card(one: Ended) -> Table:
    card = Table(Column(), Column(overflow="fold"), show_header=False)
    when = rfc3339(datetime.fromtimestamp(one.timestamp_ms / 1000, UTC)) if one.timestamp_ms is not None else ""
    rows = {
        "outcome": one.status,
        "when": when,
        "document id": one.document_id,
        "pages": one.pages,
        "code": one.code,
        "what to do": one.message,
        "result": one.result,
        "trace": one.trace,
    }
    for name, value in rows.items():
        if value:
            card.add_row(name, value)
    return card
