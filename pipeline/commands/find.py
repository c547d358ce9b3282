"""`pagestream find`: what became of an object?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import typer

from connectors.kafka_reader import KafkaReader
from pipeline.app import kafka_settings
from pipeline.commands.exits import DOCUMENTS_FAILED, complain, told_plainly
from pipeline.commands.outcomes import Ended, ended, json_line, rows
from pipeline.commands.preflight import topics_of
from pipeline.commands.sentences import SERVICE
from pipeline.commands.terminal import output, show_card
from pipeline.settings import load_settings


def find(
    bucket: Annotated[str, typer.Argument(help="Bucket of the object.")],
    key: Annotated[str, typer.Argument(help="Its key, as it is, not percent-encoded.")],
    timeout: Annotated[float, typer.Option(help="How long to search, in seconds.")] = 60.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Ids, outcome, trace and result of every time an object was read, oldest first.

    Reads the results and dead-letter topics from their beginning, so it takes longer the more they hold.
    """
    with told_plainly(SERVICE):
        found = sorted(_outcomes(bucket, key, timeout), key=lambda one: one.timestamp_ms or 0)
    if not found:
        complain.print("No outcome: the object was never submitted, or it is still under way.", soft_wrap=True)
        raise typer.Exit(DOCUMENTS_FAILED)
    console = output()
    for one in found:
        if json:
            typer.echo(json_line(one))
        else:
            show_card(console, rows(one))


def _outcomes(bucket: str, key: str, timeout: float) -> Iterator[Ended]:
    settings = load_settings()
    topics = topics_of(settings)
    with closing(KafkaReader(kafka_settings(settings), [topics.results, topics.dead_letter])) as reader:
        for record in reader.scan(timeout):
            one = ended(record, topics)
            if one is not None and (one.bucket, one.key) == (bucket, key):
                yield one
