"""Where spans go, and how a trace crosses a topic.

Without a collector address nothing is exported. With one that does not answer, spans are dropped after a bounded time:
no document waits for its trace.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, TraceState, set_span_in_context

from connectors.headers import TraceContext, read_trace, write_trace
from schemas.record import Headers

EXPORT_TIMEOUT_S = 5
FLUSH_TIMEOUT_MS = 6_000
QUEUE_SPANS = 8_192


def tracer_provider(
    service: str, *, version: str, endpoint: str | None, processors: Sequence[SpanProcessor] = ()
) -> TracerProvider:
    """`endpoint` is a collector's OTLP/HTTP base address, such as http://127.0.0.1:4318; None exports nothing."""
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
    for processor in processors:
        provider.add_span_processor(processor)
    if endpoint:
        # Imported when asked for: protobuf and an HTTP client are a third of a second that a local run can do without.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S)
        provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE_SPANS))
    return provider


def close(provider: TracerProvider) -> None:
    """Give the last spans a bounded chance to leave."""
    provider.force_flush(FLUSH_TIMEOUT_MS)
    provider.shutdown()


def context_of(headers: Headers) -> Context | None:
    """The context a record carries, to be the parent of what is done for it; None where it carries none."""
    carried = read_trace(headers)
    if carried is None:
        return None
    span = SpanContext(
        trace_id=int(carried.trace_id, 16),
        span_id=int(carried.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(carried.flags & 1),
        trace_state=TraceState.from_header([carried.tracestate]) if carried.tracestate else None,
    )
    return set_span_in_context(NonRecordingSpan(span), Context())


def carry(headers: Headers, span: Span) -> Headers:
    """The headers with this span's context in place of any other."""
    return write_trace(headers, _travelling(span))


def carry_on(headers: Headers, span: Span) -> Headers:
    """The headers of a record that is passed on as it came: its own context stays; without one it gets this span's."""
    return headers if read_trace(headers) is not None else carry(headers, span)


def trace_id(span: Span) -> str:
    return f"{span.get_span_context().trace_id:032x}"


def _travelling(span: Span) -> TraceContext:
    context = span.get_span_context()
    return TraceContext(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        flags=int(context.trace_flags),
        tracestate=context.trace_state.to_header(),
    )
