"""Which trace does a record belong to: W3C trace context (level 2) in Kafka headers.

Strict: what does not follow the grammar is dropped, never repaired. A dropped `traceparent` drops its `tracestate`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.record import Headers

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
MAX_TRACESTATE_CHARS: Final = 512
MAX_TRACESTATE_MEMBERS: Final = 32

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_KEY = r"[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}|[a-z0-9][a-z0-9_\-*/]{0,255}"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(f"({_KEY})=({_VALUE})")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span's identity as it travels. Ids are lower-case hex; `flags` is the trace-flags octet."""

    trace_id: str
    span_id: str
    flags: int = 1
    tracestate: str = ""

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


def read_trace(headers: Headers) -> TraceContext | None:
    """The context in these headers, or None where there is none, more than one, or one that is not valid."""
    parents = [value for name, value in headers if name == TRACEPARENT]
    if len(parents) != 1:
        return None
    match = _PARENT.fullmatch(parents[0].decode("ascii", "replace"))
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or set(trace_id) == {"0"} or set(span_id) == {"0"}:
        return None
    states = [value.decode("ascii", "replace") for name, value in headers if name == TRACESTATE]
    return TraceContext(trace_id, span_id, int(flags, 16), valid_tracestate(",".join(states)))


def write_trace(headers: Headers, context: TraceContext) -> Headers:
    """The same headers with this context in place of any other."""
    kept = tuple(header for header in headers if header[0] not in (TRACEPARENT, TRACESTATE))
    written: Headers = ((TRACEPARENT, context.traceparent.encode()),)
    state = valid_tracestate(context.tracestate)
    if state:
        written += ((TRACESTATE, state.encode()),)
    return kept + written


def valid_tracestate(text: str) -> str:
    """The leading members that fit 32 members and 512 characters; nothing of a list with a member that is not valid."""
    members = [member.strip(" \t") for member in text.split(",")]
    members = [member for member in members if member]
    matches = [_MEMBER.fullmatch(member) for member in members]
    keys = {match.group(1) for match in matches if match}
    if len(keys) != len(members):
        return ""
    kept: list[str] = []
    length = 0
    for member in members[:MAX_TRACESTATE_MEMBERS]:
        length += len(member) + (1 if kept else 0)
        if length > MAX_TRACESTATE_CHARS:
            break
        kept.append(member)
    return ",".join(kept)
