"""The one place where parts are chosen and wired: settings in, a worker out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from pipeline.clock import Clock, steady_clock
from pipeline.core.allow import AllowList
from pipeline.core.batching import BatchPolicy
from pipeline.core.breaker import BreakerPolicy
from pipeline.core.events import Event, Stage
from pipeline.core.flow import Flow
from pipeline.core.policy import FlowPolicy
from pipeline.core.retry import Backoff, RetryPolicy
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.versions import decoder_versions
from pipeline.engines.base import Engine, EngineSettings, load
from pipeline.engines.known_answer import LINES, KnownPage, draw_known_page
from pipeline.engines.shapes import CROP_STEPS, PAGE_STEP, runs_for
from pipeline.ocr.preprocess import CONTEXT_COLUMNS, SQUEEZE, PageLimits
from pipeline.ocr.text.confidence import BIAS, ERRORS_WEIGHT, FLOOR_ERRORS, LENGTH_WEIGHT
from pipeline.runner import Broker, Runner, Workers
from pipeline.settings import Settings
from pipeline.stages.detect import page_part
from pipeline.stages.look import LEGIBLE_PX, MOST_PIXELS, WANTED_PX
from pipeline.telemetry.journey import Journeys
from pipeline.telemetry.memory import Memory
from pipeline.telemetry.readiness import Readiness
from pipeline.telemetry.tracing import tracer_provider
from pipeline.topics import Topics
from pipeline.workers.decoding import Decoders
from pipeline.workers.fetching import Fetcher, FetchLimits, Reads
from pipeline.workers.inbox import Inbox
from pipeline.workers.lanes import Lanes
from pipeline.workers.publishing import Publisher
from pipeline.workers.storing import Defaults, StorePlace, Storer, Writes
from schemas.ids import pipeline_fingerprint
from schemas.results import ModelStamp, Pipeline

if TYPE_CHECKING:  # both bring their client libraries along, which work without services has no use for
    from connectors.kafka_settings import KafkaSettings
    from connectors.store_settings import StoreSettings

VERSION = version("pagestream")

LARGEST_RECORD_BYTES = 1_000_000_000
"""The client's own limit, at its highest: it holds before compression, a topic's holds for what arrives. An event that
came in must go out again, so the topics decide (see topics.HEADROOM_BYTES)."""

FILL_S = 0.05
"""How long a run waits to be filled while all lanes are busy; a run costs the same however few items it has."""

ONE_BY_ONE = BatchPolicy(max_items=1, max_cost=1, max_wait_s=0.0)
"""A page, or a table, is work enough for a lane. The table network writes its answer piece by piece, so that tables of
one batch would wait for the longest of them."""

PUBLISH_INTERVAL_S = 0.1
"""Between two transactions: the share of the time in which the loop is busy publishing stays small."""

LOADING_AHEAD = 4
"""Documents fetched ahead of the decoders: the store's latency is hidden, the bytes held stay few."""


class Store(Reads, Writes, Protocol):
    """Where documents come from and results go."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker ready to run. `provider` is to be closed after it, so that the last spans leave."""

    runner: Runner
    provider: TracerProvider
    topics: Topics


def build_worker(
    settings: Settings,
    *,
    broker: Broker,
    store: Store,
    engines: Sequence[Engine],
    processors: Sequence[SpanProcessor] = (),
    watch: Callable[[Event], None] | None = None,
    clock: Clock | None = None,
    memory: Memory | None = None,
    readiness: Readiness | None = None,
) -> Worker:
    """Threads and decoder processes start at once or when first needed; the broker is joined by `Runner.run`."""
    clock = clock or steady_clock()
    telemetry = settings.telemetry
    provider = tracer_provider(
        telemetry.service, version=VERSION, endpoint=telemetry.otlp_endpoint, processors=processors
    )
    tracer = provider.get_tracer("pagestream", VERSION)
    topics = Topics.under(settings.kafka.topic_prefix, settings.flow.retry_delays_s)
    inbox, journeys = Inbox(), Journeys(tracer, group=settings.kafka.group)
    workers = Workers(
        fetcher=Fetcher(
            store,
            FetchLimits(settings.store.max_object_bytes, settings.store.fetch_deadline_s),
            threads=settings.store.threads,
            inbox=inbox,
            journeys=journeys,
            clock=clock,
        ),
        decoders=Decoders(
            settings.decode.children,
            decode_limits(settings),
            dpi=settings.decode.dpi,
            tables=settings.engine.tables,
            secrets=settings.decode.secrets_directory,
            page_part=lambda page: page_part(engines[0], page),
            inbox=inbox,
            journeys=journeys,
            clock=clock,
        ),
        lanes=Lanes(
            engines,
            known=known_page(settings),
            every_s=settings.engine.known_answer_every_s,
            inbox=inbox,
            journeys=journeys,
            clock=clock,
        ),
        storer=Storer(
            store,
            store_place(settings),
            by=pipeline_stamp(settings, engines),
            defaults=Defaults(dpi=settings.decode.dpi, tables=settings.engine.tables, correct=settings.engine.correct),
            threads=settings.store.threads,
            inbox=inbox,
            journeys=journeys,
            clock=clock,
        ),
        publisher=Publisher(
            broker, topics, source=settings.kafka.client_id, tracer=tracer, journeys=journeys, clock=clock
        ),
    )
    runner = Runner(
        Flow(flow_policy(settings, topics, lanes=len(engines))),
        broker,
        workers,
        topics=(topics.documents, *topics.retry.values()),
        inbox=inbox,
        journeys=journeys,
        readiness=readiness or Readiness(),
        memory=memory or Memory(clock),
        clock=clock,
        drain_s=settings.flow.drain_s,
        watch=watch,
    )
    return Worker(runner, provider, topics)


def load_engines(settings: Settings) -> list[Engine]:
    """One engine a lane. Raises Fatal when models or a provider are missing."""
    return load(settings.engine.name, engine_settings(settings), settings.engine.lanes)


def engine_settings(settings: Settings) -> EngineSettings:
    engine = settings.engine
    return EngineSettings(
        models=engine.models_directory,
        profile=engine.profile,
        device=engine.device,
        precision=engine.precision,
        page=PageLimits(side=engine.page_side),
        cache=engine.cache_directory,
    )


def flow_policy(settings: Settings, topics: Topics, *, lanes: int) -> FlowPolicy:
    flow, store = settings.flow, settings.store
    return FlowPolicy(
        allow=AllowList(store.input_buckets, store.prefixes, store.suffixes),
        batches=batch_policies(settings),
        retry=RetryPolicy(flow.retry_delays_s),
        environment=Backoff(first_s=0.5, longest_s=10.0, tries=flow.environment_tries),
        breaker=BreakerPolicy(flow.breaker_run, flow.breaker_ratio, flow.breaker_window),
        lanes=lanes,
        decoders=settings.decode.children,
        retry_topics=frozenset(topics.retry.values()),
        max_documents=flow.max_documents,
        max_loading=settings.decode.children + LOADING_AHEAD,
        max_page_bytes=flow.max_page_bytes,
        publish_interval_s=PUBLISH_INTERVAL_S,
        max_starts=flow.max_deaths,
        memory_ceiling=flow.memory_ceiling_mb * 2**20 if flow.memory_ceiling_mb is not None else None,
    )


def batch_policies(settings: Settings) -> dict[Stage, BatchPolicy]:
    """For an engine that takes item by item a batch is only a portion of work, small enough that lanes finish
    together: costs are pixels of a page, and padded columns of a crop. For one that runs full batches it is one run,
    and costs are parts of it.
    """
    engine = settings.engine
    if engine.name == "batched" or (engine.name == "onnx" and engine.device != "cpu"):
        runs = runs_for(PageLimits(side=engine.page_side))
        return {
            "detect": BatchPolicy(max_items=runs.pages, max_cost=runs.pages, max_wait_s=FILL_S),
            "recognise": BatchPolicy(max_items=runs.crops, max_cost=runs.crops, max_wait_s=FILL_S),
            "tables": ONE_BY_ONE,
        }
    return {
        "detect": ONE_BY_ONE,
        "recognise": BatchPolicy(max_items=8, max_cost=1_024, max_wait_s=0.05),
        "tables": ONE_BY_ONE,
    }


def decode_limits(settings: Settings) -> DecodeLimits:
    decode = settings.decode
    return DecodeLimits(
        max_pages=decode.max_pages,
        max_page_pixels=decode.max_page_pixels,
        max_document_pixels=decode.max_document_pixels,
        memory_bytes=decode.memory_bytes,
        cpu_seconds=decode.cpu_s,
        page_seconds=decode.page_deadline_s,
    )


def store_place(settings: Settings) -> StorePlace:
    store = settings.store
    return StorePlace(
        bucket=store.results_bucket,
        prefix=store.results_prefix,
        max_record_bytes=settings.kafka.max_page_record_bytes,
        deadline_s=store.put_deadline_s,
    )


def pipeline_stamp(settings: Settings, engines: Sequence[Engine]) -> Pipeline:
    """What goes into every result: version, models, and a fingerprint over all that changes what is read."""
    models = engines[0].models
    changing = {
        "version": VERSION,
        "engine": settings.engine.name,
        "page_side": settings.engine.page_side,
        "print": [LEGIBLE_PX, WANTED_PX, MOST_PIXELS],
        "lines": repr(SQUEEZE),
        "padding": [PAGE_STEP, CROP_STEPS, CONTEXT_COLUMNS],
        "calibration": [BIAS, ERRORS_WEIGHT, LENGTH_WEIGHT, FLOOR_ERRORS],
        "limits": [settings.decode.max_pages, settings.decode.max_page_pixels, settings.decode.max_document_pixels],
        "decoders": decoder_versions(),
        "words": version("pyspellchecker"),
        "numpy": version("numpy"),
    }
    stamps = [
        ModelStamp(name=m.name, sha256=m.sha256, runtime=m.runtime, device=m.device, precision=m.precision)
        for m in models
    ]
    return Pipeline(version=VERSION, fingerprint=pipeline_fingerprint(changing, models), models=tuple(stamps))


def kafka_settings(settings: Settings) -> KafkaSettings:
    from connectors.kafka_settings import KafkaSettings

    kafka = settings.kafka
    return KafkaSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        group=kafka.group,
        application=kafka.client_id,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.sasl_username,
        sasl_password_file=kafka.sasl_password_file,
        tls_ca_file=kafka.tls_ca_file,
        tls_certificate_file=kafka.tls_certificate_file,
        tls_key_file=kafka.tls_key_file,
        tls_key_password_file=kafka.tls_key_password_file,
        session_timeout_s=kafka.session_timeout_s,
        transaction_timeout_s=kafka.transaction_timeout_s,
        max_record_bytes=LARGEST_RECORD_BYTES,
        extra=kafka.extra,
    )


def store_settings(settings: Settings) -> StoreSettings:
    from connectors.store_settings import StoreSettings

    store = settings.store
    return StoreSettings(
        endpoint=store.endpoint,
        region=store.region,
        access_key_file=store.access_key_file,
        secret_key_file=store.secret_key_file,
        ca_file=store.ca_file,
        addressing=store.addressing,
    )


def known_page(settings: Settings) -> KnownPage:
    """The page an engine must be able to read."""
    if settings.engine.name == "fake":
        from pipeline.engines.fake import draw_page

        return KnownPage(draw_page(LINES))
    return draw_known_page()
