"""What an engine is: loaded models on one device, arrays in; text, boxes and structure out.

An engine lives on the thread of its lane and is used only there (PaddleOCR's and Paddle's own objects are not
thread-safe). Engines know nothing of documents, topics or batching policy.

Rule: what an engine answers for one item depends on that item alone, never on what shares its batch. The padded size
of an item is therefore a function of the item (`page_bucket`, `crop_bucket`), and a batch never mixes buckets.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Fatal
from pipeline.ocr.geometry import Image as Image
from pipeline.ocr.geometry import Polygons as Polygons
from pipeline.ocr.geometry import no_polygons
from pipeline.ocr.layout import Region
from pipeline.ocr.orientation import Turn
from pipeline.ocr.preprocess import PageLimits
from pipeline.ocr.tables.structure import Structure
from pipeline.ocr.text.reading import Reading as Reading

Device = Literal["cpu", "cuda", "tensorrt"]
Precision = Literal["f32", "f16"]

ENGINES = {
    "onnx": "pipeline.engines.onnx",
    "batched": "pipeline.engines.onnx_batched",
    "paddleocr": "pipeline.engines.paddle",
    "fake": "pipeline.engines.fake",
}
"""Engine name -> module with `load(settings, lanes)`. Imported only when asked for: a runtime is a heavy import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What an engine is loaded with. Everything but `threads`, `device_id` and `cache` changes what it answers.

    `models` is the directory that holds the profiles; `threads` are for one lane on the CPU; `cache` is where built
    TensorRT engines are kept.
    """

    models: Path
    profile: str = "small"
    device: Device = "cpu"
    precision: Precision = "f32"
    threads: int = 1
    device_id: int = 0
    page: PageLimits = field(default_factory=PageLimits)
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Which model ran, and on what: goes into every result and into the pipeline fingerprint."""

    name: str
    sha256: str
    runtime: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """The shape class of an item and what it costs once padded (in any unit that adds up within one stage)."""

    key: Hashable
    cost: int


@dataclass(frozen=True, slots=True)
class Regions:
    """Text regions found on one page. `scores` is (n,) float32, 0 to 1, the detector's own."""

    polygons: Polygons
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TableCrop:
    """A table cut out of its upright page with room around it, where its text lies in the image (x0, y0, x1, y1), and
    where each line of it does, for who wants to hold an answer against them.

    The engine cuts closer by itself, leaving up to 0.02 of the text's longer side around it, and white where the image
    has no more.
    """

    image: Image
    text_box: tuple[float, float, float, float]
    lines: Polygons = field(default_factory=no_polygons)


class Engine(Protocol):
    """Contract: what takes several items answers with the same length and order as it was asked.

    `page_share`: detector pixels a page pixel that a page is usually shown with. `detect` takes other shares, one a
    page, and shows a page that is then too large in tiles (`pipeline.ocr.tiles`). Layout is asked of upright pages.
    `read_structure` gives one answer or several to choose from, the network's first choice first; their boxes lie
    in the crop's image.
    """

    @property
    def models(self) -> tuple[ModelStamp, ...]: ...

    def page_bucket(self, height: int, width: int) -> Bucket: ...

    def crop_bucket(self, height: int, width: int) -> Bucket: ...

    def page_share(self, height: int, width: int) -> float: ...

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]: ...

    def recognise(self, crops: Sequence[Image]) -> list[Reading]: ...

    def table_bucket(self, height: int, width: int) -> Bucket: ...

    def orient(self, pages: Sequence[Image]) -> list[Turn]: ...

    def lay_out(self, pages: Sequence[Image]) -> list[tuple[Region, ...]]: ...

    def read_structure(self, crops: Sequence[TableCrop]) -> list[tuple[Structure, ...]]: ...

    def close(self) -> None: ...


class EngineModule(Protocol):
    """What each module of `ENGINES` offers."""

    def load(self, settings: EngineSettings, lanes: int) -> list[Engine]: ...


def load(name: str, settings: EngineSettings, lanes: int = 1) -> list[Engine]:
    """One engine for each lane, ready to run. Downloads nothing.

    Raises Fatal: `engine_unavailable` (runtime or device missing), `models_missing`, `models_damaged`.
    """
    if name not in ENGINES:
        raise Fatal(f"Unknown engine; choose one of {', '.join(ENGINES)}.", code="engine_unavailable", stage="engine")
    if lanes < 1:
        raise Fatal("An engine needs at least one lane.", code="engine_unavailable", stage="engine")
    return cast(EngineModule, import_module(ENGINES[name])).load(settings, lanes)
