"""Field types that several messages share, with their units, ranges and rounding.

Rounding happens on construction, so that equal pages give equal bytes: confidence 4 decimals, relative boxes 6,
pixels 1. A negative zero becomes zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic import WithJsonSchema as JsonSchema

from schemas.problems import UnknownSchemaVersion

MAJOR = 1
SCHEMA_VERSION = "1.1"
"""The version that every message carries once it is read, and every message we write. 1.1 adds fields to 1.0 and
changes none: a message of 1.0 is read with those fields at their defaults."""

_VERSION = re.compile(r"([0-9]{1,4})(\.[0-9]{1,4}){0,2}")


class Message(BaseModel):
    """A frozen message. Unknown fields are ignored: a newer minor version may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _known_version(given: Any) -> str:
    """`SCHEMA_VERSION` for any spelling of major 1 ("1", "1.4", 1, 1.0). Raises UnknownSchemaVersion otherwise."""
    spelt = str(given) if isinstance(given, (str, int, float)) and not isinstance(given, bool) else ""
    found = _VERSION.fullmatch(spelt)
    if found is None:
        raise ValueError("not a version")
    if int(found[1]) != MAJOR:
        raise UnknownSchemaVersion
    return SCHEMA_VERSION


def _round4(value: float) -> float:
    return round(value, 4) + 0.0


def _round_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return round(x0, 6) + 0.0, round(y0, 6) + 0.0, round(x1, 6) + 0.0, round(y1, 6) + 0.0


def _round_polygon(polygon: Points) -> Points:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = polygon
    return (
        (round(ax, 1) + 0.0, round(ay, 1) + 0.0),
        (round(bx, 1) + 0.0, round(by, 1) + 0.0),
        (round(cx, 1) + 0.0, round(cy, 1) + 0.0),
        (round(dx, 1) + 0.0, round(dy, 1) + 0.0),
    )


def rfc3339(moment: datetime) -> str:
    """`moment` (aware) in UTC, always with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def relative_box(polygon: Sequence[Sequence[float]], *, width: int, height: int) -> tuple[float, float, float, float]:
    """The bounding box of pixel points, as shares of the page's width and height, clipped to the page."""
    xs = [min(max(point[0] / width, 0.0), 1.0) for point in polygon]
    ys = [min(max(point[1] / height, 0.0), 1.0) for point in polygon]
    return min(xs), min(ys), max(xs), max(ys)


Point = tuple[float, float]
Points = tuple[Point, Point, Point, Point]
Share = Annotated[float, Field(ge=0, le=1)]

SchemaVersion = Annotated[
    str,
    BeforeValidator(_known_version, json_schema_input_type=Annotated[str, Field(pattern=r"^1(\.[0-9]+)*$")] | float),
    JsonSchema({"type": "string", "pattern": r"^1\.[0-9]+$"}, mode="serialization"),
]
"""JSON Schemas of what we write allow every minor version: who validates against them can take later ones."""

Confidence = Annotated[Share, AfterValidator(_round4)]
RoundedShare = Annotated[Share, AfterValidator(_round4)]
Seconds = Annotated[float, Field(ge=0), AfterValidator(_round4)]
Polygon = Annotated[Points, AfterValidator(_round_polygon)]
Box = Annotated[tuple[Share, Share, Share, Share], AfterValidator(_round_box)]
Rotation = Literal[0, 90, 180, 270]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
TraceId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=0)]
PageNumber = Annotated[int, Field(ge=1)]
UtcTime = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str),
    JsonSchema({"type": "string", "format": "date-time"}),
]
