"""Where the whole pipeline is measured: topics, group and buckets on a real broker and store that nobody else has.

They are made for the run and removed after it, so that no other worker, and no store that sends notifications, takes
part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

from connectors.kafka_admin import KafkaAdmin, TopicSpec
from connectors.object_store import S3Store
from pipeline.app import kafka_settings, store_settings
from pipeline.errors import PagestreamError
from pipeline.settings import Settings, load_settings

TIMEOUT_S = 15.0
MOST_LISTED = 100_000

Specs = Callable[[Settings], Sequence[TopicSpec]]
"""The topics that a worker with such settings needs."""

Left = Callable[[str, PagestreamError], None]
"""Is told a place's name, and why something of it could not be removed."""


@contextmanager
def place(engine: dict[str, Any], *, specs: Specs, left: Left) -> Iterator[Settings]:
    """Settings of the place, for as long as the context lasts.

    Raises Environment where broker or store do not answer, or do not let us make them. What can't be removed is told
    and stays: the figures are measured by then.
    """
    name = f"pagestream-bench-{uuid4().hex[:8]}"
    settings = _settings(name, engine)
    topics = specs(settings)
    with closing(S3Store(store_settings(settings))) as store, ExitStack() as stack:
        admin = KafkaAdmin(kafka_settings(settings))

        def later(remove: Callable[[], None]) -> None:
            stack.callback(_removed, name, remove, left)

        admin.create_topics(topics, timeout_s=TIMEOUT_S)
        later(lambda: admin.delete_group(name, timeout_s=TIMEOUT_S))
        later(lambda: admin.delete_topics([topic.name for topic in topics], timeout_s=TIMEOUT_S))
        for bucket in (*settings.store.input_buckets, settings.store.results_bucket):
            store.create_bucket(bucket)
            later(partial(_remove_bucket, store, bucket))
        yield settings


def _settings(name: str, engine: dict[str, Any]) -> Settings:
    return load_settings(
        kafka={"topic_prefix": name, "group": name},
        store={
            "input_buckets": {f"{name}-documents"},
            "results_bucket": f"{name}-results",
            "results_prefix": "",
            "prefixes": (),
            "suffixes": (),
        },
        engine=engine,
        telemetry={"ready_file": None},  # it would be another worker's
    )


def _removed(name: str, remove: Callable[[], None], left: Left) -> None:
    try:
        remove()
    except PagestreamError as error:
        left(name, error)


def _remove_bucket(store: S3Store, bucket: str) -> None:
    for info in store.list_objects(bucket, "", MOST_LISTED):
        store.remove(bucket, info.key)
    store.remove_bucket(bucket)
