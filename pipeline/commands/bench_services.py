"""`pagestream bench --services`: the whole pipeline as a side, on the broker and the store of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pipeline.bench.place import place
from pipeline.bench.services import PipelineKind
from pipeline.commands.exits import complain
from pipeline.commands.preflight import topic_specs
from pipeline.commands.sending import send
from pipeline.errors import PagestreamError

PARTITIONS = 4
"""As `pagestream topics create` makes them."""


@contextmanager
def pipeline_kind(engine: dict[str, Any]) -> Iterator[PipelineKind]:
    """As long as the context lasts, its topics and buckets are there. Raises as `place` does."""
    specs = partial(topic_specs, partitions=PARTITIONS, replication=1)
    with place(engine, specs=specs, left=_left) as settings:
        yield PipelineKind(settings, send)


def _left(name: str, error: PagestreamError) -> None:
    complain.print(f"{name}: not all of it could be removed, {error.code}", soft_wrap=True)
