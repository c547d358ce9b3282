"""`pagestream topics create`: the topics a worker needs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from pipeline.commands.exits import told_plainly
from pipeline.commands.terminal import output
from pipeline.settings import load_settings

topics = typer.Typer(name="topics", help="The topics a worker needs.", no_args_is_help=True)


@topics.callback()
def group() -> None:
    """The topics a worker needs."""


@topics.command()
def create(
    partitions: Annotated[int, typer.Option(min=1, help="Of each topic: as many workers can share the work.")] = 4,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each; 3 in production.")] = 1,
) -> None:
    """Create what is missing. Topics that are there are compared, and never changed."""
    with told_plainly():
        from connectors.kafka_admin import KafkaAdmin
        from pipeline.app import kafka_settings
        from pipeline.commands.preflight import TIMEOUT_S, topic_specs

        settings = load_settings()
        specs = topic_specs(settings, partitions=partitions, replication=replication)
        outcomes = KafkaAdmin(kafka_settings(settings)).create_topics(specs, timeout_s=TIMEOUT_S)
    table = Table("topic", "state", "differs")
    for outcome in outcomes:
        table.add_row(outcome.name, outcome.state, "; ".join(outcome.differs))
    output().print(table)
